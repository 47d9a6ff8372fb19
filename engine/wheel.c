/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/wheel.h"
#include <assert.h>
#include <string.h>

#define DIGIT_MASK (WHEEL_SLOTS - 1)
#define NO_SLOT UINT32_MAX

_Static_assert(WHEEL_SLOTS == 64, "a level's slots are one 64-bit set");
_Static_assert(UINT64_MAX / WHEEL_TICK_NS < UINT64_C(1) << (WHEEL_DIGIT_BITS * WHEEL_LEVELS),
	       "the levels hold every tick");

void
wheel_init(struct wheel *w, uint64_t now_ns)
{
	memset(w, 0, sizeof(*w));
	w->tick = now_ns / WHEEL_TICK_NS;
	w->earliest = w->tick;
}

static void
link_first(struct wheel_timer **head, struct wheel_timer *timer)
{
	timer->next = *head;
	timer->link = head;
	if (timer->next)
		timer->next->link = &timer->next;
	*head = timer;
}

static void
slot_emptied(struct wheel *w, uint32_t slot)
{
	uint32_t level = slot / WHEEL_SLOTS;

	w->occupied[level] &= ~(UINT64_C(1) << (slot & DIGIT_MASK));
	if (w->occupied[level] == 0)
		w->levels &= ~(1u << level);
}

/* Put into the slot that fits the present; see the top of wheel.h. */
static void
place(struct wheel *w, struct wheel_timer *timer)
{
	uint64_t differs = timer->tick ^ w->tick;
	uint32_t level = 0;
	uint32_t digit;

	assert(timer->tick >= w->tick);
	if (differs)
		level = (63 - (uint32_t)__builtin_clzll(differs)) / WHEEL_DIGIT_BITS;
	digit = (uint32_t)(timer->tick >> (level * WHEEL_DIGIT_BITS)) & DIGIT_MASK;
	link_first(&w->slots[level * WHEEL_SLOTS + digit], timer);
	w->occupied[level] |= UINT64_C(1) << digit;
	w->levels |= 1u << level;
}

static void
take_out(struct wheel *w, struct wheel_timer *timer)
{
	uintptr_t link = (uintptr_t)timer->link;
	uintptr_t slots = (uintptr_t)w->slots;

	assert(*timer->link == timer);
	*timer->link = timer->next;
	if (timer->next)
		timer->next->link = timer->link;
	else if (link >= slots && link < slots + sizeof(w->slots))
		slot_emptied(w, (uint32_t)(timer->link - w->slots));
	timer->next = NULL;
	timer->link = NULL;
}

void
wheel_arm(struct wheel *w, struct wheel_timer *timer, uint64_t deadline_ns)
{
	wheel_cancel(w, timer);
	if (deadline_ns == UINT64_MAX)
		return;
	timer->tick = deadline_ns / WHEEL_TICK_NS + (deadline_ns % WHEEL_TICK_NS != 0);
	if (timer->tick < w->earliest)
		timer->tick = w->earliest;
	place(w, timer);
	w->armed++;
}

void
wheel_cancel(struct wheel *w, struct wheel_timer *timer)
{
	if (!wheel_is_armed(timer))
		return;
	assert(w->armed > 0);
	take_out(w, timer);
	w->armed--;
}

/* The slot that the present reaches first, and the tick of its start. */
static uint32_t
next_slot(const struct wheel *w, uint64_t *start)
{
	uint32_t level, digit, shift;

	*start = UINT64_MAX;
	if (w->levels == 0)
		return NO_SLOT;
	level = (uint32_t)__builtin_ctz(w->levels);
	digit = (uint32_t)__builtin_ctzll(w->occupied[level]);
	shift = level * WHEEL_DIGIT_BITS;
	*start = (w->tick >> shift >> WHEEL_DIGIT_BITS << WHEEL_DIGIT_BITS | digit) << shift;
	assert(*start >= w->tick);
	return level * WHEEL_SLOTS + digit;
}

uint64_t
wheel_next_ns(const struct wheel *w)
{
	uint64_t start;

	if (next_slot(w, &start) == NO_SLOT || start > UINT64_MAX / WHEEL_TICK_NS)
		return UINT64_MAX;
	return start * WHEEL_TICK_NS;
}

/* Take over all timers of a slot. */
static void
empty_slot(struct wheel *w, uint32_t slot, struct wheel_timer **into)
{
	assert(*into == NULL && w->slots[slot] != NULL);
	*into = w->slots[slot];
	(*into)->link = into;
	w->slots[slot] = NULL;
	slot_emptied(w, slot);
}

static void
move_down(struct wheel *w, uint32_t slot)
{
	struct wheel_timer *moving = NULL;

	empty_slot(w, slot, &moving);
	while (moving) {
		struct wheel_timer *timer = moving;

		moving = timer->next;
		place(w, timer);
	}
}

static uint32_t
call_slot(struct wheel *w, uint32_t slot, wheel_expired_fn expired, void *arg)
{
	uint32_t called = 0;

	/* expired() may cancel a timer that is still on this list: it unlinks itself from it */
	empty_slot(w, slot, &w->due);
	while (w->due) {
		struct wheel_timer *timer = w->due;

		assert(timer->tick == w->tick);
		wheel_cancel(w, timer);
		expired(arg, timer);
		called++;
	}
	return called;
}

uint32_t
wheel_advance(struct wheel *w, uint64_t now_ns, wheel_expired_fn expired, void *arg)
{
	uint64_t target = now_ns / WHEEL_TICK_NS;
	uint32_t called = 0;
	uint64_t start;

	assert(w->due == NULL); /* not from inside expired() */
	if (target < w->tick)
		target = w->tick;
	w->earliest = target + 1;
	for (;;) {
		uint32_t slot = next_slot(w, &start);

		if (slot == NO_SLOT || start > target)
			break;
		w->tick = start;
		if (slot < WHEEL_SLOTS)
			called += call_slot(w, slot, expired, arg);
		else
			move_down(w, slot);
	}
	/* every slot left starts after target, so it differs from it in the same digit still */
	w->tick = target;
	w->earliest = target;
	return called;
}
