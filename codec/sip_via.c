/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_via.h"

#include <assert.h>
#include <string.h>
#include "codec/sip_host.h"
#include "codec/sip_param.h"
#include "codec/sip_scan.h"

static const char *
over_token(const struct sip_msg *m, const char *p, const char *end, struct span *out)
{
	const char *begin = p;

	p = sip_scan_while(m, p, end, SCAN_TOKEN);
	*out = span_of(begin, (size_t)(p - begin));
	return p == begin ? NULL : p;
}

/* SLASH = SWS "/" SWS */
static const char *
over_slash(const char *p, const char *end)
{
	p = scan_over_lws(p, end);
	return p < end && *p == '/' ? scan_over_lws(p + 1, end) : NULL;
}

/* protocol-name SLASH protocol-version SLASH transport LWS */
static const char *
over_protocol(const struct sip_msg *m, const char *p, const char *end, struct sip_via *out)
{
	const char *stop;

	if (end - p > 8 && memcmp(p, "SIP/2.0/", 8) == 0 && scan_is(p[8], SCAN_TOKEN)) {
		out->protocol = span_of(p, 3);
		out->version = span_of(p + 4, 3);
		p += 8;
	} else {
		p = over_token(m, p, end, &out->protocol);
		p = p ? over_slash(p, end) : NULL;
		p = p ? over_token(m, p, end, &out->version) : NULL;
		p = p ? over_slash(p, end) : NULL;
	}
	stop = p ? over_token(m, p, end, &out->transport) : NULL;
	if (!stop)
		return NULL;
	p = scan_over_lws(stop, end);
	return p > stop ? p : NULL;
}

/* host [ COLON port ], with white space around the colon if need be. */
static const char *
over_sent_by(const struct sip_msg *m, const char *begin, const char *end, struct sip_via *out)
{
	const char *p = sip_host_over(m, begin, end), *stop;

	if (!p)
		return NULL;
	out->host = span_of(begin, (size_t)(p - begin));
	stop = scan_over_lws(p, end);
	if (stop < end && *stop == ':') {
		p = sip_host_over_port(scan_over_lws(stop + 1, end), end, &out->port);
		if (!p)
			return NULL;
		stop = scan_over_lws(p, end);
	}
	out->sent_by = span_of(begin, (size_t)(p - begin));
	return stop;
}

/*
 * The parameters that responses are routed by. Twice the same one is refused:
 * whoever reads the other one sends the response elsewhere. A branch or rport
 * that is no token would be another parameter by the letter of the grammar; it is a fault.
 */
static bool
note_param(struct sip_via *out, enum sip_param_kind kind, struct span name, struct span value)
{
	uint16_t port;

	if (SPAN_IS_NOCASE(name, "branch")) {
		if (out->branch.len || kind != SIP_PARAM_TOKEN)
			return false;
		out->branch = value;
	} else if (SPAN_IS_NOCASE(name, "received")) {
		if (out->received.len || (kind != SIP_PARAM_TOKEN && kind != SIP_PARAM_IPV6))
			return false;
		out->received = value;
	} else if (SPAN_IS_NOCASE(name, "rport")) {
		const char *end = span_end(value);

		if (out->has_rport ||
		    (kind != SIP_PARAM_FLAG && sip_host_over_port(value.at, end, &port) != end))
			return false;
		out->has_rport = true;
		out->rport = value;
	}
	return true;
}

static bool
parse_params(const struct sip_msg *m, struct span rest, struct sip_via *out)
{
	struct span name, value;

	out->params = rest;
	do {
		enum sip_param_kind kind = sip_param_read(m, &rest, &name, &value);

		if (kind == SIP_PARAM_BAD || !note_param(out, kind, name, value))
			return false;
	} while (rest.len);
	return true;
}

enum sip_error
sip_via_read(const struct sip_msg *m, struct span text, struct sip_via *out)
{
	const char *p, *end;

	/* the rest is filled or read by nobody after a fault; see sip_uri_read() for why so */
	out->params = out->branch = out->received = out->rport = (struct span){ NULL, 0 };
	out->port = 0;
	out->has_rport = false;
	text = span_trim(text);
	end = span_end(text);
	p = over_protocol(m, text.at, end, out);
	p = p ? over_sent_by(m, p, end, out) : NULL;
	if (!p)
		return SIP_ERROR_VIA;
	if (p == end)
		return SIP_OK;
	if (*p != ';' || !parse_params(m, span_of(p + 1, (size_t)(end - (p + 1))), out))
		return SIP_ERROR_VIA;
	return SIP_OK;
}

enum sip_error
sip_via_parse(struct span text, struct sip_via *out)
{
	return sip_via_read(NULL, text, out);
}

bool
sip_via_branch_is_rfc3261(struct span branch)
{
	const struct span cookie = SPAN(SIP_VIA_COOKIE);

	/* Parameter values are the same in any case (§7.3.1), and the cookie is one. */
	return branch.len > cookie.len &&
	       (memcmp(branch.at, SIP_VIA_COOKIE, SIP_VIA_COOKIE_LEN) == 0 ||
		span_equal_nocase(span_of(branch.at, cookie.len), cookie));
}
