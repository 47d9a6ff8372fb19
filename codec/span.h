/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SPAN_H
#define CODEC_SPAN_H
/*
 * A view: pointer and length into bytes that somebody else owns. Never
 * NUL-terminated. A view lives as long as the bytes it was cut from.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *at;
	size_t len;
};

#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })

static inline struct span
span_of(const void *at, size_t len)
{
	return (struct span){ (const char *)at, len };
}

static inline struct span
span_between(const char *begin, const char *end)
{
	return span_of(begin, (size_t)(end - begin));
}

/* One past the last byte; also of the empty span at NULL, to which nothing may be added. */
static inline const char *
span_end(struct span s)
{
	return s.len ? s.at + s.len : s.at;
}

static inline char
span_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* ASCII case folding only, as RFC 3261 §7.3.1 and RFC 9110 §5.1 ask for names and tokens. */
static inline bool
span_equal_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.at[i] != b.at[i] && span_lower(a.at[i]) != span_lower(b.at[i]))
			return false;
	return true;
}

/*
 * The same with a literal. It is nearly always written in the same case, and then one comparison
 * of known length.
 */
#define SPAN_IS_NOCASE(s, literal)                                                                 \
	((s).len == sizeof(literal) - 1 && (memcmp((s).at, literal, sizeof(literal) - 1) == 0 ||   \
					    span_equal_nocase(s, SPAN(literal))))

/* Without leading and trailing SP, HTAB, CR and LF (linear white space of RFC 3261 §25.1). */
static inline struct span
span_trim(struct span s)
{
	while (s.len && (s.at[0] == ' ' || s.at[0] == '\t' || s.at[0] == '\r' || s.at[0] == '\n'))
		s.at++, s.len--;
	while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t' ||
			 s.at[s.len - 1] == '\r' || s.at[s.len - 1] == '\n'))
		s.len--;
	return s;
}

#endif
