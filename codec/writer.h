/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WRITER_H
#define CODEC_WRITER_H
/*
 * The one bounded cursor for writing text. What does not fit sets `full` and
 * writes nothing more: check once at the end, not at every call.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "codec/span.h"

struct writer {
	char *at;    /* caller's memory */
	size_t len;  /* bytes written */
	size_t cap;  /* bytes there are */
	bool full;   /* something did not fit: the text is cut, do not use it */
};

static inline struct writer
writer_over(void *memory, size_t cap)
{
	return (struct writer){ .at = memory, .cap = cap };
}

static inline void
writer_put(struct writer *w, struct span s)
{
	if (w->full || s.len > w->cap - w->len) {
		w->full = true;
		return;
	}
	if (s.len)
		memcpy(w->at + w->len, s.at, s.len);
	w->len += s.len;
}

static inline void
writer_put_byte(struct writer *w, char c)
{
	writer_put(w, span_of(&c, 1));
}

/* Decimal, no sign, no padding. */
static inline void
writer_put_decimal(struct writer *w, uint64_t n)
{
	char text[20];
	size_t i = sizeof(text);

	do
		text[--i] = (char)('0' + n % 10);
	while (n /= 10);
	writer_put(w, span_of(text + i, sizeof(text) - i));
}

static inline struct span
writer_text(const struct writer *w)
{
	return span_of(w->at, w->len);
}

#endif
