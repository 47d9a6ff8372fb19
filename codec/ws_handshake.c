/* SPDX-License-Identifier: Apache-2.0 */
/* SHA1() looks the algorithm up by its name each time: 4,500 instructions of an opening. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/ws_handshake.h"
#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include "codec/http_uri.h"
#include "codec/ws_extension.h"
#include "codec/ws_handshake_line.h"

#define HANDSHAKE_KEY_LEN 24 /* base64 of 16 bytes */
#define HANDSHAKE_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* §1.3 */

static const struct {
	int status;
	const char *words;
} handshake_errors[WS_HANDSHAKE_ERROR_COUNT] = {
#define WS_HANDSHAKE_ERROR(symbol, status, words, duty) [WS_HANDSHAKE_##symbol] = { status, words },
#include "codec/ws_handshake_error.def"
#undef WS_HANDSHAKE_ERROR
};

/* What has been read of a head beside what goes into struct ws_handshake. */
struct handshake_scan {
	const struct ws_handshake_policy *policy;
	struct ws_handshake *out;
	bool host, upgrade, connection, version, length;
	bool protocols_sent, protocols_named; /* the header; a member in it */
	bool extensions_sent, extensions_named;
};

static enum ws_handshake_error
handshake_take_host(struct handshake_scan *scan, struct span value)
{
	if (scan->host)
		return WS_HANDSHAKE_HOST_TWICE;
	scan->host = true;
	if (!http_uri_authority_valid(value))
		return WS_HANDSHAKE_HOST_SYNTAX;
	if (scan->out->host.len == 0)
		scan->out->host = value;
	return WS_HANDSHAKE_OK;
}

static enum ws_handshake_error
handshake_take_upgrade(struct handshake_scan *scan, struct span value)
{
	return http_field_list_has(value, SPAN("websocket"), true, &scan->upgrade)
		       ? WS_HANDSHAKE_OK
		       : WS_HANDSHAKE_FIELD_SYNTAX;
}

static enum ws_handshake_error
handshake_take_connection(struct handshake_scan *scan, struct span value)
{
	return http_field_list_has(value, SPAN("upgrade"), false, &scan->connection)
		       ? WS_HANDSHAKE_OK
		       : WS_HANDSHAKE_FIELD_SYNTAX;
}

static bool
handshake_is_base64_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '/';
}

/*
 * §4.2.1(5) and the grammar of §4.3. The last character before the padding may have bits set that
 * no byte uses: the grammar allows it, and the value still decodes to 16 bytes.
 */
static bool
handshake_is_key(struct span value)
{
	if (value.len != HANDSHAKE_KEY_LEN)
		return false;
	for (size_t i = 0; i < HANDSHAKE_KEY_LEN - 2; i++)
		if (!handshake_is_base64_char(value.at[i]))
			return false;
	return value.at[HANDSHAKE_KEY_LEN - 2] == '=' && value.at[HANDSHAKE_KEY_LEN - 1] == '=';
}

static enum ws_handshake_error
handshake_take_key(struct handshake_scan *scan, struct span value)
{
	if (scan->out->key.len)
		return WS_HANDSHAKE_KEY_TWICE;
	scan->out->key = value;
	return handshake_is_key(value) ? WS_HANDSHAKE_OK : WS_HANDSHAKE_KEY_SYNTAX;
}

static enum ws_handshake_error
handshake_take_version(struct handshake_scan *scan, struct span value)
{
	if (scan->version)
		return WS_HANDSHAKE_VERSION_TWICE;
	scan->version = true;
	return span_equal(value, SPAN("13")) ? WS_HANDSHAKE_OK : WS_HANDSHAKE_VERSION;
}

/*
 * The list may be in several headers (§11.3.4). Names are compared exactly: the client will
 * compare what it gets with what it offered. §4.1(10): no name twice; here only the one that is
 * agreed on must be unique, for which no list has to be kept.
 */
static enum ws_handshake_error
handshake_take_protocol(struct handshake_scan *scan, struct span value)
{
	struct span wanted = scan->policy->protocol, member;

	scan->protocols_sent = true;
	while (http_field_list_next(&value, &member)) {
		if (!http_field_is_token(member))
			return WS_HANDSHAKE_PROTOCOL_SYNTAX;
		scan->protocols_named = true;
		if (scan->out->protocol.len) {
			if (span_equal(member, scan->out->protocol))
				return WS_HANDSHAKE_PROTOCOL_SYNTAX;
		} else if (wanted.len == 0 || span_equal(member, wanted)) {
			scan->out->protocol = member;
		}
	}
	return WS_HANDSHAKE_OK;
}

static enum ws_handshake_error
handshake_take_extensions(struct handshake_scan *scan, struct span value)
{
	int count = ws_extension_count(value);

	if (count < 0)
		return WS_HANDSHAKE_EXTENSION_SYNTAX;
	if (!scan->extensions_sent)
		scan->out->extensions = value;
	scan->extensions_sent = true;
	scan->extensions_named |= count > 0;
	return WS_HANDSHAKE_OK;
}

/* Not compared with its grammar: clients that are no browsers send what they like (OpenSIPS
 * an IP:port), and whoever cares compares it with a list. */
static enum ws_handshake_error
handshake_take_origin(struct handshake_scan *scan, struct span value)
{
	if (scan->out->has_origin)
		return WS_HANDSHAKE_ORIGIN_TWICE;
	scan->out->has_origin = true;
	scan->out->origin = value;
	return WS_HANDSHAKE_OK;
}

/*
 * A body would be read as frames; nothing but "no body" will do. Said once: RFC 9110 §8.6 lets a
 * recipient refuse the same number twice, be it in one field ("0, 0") or in two.
 */
static enum ws_handshake_error
handshake_take_content_length(struct handshake_scan *scan, struct span value)
{
	bool zero = true;

	if (scan->length)
		return WS_HANDSHAKE_LENGTH_TWICE;
	scan->length = true;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return WS_HANDSHAKE_FIELD_SYNTAX;
		zero &= value.at[i] == '0';
	}
	if (value.len == 0)
		return WS_HANDSHAKE_FIELD_SYNTAX;
	return zero ? WS_HANDSHAKE_OK : WS_HANDSHAKE_BODY;
}

static enum ws_handshake_error
handshake_take_transfer_encoding(struct handshake_scan *scan, struct span value)
{
	(void)scan, (void)value;
	return WS_HANDSHAKE_BODY;
}

#define HANDSHAKE_FIELD(name, take) { { name, sizeof(name) - 1 }, take }

static const struct {
	struct span name;
	enum ws_handshake_error (*take)(struct handshake_scan *scan, struct span value);
} handshake_fields[] = {
	HANDSHAKE_FIELD("Host", handshake_take_host),
	HANDSHAKE_FIELD("Upgrade", handshake_take_upgrade),
	HANDSHAKE_FIELD("Connection", handshake_take_connection),
	HANDSHAKE_FIELD("Sec-WebSocket-Key", handshake_take_key),
	HANDSHAKE_FIELD("Sec-WebSocket-Version", handshake_take_version),
	HANDSHAKE_FIELD("Sec-WebSocket-Protocol", handshake_take_protocol),
	HANDSHAKE_FIELD("Sec-WebSocket-Extensions", handshake_take_extensions),
	HANDSHAKE_FIELD("Origin", handshake_take_origin),
	HANDSHAKE_FIELD("Content-Length", handshake_take_content_length),
	HANDSHAKE_FIELD("Transfer-Encoding", handshake_take_transfer_encoding),
};

static enum ws_handshake_error
handshake_take(struct handshake_scan *scan, const struct http_field *field)
{
	struct ws_handshake *out = scan->out;

	if (out->fields_len == WS_HANDSHAKE_FIELDS_MAX)
		return WS_HANDSHAKE_FIELDS_TOO_MANY;
	out->fields[out->fields_len++] = *field;
	for (size_t i = 0; i < sizeof(handshake_fields) / sizeof(handshake_fields[0]); i++)
		if (span_equal_nocase(field->name, handshake_fields[i].name))
			return handshake_fields[i].take(scan, field->value);
	return WS_HANDSHAKE_OK;
}

/* What only the end of the head shows. */
static enum ws_handshake_error
handshake_judge(const struct handshake_scan *scan)
{
	const struct ws_handshake_policy *policy = scan->policy;

	if (!scan->host)
		return WS_HANDSHAKE_HOST_MISSING;
	if (!scan->upgrade)
		return WS_HANDSHAKE_UPGRADE_MISSING;
	if (!scan->connection)
		return WS_HANDSHAKE_CONNECTION_MISSING;
	if (scan->out->key.len == 0)
		return WS_HANDSHAKE_KEY_MISSING;
	if (!scan->version)
		return WS_HANDSHAKE_VERSION_MISSING;
	if (scan->protocols_sent && !scan->protocols_named) /* 1#token: §4.3 */
		return WS_HANDSHAKE_PROTOCOL_SYNTAX;
	if (policy->protocol_required && scan->out->protocol.len == 0)
		return WS_HANDSHAKE_PROTOCOL_MISSING;
	if (scan->extensions_sent && !scan->extensions_named)
		return WS_HANDSHAKE_EXTENSION_SYNTAX;
	if (policy->require_origin && scan->out->origin.len == 0)
		return WS_HANDSHAKE_ORIGIN_MISSING;
	return WS_HANDSHAKE_OK;
}

/* Read a head from the start, in not more than the bytes a head may have. */
static int
handshake_read(struct span in, struct handshake_scan *scan)
{
	int n = ws_handshake_line_read(in.at, in.len, scan->policy, scan->out);
	enum ws_handshake_error error = WS_HANDSHAKE_OK;
	enum http_line line = HTTP_LINE_FIELD;
	struct http_field field;
	struct span rest;

	if (n <= 0)
		return n;
	rest = span_of(in.at + n, in.len - (size_t)n);
	while (error == WS_HANDSHAKE_OK && line == HTTP_LINE_FIELD) {
		line = http_field_read(&rest, &field);
		if (line == HTTP_LINE_FIELD)
			error = handshake_take(scan, &field);
		else if (line == HTTP_LINE_END)
			error = handshake_judge(scan);
		else if (line == HTTP_LINE_MALFORMED)
			error = WS_HANDSHAKE_FIELD_SYNTAX;
	}
	if (error)
		return -(int)error;
	return line == HTTP_LINE_END ? (int)(in.len - rest.len) : 0;
}

int
ws_handshake_parse(const char *in, size_t len, size_t seen,
		   const struct ws_handshake_policy *policy, struct ws_handshake *out)
{
	size_t line_max = ws_handshake_line_max(policy);
	bool over = len >= policy->header_bytes;
	struct handshake_scan scan = { .policy = policy, .out = out };
	int n;

	assert(seen <= len && policy->header_bytes <= INT_MAX);
	if (!over && !(seen <= line_max && len > line_max) && !http_field_news(in, len, seen))
		return 0;
	memset(out, 0, offsetof(struct ws_handshake, fields));
	n = handshake_read(span_of(in, over ? policy->header_bytes : len), &scan);
	return n == 0 && over ? -WS_HANDSHAKE_HEAD_TOO_LONG : n;
}

int
ws_handshake_status(enum ws_handshake_error error)
{
	assert(error > WS_HANDSHAKE_OK && error < WS_HANDSHAKE_ERROR_COUNT);
	return handshake_errors[error].status;
}

const char *
ws_handshake_words(enum ws_handshake_error error)
{
	assert(error > WS_HANDSHAKE_OK && error < WS_HANDSHAKE_ERROR_COUNT);
	return handshake_errors[error].words;
}

void
ws_handshake_accept_value(struct span key, char out[WS_ACCEPT_LEN])
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	unsigned char text[WS_ACCEPT_LEN + 1]; /* EVP_EncodeBlock() ends it with NUL */
	SHA_CTX sha1;
	int n;

	assert(key.len == HANDSHAKE_KEY_LEN);
	SHA1_Init(&sha1);
	SHA1_Update(&sha1, key.at, key.len);
	SHA1_Update(&sha1, HANDSHAKE_GUID, sizeof(HANDSHAKE_GUID) - 1);
	SHA1_Final(digest, &sha1);
	n = EVP_EncodeBlock(text, digest, sizeof(digest));
	assert(n == WS_ACCEPT_LEN);
	memcpy(out, text, WS_ACCEPT_LEN);
}
