/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_SCAN_H
#define CODEC_SIP_SCAN_H
/*
 * scan.h's runs for the parsers of values, by the map of the message that a text lies in. `m` is
 * that message, or NULL for a text from elsewhere or a head that has no map: then it is an
 * octet at a time, with the same result.
 */
#include "codec/scan.h"
#include "codec/sip_msg.h"

static inline bool
sip_scan_has_map(const struct sip_msg *m)
{
	return m && m->mapped;
}

/*
 * First character outside the classes, or end. Each of the classes must hold all letters, digits,
 * '-' and '.'. Behind p and in the head of m there must be a stop: its last CRLF is one. Always
 * inlined, so that the test of a class is one of a constant.
 */
static inline __attribute__((always_inline)) const char *
sip_scan_while(const struct sip_msg *m, const char *p, const char *end, unsigned classes)
{
	if (!sip_scan_has_map(m))
		return scan_while(p, end, classes);
	for (;; p++) {
		p = m->base + scan_map_stop(&m->map, (size_t)(p - m->base));
		if (p >= end)
			return end;
		if (!scan_is(*p, classes))
			return p;
	}
}

/* As sip_scan_while(), and over %HH escapes. */
static inline const char *
sip_scan_escaped(const struct sip_msg *m, const char *p, const char *end, unsigned classes)
{
	p = sip_scan_while(m, p, end, classes);
	return p < end && *p == '%' ? scan_over_escapes(p, end, classes) : p;
}

#endif
