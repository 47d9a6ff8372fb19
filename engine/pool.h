/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H
/*
 * Blocks of one size, cut from slabs; what was given back last is taken first. A slab none of
 * whose blocks is in use is kept for the next wave, and goes back to the kernel when pool_trim()
 * finds that no wave needed it, but for a small reserve: memory returns after a storm. (To give it
 * back at once costs more than all else: with a thousand messages under way between two loops,
 * 15 us per message instead of 6, for mapping, clearing and unmapping.)
 *
 * Built with POOL_MALLOC (the sanitizer and fuzz builds) every block is a malloc() of its own, so
 * that a use after pool_give() is seen.
 *
 * Not thread-safe: belongs to one loop.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_ALIGN 64u                 /* of every block */
#define POOL_SLAB_BYTES 65536u         /* of a slab at least; it holds 7 blocks at least */
#define POOL_RESERVE_BYTES 1048576u    /* unused slabs that are kept, at most; one is always kept */

struct pool_slab;

struct pool {
	struct pool_slab *open;  /* slabs with a free block; unused ones are at the end */
	struct pool_slab *last;
	uint32_t block_bytes;    /* rounded up to POOL_ALIGN */
	uint32_t slab_bytes;     /* power of two; a slab is aligned to it */
	uint32_t slab_blocks;
	uint32_t blocks_max;
	uint32_t used;           /* blocks that are out */
	uint32_t slabs;
	uint32_t slabs_unused;   /* without any block out */
	uint32_t slabs_spare;    /* the fewest of these since pool_trim() */
	uint32_t slabs_reserve;
};

/* At most blocks_max blocks are out at once. Nothing is allocated yet. */
void pool_init(struct pool *p, size_t block_bytes, uint32_t blocks_max);

/* All blocks must be back. */
void pool_fini(struct pool *p);

/* A block, its contents undefined. NULL: blocks_max are out, or out of memory. */
void *pool_take(struct pool *p);

/* `block` came from pool_take() of the same pool. */
void pool_give(struct pool *p, void *block);

/*
 * Give back the slabs that nobody needed since the last call, but for the reserve; called twice in
 * a row, all that are unused now.
 */
void pool_trim(struct pool *p);

/* Would that give back any, once nobody takes blocks any more? */
static inline bool
pool_is_spare(const struct pool *p)
{
	return p->slabs_unused > p->slabs_reserve;
}

/* Memory held for blocks, in use or not. */
size_t pool_bytes_held(const struct pool *p);

#include "engine/bytes.h" /* buffers of mixed sizes, made of pools */

#endif
