/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sources.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (1u << 16)
#define WAYS 8u      /* places of one line that an address may take */
#define TICK_NS 1000 /* the clock of a bucket: microseconds, 40 bits are 12 days */
#define TIME_BITS 40
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define SECOND UINT64_C(1000000) /* in ticks: how long an empty bucket takes to be full */

struct sources {
	struct siphash_key key;
	/* 24 bits of the address's hash over the time at which the bucket is full again */
	_Alignas(64) _Atomic uint64_t places[PLACES];
};

struct sources *
sources_new(const uint8_t key[SIPHASH_KEY_LEN])
{
	struct sources *s = aligned_alloc(64, sizeof(*s));

	if (!s)
		return NULL;
	s->key = siphash_key_of(key);
	for (unsigned i = 0; i < PLACES; i++)
		atomic_init(&s->places[i], 0);
	return s;
}

void
sources_free(struct sources *s)
{
	free(s);
}

static uint64_t
hash_of(const struct sources *s, const char *address)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET6, address, bytes) == 1)
		return siphash(&s->key, span_of(bytes, 8));
	return siphash(&s->key, span_of(address, strlen(address)));
}

/*
 * How long until the bucket of this word is full. 40 bits of time wrap around, so one that was full
 * days ago seems to be so in days; the second one is for routers whose clocks were read a little
 * apart.
 */
static uint64_t
left(uint64_t word, uint64_t now)
{
	uint64_t t = (word - now) & TIME_MASK;

	return t <= 2 * SECOND ? t : 0;
}

/* The address's place, or the one that is forgotten for it. */
static _Atomic uint64_t *
place_of(struct sources *s, uint64_t hash, uint64_t now, uint64_t *word)
{
	_Atomic uint64_t *line = &s->places[hash % (PLACES / WAYS) * WAYS], *found = line;
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < WAYS; i++) {
		/* relaxed: a word stands for itself */
		uint64_t is = atomic_load_explicit(&line[i], memory_order_relaxed);

		if (is >> TIME_BITS == hash >> TIME_BITS) {
			*word = is;
			return &line[i];
		}
		if (left(is, now) < least) {
			least = left(is, now);
			found = &line[i];
			*word = is;
		}
	}
	return found;
}

bool
sources_spend(struct sources *s, const char *address, uint32_t rate, uint64_t now_ns)
{
	uint64_t hash = hash_of(s, address), now = now_ns / TICK_NS, every, wait, word, full;
	_Atomic uint64_t *place;

	every = SECOND / rate;
	do {
		place = place_of(s, hash, now, &word);
		wait = word >> TIME_BITS == hash >> TIME_BITS ? left(word, now) : 0;
		if (wait > every * (rate - 1))
			return false;
		full = ((now + wait + every) & TIME_MASK) | hash >> TIME_BITS << TIME_BITS;
	} while (!atomic_compare_exchange_weak_explicit(place, &word, full, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}
