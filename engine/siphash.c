/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/siphash.h"

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

/* Little-endian on every machine; compiles to one load where that is what the machine does. */
static inline uint64_t
load64(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

static inline __attribute__((always_inline)) void
sip_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline __attribute__((always_inline)) void
compress_by(struct siphash *s, uint64_t word, int rounds)
{
	s->v3 ^= word;
	for (int i = 0; i < rounds; i++)
		sip_round(s);
	s->v0 ^= word;
}

static inline void
compress(struct siphash *s, uint64_t word)
{
	compress_by(s, word, 2);
}

struct siphash_key
siphash_key_of(const uint8_t bytes[SIPHASH_KEY_LEN])
{
	return (struct siphash_key){ load64(bytes), load64(bytes + 8) };
}

static inline struct siphash
begin(const struct siphash_key *key)
{
	/* the constants of the paper: "somepseudorandomlygeneratedbytes" */
	return (struct siphash){
		.v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = key->k1 ^ UINT64_C(0x7465646279746573),
	};
}

void
siphash_init(struct siphash *s, const struct siphash_key *key)
{
	*s = begin(key);
}

/* Fewer than 8 bytes, the first one lowest. */
static inline uint64_t
load_rest(const uint8_t *p, size_t len)
{
	uint64_t word = 0;
	unsigned bits = 0;

	if (len & 4) {
		word = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
		       (uint64_t)p[3] << 24;
		p += 4;
		bits = 32;
	}
	if (len & 2) {
		word |= ((uint64_t)p[0] | (uint64_t)p[1] << 8) << bits;
		p += 2;
		bits += 16;
	}
	return len & 1 ? word | (uint64_t)p[0] << bits : word;
}

/*
 * The tail holds len % 8 bytes; what comes is shifted behind them, a word at a time. Works on a
 * copy, which stays in registers: `at` may point anywhere for all that the compiler knows.
 */
void
siphash_feed(struct siphash *s, struct span part)
{
	struct siphash copy = *s;
	const uint8_t *at = (const uint8_t *)part.at;
	unsigned held = 8 * (unsigned)(copy.len % 8);
	size_t left = part.len;
	uint64_t word;

	for (; left >= 8; left -= 8, at += 8) {
		word = load64(at);
		compress(&copy, copy.tail | word << held);
		copy.tail = held ? word >> (64 - held) : 0;
	}
	if (left) {
		word = load_rest(at, left);
		copy.tail |= word << held;
		if (held + 8 * left >= 64) {
			compress(&copy, copy.tail);
			copy.tail = held ? word >> (64 - held) : 0;
		}
	}
	copy.len += part.len;
	*s = copy;
}

void
siphash_feed_field(struct siphash *s, struct span part)
{
	uint8_t len[4] = { (uint8_t)part.len, (uint8_t)(part.len >> 8), (uint8_t)(part.len >> 16),
			   (uint8_t)(part.len >> 24) };

	siphash_feed(s, span_of(len, sizeof(len)));
	siphash_feed(s, part);
}

static inline __attribute__((always_inline)) uint64_t
finish(struct siphash *s, int rounds, int last_rounds)
{
	compress_by(s, s->tail | s->len << 56, rounds);
	s->v2 ^= 0xff;
	for (int i = 0; i < last_rounds; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t
siphash_value(struct siphash *s)
{
	return finish(s, 2, 4);
}

/*
 * Whole words in place, and no tail to carry from one part to the next. Inlined, so that the state
 * stays in registers.
 */
static inline __attribute__((always_inline)) uint64_t
end_with(struct siphash s, struct span text, int rounds, int last_rounds)
{
	const uint8_t *at = (const uint8_t *)text.at;
	size_t left = text.len;

	for (; left >= 8; left -= 8, at += 8)
		compress_by(&s, load64(at), rounds);
	/* of a long text the last word, and of that what was not taken */
	if (text.len < 8)
		s.tail = load_rest(at, left);
	else if (left)
		s.tail = load64(at + left - 8) >> (64 - 8 * left);
	s.len += text.len;
	return finish(&s, rounds, last_rounds);
}

uint64_t
siphash(const struct siphash_key *key, struct span text)
{
	return end_with(begin(key), text, 2, 4);
}

uint64_t
siphash_behind(const struct siphash_key *key, uint64_t word, struct span text)
{
	struct siphash s = begin(key);

	compress(&s, word);
	s.len = sizeof(word);
	return end_with(s, text, 2, 4);
}

uint64_t
siphash_1_3(const struct siphash_key *key, struct span text)
{
	return end_with(begin(key), text, 1, 3);
}
