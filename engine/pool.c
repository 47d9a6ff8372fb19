/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pool.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCKS_PER_SLAB_MIN 7 /* of a power of two: that leaves room for the head */

struct pool_slab {
	struct pool_slab *next, *prev; /* in pool.open, unless all blocks are out */
	struct pool *owner;
	void *free;      /* chain of blocks that were given back */
	uint32_t used;   /* blocks that are out */
	uint32_t carved; /* blocks that were ever out; those after them were never touched */
};

_Static_assert(sizeof(struct pool_slab) <= POOL_ALIGN, "the first block follows the slab's head");
_Static_assert((POOL_SLAB_BYTES & (POOL_SLAB_BYTES - 1)) == 0, "power of two");

void
pool_init(struct pool *p, size_t block_bytes, uint32_t blocks_max)
{
	assert(block_bytes > 0 && block_bytes <= UINT32_MAX / 32);
	memset(p, 0, sizeof(*p));
	p->block_bytes = ((uint32_t)block_bytes + POOL_ALIGN - 1) & ~(POOL_ALIGN - 1);
	p->blocks_max = blocks_max;
	p->slab_bytes = POOL_SLAB_BYTES;
	while ((p->slab_bytes - POOL_ALIGN) / p->block_bytes < BLOCKS_PER_SLAB_MIN)
		p->slab_bytes *= 2;
	p->slab_blocks = (p->slab_bytes - POOL_ALIGN) / p->block_bytes;
	p->slabs_reserve = POOL_RESERVE_BYTES / p->slab_bytes;
	if (p->slabs_reserve == 0)
		p->slabs_reserve = 1;
}

#ifdef POOL_MALLOC

void
pool_fini(struct pool *p)
{
	assert(p->used == 0);
}

void *
pool_take(struct pool *p)
{
	void *block;

	if (p->used == p->blocks_max)
		return NULL;
	block = aligned_alloc(POOL_ALIGN, p->block_bytes);
	if (block)
		p->used++;
	return block;
}

void
pool_give(struct pool *p, void *block)
{
	assert(block && p->used > 0);
	p->used--;
	free(block);
}

void
pool_trim(struct pool *p)
{
	(void)p;
}

size_t
pool_bytes_held(const struct pool *p)
{
	return (size_t)p->used * p->block_bytes;
}

#else

/* Slabs of `bytes` lie at multiples of it, so that a block's address tells its slab. */
static void *
slab_map(size_t bytes)
{
	uint8_t *map =
		mmap(NULL, bytes * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (map == MAP_FAILED)
		return NULL;
	before = (bytes - ((uintptr_t)map & (bytes - 1))) & (bytes - 1);
	if (before)
		munmap(map, before);
	munmap(map + before + bytes, bytes - before);
	return map + before;
}

static void
open_add_first(struct pool *p, struct pool_slab *slab)
{
	slab->prev = NULL;
	slab->next = p->open;
	if (p->open)
		p->open->prev = slab;
	else
		p->last = slab;
	p->open = slab;
}

static void
open_add_last(struct pool *p, struct pool_slab *slab)
{
	slab->next = NULL;
	slab->prev = p->last;
	if (p->last)
		p->last->next = slab;
	else
		p->open = slab;
	p->last = slab;
}

static void
open_remove(struct pool *p, struct pool_slab *slab)
{
	*(slab->prev ? &slab->prev->next : &p->open) = slab->next;
	*(slab->next ? &slab->next->prev : &p->last) = slab->prev;
}

static void
slab_unmap(struct pool *p, struct pool_slab *slab)
{
	assert(slab->used == 0);
	open_remove(p, slab);
	munmap(slab, p->slab_bytes);
	p->slabs--;
	p->slabs_unused--;
}

void
pool_fini(struct pool *p)
{
	assert(p->used == 0);
	while (p->open)
		slab_unmap(p, p->open);
	assert(p->slabs == 0 && p->slabs_unused == 0);
}

static struct pool_slab *
slab_new(struct pool *p)
{
	struct pool_slab *slab = slab_map(p->slab_bytes);

	if (!slab)
		return NULL;
	slab->owner = p;
	open_add_first(p, slab);
	p->slabs++;
	p->slabs_unused++;
	return slab;
}

void *
pool_take(struct pool *p)
{
	struct pool_slab *slab;
	void *block;

	if (p->used == p->blocks_max)
		return NULL;
	slab = p->open ? p->open : slab_new(p);
	if (!slab)
		return NULL;
	if (slab->free) {
		block = slab->free;
		memcpy(&slab->free, block, sizeof(slab->free));
	} else {
		assert(slab->carved < p->slab_blocks);
		block = (uint8_t *)slab + POOL_ALIGN + (size_t)slab->carved++ * p->block_bytes;
	}
	if (slab->used++ == 0 && --p->slabs_unused < p->slabs_spare)
		p->slabs_spare = p->slabs_unused;
	if (slab->used == p->slab_blocks)
		open_remove(p, slab);
	p->used++;
	return block;
}

void
pool_give(struct pool *p, void *block)
{
	struct pool_slab *slab =
		(struct pool_slab *)((uintptr_t)block & ~((uintptr_t)p->slab_bytes - 1));

	assert(block && slab->owner == p && slab->used > 0);
	memcpy(block, &slab->free, sizeof(slab->free));
	slab->free = block;
	p->used--;
	if (slab->used-- == p->slab_blocks)
		open_add_first(p, slab);
	if (slab->used > 0)
		return;
	/* used last, so that it stays unused for longest */
	open_remove(p, slab);
	open_add_last(p, slab);
	p->slabs_unused++;
}

void
pool_trim(struct pool *p)
{
	/* Those that are unused are at the end. */
	for (; p->slabs_spare > p->slabs_reserve; p->slabs_spare--)
		slab_unmap(p, p->last);
	p->slabs_spare = p->slabs_unused;
}

size_t
pool_bytes_held(const struct pool *p)
{
	return (size_t)p->slabs * p->slab_bytes;
}

#endif
