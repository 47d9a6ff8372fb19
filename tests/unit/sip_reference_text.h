/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SIP_REFERENCE_TEXT_H
#define TESTS_UNIT_SIP_REFERENCE_TEXT_H
/* The lowest rules of the grammar, for the files of the reference parser. */
#include <stdio.h>
#include <string.h>
#include "codec/span.h"

/* What is left to read. Each rule eats what it matched, or leaves the text as it was. */
struct text {
	const char *p, *end;
};

typedef bool reference_class(int c);

static inline struct text
text_of(struct span s)
{
	return (struct text){ s.at, s.at + s.len };
}

static inline bool
done(const struct text *t)
{
	return t->p == t->end;
}

/* -1 at the end. */
static inline int
peek(const struct text *t)
{
	return done(t) ? -1 : (unsigned char)*t->p;
}

static inline bool
eat(struct text *t, char c)
{
	if (peek(t) != (unsigned char)c)
		return false;
	t->p++;
	return true;
}

static inline bool
one_of(int c, const char *set)
{
	return c > 0 && strchr(set, c) != NULL;
}

static inline bool
alpha(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool
hex(int c)
{
	return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static inline bool
alphanum(int c)
{
	return alpha(c) || digit(c);
}

static inline bool
token_char(int c)
{
	return alphanum(c) || one_of(c, "-.!%*_+`'~");
}

static inline bool
lws_char(int c)
{
	return one_of(c, " \t\r\n");
}

/* *class; false when there is none of it. */
static inline bool
run(struct text *t, reference_class *class, struct span *out)
{
	const char *begin = t->p;

	while (!done(t) && class(peek(t)))
		t->p++;
	*out = span_of(begin, (size_t)(t->p - begin));
	return t->p > begin;
}

static inline void
sws(struct text *t)
{
	struct span ignored;

	run(t, lws_char, &ignored);
}

/* SWS "c" SWS */
static inline bool
separator(struct text *t, char c)
{
	struct text try = *t;

	sws(&try);
	if (!eat(&try, c))
		return false;
	sws(&try);
	*t = try;
	return true;
}

static inline struct span
since(const char *begin, const struct text *t)
{
	return span_of(begin, (size_t)(t->p - begin));
}

/* 1*DIGIT, cut at `max` + 1. */
static inline bool
number(struct text *t, unsigned long max, unsigned long *out)
{
	const char *begin = t->p;

	for (*out = 0; digit(peek(t)); t->p++)
		if (*out <= max)
			*out = *out * 10 + (unsigned long)(*t->p - '0');
	return t->p > begin;
}

bool reference_quoted(struct text *t);
bool reference_host(struct text *t);
bool reference_ipv6(struct text *t);

#endif
