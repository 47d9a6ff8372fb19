/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/conn_timer.h"

#include "engine/clock.h"
#include "engine/conn_core.h"
#include "engine/conn_life.h"
#include "engine/conn_output.h"
#include "engine/loop.h"

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When a Ping is due, or its Pong overdue. */
static uint64_t
liveness_deadline(const struct loop *l, const struct conn *c)
{
	const struct settings *s = l->settings;

	if (c->ping_sent_ns)
		return c->ping_sent_ns + s->ws_pong_timeout_s * CLOCK_NS_PER_S;
	return s->ws_ping_interval_s ? c->heard_ns + s->ws_ping_interval_s * CLOCK_NS_PER_S :
				       UINT64_MAX;
}

static uint64_t
idle_deadline(const struct loop *l, const struct conn *c)
{
	uint32_t idle_s = l->settings->ws_idle_timeout_s;

	return idle_s ? c->busy_ns + idle_s * CLOCK_NS_PER_S : UINT64_MAX;
}

static uint64_t
message_deadline(const struct loop *l, const struct conn *c)
{
	return c->message_since_ns ?
		       c->message_since_ns + l->settings->ws_message_timeout_ms * CLOCK_NS_PER_MS :
		       UINT64_MAX;
}

/* The earliest time at which conn_timer_fired() has something to do. */
static uint64_t
next_deadline(const struct loop *l, const struct conn *c)
{
	if (c->state == CONN_CORE)
		return earlier(conn_core_deadline(c), message_deadline(l, c));
	if (c->state != CONN_OPEN)
		return c->state_until_ns;
	return earlier(liveness_deadline(l, c),
		       earlier(idle_deadline(l, c), message_deadline(l, c)));
}

/*
 * Deadlines move away with every sign of life; the timer is not touched then, it fires early
 * and finds out. Only a deadline that came nearer arms it anew.
 */
void
conn_timer_arm(struct loop *l, struct conn *c)
{
	uint64_t deadline = next_deadline(l, c);

	if (deadline == UINT64_MAX)
		wheel_cancel(&l->wheel, &c->timer);
	else if (!wheel_is_armed(&c->timer) || deadline / WHEEL_TICK_NS < c->timer.tick)
		wheel_arm(&l->wheel, &c->timer, deadline);
}

static void
ping(struct loop *l, struct conn *c)
{
	if (!conn_output_control(l, c, WS_OP_PING, span_of(&l->now_ns, sizeof(l->now_ns)))) {
		c->heard_ns = l->now_ns; /* no memory: for once it is let off */
		return;
	}
	c->ping_sent_ns = c->ping_stamp_ns = l->now_ns;
	stats_add(&l->stats.pings_sent, 1);
}

void
conn_timer_alive(struct loop *l, struct conn *c)
{
	c->heard_ns = l->now_ns;
	if (c->ping_sent_ns)
		c->ping_sent_ns = l->now_ns;
}

/*
 * No time passes for a peer whose input waits for us: what it is to say may lie there. Nor for its
 * Pong while a send waits for it: our Ping may be behind that, and the send has its own time.
 */
static void
be_patient(struct loop *l, struct conn *c)
{
	bool held = c->paused || c->held.len;

	if (held) {
		c->busy_ns = l->now_ns;
		if (c->message_since_ns)
			c->message_since_ns = l->now_ns;
	}
	if (held || conn_output_is_blocked(l, c))
		conn_timer_alive(l, c);
}

void
conn_timer_fired(struct loop *l, struct conn *c)
{
	uint64_t now = l->now_ns;

	if (c->state == CONN_OPEN)
		be_patient(l, c);
	if (!conn_is_open(c)) {
		if (now >= c->state_until_ns)
			conn_life_apply(l, c, CONN_EV_TIMEOUT);
	} else if (now >= message_deadline(l, c)) {
		stats_add(&l->stats.closed_message_timeout, 1);
		conn_life_fail(l, c, WS_CLOSE_POLICY, "message_timeout");
	} else if (c->state == CONN_CORE) {
		conn_core_timer(l, c);
	} else if (now >= idle_deadline(l, c)) {
		stats_add(&l->stats.closed_idle, 1);
		conn_life_going_away(l, c, WS_CLOSE_GOING_AWAY);
	} else if (now >= liveness_deadline(l, c)) {
		if (c->ping_sent_ns) {
			stats_add(&l->stats.closed_pong_timeout, 1);
			conn_life_going_away(l, c, WS_CLOSE_GOING_AWAY);
		} else {
			ping(l, c);
		}
	}
	if (c->state != CONN_FREE && c->state != CONN_DEAD)
		conn_timer_arm(l, c);
}
