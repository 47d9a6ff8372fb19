/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/load_sip.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "tests/e2e/load_daemon.h"

/* FNV-1a, 64 bits. */
static uint64_t
checksum(const char *text, size_t len)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static void __attribute__((format(printf, 3, 4)))
put(char *out, size_t *len, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out + *len, LOAD_SIP_MAX - *len, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= LOAD_SIP_MAX - *len)
		load_fail("a message is longer than %d bytes", LOAD_SIP_MAX);
	*len += (size_t)n;
}

size_t
load_sip_register(char *out, uint32_t user, uint32_t cseq, uint32_t expires)
{
	size_t len = 0;

	put(out, &len,
	    "REGISTER sip:load.test SIP/2.0\r\nVia: SIP/2.0/WS c%u.invalid;branch=z9hG4bKr%u.%u\r\n"
	    "Max-Forwards: 70\r\nTo: <sip:u%u@load.test>\r\nFrom: <sip:u%u@load.test>;tag=r%u\r\n"
	    "Call-ID: %u@register\r\nCSeq: %u REGISTER\r\n"
	    "Contact: <sip:u%u@c%u.invalid;transport=ws>;expires=%u\r\n"
	    "Content-Length: 0\r\n\r\n",
	    user, user, cseq, user, user, user, user, cseq, user, user, expires);
	return len;
}

size_t
load_sip_message(char *out, uint32_t from, uint32_t to, uint32_t serial, uint32_t padding)
{
	char body[LOAD_SIP_MAX];
	size_t body_len = 0, len = 0;

	put(body, &body_len, "from=%u to=%u serial=%u ", from, to, serial);
	for (uint32_t i = 0; i < padding && body_len < LOAD_SIP_MAX - 64; i++)
		body[body_len++] = (char)('a' + (serial + i) % 26);
	put(body, &body_len, " %016" PRIx64, checksum(body, body_len));
	put(out, &len,
	    "MESSAGE sip:u%u@load.test SIP/2.0\r\nVia: SIP/2.0/WS c%u.invalid;branch=z9hG4bKm%u\r\n"
	    "Max-Forwards: 70\r\nTo: <sip:u%u@load.test>\r\nFrom: <sip:u%u@load.test>;tag=f%u\r\n"
	    "Call-ID: %u@message\r\nCSeq: 7 MESSAGE\r\nContent-Type: text/plain\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    to, from, serial, to, from, from, serial, body_len, body);
	return len;
}

size_t
load_sip_ok(char *out, const struct load_sip *request, uint32_t user)
{
	size_t len = 0;

	put(out, &len, "SIP/2.0 200 OK\r\n");
	for (int i = 0; i < request->vias_len; i++)
		put(out, &len, "Via: %s\r\n", request->vias[i]);
	put(out, &len,
	    "To: %s;tag=t%u\r\nFrom: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n",
	    request->to, user, request->from, request->call_id, request->cseq);
	return len;
}

static void
take_field(struct load_sip *sip, char *line)
{
	char *value = strchr(line, ':');

	if (!value)
		load_fail("a line without a colon: %s", line);
	*value++ = '\0';
	value += strspn(value, " ");
	if (strcasecmp(line, "Via") == 0) {
		if (sip->vias_len == LOAD_SIP_VIAS_MAX)
			load_fail("more than %d Via", LOAD_SIP_VIAS_MAX);
		sip->vias[sip->vias_len++] = value;
	} else if (strcasecmp(line, "From") == 0) {
		sip->from = value;
	} else if (strcasecmp(line, "To") == 0) {
		sip->to = value;
	} else if (strcasecmp(line, "Call-ID") == 0) {
		sip->call_id = value;
	} else if (strcasecmp(line, "CSeq") == 0) {
		sip->cseq = value;
	} else if (strcasecmp(line, "Max-Forwards") == 0) {
		sip->max_forwards = value;
	} else if (strcasecmp(line, "Content-Length") == 0) {
		if (strtoul(value, NULL, 10) != sip->body_len)
			load_fail("Content-Length %s, but the body has %zu bytes", value,
				  sip->body_len);
	}
}

void
load_sip_parse(struct load_sip *sip, char *text, size_t len)
{
	char *line = text, *end;

	memset(sip, 0, sizeof(*sip));
	text[len] = '\0';
	sip->body = strstr(text, "\r\n\r\n");
	if (!sip->body || strlen(text) != len)
		load_fail("not a SIP message of %zu bytes: %.200s", len, text);
	sip->body[2] = '\0'; /* of the empty line */
	sip->body += 4;
	sip->body_len = len - (size_t)(sip->body - text);
	for (end = strstr(line, "\r\n"); end; line = end + 2, end = strstr(line, "\r\n")) {
		*end = '\0';
		if (line != text) {
			take_field(sip, line);
		} else if (strncmp(line, "SIP/2.0 ", 8) == 0) {
			sip->status = (int)strtol(line + 8, NULL, 10);
		} else {
			sip->uri = strchr(line, ' ');
			if (strncmp(line, "MESSAGE ", 8) != 0)
				load_fail("unexpected request: %s", line);
			sip->uri++;
		}
	}
	if (!sip->vias_len || !sip->from || !sip->to || !sip->call_id || !sip->cseq)
		load_fail("a message without one of Via, From, To, Call-ID, CSeq");
	sip->is_register = sip->status && strstr(sip->cseq, " REGISTER");
	sip->serial = strtoull(sip->call_id, NULL, 10);
}

static void __attribute__((format(printf, 4, 5)))
expect(const struct load_sip *sip, const char *what, const char *got, const char *format, ...)
{
	char wanted[512];
	va_list args;

	va_start(args, format);
	vsnprintf(wanted, sizeof(wanted), format, args);
	va_end(args);
	if (!got || strcmp(got, wanted) != 0)
		load_fail("serial %" PRIu64 ": %s is '%s' instead of '%s'", sip->serial, what,
			  got ? got : "(none)", wanted);
}

/* The last Via is the sender's, with or without parameters of the proxy after its own. */
static void
check_sender_via(const struct load_sip *sip, uint32_t from, int vias)
{
	const char *via = sip->vias[sip->vias_len - 1];
	char wanted[128];
	size_t len;

	snprintf(wanted, sizeof(wanted), "SIP/2.0/WS c%u.invalid;branch=z9hG4bKm%" PRIu64, from,
		 sip->serial);
	len = strlen(wanted);
	if (sip->vias_len != vias || strncmp(via, wanted, len) != 0 ||
	    (via[len] != '\0' && via[len] != ';'))
		load_fail("serial %" PRIu64 ": %d Via, the last '%s' instead of %d, '%s'",
			  sip->serial, sip->vias_len, via, vias, wanted);
}

void
load_sip_check_message(const struct load_sip *sip, uint32_t from, uint32_t to)
{
	char body[LOAD_SIP_MAX];
	size_t len = 0, summed;

	check_sender_via(sip, from, 2);
	expect(sip, "Request-URI", sip->uri, "sip:u%u@c%u.invalid;transport=ws SIP/2.0", to, to);
	expect(sip, "From", sip->from, "<sip:u%u@load.test>;tag=f%u", from, from);
	expect(sip, "To", sip->to, "<sip:u%u@load.test>", to);
	expect(sip, "Call-ID", sip->call_id, "%" PRIu64 "@message", sip->serial);
	expect(sip, "CSeq", sip->cseq, "7 MESSAGE");
	expect(sip, "Max-Forwards", sip->max_forwards, "69");
	put(body, &len, "from=%u to=%u serial=%" PRIu64 " ", from, to, sip->serial);
	if (sip->body_len < len + 17 || memcmp(sip->body, body, len) != 0)
		load_fail("serial %" PRIu64 ": body '%.100s' instead of '%s...'", sip->serial,
			  sip->body, body);
	summed = sip->body_len - 17;
	len = 0;
	put(body, &len, " %016" PRIx64, checksum(sip->body, summed));
	if (memcmp(sip->body + summed, body, len) != 0)
		load_fail("serial %" PRIu64 ": checksum '%s' instead of '%s'", sip->serial,
			  sip->body + summed, body);
}

void
load_sip_check_response(const struct load_sip *sip, uint32_t from, uint32_t to)
{
	check_sender_via(sip, from, 1);
	expect(sip, "From", sip->from, "<sip:u%u@load.test>;tag=f%u", from, from);
	expect(sip, "To", sip->to, "<sip:u%u@load.test>;tag=t%u", to, to);
	expect(sip, "Call-ID", sip->call_id, "%" PRIu64 "@message", sip->serial);
	expect(sip, "CSeq", sip->cseq, "7 MESSAGE");
}
