/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>
#include "codec/scan.h"
#include "codec/sip_host.h"
#include "codec/sip_uri.h"

/*
 * Parameters or headers of one URI that are compared one by one. Each is sought in
 * the other URI from its start, so without a bound a long URI would cost the square of its
 * length; beyond it only URIs that are the same octets are equal.
 */
#define PARTS_MAX 32

/* Parameters that never match when only one URI has them, RFC 3261 §19.1.4. */
static const struct span must_match[] = {
	{ "user", 4 }, { "ttl", 3 }, { "method", 6 }, { "maddr", 5 }, { "transport", 9 },
};

static bool
is_must_match(struct span name)
{
	for (size_t i = 0; i < sizeof(must_match) / sizeof(must_match[0]); i++)
		if (sip_unescape_equal(name, must_match[i], true))
			return true;
	return false;
}

/* Every parameter of a that b has too is the same there; those that count are in both. */
static bool
params_agree(const struct sip_uri *a, const struct sip_uri *b)
{
	struct span rest = a->params, name, value, other;

	for (int i = 0; sip_param_next(&rest, &name, &value); i++) {
		if (i == PARTS_MAX)
			return false;
		if (sip_uri_param(b, name, &other)) {
			if (!sip_unescape_equal(value, other, true))
				return false;
		} else if (is_must_match(name)) {
			return false;
		}
	}
	return true;
}

/* As sip_param_next(), of what stands behind "?". */
static bool
next_header(struct span *rest, struct span *name, struct span *value)
{
	const char *p = rest->at, *end = span_end(*rest), *stop, *equals;

	if (!rest->len)
		return false;
	stop = memchr(p, '&', rest->len);
	stop = stop ? stop : end;
	equals = memchr(p, '=', (size_t)(stop - p));
	assert(equals);
	*name = span_of(p, (size_t)(equals - p));
	*value = span_of(equals + 1, (size_t)(stop - (equals + 1)));
	*rest = stop < end ? span_of(stop + 1, (size_t)(end - (stop + 1))) : span_of(end, 0);
	return true;
}

/* How often the header stands in the URI with the same name and value. */
static int
header_count(struct span headers, struct span name, struct span value)
{
	struct span found_name, found_value;
	int n = 0;

	while (next_header(&headers, &found_name, &found_value))
		n += sip_unescape_equal(name, found_name, true) &&
		     sip_unescape_equal(value, found_value, false);
	return n;
}

/*
 * Headers are never ignored; their order is. How their values compare depends on
 * the header (§20); to the letter errs on the side of two bindings instead of one.
 */
static bool
headers_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	struct span rest = a->headers, name, value;
	int n = 0, others = 0;

	for (; next_header(&rest, &name, &value); n++)
		if (n == PARTS_MAX || header_count(b->headers, name, value) !=
					      header_count(a->headers, name, value))
			return false;
	rest = b->headers;
	while (next_header(&rest, &name, &value))
		others++;
	return n == others;
}

static bool
hosts_equal(struct span a, struct span b)
{
	uint8_t x[SIP_HOST_IPV6_LEN], y[SIP_HOST_IPV6_LEN];

	if (a.at[0] != '[' || b.at[0] != '[')
		return span_equal_nocase(a, b);
	/* The many spellings of one IPv6 address are equal (RFC 5954 §4.2). */
	return sip_host_over_ipv6(a.at + 1, a.at + a.len, x) &&
	       sip_host_over_ipv6(b.at + 1, b.at + b.len, y) && memcmp(x, y, sizeof(x)) == 0;
}

bool
sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->kind != b->kind)
		return false;
	if (span_equal(a->text, b->text))
		return true;
	if (a->kind != SIP_SCHEME_SIP && a->kind != SIP_SCHEME_SIPS)
		return false;
	assert(a->host.len && b->host.len);
	return a->has_user == b->has_user && a->port == b->port &&
	       sip_unescape_equal(a->user, b->user, false) &&
	       !a->password.at == !b->password.at &&
	       sip_unescape_equal(a->password, b->password, false) &&
	       hosts_equal(a->host, b->host) && params_agree(a, b) && params_agree(b, a) &&
	       headers_equal(a, b);
}
