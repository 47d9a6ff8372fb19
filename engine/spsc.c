/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/spsc.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool
spsc_init(struct spsc *q, uint32_t capacity)
{
	return spsc_init_at(q, capacity, 0);
}

bool
spsc_init_at(struct spsc *q, uint32_t capacity, uint32_t start)
{
	assert(capacity > 0 && (capacity & (capacity - 1)) == 0);
	memset(q, 0, sizeof(*q));
	q->slots = calloc(capacity, sizeof(*q->slots));
	if (!q->slots)
		return false;
	q->mask = capacity - 1;
	q->flag = &q->sleeping;
	q->tail_local = start;
	q->tail_cached = start;
	q->head_cached = start;
	atomic_init(&q->tail, start);
	atomic_init(&q->head, start);
	return true;
}

void
spsc_fini(struct spsc *q)
{
	free(q->slots);
	memset(q, 0, sizeof(*q));
}
