/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LANE_H
#define ENGINE_LANE_H
/*
 * A lane carries messages from one thread to another (or to itself): an SPSC queue, and behind it,
 * on the producer's side, a chain for what does not fit. So putting in cannot fail, and who fills
 * a lane finds out by lane_is_backed_up() and stops taking in more: back-pressure, no loss.
 *
 * The two ends are threads (struct lane_end): each has one flag that says that it sleeps, and a
 * way to be rung. A consumer that sleeps is rung when something is published; a producer that
 * sleeps with something in the chain is rung when there is room.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include "engine/message.h"
#include "engine/spsc.h"

struct lane_end {
	alignas(SPSC_LINE) _Atomic uint32_t sleeping; /* rings are wanted for what comes in */
	alignas(SPSC_LINE) _Atomic bool blocked;      /* ... and for room in what goes out */
	void (*ring)(void *arg); /* wakes the thread; any thread calls it */
	void *arg;
};

struct lane {
	struct spsc queue;
	struct message *chain, *chain_last; /* the producer's: did not fit */
	struct lane_end *from, *to;
	bool lazy;  /* what goes here may wait until the consumer wakes for something else, */
	bool hurry; /* ... but this time it may not */
};

/*
 * capacity: power of two. lazy: wakes only who asks for it (SPSC_EAGER). Both ends must outlive
 * the lane. False: out of memory.
 */
bool lane_init(struct lane *l, uint32_t capacity, bool lazy, struct lane_end *from,
	       struct lane_end *to);
void lane_fini(struct lane *l); /* empty */

/* Both threads have ended: the next one of what nobody took, or NULL. */
struct message *lane_rest(struct lane *l);

/* Producer: hand a message over; seen after lane_publish(). */
void lane_put(struct lane *l, struct message *m);

/* The same, of a message that a lazy lane shall not leave lying. */
void lane_put_urgent(struct lane *l, struct message *m);

/* Producer: move what waits into the queue as far as it goes, show it, ring who sleeps. */
void lane_publish(struct lane *l);

/* Producer: does anything wait because the queue was full? */
static inline bool
lane_is_backed_up(const struct lane *l)
{
	return l->chain != NULL;
}

/* Consumer: the next message, or NULL. */
static inline struct message *
lane_take(struct lane *l)
{
	return spsc_pop(&l->queue);
}

/* Consumer, after it took something: tell a producer that waits for room. */
void lane_taken(struct lane *l);

/* Consumer: see spsc_is_empty(). */
static inline bool
lane_is_empty(const struct lane *l)
{
	return spsc_is_empty(&l->queue);
}

#endif
