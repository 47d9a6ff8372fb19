/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_param.h"

#include "codec/sip_host.h"
#include "codec/sip_scan.h"

/* gen-value = token / host / quoted-string; a host that is no IPv6 reference is a token. */
static const char *
over_value(const struct sip_msg *m, const char *p, const char *end, enum sip_param_kind *kind)
{
	uint8_t octets[SIP_HOST_IPV6_LEN];
	const char *stop = sip_scan_while(m, p, end, SCAN_TOKEN);

	*kind = SIP_PARAM_TOKEN;
	if (stop > p && (stop == end || *stop != ':'))
		return stop;
	if (stop == end)
		return NULL;
	if (*p == '"') {
		*kind = SIP_PARAM_QUOTED;
		return scan_over_quoted(p, end);
	}
	*kind = SIP_PARAM_IPV6;
	return *p == '[' ? sip_host_over(m, p, end) : sip_host_over_ipv6(p, end, octets);
}

enum sip_param_kind
sip_param_read(const struct sip_msg *m, struct span *rest, struct span *name, struct span *value)
{
	const char *end = span_end(*rest);
	const char *begin = scan_over_lws(rest->at, end);
	const char *p = sip_scan_while(m, begin, end, SCAN_TOKEN);
	enum sip_param_kind kind = SIP_PARAM_FLAG;

	*name = span_of(begin, (size_t)(p - begin));
	*value = (struct span){ NULL, 0 };
	if (p == begin)
		return SIP_PARAM_BAD;
	p = scan_over_lws(p, end);
	if (p < end && *p == '=') {
		begin = scan_over_lws(p + 1, end);
		p = over_value(m, begin, end, &kind);
		if (!p)
			return SIP_PARAM_BAD;
		*value = span_of(begin, (size_t)(p - begin));
		p = scan_over_lws(p, end);
	}
	*rest = span_of(end, 0);
	if (p == end)
		return kind;
	*rest = span_of(p + 1, (size_t)(end - (p + 1)));
	return *p == ';' && rest->len > 0 ? kind : SIP_PARAM_BAD;
}

/* The semicolon or the end; a quote that stays open reaches to the end. */
static const char *
param_end(const char *p, const char *end)
{
	while (p < end && *p != ';') {
		const char *closed = *p == '"' ? scan_over_quoted(p, end) : p + 1;

		p = closed ? closed : end;
	}
	return p;
}

bool
sip_param_next(struct span *rest, struct span *name, struct span *value)
{
	const char *p = rest->at, *end = span_end(*rest), *stop, *equals;

	if (!rest->len)
		return false;
	/* most are tokens, and hold none of what ends something */
	p = scan_while(p, end, SCAN_TOKEN);
	while (p < end && *p != ';' && *p != '=' && *p != '"')
		p++;
	stop = param_end(p < end && *p == '=' ? scan_while(p + 1, end, SCAN_TOKEN) : p, end);
	equals = p < end && *p == '=' ? p : memchr(p, '=', (size_t)(stop - p));
	p = rest->at;
	*name = span_trim(span_of(p, (size_t)((equals ? equals : stop) - p)));
	*value = (struct span){ NULL, 0 };
	if (equals)
		*value = span_trim(span_of(equals + 1, (size_t)(stop - (equals + 1))));
	*rest = stop < end ? span_of(stop + 1, (size_t)(end - (stop + 1))) : span_of(end, 0);
	return true;
}

bool
sip_param(struct span params, struct span name, struct span *value)
{
	struct span found;

	while (sip_param_next(&params, &found, value))
		if (span_equal_nocase(found, name))
			return true;
	*value = (struct span){ NULL, 0 };
	return false;
}
