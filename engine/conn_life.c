/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/conn_life.h"

#include <assert.h>
#include <string.h>
#include "codec/ws_close.h"
#include "codec/ws_handshake.h"
#include "engine/clock.h"
#include "engine/conn_client.h"
#include "engine/conn_core.h"
#include "engine/conn_output.h"
#include "engine/conn_timer.h"
#include "engine/conn_tls.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/loop_route.h"
#include "engine/upstream.h"

/*
 * The peer ended the conversation, by a Close or by breaking a rule. What it said before
 * is answered first: the end waits until its messages are back from the routing stage.
 */
static void
end(struct loop *l, struct conn *c, enum conn_event event, uint16_t code)
{
	if (c->ending)
		return;
	if (conn_is_open(c))
		c->close_code = code;
	if (c->routing) {
		c->ending = (uint8_t)event;
		l->endings++;
	} else {
		conn_life_apply(l, c, event);
	}
}

static void
ending_is_over(struct loop *l, struct conn *c)
{
	if (c->ending)
		l->endings--;
	c->ending = 0;
}

void
conn_life_routed(struct loop *l, struct conn *c)
{
	enum conn_event event = c->ending;

	assert(c->routing);
	if (--c->routing)
		return;
	if (c->registering && (c->paused || c->held.len))
		loop_mark_held(l, c);
	c->registering = false;
	if (!event)
		return;
	ending_is_over(l, c);
	if (conn_is_open(c) || c->state == CONN_CLOSING)
		conn_life_apply(l, c, event);
}

void
conn_life_peer_close(struct loop *l, struct conn *c, uint16_t code)
{
	end(l, c, CONN_EV_PEER_CLOSE, code);
}

void
conn_life_fail(struct loop *l, struct conn *c, uint16_t code, const char *reason)
{
	log_line(LOG_INFO, "connection_failed", "peer=%s port=%u code=%u reason=\"%s\"",
		 c->peer.address, c->peer.port, code, reason);
	end(l, c, CONN_EV_FAILED, code);
}

void
conn_life_going_away(struct loop *l, struct conn *c, uint16_t code)
{
	c->close_code = code;
	/* of datagrams nothing is queued, and nothing would answer a FIN */
	conn_life_apply(l, c,
			c->state == CONN_CORE && c->peer.transport == FLOW_UDP ?
				CONN_EV_ABANDONED :
				CONN_EV_GOING_AWAY);
}

void
conn_life_close(struct loop *l, struct conn *c, uint16_t code, struct span reason)
{
	l->close_reason = reason;
	conn_life_going_away(l, c, code);
	l->close_reason = SPAN("");
}

void
conn_life_abandon(struct loop *l, struct conn *c)
{
	if (c->state == CONN_FREE || c->state == CONN_DEAD)
		return;
	conn_life_apply(l, c, CONN_EV_ABANDONED);
}

static void
state_deadline(struct loop *l, struct conn *c, uint32_t ms)
{
	c->state_until_ns = l->now_ns + ms * CLOCK_NS_PER_MS;
}

static void
conn_do_arm_handshake(struct loop *l, struct conn *c)
{
	state_deadline(l, c, l->settings->handshake_timeout_ms);
}

static void
tell_opened(struct loop *l, struct conn *c)
{
	struct message *m = loop_route_message_new(l, c, MESSAGE_FLOW_OPENED);

	if (m)
		loop_route_submit(l, m);
}

/* `why`: the event that ended it; CONN_EV_REFUSED: it was never open. */
static void
tell_closed(struct loop *l, struct conn *c, enum conn_event why)
{
	struct message *m = loop_route_message_new(l, c, MESSAGE_FLOW_CLOSED);

	if (conn_core_is(c))
		conn_core_left(l, c);
	if (!m)
		return;
	m->why = (uint8_t)why;
	m->code = why == CONN_EV_FAILED || why == CONN_EV_PEER_CLOSE || why == CONN_EV_GOING_AWAY ?
			  c->close_code :
			  0;
	m->again = c->upstream && upstream_comes_again(l, c->upstream);
	if (c->upstream)
		c->upstream->told_over = !m->again;
	loop_route_submit(l, m);
}

void
conn_life_tell(struct loop *l, struct flow id, enum conn_event why, bool again)
{
	struct message *m = loop_route_message_new(l, NULL, MESSAGE_FLOW_CLOSED);

	if (!m)
		return;
	m->dial = id;
	m->why = (uint8_t)why;
	m->code = 0;
	m->again = again;
	loop_route_submit(l, m);
}

static void
conn_do_open(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.handshakes_done, 1);
	c->heard_ns = c->busy_ns = l->now_ns;
	ws_reader_init(&c->reader, c->upstream ? WS_CLIENT : WS_SERVER,
		       c->compression.terms.agreed);
	if (c->upstream)
		upstream_opened(l, c->upstream);
	tell_opened(l, c);
}

static void
conn_do_open_core(struct loop *l, struct conn *c)
{
	conn_core_opened(l, c);
	tell_opened(l, c);
}

static void
refuse(struct loop *l, struct conn *c, enum ws_handshake_error error)
{
	char text[1024];
	struct writer w = writer_over(text, sizeof(text));

	ws_handshake_write_error(&w, error, error == WS_HANDSHAKE_BUSY ? 5 : 0);
	assert(!w.full);
	stats_add(&l->stats.handshakes_refused, 1);
	log_line(LOG_INFO, "handshake_refused", "peer=%s port=%u status=%d reason=\"%s\"",
		 c->peer.address, c->peer.port, ws_handshake_status(error),
		 ws_handshake_words(error));
	conn_output_put(l, c, writer_text(&w));
	state_deadline(l, c, l->settings->close_timeout_ms);
}

static void
conn_do_refuse(struct loop *l, struct conn *c)
{
	refuse(l, c, c->refusal);
}

static void
conn_do_refuse_late(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.handshake_timeouts, 1);
	refuse(l, c, WS_HANDSHAKE_TIMEOUT);
}

static void
conn_do_refuse_draining(struct loop *l, struct conn *c)
{
	refuse(l, c, WS_HANDSHAKE_DRAINING);
}

static struct span
close_text(uint16_t code)
{
	const char *text = ws_close_text(code);

	return span_of(text, strlen(text));
}

/* HTTP without TLS on a wss: listener. */
static void
conn_do_refuse_clear(struct loop *l, struct conn *c)
{
	conn_tls_refuse_http(l, c);
	state_deadline(l, c, l->settings->close_timeout_ms);
}

static void
conn_do_tls_late(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.tls_handshake_timeouts, 1);
	log_line(LOG_INFO, "tls_late", "peer=%s port=%u", c->peer.address, c->peer.port);
	ring_close(l->ring, c->flow.slot, false);
}

static void
put_close(struct loop *l, struct conn *c, struct span reason)
{
	uint8_t body[WS_CONTROL_MAX];
	size_t len = ws_close_write_body(body, c->close_code, reason);

	conn_output_control(l, c, WS_OP_CLOSE, span_of(body, len));
	state_deadline(l, c, l->settings->close_timeout_ms);
}

static void
conn_do_fail(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.closes_sent, 1);
	put_close(l, c, close_text(c->close_code));
}

static void
conn_do_say_close(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.closes_sent, 1);
	put_close(l, c, l->close_reason.len ? l->close_reason : close_text(c->close_code));
}

/* The same code back, and no reason (RFC 6455 §5.5.1). */
static void
conn_do_answer_close(struct loop *l, struct conn *c)
{
	put_close(l, c, SPAN(""));
}

/* Our Close was sent before: nothing more to say. */
static void
conn_do_finish(struct loop *l, struct conn *c)
{
	state_deadline(l, c, l->settings->close_timeout_ms);
	loop_mark_dirty(l, c); /* the queue may be empty already: see settle() */
}

/*
 * The server ends the stream first, it can best bear the TIME_WAIT (W-C-03); a client waits
 * (W-L-12).
 */
static void
conn_do_shutdown_write(struct loop *l, struct conn *c)
{
	if (!c->upstream || conn_core_is(c))
		ring_shutdown_write(l->ring, c->flow.slot);
}

static void
conn_do_kill(struct loop *l, struct conn *c)
{
	ring_close(l->ring, c->flow.slot, false);
}

static void
conn_do_kill_late(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.close_timeouts, 1);
	ring_close(l->ring, c->flow.slot, false);
}

/* Half a frame may be on the wire: a reset says so, and frees the kernel's send buffer at once. */
static void
conn_do_kill_abort(struct loop *l, struct conn *c)
{
	ring_close(l->ring, c->flow.slot, true);
}

/* What the application does not know yet of its connection: it was never open; it is over now. */
static void
release_upstream(struct loop *l, struct conn *c)
{
	struct upstream *u = c->upstream;

	if (!flow_is_none(u->id)) {
		if (u->state == UPSTREAM_CONNECTING)
			tell_closed(l, c, CONN_EV_REFUSED);
		else if (!u->told_over && !upstream_comes_again(l, u))
			conn_life_tell(l, u->id, CONN_EV_GOING_AWAY, false);
	}
	upstream_closed(l, u);
}

static void
conn_do_release(struct loop *l, struct conn *c)
{
	ending_is_over(l, c);
	sendq_drop(&c->sendq, &l->bytes, &l->stats);
	pieces_free(&l->bytes, &l->stats, &c->pieces);
	pieces_free(&l->bytes, &l->stats, &c->control);
	pieces_free(&l->bytes, &l->stats, &c->held);
	compression_end(&l->compression, &c->compression);
	conn_tls_free(c);
	stats_add(&l->stats.connections_closed, 1);
	stats_sub(&l->stats.connections, 1);
	if (c->upstream)
		release_upstream(l, c);
}

static void
conn_do_arm_connect(struct loop *l, struct conn *c)
{
	state_deadline(l, c, l->settings->tcp_connect_timeout_ms);
}

static void
conn_do_arm_tls(struct loop *l, struct conn *c)
{
	state_deadline(l, c, l->settings->tls_handshake_timeout_ms);
}

static void
conn_do_hello(struct loop *l, struct conn *c)
{
	state_deadline(l, c, l->settings->wss_tls_handshake_timeout_ms);
	if (!conn_tls_connect(l, c))
		conn_life_abandon(l, c);
}

static void
conn_do_ask(struct loop *l, struct conn *c)
{
	state_deadline(l, c,
		       c->tls ? l->settings->wss_handshake_timeout_ms :
				l->settings->ws_handshake_timeout_ms);
	conn_client_ask(l, c);
}

/* No connection, or no answer to the opening handshake, in time. */
static void
conn_do_give_up(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.upstream_timeouts, 1);
	log_line(LOG_WARN, "upstream_timeout", "peer=%s port=%u", c->peer.address, c->peer.port);
	ring_close(l->ring, c->flow.slot, false);
}

/* The answer to our opening handshake is not one to go on with; the reason is logged already. */
static void
conn_do_decline(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.upstream_refused, 1);
	ring_close(l->ring, c->flow.slot, false);
}

/* The same, and an alert may be on its way. */
static void
conn_do_decline_tls(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.upstream_refused, 1);
	conn_do_finish(l, c);
}

static void
conn_do_nothing(struct loop *l, struct conn *c)
{
	(void)l;
	(void)c;
}

static void (*const actions[CONN_ACTION_COUNT])(struct loop *, struct conn *) = {
	[CONN_DO_nothing] = conn_do_nothing,
	[CONN_DO_arm_handshake] = conn_do_arm_handshake,
	[CONN_DO_arm_tls] = conn_do_arm_tls,
	[CONN_DO_arm_connect] = conn_do_arm_connect,
	[CONN_DO_hello] = conn_do_hello,
	[CONN_DO_ask] = conn_do_ask,
	[CONN_DO_give_up] = conn_do_give_up,
	[CONN_DO_decline] = conn_do_decline,
	[CONN_DO_decline_tls] = conn_do_decline_tls,
	[CONN_DO_refuse_clear] = conn_do_refuse_clear,
	[CONN_DO_tls_late] = conn_do_tls_late,
	[CONN_DO_open] = conn_do_open,
	[CONN_DO_open_core] = conn_do_open_core,
	[CONN_DO_refuse] = conn_do_refuse,
	[CONN_DO_refuse_late] = conn_do_refuse_late,
	[CONN_DO_refuse_draining] = conn_do_refuse_draining,
	[CONN_DO_fail] = conn_do_fail,
	[CONN_DO_answer_close] = conn_do_answer_close,
	[CONN_DO_say_close] = conn_do_say_close,
	[CONN_DO_finish] = conn_do_finish,
	[CONN_DO_shutdown_write] = conn_do_shutdown_write,
	[CONN_DO_kill] = conn_do_kill,
	[CONN_DO_kill_late] = conn_do_kill_late,
	[CONN_DO_kill_abort] = conn_do_kill_abort,
	[CONN_DO_release] = conn_do_release,
};

/* The state changes first: an action may bring the next event. */
void
conn_life_apply(struct loop *l, struct conn *c, enum conn_event event)
{
	struct conn_cell cell = conn_fsm_cell(c->state, event);
	bool was_open = conn_is_open(c);

	if (cell.action == CONN_DO_MISSING)
		log_line(LOG_ERROR, "no_such_cell", "state=%s event=%s",
			 conn_fsm_state_name(c->state), conn_fsm_event_name(event));
	assert(cell.action != CONN_DO_MISSING);
	c->state = cell.next;
	actions[cell.action](l, c);
	if (was_open && cell.next != CONN_OPEN)
		tell_closed(l, c, event);
	if (c->state == CONN_FREE || c->state == CONN_DEAD)
		wheel_cancel(&l->wheel, &c->timer);
	else if (c->state == cell.next)
		conn_timer_arm(l, c);
}
