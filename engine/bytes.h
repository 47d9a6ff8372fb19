/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_BYTES_H
#define ENGINE_BYTES_H
/*
 * Buffers of any size, for what waits to be sent and for messages that are put together:
 * five classes of size, each a pool; what is larger is a malloc() of its own.
 *
 * Not thread-safe: belongs to one loop.
 */
#include <stdbool.h>
#include "engine/pool.h"

#define BYTES_CLASSES 5
#define BYTES_SMALLEST 512u /* bytes of the first class; each further one is 4 times as large */
#define BYTES_LARGEST (BYTES_SMALLEST << (2 * (BYTES_CLASSES - 1)))

/* Buffers that bytes are sent from without a copy; few, all of one size. */
struct bytes_pinned {
	void *(*take)(void *arg); /* NULL: none is free */
	bool (*owns)(void *arg, const void *buffer);
	void (*give)(void *arg, void *buffer);
	void *arg;
	size_t each; /* bytes of one */
	size_t from; /* they are for what is at least so long */
};

struct bytes_pool {
	const struct bytes_pinned *pinned; /* or NULL; the owner sets it, once */
	struct pool classes[BYTES_CLASSES];
	size_t used_bytes; /* whole buffers that are out */
	size_t bytes_max;
	uint32_t used;     /* number of buffers that are out */
};

/* At most bytes_max bytes are out at once (SIZE_MAX: no limit). */
void bytes_init(struct bytes_pool *p, size_t bytes_max);

/* All buffers must be back. */
void bytes_fini(struct bytes_pool *p);

/*
 * A buffer of *size bytes or more; *size becomes what it really holds, and must be given to
 * bytes_free(). NULL: bytes_max would be exceeded, or out of memory.
 */
void *bytes_alloc(struct bytes_pool *p, size_t *size);

/* The same, of those that are sent from without a copy, where there is one and it pays. */
void *bytes_alloc_pinned(struct bytes_pool *p, size_t *size);

/* `size` as bytes_alloc() left it. NULL is harmless. */
void bytes_free(struct bytes_pool *p, void *buffer, size_t size);

/* Bytes that may still be taken. */
static inline size_t
bytes_left(const struct bytes_pool *p)
{
	return p->bytes_max - p->used_bytes;
}

/* pool_trim() and pool_is_spare() of all classes. */
void bytes_trim(struct bytes_pool *p);
bool bytes_is_spare(const struct bytes_pool *p);

/* Memory held, in use or not. */
size_t bytes_held(const struct bytes_pool *p);

#endif
