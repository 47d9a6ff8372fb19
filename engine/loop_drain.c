/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop_drain.h"

#include "codec/ws_close.h"
#include "engine/clock.h"
#include "engine/conn_life.h"
#include "engine/loop.h"

static void
drain_begin(struct loop *l)
{
	l->draining = true;
	l->drain_until_ns = l->now_ns + l->settings->drain_timeout_ms * CLOCK_NS_PER_MS;
	ring_listen_stop(l->ring);
	for (uint32_t i = 0; i < l->slots_max; i++)
		if (l->conns[i].state != CONN_FREE && l->conns[i].state != CONN_CORE)
			conn_life_going_away(l, &l->conns[i], WS_CLOSE_GOING_AWAY);
}

/* The clients are gone, and what they said last is sent. */
static void
drain_cores(struct loop *l)
{
	for (uint32_t i = 0; l->cores && i < l->slots_max; i++)
		if (l->conns[i].state == CONN_CORE)
			conn_life_going_away(l, &l->conns[i], WS_CLOSE_GOING_AWAY);
}

static void
drain_end(struct loop *l)
{
	l->abandoned = true;
	for (uint32_t i = 0; i < l->slots_max; i++)
		conn_life_abandon(l, &l->conns[i]);
}

void
loop_drain_obey(struct loop *l)
{
	int command = atomic_load_explicit(&l->command, memory_order_acquire);

	if (!l->draining && command != LOOP_RUN)
		drain_begin(l);
	if (l->draining && !l->abandoned &&
	    (l->now_ns >= l->drain_until_ns || command == LOOP_STOP))
		drain_end(l);
	if (l->draining && l->cores && stats_now(&l->stats.connections) == l->cores)
		drain_cores(l);
}
