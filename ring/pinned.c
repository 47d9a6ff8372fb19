/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/pinned.h"

#include <assert.h>
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <sys/mman.h>

static uint8_t *
bytes_of(const struct pinned *p, uint32_t index)
{
	return p->bytes + (size_t)index * p->each;
}

static void
put_back(struct pinned *p, uint32_t index)
{
	p->buffers[index].next_free = p->free;
	p->free = index;
	ASAN_POISON_MEMORY_REGION(bytes_of(p, index), p->each);
}

int
pinned_init(struct pinned *p, struct uring *u, uint32_t count, uint32_t each)
{
	size_t len = (size_t)count * each;
	void *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int result = -ENOMEM;

	*p = (struct pinned){ .count = count, .each = each, .free = PINNED_NONE };
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	p->bytes = bytes;
	p->buffers = calloc(count, sizeof(p->buffers[0]));
	if (p->buffers != NULL)
		result = uring_register_pinned(u, bytes, count, each);
	if (result < 0) {
		pinned_fini(p);
		return result;
	}
	for (uint32_t i = count; i > 0; i--)
		put_back(p, i - 1);
	return 0;
}

void
pinned_fini(struct pinned *p)
{
	if (p->bytes != NULL) {
		ASAN_UNPOISON_MEMORY_REGION(p->bytes, (size_t)p->count * p->each);
		munmap(p->bytes, (size_t)p->count * p->each);
	}
	free(p->buffers);
	*p = (struct pinned){ .free = PINNED_NONE };
}

void *
pinned_take(struct pinned *p)
{
	uint32_t index = p->free;

	if (p->bytes == NULL || index == PINNED_NONE)
		return NULL;
	p->free = p->buffers[index].next_free;
	p->buffers[index].references = 1;
	p->out++;
	ASAN_UNPOISON_MEMORY_REGION(bytes_of(p, index), p->each);
	return bytes_of(p, index);
}

uint32_t
pinned_index(const struct pinned *p, const void *byte)
{
	uintptr_t first = (uintptr_t)p->bytes, at = (uintptr_t)byte;

	if (p->bytes == NULL || at < first || at >= first + (size_t)p->count * p->each)
		return PINNED_NONE;
	return (uint32_t)((at - first) / p->each);
}

void
pinned_hold(struct pinned *p, uint32_t index)
{
	assert(p->buffers[index].references > 0);
	p->buffers[index].references++;
}

void
pinned_drop(struct pinned *p, uint32_t index)
{
	assert(p->buffers[index].references > 0);
	if (--p->buffers[index].references > 0)
		return;
	p->out--;
	put_back(p, index);
}
