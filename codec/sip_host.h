/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_HOST_H
#define CODEC_SIP_HOST_H
/* host and port, RFC 3261 §25.1, as URIs and Via have them. For the parsers of those. */
#include <stdint.h>
#include "codec/sip_scan.h"

#define SIP_HOST_IPV6_LEN 16

/* As sip_host_over(), by octets. */
const char *sip_host_over_any(const char *p, const char *end);

/*
 * A name of at most SCAN_BLOCK octets by the map of m: all labels begin and end with a letter or
 * digit, the last one begins with a letter. NULL: sip_host_over_any() has to look.
 */
static inline const char *
sip_host_over_mapped(const struct sip_msg *m, const char *p, const char *end)
{
	size_t off = (size_t)(p - m->base), len = scan_map_stop(&m->map, off) - off;
	const char *last = p;
	uint64_t marks;

	if (len == 0 || len > SCAN_BLOCK || len > (size_t)(end - p))
		return NULL;
	marks = scan_map_marks(&m->map, off, len);
	if ((marks & (marks << 1 | 1)) || marks >> (len - 1))
		return NULL; /* marks in a row, in front or at the end */
	while (marks && last == p) {
		unsigned i = 63 - (unsigned)__builtin_clzll(marks);

		if (p[i] == '.')
			last = p + i + 1;
		marks ^= UINT64_C(1) << i;
	}
	return scan_is(*last, SCAN_ALPHA) ? p + len : NULL;
}

/*
 * One past the host that begins at p: a host name, an IPv4 address, or an IPv6
 * reference with its brackets. NULL when there is none. `m`: see sip_scan.h.
 */
static inline const char *
sip_host_over(const struct sip_msg *m, const char *p, const char *end)
{
	const char *stop = sip_scan_has_map(m) && p < end ? sip_host_over_mapped(m, p, end) : NULL;

	return stop ? stop : sip_host_over_any(p, end);
}

/* One past the port's digits at p; NULL when it is not 1..65535. */
const char *sip_host_over_port(const char *p, const char *end, uint16_t *port);

/*
 * One past the IPv6 address at p, without brackets, by the corrected grammar of
 * RFC 5954 §4.1; its octets in out. NULL when there is none.
 */
const char *sip_host_over_ipv6(const char *p, const char *end, uint8_t out[SIP_HOST_IPV6_LEN]);

#endif
