/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_WHEEL_H
#define ENGINE_WHEEL_H
/*
 * Timer wheel: any number of intrusive timers, arm and cancel in O(1). Reads no clock: time
 * comes in as an argument, in ns; inside it counts ticks of 1 ms.
 *
 * A tick is written as eight digits of six bits. A timer lies on the level of the
 * highest digit in which it differs from the present tick, in the slot of that digit. So
 * every timer of a lower level is due before every timer of a higher one, no slot is ever
 * behind the present, and the next event is found with two bit scans. When the
 * present reaches a slot of a higher level, its timers move down: at most seven moves in the
 * life of a timer.
 *
 * Not thread-safe: belongs to one loop.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_TICK_NS UINT64_C(1000000)
#define WHEEL_DIGIT_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_DIGIT_BITS)
#define WHEEL_LEVELS 8 /* 48 bits: every tick that UINT64_MAX ns can hold */

/* Lives inside its owner; all zero: not armed. Must not move while armed. */
struct wheel_timer {
	struct wheel_timer *next;
	struct wheel_timer **link; /* what points to this timer; NULL: not armed */
	uint64_t tick;             /* due at the start of this tick */
};

struct wheel {
	uint64_t tick;     /* the present; all earlier ticks are done */
	uint64_t earliest; /* a timer armed now is not due before this tick */
	uint32_t armed;
	uint32_t levels;                  /* bit set of levels that have a timer */
	uint64_t occupied[WHEEL_LEVELS];  /* bit set of slots that have a timer */
	struct wheel_timer *slots[WHEEL_LEVELS * WHEEL_SLOTS];
	struct wheel_timer *due; /* a slot's timers while they are called */
};

/* The struct of type `type` that holds `timer` as its member `member`. */
#define wheel_owner(timer, type, member) \
	((type *)(void *)((char *)(timer) - offsetof(type, member)))

/* The timer is not armed any more when this is called; the owner may be freed in it. */
typedef void (*wheel_expired_fn)(void *arg, struct wheel_timer *timer);

void wheel_init(struct wheel *w, uint64_t now_ns);

/*
 * Due at the first tick that starts at or after deadline_ns: never too early, less than
 * one tick late. A timer that is armed is moved. A deadline in the past is due at the next
 * wheel_advance(). UINT64_MAX: never, the same as wheel_cancel().
 */
void wheel_arm(struct wheel *w, struct wheel_timer *timer, uint64_t deadline_ns);

/* Harmless when not armed. */
void wheel_cancel(struct wheel *w, struct wheel_timer *timer);

static inline bool
wheel_is_armed(const struct wheel_timer *timer)
{
	return timer->link != NULL;
}

/*
 * When to call wheel_advance() next, in ns; UINT64_MAX: nothing is armed. Exact for what is due
 * within 64 ms or less; for later timers it may be the time of a move to a lower level, so
 * one timer costs at most seven wake-ups in which nothing expires (a 30 s timer: two). Never later
 * than the first timer's tick.
 */
uint64_t wheel_next_ns(const struct wheel *w);

/*
 * Set the present and call expired() for each timer that is due, in the order of their
 * ticks; within a tick in no order. expired() may arm and cancel any timer; what it arms
 * is due in a later call at the earliest, so that no timer is called twice in one. Time that
 * goes backwards is taken as standing still. Returns the number of timers called.
 */
uint32_t wheel_advance(struct wheel *w, uint64_t now_ns, wheel_expired_fn expired, void *arg);

#endif
