/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SIPHASH_H
#define ENGINE_SIPHASH_H
/*
 * SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash for branches, tags and hash tables. Who
 * does not know the key can neither predict a value nor make two texts collide.
 *
 * Our own because it is on the path of every message: OpenSSL's costs a context and
 * several hundred instructions for one short text. It is checked with the
 * authors' vectors.
 *
 * Any thread; the state belongs to one.
 */
#include <stdint.h>
#include "codec/span.h"

#define SIPHASH_KEY_LEN 16

struct siphash_key {
	uint64_t k0, k1;
};

/* A text given in parts: the value depends on all their bytes, not on where they were cut. */
struct siphash {
	uint64_t v0, v1, v2, v3;
	uint64_t tail; /* the last len % 8 bytes, first byte lowest */
	uint64_t len;
};

struct siphash_key siphash_key_of(const uint8_t bytes[SIPHASH_KEY_LEN]);

void siphash_init(struct siphash *s, const struct siphash_key *key);
void siphash_feed(struct siphash *s, struct span part);
uint64_t siphash_value(struct siphash *s); /* ends the state */

/* A part whose end counts too, so that ("ab","c") and ("a","bc") differ. */
void siphash_feed_field(struct siphash *s, struct span part);

/* One call for a whole text. */
uint64_t siphash(const struct siphash_key *key, struct span text);

/* The same for a text that begins with the 8 octets of `word`, the lowest first. */
uint64_t siphash_behind(const struct siphash_key *key, uint64_t word, struct span text);

/*
 * SipHash-1-3, for tables: its values are told to nobody, and who cannot see them cannot make keys
 * collide. Not for what goes out.
 */
uint64_t siphash_1_3(const struct siphash_key *key, struct span text);

#endif
