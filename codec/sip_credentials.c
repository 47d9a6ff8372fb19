/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials = "Digest" LWS param *(COMMA param), RFC 3261 §25.1. */
#include "codec/scan.h"
#include "codec/sip_digest.h"

/* Past a '=' or a ',' with white space on both sides; NULL: something else is there. */
static const char *
over(const char *p, const char *end, char mark)
{
	p = scan_over_lws(p, end);
	return p < end && *p == mark ? scan_over_lws(p + 1, end) : NULL;
}

/* token or quoted-string; returns one past it, or NULL. */
static const char *
value_read(const char *p, const char *end, struct span *value)
{
	const char *stop;

	if (p < end && *p == '"') {
		stop = scan_over_quoted(p, end);
		if (stop)
			*value = span_between(p + 1, stop - 1);
		return stop;
	}
	stop = scan_while(p, end, SCAN_TOKEN);
	*value = span_between(p, stop);
	return stop > p ? stop : NULL;
}

static struct span *
place_of(struct sip_credentials *c, struct span name)
{
	const struct {
		struct span name;
		struct span *place;
	} known[] = {
		{ SPAN("username"), &c->username },
		{ SPAN("realm"), &c->realm },
		{ SPAN("nonce"), &c->nonce },
		{ SPAN("uri"), &c->uri },
		{ SPAN("response"), &c->response },
		{ SPAN("algorithm"), &c->algorithm },
		{ SPAN("cnonce"), &c->cnonce },
		{ SPAN("qop"), &c->qop },
		{ SPAN("nc"), &c->nc },
		{ SPAN("userhash"), &c->userhash },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_equal_nocase(name, known[i].name))
			return known[i].place;
	return NULL;
}

/* One parameter; returns one past it, or NULL. */
static const char *
param_read(const char *p, const char *end, struct sip_credentials *out)
{
	const char *stop = scan_while(p, end, SCAN_TOKEN);
	struct span *place = place_of(out, span_between(p, stop)), value;

	if (stop == p || !(p = over(stop, end, '=')) || !(p = value_read(p, end, &value)))
		return NULL;
	if (!place)
		return p;
	if (place->at)
		return NULL;
	*place = value;
	return p;
}

enum sip_credentials_kind
sip_credentials_parse(struct span value, struct sip_credentials *out)
{
	const char *end, *p;

	*out = (struct sip_credentials){ 0 };
	value = span_trim(value);
	end = span_end(value);
	p = scan_while(value.at, end, SCAN_TOKEN);
	if (!span_equal_nocase(span_between(value.at, p), SPAN("Digest")))
		return SIP_CREDENTIALS_OTHER;
	if (p == end || !scan_is(*p, SCAN_LWS))
		return SIP_CREDENTIALS_BAD;
	p = scan_over_lws(p, end);
	for (;;) {
		p = param_read(p, end, out);
		if (!p)
			return SIP_CREDENTIALS_BAD;
		if (p == end)
			return SIP_CREDENTIALS_DIGEST;
		p = over(p, end, ',');
		if (!p)
			return SIP_CREDENTIALS_BAD;
	}
}

bool
sip_credentials_count(const struct sip_credentials *c, uint32_t *nc)
{
	if (c->nc.len != 8 || !scan_all(c->nc, SCAN_HEX))
		return false;
	*nc = 0;
	for (size_t i = 0; i < c->nc.len; i++)
		*nc = *nc << 4 | scan_hex_value(c->nc.at[i]);
	return true;
}
