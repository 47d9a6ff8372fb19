/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CALENDAR_H
#define ENGINE_CALENDAR_H
/*
 * What runs out when, to the second, for any number of entries. The same digits as in wheel.h,
 * but work is bounded: where the wheel moves a whole slot down at once, a slot of the calendar
 * that is reached becomes a list of things to look at, and calendar_pop() looks at as many as it
 * is allowed to. A million registrations that run out together never stop a loop.
 *
 * Not thread-safe. Reads no clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALENDAR_LEVELS 6 /* of 64 slots: 32 bits and more */
#define CALENDAR_SLOTS 64

struct calendar_entry {
	struct calendar_entry *next;
	struct calendar_entry **link; /* what points here; NULL: not in the calendar */
	uint32_t due_s;
};

struct calendar {
	uint32_t now_s;
	struct calendar_entry *reached; /* of reached slots: due, or to be sorted in again */
	uint64_t used[CALENDAR_LEVELS]; /* bit per slot */
	struct calendar_entry *slots[CALENDAR_LEVELS][CALENDAR_SLOTS];
};

void calendar_init(struct calendar *c, uint32_t now_s);
void calendar_add(struct calendar *c, struct calendar_entry *e, uint32_t due_s);
void calendar_remove(struct calendar_entry *e);

/*
 * Take out one entry that is due at now_s or before, in the order of their seconds; NULL when
 * there is none or *work is used up. Each entry that is looked at and each slot that is reached
 * costs one of *work.
 */
struct calendar_entry *calendar_pop(struct calendar *c, uint32_t now_s, uint32_t *work);

/*
 * When calendar_pop() has something to do again; UINT32_MAX: never. Not later than the first
 * entry.
 */
uint32_t calendar_next(const struct calendar *c);

#endif
