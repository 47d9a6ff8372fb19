/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop_route.h"

#include <assert.h>
#include <stdlib.h>
#include "engine/conn_life.h"
#include "engine/conn_output.h"
#include "engine/loop.h"

/*
 * So many messages are handed to the routing stage at once: the blocks of a batch stay in the
 * cache, and the answers of one peer's burst are seen in its send queue before more of the burst
 * is read.
 */
#define ROUTE_BATCH 16

struct message *
loop_route_message_new(struct loop *l, struct conn *c, enum message_kind kind)
{
	struct message *m = pool_take(&l->messages);

	if (!m)
		return NULL;
	m->next = NULL;
	m->from = c->flow;
	m->peer = c->peer;
	m->kind = (uint8_t)kind;
	m->action = MESSAGE_UNDECIDED;
	m->has_sip = false;
	m->leased = false;
	m->loop = l->index;
	m->heap = NULL;
	m->out_heap = NULL;
	m->pieces_len = 0;
	m->out_len = 0;
	stats_add(&l->stats.messages, 1);
	return m;
}

static void
message_done(struct loop *l, struct message *m)
{
	struct conn *c = m->kind == MESSAGE_DATA || m->kind == MESSAGE_UNDELIVERABLE ?
				 loop_conn(l, m->from) :
				 NULL;

	assert(m->loop == l->index);
	if (c)
		conn_life_routed(l, c);
	if (m->leased)
		ring_lease_drop(l->ring, m->buffer);
	if (m->heap)
		bytes_free(&l->bytes, m->heap, m->heap_cap);
	free(m->out_heap);
	pool_give(&l->messages, m);
	stats_sub(&l->stats.messages, 1);
}

/* Put what waits into the router's queue, as far as it goes. */
static void
push_pending(struct loop *l)
{
	while (l->pending && spsc_push(&l->router->in, l->pending)) {
		l->pending = l->pending->next;
		if (!l->pending)
			l->pending_last = NULL;
	}
}

void
loop_route_submit(struct loop *l, struct message *m)
{
	l->submitted++;
	if (m->kind == MESSAGE_DATA)
		l->submitted_bytes += m->len;
	if (!l->pending && spsc_push(&l->router->in, m))
		return;
	if (l->pending)
		l->pending_last->next = m;
	else
		l->pending = m;
	l->pending_last = m;
	m->next = NULL;
}

/*
 * With the routing stage inline there is always room: what does not fit is routed in this very
 * turn. On a thread of its own it may be behind; then input waits.
 */
bool
loop_route_has_room(const struct loop *l)
{
	return !l->pending || !l->router->threaded;
}

bool
loop_route_may_read(const struct loop *l)
{
	return !l->congested && loop_route_has_room(l);
}

/* The target is gone or cannot take it: let the routing stage decide what to tell the sender. */
static void
send_back(struct loop *l, struct message *m)
{
	m->kind = MESSAGE_UNDELIVERABLE;
	loop_route_submit(l, m);
}

/* False: it was sent back. */
static bool
forward(struct loop *l, struct message *m)
{
	struct conn *c = loop_conn(l, m->to);

	if (c && c->state == CONN_OPEN) {
		if (conn_output_message(l, c, m, SENDQ_RELAYED))
			return true;
		if (c->state != CONN_OPEN) {
			stats_fate(&l->stats, FATE_dropped_target_closed, 1);
			return true;
		}
	}
	send_back(l, m); /* it closed while the message was on its way; or no memory */
	return false;
}

static void
reply(struct loop *l, struct message *m)
{
	struct conn *c = loop_conn(l, m->from);

	if (c && c->state == CONN_OPEN) {
		if (conn_output_message(l, c, m, SENDQ_ANSWERED))
			return;
		if (c->state == CONN_OPEN) { /* no memory: answers do not skip one */
			stats_fate(&l->stats, FATE_dropped_overload, 1);
			conn_life_going_away(l, c, WS_CLOSE_INTERNAL);
			return;
		}
	}
	stats_fate(&l->stats, FATE_dropped_sender_closed, 1);
}

static void
take_decided(struct loop *l)
{
	struct message *m;
	bool any = false;

	while ((m = router_take(l->router))) {
		any = true;
		if (m->action == MESSAGE_FORWARD && !forward(l, m))
			continue;
		if (m->action == MESSAGE_REPLY)
			reply(l, m);
		else if (m->action == MESSAGE_DROP)
			stats_fate(&l->stats, m->fate, 1);
		else if (m->action != MESSAGE_FORWARD) /* an event: nothing comes of it */
			assert(m->kind == MESSAGE_FLOW_OPENED || m->kind == MESSAGE_FLOW_CLOSED);
		message_done(l, m);
	}
	if (any)
		router_taken(l->router);
}

/* One run of the routing stage; inline until nothing is left to do. */
void
loop_route_all(struct loop *l)
{
	bool again;

	do {
		l->submitted = 0;
		l->submitted_bytes = 0;
		push_pending(l);
		router_publish_in(l->router);
		again = false;
		if (!l->router->threaded) {
			again = router_turn(l->router, l->now_ns);
			spsc_publish(&l->router->out);
		}
		take_decided(l);
		/* A message may have gone back, a connection may have ended. */
		if (l->router->threaded && l->submitted)
			router_publish_in(l->router);
		else
			again |= l->pending || l->submitted;
	} while (again && !l->router->threaded);
}

void
loop_route_batch(struct loop *l)
{
	if (l->submitted >= ROUTE_BATCH || l->submitted_bytes >= l->settings->ws_send_queue / 4)
		loop_route_all(l);
}
