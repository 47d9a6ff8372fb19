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
#include <string.h>

#define UTF8_HIGH_BITS 0x8080808080808080u /* of 8 bytes: which are not ASCII */
#define UTF8_SHORT 64 /* bytes looked through without a loop and a call */

struct utf8 {
	uint8_t state; /* 0: between characters */
};

static inline uint64_t
utf8_word(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, 8);
	return word;
}

/* Are these 8 to 64 bytes and ASCII? Words from both ends, which may overlap: no tail. */
static inline bool
utf8_ascii_short(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = bytes + len;
	uint64_t seen;

	if (len - 8 > UTF8_SHORT - 8)
		return false;
	seen = utf8_word(bytes) | utf8_word(end - 8);
	if (len > 16)
		seen |= utf8_word(bytes + 8) | utf8_word(end - 16);
	if (len > 32) {
		seen |= utf8_word(bytes + 16) | utf8_word(bytes + 24);
		seen |= utf8_word(end - 24) | utf8_word(end - 32);
	}
	return (seen & UTF8_HIGH_BITS) == 0;
}

/* utf8_feed() for what is not short and ASCII. */
bool utf8_feed_any(struct utf8 *u, const uint8_t *bytes, size_t len);

/*
 * Check the next piece of a text. Returns false as soon as the text can no
 * longer become valid, and from then on until utf8_reset().
 */
static inline bool
utf8_feed(struct utf8 *u, const uint8_t *bytes, size_t len)
{
	return (u->state == 0 && utf8_ascii_short(bytes, len)) || utf8_feed_any(u, bytes, len);
}

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
