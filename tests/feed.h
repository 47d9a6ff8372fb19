/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FEED_H
#define TESTS_FEED_H
/*
 * Hand a byte vector to a parser in every way a network may cut it, each time from memory whose
 * last byte lies right before an unmapped page: one byte read too far is a fault, with or
 * without sanitizers.
 *
 *   feed_guarded(bytes, len)       a writable copy against the guard page, for whole-input parsers.
 *                                  Valid until the next feed_* call. Never freed by the caller.
 *
 *   feed_pieces(bytes, len, user)  for stream parsers that keep their own state: begin() once,
 *                                  piece() for each piece in order, end() once; and this for the
 *                                  whole vector, byte by byte, every split into two, and every
 *                                  split into three when len < FEED_PAIRS_BELOW. A piece is
 *                                  writable and valid during piece() only.
 *
 *   feed_growing(bytes, len, user) for parsers that want all bytes from the start each time:
 *                                  grow(in, len, seen) with the prefix so far, `seen` of which the
 *                                  call before had too, until it returns false (it has its verdict)
 *                                  or all is given. Same ways of cutting.
 *
 *   feed_way()                     the way of cutting in progress, for failure messages:
 *                                  "whole", "bytes", "split 17", "split 3+9".
 *
 * A way that matters for speed can be left out: see `ways`. Tests are single-threaded; so is this.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FEED_PAIRS_BELOW 200

enum {
	FEED_WHOLE = 1,
	FEED_BYTES = 2,
	FEED_SPLITS = 4,
	FEED_PAIRS = 8,
	FEED_ALL = 15,
};

struct feed_user {
	void *arg;
	unsigned ways; /* FEED_* bits; 0 means FEED_ALL */
	void (*begin)(void *arg);                                     /* may be NULL */
	void (*piece)(void *arg, uint8_t *bytes, size_t len);         /* feed_pieces() */
	bool (*grow)(void *arg, char *in, size_t len, size_t seen);   /* feed_growing() */
	void (*end)(void *arg);                                       /* may be NULL */
};

struct feed_state {
	uint8_t *memory; /* start of the mapping */
	size_t usable;   /* bytes before the guard page */
	char way[48];
};

static struct feed_state feed_state;

static inline const char *
feed_way(void)
{
	return feed_state.way;
}

static inline void
feed_reserve(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t usable = (len / page + 1) * page;

	if (feed_state.memory && usable <= feed_state.usable)
		return;
	if (feed_state.memory)
		munmap(feed_state.memory, feed_state.usable + page);
	feed_state.memory = mmap(NULL, usable + page, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(feed_state.memory != MAP_FAILED);
	assert(mprotect(feed_state.memory + usable, page, PROT_NONE) == 0);
	feed_state.usable = usable;
}

static inline void *
feed_guarded(const void *bytes, size_t len)
{
	uint8_t *copy;

	feed_reserve(len);
	copy = feed_state.memory + feed_state.usable - len;
	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

/* One run over bytes[0..len), cut before the given positions (rising; the last one is len). */
static inline void
feed_run_pieces(const uint8_t *bytes, const size_t *cuts, size_t cuts_len,
		const struct feed_user *user)
{
	size_t from = 0;

	if (user->begin)
		user->begin(user->arg);
	for (size_t i = 0; i < cuts_len; i++) {
		if (cuts[i] > from)
			user->piece(user->arg, feed_guarded(bytes + from, cuts[i] - from),
				    cuts[i] - from);
		from = cuts[i];
	}
	if (user->end)
		user->end(user->arg);
}

static inline void
feed_run_growing(const uint8_t *bytes, const size_t *cuts, size_t cuts_len,
		 const struct feed_user *user)
{
	size_t seen = 0;

	if (user->begin)
		user->begin(user->arg);
	for (size_t i = 0; i < cuts_len; i++) {
		if (cuts[i] > seen &&
		    !user->grow(user->arg, feed_guarded(bytes, cuts[i]), cuts[i], seen))
			break;
		seen = cuts[i];
	}
	if (user->end)
		user->end(user->arg);
}

static inline void
feed_run(const uint8_t *bytes, const size_t *cuts, size_t cuts_len, const struct feed_user *user)
{
	if (user->piece)
		feed_run_pieces(bytes, cuts, cuts_len, user);
	else
		feed_run_growing(bytes, cuts, cuts_len, user);
}

static inline void
feed_run_bytes(const uint8_t *bytes, size_t len, const struct feed_user *user)
{
	if (user->begin)
		user->begin(user->arg);
	for (size_t i = 0; i < len; i++) {
		if (user->piece)
			user->piece(user->arg, feed_guarded(bytes + i, 1), 1);
		else if (!user->grow(user->arg, feed_guarded(bytes, i + 1), i + 1, i))
			break;
	}
	if (user->end)
		user->end(user->arg);
}

static inline void
feed_ways(const uint8_t *bytes, size_t len, const struct feed_user *user)
{
	unsigned ways = user->ways ? user->ways : FEED_ALL;

	feed_reserve(len);
	if (ways & FEED_WHOLE) {
		snprintf(feed_state.way, sizeof(feed_state.way), "whole");
		feed_run(bytes, &len, 1, user);
	}
	if (ways & FEED_BYTES) {
		snprintf(feed_state.way, sizeof(feed_state.way), "bytes");
		feed_run_bytes(bytes, len, user);
	}
	for (size_t i = 1; (ways & FEED_SPLITS) && i < len; i++) {
		snprintf(feed_state.way, sizeof(feed_state.way), "split %zu", i);
		feed_run(bytes, (size_t[]){ i, len }, 2, user);
	}
	if (len >= FEED_PAIRS_BELOW)
		return;
	for (size_t i = 1; (ways & FEED_PAIRS) && i < len; i++) {
		for (size_t k = i + 1; k < len; k++) {
			snprintf(feed_state.way, sizeof(feed_state.way), "split %zu+%zu", i, k);
			feed_run(bytes, (size_t[]){ i, k, len }, 3, user);
		}
	}
}

static inline void
feed_pieces(const void *bytes, size_t len, const struct feed_user *user)
{
	assert(user->piece && !user->grow);
	feed_ways(bytes, len, user);
}

static inline void
feed_growing(const void *bytes, size_t len, const struct feed_user *user)
{
	assert(user->grow && !user->piece);
	feed_ways(bytes, len, user);
}

#endif
