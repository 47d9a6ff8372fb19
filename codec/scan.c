/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/scan.h"

#include <assert.h>

#define VECTOR 16 /* octets of one SSE2 register */

#define UNRESERVED (SCAN_USER | SCAN_PASSWORD | SCAN_PARAM | SCAN_HEADER | SCAN_URIC)
#define LETTER (SCAN_TOKEN | SCAN_WORD | SCAN_ALPHA | SCAN_SCHEME | UNRESERVED)
#define MARK (SCAN_TOKEN | SCAN_WORD | UNRESERVED)

#define CLASSES(bits)                                                                              \
	{                                                                                          \
		(bits) & 0xFF, (bits) >> 8                                                         \
	}

const struct scan_classes scan_classes[256] = {
	[0x00 ... 0x08] = CLASSES(SCAN_QUOTED_STOP),
	['\t'] = CLASSES(SCAN_LWS),
	['\n'] = CLASSES(SCAN_LWS),
	[0x0B ... 0x0C] = CLASSES(SCAN_QUOTED_STOP),
	['\r'] = CLASSES(SCAN_LWS),
	[0x0E ... 0x1F] = CLASSES(SCAN_QUOTED_STOP),
	[' '] = CLASSES(SCAN_LWS),
	['0' ... '9'] = CLASSES(MARK | SCAN_DIGIT | SCAN_HEX | SCAN_SCHEME),
	['A' ... 'F'] = CLASSES(LETTER | SCAN_HEX),
	['G' ... 'Z'] = CLASSES(LETTER),
	['a' ... 'f'] = CLASSES(LETTER | SCAN_HEX),
	['g' ... 'z'] = CLASSES(LETTER),
	['-'] = CLASSES(MARK | SCAN_HYPHEN | SCAN_SCHEME),
	['.'] = CLASSES(MARK | SCAN_SCHEME),
	['_'] = CLASSES(MARK),
	['!'] = CLASSES(MARK),
	['~'] = CLASSES(MARK),
	['*'] = CLASSES(MARK),
	['\''] = CLASSES(MARK),
	['('] = CLASSES(SCAN_WORD | UNRESERVED),
	[')'] = CLASSES(SCAN_WORD | UNRESERVED),
	['+'] = CLASSES(MARK | SCAN_SCHEME),
	['$'] = CLASSES(UNRESERVED),
	['&'] = CLASSES(SCAN_USER | SCAN_PASSWORD | SCAN_PARAM | SCAN_URIC),
	['='] = CLASSES(SCAN_USER | SCAN_PASSWORD | SCAN_URIC),
	[','] = CLASSES(SCAN_USER | SCAN_PASSWORD | SCAN_URIC),
	[';'] = CLASSES(SCAN_USER | SCAN_URIC),
	['?'] = CLASSES(SCAN_WORD | SCAN_USER | SCAN_HEADER | SCAN_URIC),
	['/'] = CLASSES(SCAN_WORD | SCAN_USER | SCAN_PARAM | SCAN_HEADER | SCAN_URIC),
	[':'] = CLASSES(SCAN_WORD | SCAN_PARAM | SCAN_HEADER | SCAN_URIC),
	['['] = CLASSES(SCAN_WORD | SCAN_PARAM | SCAN_HEADER | SCAN_URIC),
	[']'] = CLASSES(SCAN_WORD | SCAN_PARAM | SCAN_HEADER | SCAN_URIC),
	['@'] = CLASSES(SCAN_URIC),
	['%'] = CLASSES(SCAN_TOKEN | SCAN_WORD),
	['`'] = CLASSES(SCAN_TOKEN | SCAN_WORD),
	['<'] = CLASSES(SCAN_WORD),
	['>'] = CLASSES(SCAN_WORD),
	['{'] = CLASSES(SCAN_WORD),
	['}'] = CLASSES(SCAN_WORD),
	['"'] = CLASSES(SCAN_WORD | SCAN_QUOTED_STOP),
	['\\'] = CLASSES(SCAN_WORD | SCAN_QUOTED_STOP),
	[0x7F] = CLASSES(SCAN_QUOTED_STOP),
};

const char *
scan_over_escapes(const char *p, const char *end, unsigned classes)
{
	while (end - p >= 3 && *p == '%' && scan_is(p[1], SCAN_HEX) && scan_is(p[2], SCAN_HEX))
		p = scan_while(p + 3, end, classes);
	return p;
}

const char *
scan_over_quoted(const char *p, const char *end)
{
	assert(p < end && *p == '"');
	for (p++; p < end; p += 2) {
		p = scan_quoted_stop(p, end);
		if (p == end || *p == '"')
			return p == end ? NULL : p + 1;
		if (*p != '\\' || end - p < 2 || p[1] == '\r' || p[1] == '\n' ||
		    (unsigned char)p[1] > 0x7F)
			return NULL;
	}
	return NULL;
}

bool
scan_same16_scalar(const char *p, const char *fold, const char *folded)
{
	for (int i = 0; i < VECTOR; i++)
		if ((p[i] | fold[i]) != folded[i])
			return false;
	return true;
}

const char *
scan_quoted_stop_scalar(const char *p, const char *end)
{
	while (p < end && !scan_is(*p, SCAN_QUOTED_STOP))
		p++;
	return p;
}

const char *
scan_list_mark_scalar(const char *p, const char *end)
{
	while (p < end && *p != ',' && *p != '"' && *p != '<')
		p++;
	return p;
}

#ifdef __SSE2__

static inline __m128i
load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* A little more than SCAN_QUOTED_STOP: white space too. */
static inline unsigned
quoted_stop_bits(const char *p)
{
	__m128i x = load(p);
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1F)), x);
	__m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
	__m128i escape = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
	__m128i delete = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7F));

	return (unsigned)_mm_movemask_epi8(
		_mm_or_si128(_mm_or_si128(control, quote), _mm_or_si128(escape, delete)));
}

const char *
scan_quoted_stop(const char *p, const char *end)
{
	unsigned stops = 0;

	for (; end - p >= VECTOR; p += VECTOR) {
		stops = quoted_stop_bits(p);
		if (stops)
			break;
	}
	return scan_quoted_stop_scalar(stops ? p + __builtin_ctz(stops) : p, end);
}

static inline unsigned
list_mark_bits(const char *p)
{
	__m128i x = load(p);
	__m128i found = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(',')),
				     _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));

	return (unsigned)_mm_movemask_epi8(
		_mm_or_si128(found, _mm_cmpeq_epi8(x, _mm_set1_epi8('<'))));
}

const char *
scan_list_mark(const char *p, const char *end)
{
	unsigned marks;

	if (end - p < VECTOR)
		return scan_list_mark_scalar(p, end);
	for (; end - p >= VECTOR; p += VECTOR) {
		marks = list_mark_bits(p);
		if (marks)
			return p + __builtin_ctz(marks);
	}
	/* The last octets once more, less those that were looked at. */
	marks = list_mark_bits(end - VECTOR) >> (VECTOR - (end - p));
	return marks ? p + __builtin_ctz(marks) : end;
}

#else

const char *
scan_quoted_stop(const char *p, const char *end)
{
	return scan_quoted_stop_scalar(p, end);
}

const char *
scan_list_mark(const char *p, const char *end)
{
	return scan_list_mark_scalar(p, end);
}

#endif
