/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/slot.h"

#include <stdlib.h>

bool
slot_table_init(struct slot_table *t, uint32_t max)
{
	*t = (struct slot_table){ .max = max, .free = SLOT_NONE };
	t->slots = calloc(max, sizeof(t->slots[0]));
	t->todo.slots = calloc(max, sizeof(t->todo.slots[0]));
	t->todo.member = SLOT_IN_TODO;
	t->starved.slots = calloc(max, sizeof(t->starved.slots[0]));
	t->starved.member = SLOT_IN_STARVED;
	return t->slots != NULL && t->todo.slots != NULL && t->starved.slots != NULL;
}

void
slot_table_fini(struct slot_table *t)
{
	free(t->slots);
	free(t->todo.slots);
	free(t->starved.slots);
}

uint32_t
slot_take(struct slot_table *t, int fd)
{
	uint32_t index = t->free;
	struct slot *s;

	if (index != SLOT_NONE)
		t->free = t->slots[index].next_free;
	else if (t->fresh < t->max)
		index = t->fresh++;
	else
		return SLOT_NONE;
	s = &t->slots[index];
	assert(!(s->flags & SLOT_USED));
	*s = (struct slot){
		.generation = s->generation,
		.fd = fd,
		.flags = (s->flags & SLOT_FLAGS_OF_INDEX) | SLOT_USED,
	};
	t->used++;
	return index;
}

void
slot_give_back(struct slot_table *t, uint32_t index)
{
	struct slot *s = slot_get(t, index);

	assert(!(s->flags & SLOT_REQUESTS_OUT) && s->send == SLOT_SEND_NONE);
	s->generation = (s->generation + 1) & TAG_GENERATION_MAX;
	s->flags &= SLOT_FLAGS_OF_INDEX;
	s->fd = -1;
	s->next_free = t->free;
	t->free = index;
	t->used--;
}

void
slot_fifo_put(struct slot_table *t, struct slot_fifo *f, uint32_t index)
{
	struct slot *s = &t->slots[index];
	uint32_t at;

	if (s->flags & f->member)
		return;
	assert(f->count < t->max);
	s->flags |= f->member;
	at = f->head + f->count++;
	f->slots[at < t->max ? at : at - t->max] = index;
}

uint32_t
slot_fifo_take(struct slot_table *t, struct slot_fifo *f)
{
	uint32_t index;

	if (f->count == 0)
		return SLOT_NONE;
	index = f->slots[f->head];
	f->head = f->head + 1 < t->max ? f->head + 1 : 0;
	f->count--;
	t->slots[index].flags &= ~(uint32_t)f->member;
	return index;
}
