/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/dial.h"

#include <stdlib.h>
#include <string.h>

#define DIAL_USED 0x80000000u
#define GENERATION 0xFFFFFFu

void
dial_ids_init(struct dial_ids *d)
{
	memset(d, 0, sizeof(*d));
}

void
dial_ids_fini(struct dial_ids *d)
{
	free(d->tags);
}

static bool
grow(struct dial_ids *d)
{
	uint32_t cap = d->cap ? 2 * d->cap : 16;
	uint32_t *tags = cap < DIAL_SLOT ? realloc(d->tags, cap * sizeof(*tags)) : NULL;

	if (!tags)
		return false;
	memset(tags + d->cap, 0, (cap - d->cap) * sizeof(*tags));
	d->tags = tags;
	d->next = d->cap;
	d->cap = cap;
	return true;
}

struct flow
dial_ids_take(struct dial_ids *d, uint32_t loop)
{
	uint32_t generation;

	if (d->used == d->cap && !grow(d))
		return FLOW_NONE;
	while (d->tags[d->next] & DIAL_USED)
		d->next = (d->next + 1) % d->cap;
	generation = (d->tags[d->next] + 1) & GENERATION;
	if (!generation)
		generation = 1;
	d->tags[d->next] = generation | DIAL_USED;
	d->used++;
	return (struct flow){ .slot = DIAL_SLOT + d->next, .tag = loop << 24 | generation };
}

void
dial_ids_give(struct dial_ids *d, struct flow id)
{
	uint32_t i = id.slot - DIAL_SLOT;

	if (!dial_is(id) || i >= d->cap || d->tags[i] != ((id.tag & GENERATION) | DIAL_USED))
		return;
	d->tags[i] &= GENERATION;
	d->next = i;
	d->used--;
}
