/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SCAN_H
#define CODEC_SCAN_H
/*
 * Finding the end of a run of characters: the classes of RFC 3261 §25.1 as bits
 * of a table, and the searches that look at every byte of a head or of a list. Pointers
 * in, pointers out; nothing is read at or after `end`. Any thread; no state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/span.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum scan_class {
	SCAN_TOKEN = 1 << 0, /* token */
	SCAN_WORD = 1 << 1,  /* word, of Call-ID */
	SCAN_LWS = 1 << 2,   /* SP, HTAB, CR, LF: folds are white space (§7.3.1) */
	SCAN_ALPHA = 1 << 3,
	SCAN_DIGIT = 1 << 4,
	SCAN_HEX = 1 << 5,
	SCAN_HYPHEN = 1 << 6,
	SCAN_QUOTED_STOP = 1 << 7, /* what a quoted-string does not hold as it is */
	/* In URIs, but for escapes. Not to be joined with those above. */
	SCAN_USER = 1 << 8,     /* unreserved, user-unreserved */
	SCAN_PASSWORD = 1 << 9, /* unreserved and "&=+$," */
	SCAN_PARAM = 1 << 10,   /* paramchar */
	SCAN_HEADER = 1 << 11,  /* hnv-unreserved, unreserved */
	SCAN_URIC = 1 << 12,    /* reserved, unreserved, and the brackets of an IPv6 reference */
	SCAN_SCHEME = 1 << 13,  /* ALPHA, DIGIT, "+-." */
};
#define SCAN_ALNUM (SCAN_ALPHA | SCAN_DIGIT)

extern const struct scan_classes {
	uint8_t text, uri; /* the low and the high octet of enum scan_class */
} scan_classes[256];

static inline bool
scan_is(char c, unsigned classes)
{
	const struct scan_classes *of = &scan_classes[(unsigned char)c];

	return classes < 0x100 ? (of->text & classes) != 0 : (of->uri & classes >> 8) != 0;
}

static inline bool
scan_is_digit(char c)
{
	return (unsigned char)(c - '0') <= 9;
}

/* Of a character that is SCAN_HEX. */
static inline unsigned
scan_hex_value(char c)
{
	return scan_is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* First character outside the classes, or end. */
static inline const char *
scan_while(const char *p, const char *end, unsigned classes)
{
	/* Four at a time: most runs are names and hosts of 8 to 30 characters. */
	for (; end - p >= 4; p += 4) {
		if (!scan_is(p[0], classes))
			return p;
		if (!scan_is(p[1], classes))
			return p + 1;
		if (!scan_is(p[2], classes))
			return p + 2;
		if (!scan_is(p[3], classes))
			return p + 3;
	}
	while (p < end && scan_is(*p, classes))
		p++;
	return p;
}

/* Over white space and folds; mostly there is none. */
static inline const char *
scan_over_lws(const char *p, const char *end)
{
	while (p < end && scan_is(*p, SCAN_LWS))
		p++;
	return p;
}

/* Is the whole text, which is not empty, of these classes? */
static inline bool
scan_all(struct span text, unsigned classes)
{
	const char *end = span_end(text);

	return text.len && scan_while(text.at, end, classes) == end;
}

/* The same from a '%' on; see below. */
const char *scan_over_escapes(const char *p, const char *end, unsigned classes);

/* As scan_while(), and over %HH escapes. */
static inline const char *
scan_while_escaped(const char *p, const char *end, unsigned classes)
{
	p = scan_while(p, end, classes);
	return p < end && *p == '%' ? scan_over_escapes(p, end, classes) : p;
}

/*
 * p is at an opening quote. Returns one past the closing one, or NULL when it
 * never closes or holds what a quoted-string must not (§25.1: controls only
 * behind a backslash, CR and LF never behind one). Octets over 0x7F pass: which
 * character set they are in is nobody's business here.
 */
const char *scan_over_quoted(const char *p, const char *end);

/* First character of class SCAN_QUOTED_STOP, or end. */
const char *scan_quoted_stop(const char *p, const char *end);

/* Are the 16 octets from p on, each joined with that of `fold`, those of `folded`? */
#ifdef __SSE2__
static inline bool
scan_same16(const char *p, const char *fold, const char *folded)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i y = _mm_loadu_si128((const __m128i *)(const void *)fold);
	__m128i z = _mm_loadu_si128((const __m128i *)(const void *)folded);

	return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(x, y), z)) == 0xFFFF;
}
#else
#define scan_same16 scan_same16_scalar
#endif

/* First comma, quote or left angle bracket, or end: what matters in a comma list. */
const char *scan_list_mark(const char *p, const char *end);

/* The scalar twins: same contract, one octet at a time. For short ends, tests, benchmarks. */
const char *scan_list_mark_scalar(const char *p, const char *end);
const char *scan_quoted_stop_scalar(const char *p, const char *end);
bool scan_same16_scalar(const char *p, const char *fold, const char *folded);

#endif
