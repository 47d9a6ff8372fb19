/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_addr.h"

#include <string.h>
#include "codec/sip_param.h"
#include "codec/sip_scan.h"

/* p is behind the address: nothing, or ";" and parameters to the end. */
static bool
parse_params(const struct sip_msg *m, const char *p, const char *end, struct sip_addr *out)
{
	struct span rest, name, value;

	p = scan_over_lws(p, end);
	if (p == end)
		return true;
	if (*p != ';')
		return false;
	out->params = rest = span_of(p + 1, (size_t)(end - (p + 1)));
	do {
		if (!sip_param_read(m, &rest, &name, &value))
			return false;
		if (!out->has_tag && SPAN_IS_NOCASE(name, "tag")) {
			out->has_tag = true;
			out->tag = value;
		}
	} while (rest.len);
	return true;
}

/* p is at the "<". */
static bool
parse_bracketed(const struct sip_msg *m, const char *p, const char *end, struct sip_addr *out)
{
	const char *close = memchr(p, '>', (size_t)(end - p));

	if (!close)
		return false;
	out->bracketed = true;
	out->uri_text = span_of(p + 1, (size_t)(close - (p + 1)));
	return sip_uri_read(m, out->uri_text, &out->uri) == SIP_OK &&
	       parse_params(m, close + 1, end, out);
}

/*
 * addr-spec: the first ";" begins the header's parameters, and a URI with a comma or
 * question mark in it needs brackets (RFC 3261 §20.10).
 */
static bool
parse_bare(const struct sip_msg *m, const char *p, const char *end, struct sip_addr *out)
{
	const char *stop = memchr(p, ';', (size_t)(end - p));

	out->uri_text = span_trim(span_of(p, (size_t)((stop ? stop : end) - p)));
	if (!out->uri_text.len || memchr(out->uri_text.at, ',', out->uri_text.len) ||
	    memchr(out->uri_text.at, '?', out->uri_text.len))
		return false;
	return sip_uri_read(m, out->uri_text, &out->uri) == SIP_OK &&
	       parse_params(m, out->uri_text.at + out->uri_text.len, end, out);
}

static bool
parse(const struct sip_msg *m, const char *p, const char *end, struct sip_addr *out)
{
	const char *begin = p;

	if (p < end && *p == '"') {
		p = scan_over_quoted(p, end);
		if (!p)
			return false;
		out->display = span_of(begin, (size_t)(p - begin));
		p = scan_over_lws(p, end);
		return p < end && *p == '<' && parse_bracketed(m, p, end, out);
	}
	/* *(token LWS), and no white space before the "<" is all right (RFC 4475 §3.1.1.6). */
	p = sip_scan_while(m, p, end, SCAN_TOKEN | SCAN_LWS);
	if (p == end || *p != '<')
		return parse_bare(m, begin, end, out);
	out->display = span_trim(span_of(begin, (size_t)(p - begin)));
	return parse_bracketed(m, p, end, out);
}

enum sip_error
sip_addr_read(const struct sip_msg *m, struct span text, struct sip_addr *out)
{
	/* all but uri, which its own parser clears */
	out->display = out->uri_text = out->params = out->tag = (struct span){ NULL, 0 };
	out->bracketed = out->star = out->has_tag = false;
	text = span_trim(text);
	if (text.len == 0)
		return SIP_ERROR_URI; /* a field that is not there has no text at all */
	if (span_equal(text, SPAN("*"))) {
		out->uri = (struct sip_uri){ 0 };
		out->star = true;
		return SIP_OK;
	}
	return parse(m, text.at, span_end(text), out) ? SIP_OK : SIP_ERROR_URI;
}

enum sip_error
sip_addr_parse(struct span text, struct sip_addr *out)
{
	return sip_addr_read(NULL, text, out);
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
int
sip_addr_q(const struct sip_addr *a)
{
	struct span q;
	int thousandths, unit = 100;

	if (!sip_param(a->params, SPAN("q"), &q))
		return 1000;
	if (!q.len || q.len > sizeof("0.000") - 1 || (q.at[0] != '0' && q.at[0] != '1') ||
	    (q.len > 1 && q.at[1] != '.'))
		return -1;
	thousandths = (q.at[0] - '0') * 1000;
	for (size_t i = 2; i < q.len; i++, unit /= 10) {
		if (!scan_is(q.at[i], SCAN_DIGIT))
			return -1;
		thousandths += (q.at[i] - '0') * unit;
	}
	return thousandths <= 1000 ? thousandths : -1;
}
