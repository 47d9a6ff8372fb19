/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/calendar.h"

#include <assert.h>

#define DIGIT_BITS 6

static unsigned
digit(uint32_t time, unsigned level)
{
	return time >> (DIGIT_BITS * level) & (CALENDAR_SLOTS - 1);
}

void
calendar_init(struct calendar *c, uint32_t now_s)
{
	*c = (struct calendar){ .now_s = now_s };
}

static void
link_in(struct calendar_entry **head, struct calendar_entry *e)
{
	e->next = *head;
	e->link = head;
	if (e->next)
		e->next->link = &e->next;
	*head = e;
}

void
calendar_add(struct calendar *c, struct calendar_entry *e, uint32_t due_s)
{
	unsigned level;

	e->due_s = due_s;
	if (due_s <= c->now_s) {
		link_in(&c->reached, e);
		return;
	}
	/* the highest digit in which it differs from the present is larger there */
	level = (31 - (unsigned)__builtin_clz(due_s ^ c->now_s)) / DIGIT_BITS;
	link_in(&c->slots[level][digit(due_s, level)], e);
	c->used[level] |= UINT64_C(1) << digit(due_s, level);
}

/* The bit of a slot that is empty now stays: reaching it then costs one step and does nothing. */
void
calendar_remove(struct calendar_entry *e)
{
	assert(e->link && *e->link == e);
	*e->link = e->next;
	if (e->next)
		e->next->link = e->link;
	e->link = NULL;
}

/* Level and slot of the next one to be reached. Lower levels come before higher ones. */
static bool
next_slot(const struct calendar *c, unsigned *level, unsigned *slot)
{
	for (unsigned i = 0; i < CALENDAR_LEVELS; i++) {
		if (!c->used[i])
			continue;
		*level = i;
		*slot = (unsigned)__builtin_ctzll(c->used[i]);
		assert(*slot > digit(c->now_s, i));
		return true;
	}
	return false;
}

static uint32_t
slot_time(const struct calendar *c, unsigned level, unsigned slot)
{
	unsigned shift = DIGIT_BITS * level;
	uint64_t block = (UINT64_C(1) << (shift + DIGIT_BITS)) - 1;

	return (uint32_t)((c->now_s & ~block) | (uint64_t)slot << shift);
}

/* The next slot, if its time has come, becomes the list of things to look at. */
static bool
reach(struct calendar *c, uint32_t now_s)
{
	unsigned level, slot;

	assert(!c->reached);
	if (!next_slot(c, &level, &slot) || slot_time(c, level, slot) > now_s) {
		if (now_s > c->now_s)
			c->now_s = now_s;
		return false;
	}
	c->now_s = slot_time(c, level, slot);
	c->used[level] &= ~(UINT64_C(1) << slot);
	c->reached = c->slots[level][slot];
	if (c->reached)
		c->reached->link = &c->reached;
	c->slots[level][slot] = NULL;
	return true;
}

struct calendar_entry *
calendar_pop(struct calendar *c, uint32_t now_s, uint32_t *work)
{
	for (; *work; --*work) {
		struct calendar_entry *e = c->reached;

		if (!e) {
			if (!reach(c, now_s))
				return NULL;
			continue;
		}
		calendar_remove(e);
		if (e->due_s <= c->now_s) {
			--*work;
			return e;
		}
		calendar_add(c, e, e->due_s);
	}
	return NULL;
}

uint32_t
calendar_next(const struct calendar *c)
{
	unsigned level, slot;

	if (c->reached)
		return c->now_s;
	return next_slot(c, &level, &slot) ? slot_time(c, level, slot) : UINT32_MAX;
}
