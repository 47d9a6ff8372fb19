/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_host.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include "codec/scan.h"

#define OCTET_DIGITS 3
#define GROUP_DIGITS 4

/* 1*3DIGIT, four times; the grammar asks no more of an IPv4 address. */
static const char *
over_ipv4(const char *p, const char *end, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		const char *octet = p;
		unsigned n = 0;

		if (i > 0 && (p == end || *p != '.'))
			return NULL;
		octet = i > 0 ? ++p : p;
		while (p < end && p - octet < OCTET_DIGITS && scan_is_digit(*p))
			n = n * 10 + (unsigned)(*p++ - '0');
		if (p == octet)
			return NULL;
		out[i] = (uint8_t)n;
	}
	return p;
}

/* Over inner hyphens and what else a label begun at p has; NULL: it ends with a hyphen. */
static const char *
over_label(const char *p, const char *end)
{
	for (;;) {
		p = scan_while(p, end, SCAN_ALNUM);
		if (p == end || *p != '-')
			return p;
		p = scan_while(p, end, SCAN_HYPHEN);
		if (p == end || !scan_is(*p, SCAN_ALNUM))
			return NULL;
	}
}

/*
 * Labels of letters, digits and inner hyphens; the last one begins with a letter
 * (else it has to be an IPv4 address) and may have a dot behind it.
 */
static const char *
over_name(const char *const begin, const char *end)
{
	const char *p = begin, *last = begin;
	uint8_t octets[4];

	if (p == end || !scan_is(*p, SCAN_ALNUM))
		return NULL;
	if (scan_is(*p, SCAN_DIGIT)) {
		p = over_ipv4(begin, end, octets);
		if (p && (p == end || (!scan_is(*p, SCAN_ALNUM | SCAN_HYPHEN) && *p != '.')))
			return p;
		p = begin;
	}
	while ((p = over_label(p, end)) && p < end && *p == '.') {
		p++;
		if (p == end || !scan_is(*p, SCAN_ALNUM))
			break;
		last = p;
	}
	if (!p || (p[-1] == '.' && p < end && *p == '-'))
		return NULL;
	return scan_is(*last, SCAN_ALPHA) ? p : NULL;
}

/* One group of 1 to 4 hex digits. */
static const char *
over_group(const char *p, const char *end, uint8_t out[2])
{
	unsigned n = 0;
	int digits = 0;

	while (p < end && digits < GROUP_DIGITS && scan_is(*p, SCAN_HEX)) {
		n = n << 4 | scan_hex_value(*p++);
		digits++;
	}
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	return digits ? p : NULL;
}

/* Zeros where "::" stood. */
static void
widen(const uint8_t *octets, size_t len, size_t gap, uint8_t out[SIP_HOST_IPV6_LEN])
{
	memset(out, 0, SIP_HOST_IPV6_LEN);
	memcpy(out, octets, gap);
	memcpy(out + SIP_HOST_IPV6_LEN - (len - gap), octets + gap, len - gap);
}

const char *
sip_host_over_ipv6(const char *p, const char *end, uint8_t out[SIP_HOST_IPV6_LEN])
{
	uint8_t octets[SIP_HOST_IPV6_LEN];
	size_t len = 0, gap = SIZE_MAX; /* gap: octets before "::" */

	if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
		gap = 0;
		p += 2;
	}
	while (len + 2 <= sizeof(octets)) {
		const char *group = p;

		p = over_group(group, end, octets + len);
		if (!p && gap != len)
			return NULL;
		if (!p) { /* "::" ends it */
			p = group;
			break;
		}
		if (p < end && *p == '.') {
			p = len + 4 <= sizeof(octets) ? over_ipv4(group, end, octets + len) : NULL;
			len += 4;
			break;
		}
		len += 2;
		if (len == sizeof(octets) || p == end || *p != ':')
			break;
		if (end - p >= 2 && p[1] == ':') {
			if (gap != SIZE_MAX)
				return NULL;
			gap = len;
			p++;
		}
		p++;
	}
	if (!p || (gap == SIZE_MAX ? len != sizeof(octets) : len > sizeof(octets) - 2))
		return NULL;
	widen(octets, len, gap == SIZE_MAX ? len : gap, out);
	return p;
}

const char *
sip_host_over_any(const char *p, const char *end)
{
	uint8_t octets[SIP_HOST_IPV6_LEN];

	if (p == end || *p != '[')
		return over_name(p, end);
	p = sip_host_over_ipv6(p + 1, end, octets);
	return p && p < end && *p == ']' ? p + 1 : NULL;
}

const char *
sip_host_over_port(const char *p, const char *end, uint16_t *port)
{
	unsigned n = 0;

	assert(p <= end);
	while (p < end && scan_is_digit(*p) && n <= UINT16_MAX)
		n = n * 10 + (unsigned)(*p++ - '0');
	if (n == 0 || n > UINT16_MAX)
		return NULL;
	*port = (uint16_t)n;
	return p;
}
