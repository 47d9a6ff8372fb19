/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TABLE_H
#define ENGINE_TABLE_H
/*
 * Hash table for one writer and any number of readers at the same time (rcu.h). Readers wait for
 * nobody and write nothing. The hash must be keyed (siphash.h): runs stay short whatever the peers
 * choose as keys.
 *
 * An array of words, each the address of a node with 16 bits of its hash; what collides goes to the
 * next free word. So a look-up costs two cache misses, one for the word and one for the node, where
 * a chain would take one more per node that is passed: with a million nodes that is what counts
 * (cds_lfht of liburcu: 360 to 560 ns, this: 290 ns).
 *
 * It grows into a new array, some words with every insertion; until all have moved, readers look
 * into both. So no operation ever waits for a rehash of the whole.
 *
 * Owns the arrays, not the nodes: who removes one retires it.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "engine/rcu.h"

#define TABLE_FIRST_BITS 6  /* there are never fewer than 2^6 words */
#define TABLE_MOVE_STEPS 16 /* words that one insertion moves at most */

struct table_node {
	uint64_t hash;
};

struct table_array {
	void *retired;                     /* for rcu_retire() */
	struct table_array *_Atomic older; /* not all has moved from there yet; or NULL */
	uint32_t mask;                     /* length, less one */
	uint32_t used;                     /* words that are not empty; the writer's */
	_Atomic uint64_t words[];          /* stride words each: see table.c */
};

struct table {
	struct table_array *_Atomic now;
	struct rcu_grave *grave;
	uint64_t len;   /* nodes */
	uint32_t moved; /* words of the older array that are done */
	uint32_t stride;
};

/* ---- any thread, between rcu_enter() and rcu_leave() ---- */

struct table_cursor {
	const struct table_array *array, *older;
	uint64_t hash;
	uint32_t at;
	uint32_t stride;
};

/*
 * The nodes with exactly this hash, one after the other; the caller compares keys. While the table
 * grows the same one may come twice.
 */
struct table_node *table_first(const struct table *t, uint64_t hash, struct table_cursor *c);
struct table_node *table_next(struct table_cursor *c);

/* ---- the writer's thread ---- */

/*
 * `hints`: keep for each node an address that will be looked at next, and have it fetched while the
 * node is (8 bytes more). Old arrays are retired to `grave`. False: out of memory.
 */
bool table_init(struct table *t, bool hints, struct rcu_grave *grave);
void table_fini(struct table *t); /* must be empty, and without readers */

/* The next `n` insertions will not fail. False: out of memory. */
bool table_reserve(struct table *t, uint32_t n);

/* Room was reserved. */
void table_insert(struct table *t, struct table_node *node, uint64_t hash);
void table_remove(struct table *t, struct table_node *node);

/* Put `with` where `node` is; it gets the same hash. */
void table_replace(struct table *t, struct table_node *node, struct table_node *with);

/* What readers of this node will look at next. It is fetched into the cache, never read. */
void table_hint(struct table *t, const struct table_node *node, const void *next);

/*
 * Walks over all nodes, for emptying the table: the first node from *at on, NULL after the last.
 * Start with 0; the caller removes what it got before it asks for more, and inserts nothing.
 */
struct table_node *table_any(const struct table *t, uint64_t *at);

#endif
