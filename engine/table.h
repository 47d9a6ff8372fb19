/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TABLE_H
#define ENGINE_TABLE_H
/*
 * Hash table of intrusive nodes that grows one bucket at a time (linear hashing): each insertion
 * splits at most one bucket, so no operation ever waits for a rehash of the whole. The hash must be
 * keyed (siphash.h): chains stay short whatever the peers choose as keys.
 *
 * Buckets are in segments of doubling size that never move. A segment that cannot be
 * allocated only makes chains longer: inserting never fails. It does not shrink (8 bytes per
 * node at most).
 *
 * Not thread-safe. Owns the segments, not the nodes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_FIRST_BITS 6 /* buckets there are from the start: 2^6 */
#define TABLE_SEGMENTS (32 - TABLE_FIRST_BITS)

struct table_node {
	struct table_node *next;
	struct table_node **link; /* what points here */
	uint64_t hash;
};

struct table {
	struct table_node **segments[TABLE_SEGMENTS];
	uint32_t mask;  /* buckets before this round of splitting, less one */
	uint32_t split; /* buckets [0, split) are split already */
	uint64_t len;   /* nodes */
};

/* False: out of memory. */
bool table_init(struct table *t);
void table_fini(struct table *t); /* must be empty */

void table_insert(struct table *t, struct table_node *node, uint64_t hash);
void table_remove(struct table *t, struct table_node *node);

/* Put `with` where `node` is; both have the same hash. */
void table_replace(struct table_node *node, struct table_node *with);

/* The nodes with exactly this hash, one after the other; the caller compares keys. */
struct table_node *table_first(const struct table *t, uint64_t hash);
struct table_node *table_next(const struct table_node *node);

/*
 * Walks over all nodes, for emptying the table: a node of the first bucket from *bucket on that
 * has any, NULL after the last. Start with 0; the caller removes what it got before it asks for
 * more.
 */
struct table_node *table_any(const struct table *t, uint32_t *bucket);

#endif
