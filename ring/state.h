/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_STATE_H
#define RING_STATE_H
/*
 * What the files of this layer share: the ring itself.
 *
 * How they work together: a call of the user and a completion only change what a slot wants and put
 * it in the todo FIFO. The flush at the beginning of a turn makes the requests that bring what is
 * in flight in line with what is wanted. So nothing is lost when the SQ is full, calls that cancel
 * each other out cost nothing, and no call of the user makes a system call but the doorbell and
 * shutdown.
 */
#include <stdbool.h>
#include <stdint.h>

#include "ring/accept.h"
#include "ring/bufring.h"
#include "ring/pinned.h"
#include "ring/ring.h"
#include "ring/slot.h"
#include "ring/uring.h"

/* The most SQEs that one slot needs at once: a guarded send, its timeout, a receive. A close
 * with its linger comes when neither is wanted any more. */
#define STATE_SQES_PER_SLOT 3u

struct ring {
	struct uring *kernel;
	struct ring_handlers on;
	void *arg;
	struct ring_config config;
	uint32_t features;
	bool in_turn;
	uint64_t now_ns;

	struct slot_table slots;
	struct bufring buffers;
	struct pinned pinned;
	struct acceptor acceptor;
	struct ring_counters counters;
	uint32_t requests; /* of slots, in flight */

	struct uring_cqe *harvest; /* completions of this turn */
	uint32_t harvest_max;
	uint64_t gap_ns; /* moving average of the waits for a completion */
	uint64_t waits;

	uint64_t *lessees;        /* per buffer: tag of the slot whose bytes are in it */
	uint32_t share;           /* of the buffers, for one slot */
	uint32_t greedy;          /* slots that have their share of the buffers out */
	bool hungry;              /* a slot starved since starved ones were fed last */
	uint64_t given_back_seen; /* buffers.given_back then */
	uint64_t feed_again_ns;   /* no buffer came back since: when to try all the same */

	uint32_t guests; /* atomic, also of other threads: ring/handover.h */

	int bell_fd;
	bool bell_out; /* its poll is in flight */
};

/* Counters may be read from other threads: relaxed, no other data hangs on them. */
static inline void
state_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* The slot wants something else than it has. */
static inline void
state_todo(struct ring *r, const struct slot *s)
{
	slot_fifo_put(&r->slots, &r->slots.todo, slot_index(&r->slots, s));
}

/* Cancel the request with this tag; whether it was there, its own completion tells. */
static inline void
state_cancel(struct ring *r, uint64_t tag)
{
	struct io_uring_sqe *sqe = uring_sqe(r->kernel);

	io_uring_prep_cancel64(sqe, tag, 0);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = tag_make(TAG_CANCEL, 0, 0);
}

#endif
