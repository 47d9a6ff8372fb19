/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop_route.h"

#include <assert.h>
#include <stdlib.h>
#include "engine/clock.h"
#include "engine/conn_life.h"
#include "engine/conn_output.h"
#include "engine/loop.h"
#include "engine/loop_order.h"
#include "engine/order.h"
#include "engine/rank.h"
#include "engine/upstream.h"

/*
 * So many messages are handed to the routing stage at once: the blocks of a batch stay in the
 * cache, and the answers of one peer's burst are seen in its send queue before more of the burst
 * is read.
 */
#define ROUTE_BATCH 16

/* Every message counts; which ones are refused for it is the routing stage's to say. */
static bool
is_over_rate(const struct loop *l, struct conn *c)
{
	uint32_t rate = l->settings->routing_connection_rate;

	return rate && !budget_spend(&c->message_budget, l->now_ns, CLOCK_NS_PER_S / rate, rate);
}

struct message *
loop_route_message_new(struct loop *l, struct conn *c, enum message_kind kind)
{
	struct message *m = pool_take(&l->messages);

	if (!m)
		return NULL;
	m->next = NULL;
	if (c) {
		m->from = c->flow;
		m->peer = c->peer;
		m->dial = c->upstream ? c->upstream->id : FLOW_NONE;
		m->listener = c->listener;
	} else {
		m->from = FLOW_NONE;
	}
	m->kind = (uint8_t)kind;
	m->action = MESSAGE_UNDECIDED;
	m->has_sip = false;
	m->leased = false;
	m->loop = l->index;
	m->rank = RANK_KEEP;
	m->since_ns = c && c->held.len ? c->held_ns : l->now_ns;
	m->over_rate = c && kind == MESSAGE_DATA && is_over_rate(l, c);
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

void
loop_route_submit(struct loop *l, struct message *m)
{
	l->submitted++;
	if (m->kind == MESSAGE_DATA)
		l->submitted_bytes += m->len;
	lane_put(l->in, m);
}

/*
 * With the routing stage inline what does not fit into its lane is routed in this very turn; but
 * another loop may be behind with what was decided for it. On a thread of its own the router may
 * be behind. Either way input waits.
 */
bool
loop_route_has_room(const struct loop *l)
{
	return l->router ? !l->router->backed_up : !lane_is_backed_up(l->in);
}

bool
loop_route_may_read(const struct loop *l)
{
	return !l->congested && loop_route_has_room(l);
}

/* ---- what was decided ---- */

/* A block that is done with goes to the loop that made it. */
static void
finish(struct loop *l, struct message *m)
{
	if (m->loop == l->index) {
		message_done(l, m);
		return;
	}
	stats_add(&l->stats.messages_crossed, 1);
	lane_put(mesh_back(l->mesh, l->index, m->loop), m);
}

/*
 * The target is gone or cannot take it: let the routing stage decide what to tell the sender, the
 * one of the loop that it came from.
 */
static void
send_back(struct loop *l, struct message *m)
{
	m->kind = MESSAGE_UNDELIVERABLE;
	if (m->loop == l->index)
		loop_route_submit(l, m);
	else
		lane_put_urgent(mesh_back(l->mesh, l->index, m->loop), m);
}

/* Before a peer that does not read is cut off, it gets nothing new (rank.h). */
static bool
gives_up(struct loop *l, const struct conn *c, const struct message *m)
{
	if (m->rank == RANK_KEEP || !conn_output_is_blocked(l, c))
		return false;
	if (m->rank == RANK_SPARE && conn_output_is_over(l, c, m->out_len, 2)) {
		stats_add(&l->stats.spared_send_queue, 1);
		return true;
	}
	if (!conn_output_is_over(l, c, m->out_len, 3))
		return false;
	stats_add(&l->stats.refused_send_queue, 1);
	return true;
}

/* False: it was sent back. */
static bool
forward(struct loop *l, struct message *m)
{
	struct conn *c = loop_conn(l, m->to);

	if (c && conn_is_open(c) && !gives_up(l, c, m)) {
		if (conn_output_message(l, c, m, SENDQ_RELAYED))
			return true;
		if (!conn_is_open(c)) {
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

	if (c && conn_is_open(c)) {
		if (conn_output_message(l, c, m, SENDQ_ANSWERED))
			return;
		if (conn_is_open(c)) {
			stats_fate(&l->stats, FATE_dropped_overload, 1);
			if (c->state == CONN_OPEN) /* answers do not skip one; a core asks again */
				conn_life_going_away(l, c, WS_CLOSE_INTERNAL);
			return;
		}
	}
	stats_fate(&l->stats, FATE_dropped_sender_closed, 1);
}

static void
carry_out(struct loop *l, struct message *m)
{
	if (order_is(m)) {
		loop_order(l, m);
		return;
	}
	if (m->action == MESSAGE_FORWARD) {
		if (!forward(l, m))
			return;
	} else if (m->action == MESSAGE_REPLY) {
		reply(l, m);
	} else if (m->action == MESSAGE_DROP) {
		stats_fate(&l->stats, m->fate, 1);
	} else { /* an event: nothing comes of it */
		assert(m->kind == MESSAGE_FLOW_OPENED || m->kind == MESSAGE_FLOW_CLOSED);
	}
	finish(l, m);
}

/*
 * What a router decided. Of what others send, no more is taken in a turn than can be sent in it:
 * the rest waits in the lane, and who fills it waits, too.
 */
static void
take_decided(struct loop *l, uint32_t router)
{
	struct lane *lane = mesh_out(l->mesh, router, l->index);
	bool own = l->router && l->router->index == router;
	struct message *m;
	bool any = false;

	while ((own || !l->congested) && (m = lane_take(lane))) {
		any = true;
		carry_out(l, m);
	}
	if (any)
		lane_taken(lane);
}

/* Blocks of ours that another loop is done with, or could not deliver. */
static void
take_back(struct loop *l, uint32_t from)
{
	struct lane *lane = mesh_back(l->mesh, from, l->index);
	struct message *m;
	bool any = false;

	while ((m = lane_take(lane))) {
		any = true;
		if (m->kind == MESSAGE_UNDELIVERABLE)
			loop_route_submit(l, m);
		else
			message_done(l, m);
	}
	if (any)
		lane_taken(lane);
}

static bool
route_once(struct loop *l)
{
	const struct mesh *mesh = l->mesh;
	bool more;

	l->submitted = 0;
	l->submitted_bytes = 0;
	lane_publish(l->in);
	more = l->router && router_turn(l->router, l->now_ns);
	for (uint32_t i = 0; i < mesh->routers; i++)
		take_decided(l, i);
	for (uint32_t i = 0; mesh->loops > 1 && i < mesh->loops; i++)
		take_back(l, i);
	/* A message may have gone back, a connection may have ended. */
	return more || l->submitted || lane_is_backed_up(l->in);
}

/* Inline until nothing is left that can be done here. */
void
loop_route_all(struct loop *l)
{
	while (route_once(l) && l->router && router_may_go_on(l->router))
		;
	mesh_publish_loop(l->mesh, l->index);
}

void
loop_route_batch(struct loop *l)
{
	if (l->submitted >= ROUTE_BATCH || l->submitted_bytes >= l->settings->ws_send_queue / 4)
		loop_route_all(l);
}
