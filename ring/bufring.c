/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/bufring.h"

#include <assert.h>
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BUFRING_ENTRIES_MAX 32768u

static void *
map_pages(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void
put(struct bufring *b, uint16_t buffer)
{
	struct io_uring_buf *slot = &b->ring->bufs[b->tail++ & (b->entries - 1)];

	/* Field by field: the first entry's `resv` is the ring's tail. */
	slot->addr = (uintptr_t)bufring_bytes(b, buffer);
	slot->len = b->buffer_bytes;
	slot->bid = buffer;
	ASAN_POISON_MEMORY_REGION(bufring_bytes(b, buffer), b->buffer_bytes);
}

int
bufring_init(struct bufring *b, struct uring *u, uint32_t entries, uint32_t buffer_bytes)
{
	if (entries == 0 || entries > BUFRING_ENTRIES_MAX || (entries & (entries - 1)) != 0 ||
	    buffer_bytes == 0)
		return -EINVAL;
	*b = (struct bufring){ .entries = entries, .buffer_bytes = buffer_bytes };
	b->ring = map_pages(entries * sizeof(struct io_uring_buf));
	b->bytes = map_pages((size_t)entries * buffer_bytes);
	b->references = calloc(entries, sizeof(b->references[0]));
	if (b->ring == NULL || b->bytes == NULL || b->references == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < entries; i++)
		put(b, (uint16_t)i);
	bufring_publish(b);
	return uring_register_buffers(u, b->ring, entries, BUFRING_GROUP);
}

void
bufring_fini(struct bufring *b)
{
	if (b->ring != NULL)
		munmap(b->ring, b->entries * sizeof(struct io_uring_buf));
	if (b->bytes != NULL) {
		ASAN_UNPOISON_MEMORY_REGION(b->bytes, (size_t)b->entries * b->buffer_bytes);
		munmap(b->bytes, (size_t)b->entries * b->buffer_bytes);
	}
	free(b->references);
}

void
bufring_take(struct bufring *b, uint16_t buffer, uint32_t len)
{
	assert(buffer < b->entries && b->references[buffer] == 0 && len <= b->buffer_bytes);
	b->references[buffer] = 1;
	b->out++;
	ASAN_UNPOISON_MEMORY_REGION(bufring_bytes(b, buffer), len);
}

void
bufring_hold(struct bufring *b, uint16_t buffer)
{
	assert(buffer < b->entries && b->references[buffer] > 0 &&
	       b->references[buffer] < UINT16_MAX);
	b->references[buffer]++;
}

bool
bufring_drop(struct bufring *b, uint16_t buffer)
{
	assert(buffer < b->entries && b->references[buffer] > 0);
	if (--b->references[buffer] > 0)
		return false;
	b->out--;
	b->given_back++;
	put(b, buffer);
	return true;
}

void
bufring_trim(struct bufring *b)
{
	if (b->out == 0)
		(void)madvise(b->bytes, (size_t)b->entries * b->buffer_bytes, MADV_DONTNEED);
}

void
bufring_publish(struct bufring *b)
{
	/*
	 * Release pairs with the kernel's acquire of the tail: the entries before it are written.
	 */
	__atomic_store_n(&b->ring->tail, b->tail, __ATOMIC_RELEASE);
}
