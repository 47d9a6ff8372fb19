/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_uri.h"

#include <string.h>
#include "codec/sip_host.h"
#include "codec/sip_scan.h"

/* "sip:" or "sips:" in any case: its length without the colon, or 0. */
static size_t
sip_scheme_len(const char *p, size_t len)
{
	uint32_t four, sip;

	if (len < 4)
		return 0;
	memcpy(&four, p, 4);
	memcpy(&sip, "sip:", 4); /* 0x20 is set in the colon too */
	if ((four | 0x20202020) == sip && p[3] == ':')
		return 3;
	memcpy(&sip, "sips", 4);
	return len > 4 && (four | 0x20202020) == sip && p[4] == ':' ? 4 : 0;
}

/* absoluteURI: a scheme and any URI characters (§25.1). */
static enum sip_error
parse_other(const struct sip_msg *m, struct span text, struct sip_uri *out)
{
	const char *p = text.at, *end = span_end(text);

	p = sip_scan_while(m, p, end, SCAN_SCHEME);
	if (p == end || *p != ':' || !scan_is(text.at[0], SCAN_ALPHA))
		return SIP_ERROR_URI;
	out->scheme = span_of(text.at, (size_t)(p - text.at));
	if (span_equal_nocase(out->scheme, SPAN("tel")))
		out->kind = SIP_SCHEME_TEL;
	p++;
	return p < end && sip_scan_escaped(m, p, end, SCAN_URIC) == end ? SIP_OK : SIP_ERROR_URI;
}

/*
 * [ user [ ":" password ] "@" ]; where the host begins, or NULL. The user part may hold ";", "?"
 * and "/"; no other part of a URI may hold an "@", so the first one ends the user part.
 */
static const char *
parse_userinfo(const struct sip_msg *m, const char *user, const char *end, struct sip_uri *out)
{
	const char *p = sip_scan_escaped(m, user, end, SCAN_USER), *at = p;

	if (p == end)
		return user;
	if (*p != '@') {
		at = memchr(p, '@', (size_t)(end - p));
		if (!at)
			return user;
		out->password = span_of(p + 1, (size_t)(at - (p + 1)));
		if (*p != ':' || sip_scan_escaped(m, p + 1, at, SCAN_PASSWORD) != at)
			return NULL;
	}
	out->has_user = true;
	out->user = span_of(user, (size_t)(p - user));
	return p == user ? NULL : at + 1;
}

/* From behind the first ";": pname [ "=" pvalue ] *( ";" ... ), up to "?" or the end. */
static const char *
over_params(const struct sip_msg *m, const char *p, const char *end)
{
	for (;;) {
		const char *part = p;

		p = sip_scan_escaped(m, part, end, SCAN_PARAM);
		if (p == part)
			return NULL;
		if (p < end && *p == '=') {
			part = p + 1;
			p = sip_scan_escaped(m, part, end, SCAN_PARAM);
			if (p == part)
				return NULL;
		}
		if (p == end || *p != ';')
			return p;
		p++;
	}
}

/* From behind the "?": hname "=" hvalue *( "&" ... ). */
static const char *
over_headers(const struct sip_msg *m, const char *p, const char *end)
{
	for (;;) {
		const char *name = p;

		p = sip_scan_escaped(m, p, end, SCAN_HEADER);
		if (p == name || p == end || *p != '=')
			return NULL;
		p = sip_scan_escaped(m, p + 1, end, SCAN_HEADER);
		if (p == end || *p != '&')
			return p;
		p++;
	}
}

/* hostport uri-parameters [ headers ] */
static bool
parse_rest(const struct sip_msg *m, const char *p, const char *end, struct sip_uri *out)
{
	const char *begin = p;

	p = sip_host_over(m, p, end);
	if (!p)
		return false;
	out->host = span_of(begin, (size_t)(p - begin));
	if (p < end && *p == ':')
		p = sip_host_over_port(p + 1, end, &out->port);
	if (p && p < end && *p == ';') {
		begin = p + 1;
		p = over_params(m, begin, end);
		if (p)
			out->params = span_of(begin, (size_t)(p - begin));
	}
	if (p && p < end && *p == '?') {
		begin = p + 1;
		p = over_headers(m, begin, end);
		if (p)
			out->headers = span_of(begin, (size_t)(p - begin));
	}
	return p == end;
}

/* Field by field: for the whole the compiler takes an instruction that is slow to start. */
static inline void
uri_clear(struct sip_uri *out)
{
	const struct span none = { NULL, 0 };

	out->kind = SIP_SCHEME_OTHER;
	out->scheme = out->user = out->password = none;
	out->host = out->params = out->headers = none;
	out->port = 0;
	out->has_user = false;
}

enum sip_error
sip_uri_read(const struct sip_msg *m, struct span text, struct sip_uri *out)
{
	const char *p = text.at, *end = span_end(text);

	uri_clear(out);
	out->text = text;
	out->scheme.len = sip_scheme_len(p, text.len);
	if (!out->scheme.len)
		return parse_other(m, text, out);
	out->scheme.at = p;
	out->kind = out->scheme.len == 3 ? SIP_SCHEME_SIP : SIP_SCHEME_SIPS;
	p = parse_userinfo(m, p + out->scheme.len + 1, end, out);
	return p && parse_rest(m, p, end, out) ? SIP_OK : SIP_ERROR_URI;
}

enum sip_error
sip_uri_parse(struct span text, struct sip_uri *out)
{
	return sip_uri_read(NULL, text, out);
}

/* Escapes make a name longer: one of the same length has none, or is another. */
static inline bool
is_name(struct span text, struct span name)
{
	if (text.len <= name.len)
		return span_equal_nocase(text, name);
	return sip_unescape_equal(text, name, true);
}

bool
sip_uri_param(const struct sip_uri *uri, struct span name, struct span *value)
{
	const char *p = uri->params.at, *end = span_end(uri->params), *begin, *stop;

	*value = (struct span){ NULL, 0 };
	/* no quotes nor white space there, unlike in header parameters */
	for (; p < end; p++) {
		begin = p;
		while (p < end && *p != ';' && *p != '=')
			p++;
		stop = p;
		while (p < end && *p != ';')
			p++;
		if (!is_name(span_of(begin, (size_t)(stop - begin)), name))
			continue;
		if (stop < p)
			*value = span_of(stop + 1, (size_t)(p - (stop + 1)));
		return true;
	}
	return false;
}
