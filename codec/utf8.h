/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H
/*
 * Incremental UTF-8 validation, RFC 3629: no overlong forms, no surrogates,
 * nothing above U+10FFFF. Fails at the first byte that cannot continue any valid
 * sequence. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8 {
	uint8_t state; /* 0: between characters */
};

/*
 * Check the next piece of a text. Returns false as soon as the text can no
 * longer become valid, and from then on until utf8_reset().
 */
bool utf8_feed(struct utf8 *u, const uint8_t *bytes, size_t len);

/* The scalar twin: same contract, one byte at a time. For tests and benchmarks. */
bool utf8_feed_scalar(struct utf8 *u, const uint8_t *bytes, size_t len);

/* Is the text so far whole, that is not cut inside a character? */
static inline bool
utf8_complete(const struct utf8 *u)
{
	return u->state == 0;
}

static inline void
utf8_reset(struct utf8 *u)
{
	u->state = 0;
}

/* One call for a whole text. */
bool utf8_valid(const uint8_t *bytes, size_t len);

#endif
