/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "codec/scan.h"
#include "codec/sip_uri.h"

#define ESCAPE_LEN 3 /* %HH */

static const char reserved[] = { ';', '/', '?', ':', '@', '&', '=', '+', '$', ',' };

static bool
at_escape(const char *p, const char *end)
{
	return end - p >= ESCAPE_LEN && *p == '%' && scan_is(p[1], SCAN_HEX) &&
	       scan_is(p[2], SCAN_HEX);
}

static char
escaped(const char *p)
{
	return (char)(scan_hex_value(p[1]) << 4 | scan_hex_value(p[2]));
}

size_t
sip_unescape(struct span text, char *out)
{
	const char *p = text.at, *end = span_end(text);
	size_t len = 0;

	while (p < end) {
		if (*p == '%' && at_escape(p, end)) {
			out[len++] = escaped(p);
			p += ESCAPE_LEN;
		} else {
			out[len++] = *p++;
		}
	}
	return len;
}

/* The next character; one of the reserved set that is escaped is not that character. */
static unsigned
next_char(const char **p, const char *end, bool any_case)
{
	bool is_escape = at_escape(*p, end);
	char c = is_escape ? escaped(*p) : **p;

	*p += is_escape ? ESCAPE_LEN : 1;
	if (is_escape && memchr(reserved, c, sizeof(reserved)))
		return 0x100u | (unsigned char)c;
	return (unsigned char)(any_case ? span_lower(c) : c);
}

bool
sip_unescape_equal(struct span a, struct span b, bool any_case)
{
	const char *p = a.at, *p_end = span_end(a), *q = b.at, *q_end = span_end(b);

	while (p < p_end && q < q_end)
		if (*p == *q && *p != '%')
			p++, q++;
		else if (*p != '%' && *q != '%' && (*p ^ *q) != 0x20)
			return false; /* not even letters of another case */
		else if (next_char(&p, p_end, any_case) != next_char(&q, q_end, any_case))
			return false;
	return p == p_end && q == q_end;
}
