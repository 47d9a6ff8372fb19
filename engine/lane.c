/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lane.h"

#include <assert.h>

bool
lane_init(struct lane *l, uint32_t capacity, bool lazy, struct lane_end *from,
	  struct lane_end *to)
{
	l->lazy = lazy;
	l->hurry = false;
	l->chain = l->chain_last = NULL;
	l->from = from;
	l->to = to;
	if (!spsc_init(&l->queue, capacity))
		return false;
	spsc_share_flag(&l->queue, &to->sleeping);
	return true;
}

void
lane_fini(struct lane *l)
{
	assert(!l->chain);
	spsc_fini(&l->queue);
}

struct message *
lane_rest(struct lane *l)
{
	struct message *m;

	(void)spsc_publish(&l->queue);
	m = spsc_pop(&l->queue);
	if (!m && l->chain) {
		m = l->chain;
		l->chain = m->next;
	}
	return m;
}

void
lane_put(struct lane *l, struct message *m)
{
	m->next = NULL;
	if (!l->chain && spsc_push(&l->queue, m))
		return;
	if (l->chain)
		l->chain_last->next = m;
	else
		l->chain = m;
	l->chain_last = m;
}

void
lane_put_urgent(struct lane *l, struct message *m)
{
	lane_put(l, m);
	l->hurry = true;
}

void
lane_publish(struct lane *l)
{
	/* A lane that is full is in a hurry, too: its producer waits for room. */
	bool lazy = l->lazy && !l->hurry && !l->chain;

	while (l->chain) {
		struct message *next = l->chain->next;

		if (!spsc_push(&l->queue, l->chain))
			break;
		l->chain = next;
	}
	if (spsc_publish_to(&l->queue, lazy ? SPSC_EAGER : SPSC_ASLEEP))
		l->to->ring(l->to->arg);
	l->hurry = false;
}

/*
 * Producer and consumer both exchange `blocked`, so one of them comes second. Is it this one, it
 * sees `true` and rings; is it the producer, it has acquired what we released, our pops, and finds
 * room before it sleeps.
 */
void
lane_taken(struct lane *l)
{
	if (l->from != l->to &&
	    atomic_exchange_explicit(&l->from->blocked, false, memory_order_acq_rel))
		l->from->ring(l->from->arg);
}
