/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_deflate_memory.h"
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* In front of each block: zlib does not say how large what it gives back is. */
union memory_head {
	size_t len; /* with this head */
	max_align_t align;
};

static bool
memory_fits(size_t held, size_t cap, size_t len)
{
	return cap == 0 || (held <= cap && len <= cap - held);
}

/* Relaxed: the number guards nothing but itself. */
static bool
memory_budget_take(struct ws_deflate_budget *b, size_t len)
{
	size_t held = atomic_load_explicit(&b->held, memory_order_relaxed);

	do {
		if (!memory_fits(held, b->cap, len))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&b->held, &held, held + len, memory_order_relaxed, memory_order_relaxed));
	return true;
}

static void
memory_budget_give(struct ws_deflate_budget *b, size_t len)
{
	size_t held = atomic_fetch_sub_explicit(&b->held, len, memory_order_relaxed);

	assert(held >= len);
}

void *
ws_deflate_memory_take(void *memory, unsigned items, unsigned size)
{
	struct ws_deflate_memory *m = memory;
	size_t len = sizeof(union memory_head) + (size_t)items * size;
	union memory_head *head;

	_Static_assert(SIZE_MAX / UINT32_MAX > UINT32_MAX, "items * size fits");
	if (!memory_fits(m->held, m->cap, len))
		return NULL;
	if (m->budget && !memory_budget_take(m->budget, len))
		return NULL;
	head = m->alloc(m->arg, len);
	if (!head) {
		if (m->budget)
			memory_budget_give(m->budget, len);
		return NULL;
	}
	head->len = len;
	m->held += len;
	return head + 1;
}

void
ws_deflate_memory_give(void *memory, void *block)
{
	struct ws_deflate_memory *m = memory;
	union memory_head *head = (union memory_head *)block - 1;
	size_t len = head->len;

	assert(len <= m->held);
	m->held -= len;
	m->release(m->arg, head, len);
	if (m->budget)
		memory_budget_give(m->budget, len);
}
