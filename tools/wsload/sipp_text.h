/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_TEXT_H
#define WSLOAD_SIPP_TEXT_H
/* Text that grows. All zero is an empty one; there is always a NUL behind it once it has memory. */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"

#define SIPP_TEXT_MAX (1u << 24)

struct sipp_text {
	char *at; /* owned; NULL: nothing was put yet */
	size_t len, cap;
	bool failed; /* no memory, or longer than SIPP_TEXT_MAX: the text is cut, do not use it */
};

void sipp_text_put(struct sipp_text *t, struct span more);
void sipp_text_puts(struct sipp_text *t, const char *more);
void sipp_text_format(struct sipp_text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* In front of what begins at `pos`. */
void sipp_text_insert(struct sipp_text *t, size_t pos, struct span more);

/* Forget all behind the first `len` bytes; the memory stays. */
void sipp_text_cut(struct sipp_text *t, size_t len);
void sipp_text_free(struct sipp_text *t);

static inline struct span
sipp_text_span(const struct sipp_text *t)
{
	return span_of(t->at, t->len);
}

/* A copy with a NUL behind it, of malloc(); NULL: no memory. */
char *sipp_text_copy(struct span text);

#endif
