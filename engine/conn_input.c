/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/conn_input.h"

#include <assert.h>
#include <string.h>
#include "codec/sip_msg.h"
#include "codec/ws_close.h"
#include "engine/clock.h"
#include "engine/conn_client.h"
#include "engine/conn_core.h"
#include "engine/conn_life.h"
#include "engine/conn_output.h"
#include "engine/conn_timer.h"
#include "engine/conn_tls.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/loop_route.h"

/*
 * A connection that does not read our answers may not send more either: above this
 * part of ws_send_queue its receiving is paused until all is sent.
 */
#define BACKLOG_PART 4

static void
out_of_memory(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.closed_memory, 1);
	conn_life_fail(l, c, WS_CLOSE_INTERNAL, "out of memory");
}

/* Of a message that is not whole. The last eighth of buffer_memory is for whole ones. */
static bool
put_together(struct loop *l, struct pieces *p, struct span bytes, uint64_t more)
{
	return bytes_left(&l->bytes) >= l->bytes.bytes_max / 8 &&
	       pieces_add(&l->bytes, &l->stats, p, bytes, more);
}

/* Legal but odd input is let by within a budget: above it, it wants our time, not our service. */
static void
glitch(struct loop *l, struct conn *c)
{
	uint32_t per_minute = l->settings->ws_glitches;

	if (budget_spend(&c->glitch_budget, l->now_ns, 60 * CLOCK_NS_PER_S / per_minute,
			 per_minute))
		return;
	stats_add(&l->stats.closed_glitches, 1);
	conn_life_fail(l, c, WS_CLOSE_POLICY, "too much odd input");
}

/* ---- messages ---- */

/* O-01: CRLFCRLF is answered with CRLF, a lone CRLF is swallowed. */
static bool
keepalive(struct loop *l, struct conn *c, const uint8_t *bytes, size_t len)
{
	enum sip_keepalive kind = sip_keepalive(bytes, len);

	if (kind == SIP_KEEPALIVE_NOT)
		return false;
	stats_add(&l->stats.keepalives, 1);
	glitch(l, c);
	if (kind == SIP_KEEPALIVE_PING && c->state == CONN_OPEN)
		conn_output_control(l, c, WS_OP_TEXT, SPAN("\r\n"));
	return true;
}

static void
message_take_bytes(struct loop *l, struct message *m, const struct message_bytes *b)
{
	m->bytes = b->at;
	m->len = b->len;
	if (b->lease) {
		ring_lease_hold(l->ring, b->lease->buffer);
		m->leased = true;
		m->buffer = b->lease->buffer;
	} else if (b->pieces->bytes) { /* else it is empty */
		m->heap = b->pieces->bytes;
		m->heap_cap = b->pieces->cap;
		*b->pieces = (struct pieces){ 0 };
		stats_sub(&l->stats.assemblies, 1);
	}
}

void
conn_input_message(struct loop *l, struct conn *c, uint8_t opcode, const struct message_bytes *b)
{
	struct message *m = loop_route_message_new(l, c, MESSAGE_DATA);

	if (!m) {
		out_of_memory(l, c);
		return;
	}
	m->opcode = opcode;
	message_take_bytes(l, m, b);
	if (l->settings->mode != SETTINGS_MODE_ECHO) {
		bool hit = message_read(m, l->shapes);

		stats_add(hit ? &l->stats.shape_hits : &l->stats.shape_misses, 1);
	}
	stats_add(&l->stats.messages_received, 1);
	c->routing++;
	c->registering = l->settings->mode != SETTINGS_MODE_EDGE && l->mesh->routers > 1 &&
			 m->has_sip && m->sip.method == SIP_METHOD_REGISTER;
	loop_route_submit(l, m);
}

static void
message_whole(struct loop *l, struct conn *c, uint8_t opcode, const struct message_bytes *b)
{
	c->busy_ns = l->now_ns;
	if (l->settings->mode != SETTINGS_MODE_ECHO) {
		if (keepalive(l, c, b->at, b->len))
			return;
		if (b->len == 0) /* no SIP; to an echo it is a message like any other */
			glitch(l, c);
	}
	conn_input_message(l, c, opcode, b);
}

static void
break_rule(struct loop *l, struct conn *c, enum ws_error error)
{
	uint16_t code = ws_error_close_code(error);

	stats_add(code == WS_CLOSE_TOO_BIG ? &l->stats.closed_too_big :
		  code == WS_CLOSE_POLICY  ? &l->stats.closed_policy :
					     &l->stats.closed_protocol_error,
		  1);
	conn_life_fail(l, c, code, ws_error_words(error));
}

/* A whole compressed message: what it says goes on in a block of its own. */
static void
inflate_whole(struct loop *l, struct conn *c, uint8_t opcode, struct span bytes)
{
	struct pieces plain = { 0 };
	enum ws_error error = compression_inflate(&l->compression, &c->compression, bytes,
						  opcode == WS_OP_TEXT, &plain);

	if (error == WS_OK) {
		struct message_bytes b = { .at = plain.bytes, .len = plain.len, .pieces = &plain };

		message_whole(l, c, opcode, &b);
	} else {
		break_rule(l, c, error);
	}
	pieces_free(&l->bytes, &l->stats, &plain);
}

/* A piece of a message. In the common case it is the whole of it, and nothing is copied. */
static void
on_data(struct loop *l, struct conn *c, const struct ws_event *ev, const struct ring_lease *lease)
{
	struct message_bytes b = { .at = ev->bytes, .len = (uint32_t)ev->len, .lease = lease };

	if (c->state != CONN_OPEN)
		return; /* our Close was sent: what still comes is not accepted */
	if (!(ev->first && ev->last && (lease || ev->compressed))) {
		if (!put_together(l, &c->pieces, span_of(ev->bytes, ev->len), ev->frame_left)) {
			out_of_memory(l, c);
			return;
		}
		if (!ev->last)
			return;
		b = (struct message_bytes){ .at = c->pieces.bytes,
					    .len = c->pieces.len,
					    .pieces = &c->pieces };
	}
	if (ev->compressed)
		inflate_whole(l, c, ev->opcode, span_of(b.at, b.len));
	else
		message_whole(l, c, ev->opcode, &b);
	pieces_free(&l->bytes, &l->stats, &c->pieces); /* what no message took over */
}

/* ---- control frames ---- */

static void
on_close(struct loop *l, struct conn *c, struct span payload)
{
	struct ws_close close;
	enum ws_error error = ws_close_parse((const uint8_t *)payload.at, payload.len, &close);

	if (error != WS_OK) {
		stats_add(&l->stats.closed_protocol_error, 1);
		conn_life_fail(l, c, ws_error_close_code(error), ws_error_words(error));
		return;
	}
	stats_add(&l->stats.closes_received, 1);
	conn_life_peer_close(l, c, close.code);
}

static void
on_ping(struct loop *l, struct conn *c, struct span payload)
{
	stats_add(&l->stats.pings_received, 1);
	if (c->state != CONN_OPEN)
		return;
	stats_add(&l->stats.pongs_sent, 1);
	conn_output_control(l, c, WS_OP_PONG, payload);
}

/* Our Pings carry the time of their sending; the RTT is smoothed as RFC 6298 §2 does. */
static void
on_pong(struct loop *l, struct conn *c, struct span payload)
{
	uint64_t stamp, rtt_us;

	stats_add(&l->stats.pongs_received, 1);
	if (!c->ping_stamp_ns || payload.len != sizeof(stamp) ||
	    (memcpy(&stamp, payload.at, sizeof(stamp)), stamp != c->ping_stamp_ns)) {
		glitch(l, c);
		return;
	}
	c->ping_stamp_ns = 0;
	rtt_us = (l->now_ns - stamp) / 1000;
	c->rtt_us =
		c->rtt_us ? (uint32_t)((7 * (uint64_t)c->rtt_us + rtt_us) / 8) : (uint32_t)rtt_us;
	stats_add(&l->stats.ping_rtts, 1);
	stats_add(&l->stats.ping_rtt_us, rtt_us);
}

static void
control_whole(struct loop *l, struct conn *c, enum ws_event_type type, struct span payload)
{
	uint32_t rate = l->settings->ws_control_rate;

	if (type == WS_EVENT_CLOSE) {
		on_close(l, c, payload);
	} else if (!budget_spend(&c->control_budget, l->now_ns, CLOCK_NS_PER_S / rate, rate)) {
		stats_add(&l->stats.closed_control_rate, 1);
		conn_life_fail(l, c, WS_CLOSE_POLICY, "too many control frames");
	} else if (type == WS_EVENT_PING) {
		on_ping(l, c, payload);
	} else {
		on_pong(l, c, payload);
	}
}

static void
on_control(struct loop *l, struct conn *c, const struct ws_event *ev)
{
	struct span piece = span_of(ev->bytes, ev->len);

	if (ev->first && ev->last) {
		control_whole(l, c, ev->type, piece);
		return;
	}
	if (!pieces_add(&l->bytes, &l->stats, &c->control, piece, ev->frame_left)) {
		out_of_memory(l, c);
		return;
	}
	if (ev->last) {
		control_whole(l, c, ev->type, span_of(c->control.bytes, c->control.len));
		pieces_free(&l->bytes, &l->stats, &c->control);
	}
}

/* ---- frames ---- */

/* Does it have to wait until its own answers are read? */
static bool
has_backlog(const struct loop *l, const struct conn *c)
{
	return !c->peer.core && c->sendq.queued > l->settings->ws_send_queue / BACKLOG_PART;
}

static bool
must_hold(const struct loop *l, const struct conn *c)
{
	return !loop_route_may_read(l) || has_backlog(l, c) || c->registering;
}

/*
 * Keep input for later. What holds the whole loop up is over soon: then receiving is not even
 * paused, unless the peer sends more than that.
 */
static void
hold(struct loop *l, struct conn *c, struct span rest)
{
	if (!c->paused && (has_backlog(l, c) || !loop_route_has_room(l) ||
			   c->held.len + rest.len > l->settings->receive_buffer_bytes)) {
		c->paused = true;
		stats_add(&l->stats.backpressure_pauses, 1);
		ring_receive_pause(l->ring, c->flow.slot);
	}
	/* else its own sends, or messages, wake it: see conn_output_sent(), conn_life_routed() */
	if (!has_backlog(l, c) && !c->registering)
		loop_mark_held(l, c);
	if (!c->held.len)
		c->held_ns = l->now_ns;
	if (rest.len && !pieces_add(&l->bytes, &l->stats, &c->held, rest, 0))
		out_of_memory(l, c);
}

/* How long, and how many reads, does an unfinished message take? */
static void
watch_message(struct loop *l, struct conn *c)
{
	uint32_t reads_max =
		c->tls ? l->settings->wss_max_msg_chunks : l->settings->ws_max_msg_chunks;

	if (ws_reader_idle(&c->reader))
		return;
	if (!c->message_since_ns) {
		c->message_since_ns = l->now_ns;
		conn_timer_arm(l, c);
	}
	if (reads_max && ++c->message_reads >= reads_max) {
		stats_add(&l->stats.closed_message_reads, 1);
		conn_life_fail(l, c, WS_CLOSE_POLICY, "too many reads for one message");
	}
}

/* Is there still something that the peer may say? */
static bool
is_listening(const struct conn *c)
{
	return (conn_is_open(c) || c->state == CONN_CLOSING) && !c->ending;
}

/*
 * Read frames from `in`; `lease` says which receive buffer they are in, NULL: none. Returns the
 * bytes read: fewer than there are when the rest has to be held.
 */
static size_t
read_frames(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	uint8_t *at = (uint8_t *)(uintptr_t)in.at;
	size_t left = in.len;

	if (conn_core_is(c))
		return conn_core_input(l, c, in, lease);
	while (left && is_listening(c)) {
		struct ws_event ev;
		size_t n;

		if (c->state == CONN_OPEN && must_hold(l, c))
			return in.len - left;
		n = ws_reader_next(&c->reader, &l->limits, at, left, &ev);
		at += n;
		left -= n;
		if (ev.type == WS_EVENT_DATA)
			on_data(l, c, &ev, lease);
		else if (ev.type == WS_EVENT_ERROR)
			break_rule(l, c, ev.error);
		else if (ev.type != WS_EVENT_NONE)
			on_control(l, c, &ev);
		if (ws_reader_idle(&c->reader)) /* what may follow is another message */
			c->message_since_ns = c->message_reads = 0;
		loop_route_batch(l);
	}
	if (c->state == CONN_OPEN)
		watch_message(l, c);
	return in.len; /* what follows the end of a conversation is nothing */
}

void
conn_input_frames(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	size_t n = read_frames(l, c, in, lease);

	if (n < in.len)
		hold(l, c, span_of(in.at + n, in.len - n));
}

/* ---- opening handshake ---- */

/*
 * The extension that both want, written as its answer. Without memory for it there is none: that
 * is no reason to refuse anybody.
 */
static void
agree_on_deflate(struct loop *l, struct conn *c, const struct ws_handshake *hs,
		 struct writer *value)
{
	struct ws_deflate_terms terms;

	ws_deflate_offer_answer(&l->compression.policy, hs->fields, hs->fields_len, value, &terms);
	if (!compression_agree(&l->compression, &c->compression, &terms))
		value->len = 0;
}

static void
upgrade_done(struct loop *l, struct conn *c, const struct ws_handshake *hs)
{
	char text[512], extension[WS_DEFLATE_OFFER_LEN];
	struct writer w = writer_over(text, sizeof(text));
	struct writer value = writer_over(extension, sizeof(extension));

	agree_on_deflate(l, c, hs, &value);
	ws_handshake_write_101(&w, hs->key, hs->protocol, writer_text(&value));
	if (w.full) { /* a subprotocol name longer than anybody has */
		c->refusal = WS_HANDSHAKE_PROTOCOL_SYNTAX;
		conn_life_apply(l, c, CONN_EV_REFUSED);
		return;
	}
	conn_life_apply(l, c, CONN_EV_UPGRADED);
	conn_output_put(l, c, writer_text(&w));
}

/* A record of type handshake (22), version 3.x. */
static bool
looks_like_tls(struct span in)
{
	return in.len >= 2 && in.at[0] == 22 && in.at[1] == 3;
}

/* What follows the request head in the same segment are frames already (W-S-15). */
static void
read_upgrade(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	struct ws_handshake hs;
	size_t seen = c->pieces.len;
	struct pieces head;
	int n;

	if (seen) {
		if (!pieces_add(&l->bytes, &l->stats, &c->pieces, in, 0)) {
			conn_life_abandon(l, c);
			return;
		}
		in = span_of(c->pieces.bytes, c->pieces.len);
		lease = NULL;
	}
	n = ws_handshake_parse(in.at, in.len, seen, &l->policy, &hs);
	if (n < 0) {
		if (!c->tls && looks_like_tls(in)) {
			stats_add(&l->stats.tls_unexpected, 1);
			log_line(LOG_INFO, "tls_unexpected", "peer=%s port=%u", c->peer.address,
				 c->peer.port);
		}
		c->refusal = (uint8_t)-n;
		pieces_free(&l->bytes, &l->stats, &c->pieces);
		conn_life_apply(l, c, CONN_EV_REFUSED);
		return;
	}
	if (n == 0) {
		if (!seen && !pieces_add(&l->bytes, &l->stats, &c->pieces, in, 0))
			conn_life_abandon(l, c);
		return;
	}
	head = c->pieces; /* the message that may begin behind the head needs pieces of its own */
	c->pieces = (struct pieces){ 0 };
	upgrade_done(l, c, &hs);
	conn_input_frames(l, c, span_of(in.at + n, in.len - (size_t)n), lease);
	pieces_free(&l->bytes, &l->stats, &head);
}

void
conn_input_received(struct loop *l, struct conn *c, const struct ring_lease *lease)
{
	stats_add(&l->stats.bytes_received, lease->len);
	c->heard_ns = l->now_ns;
	if (c->ping_sent_ns) { /* the next Ping may be due sooner than this one's Pong was */
		c->ping_sent_ns = 0;
		conn_timer_arm(l, c);
	}
	if (c->tls || c->state == CONN_TLS)
		conn_tls_received(l, c, lease);
	else
		conn_input_plain(l, c, span_of(lease->bytes, lease->len), lease);
}

void
conn_input_plain(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	if (c->state == CONN_UPGRADE)
		read_upgrade(l, c, in, lease);
	else if (c->state == CONN_ASKING)
		conn_client_answer(l, c, in, lease);
	else if (c->held.len && is_listening(c))
		hold(l, c, in); /* its turn comes after what is held already */
	else
		conn_input_frames(l, c, in, lease);
}

void
conn_input_unhold(struct loop *l, struct conn *c)
{
	struct span rest = span_of(c->held.bytes + c->held_read, c->held.len - c->held_read);

	/* It may have waited so long that its slot is free again. */
	if ((!c->paused && !c->held.len) || c->state == CONN_DEAD || c->state == CONN_FREE)
		return;
	c->held_read += (uint32_t)read_frames(l, c, rest, NULL);
	if (c->held_read < c->held.len && is_listening(c)) {
		hold(l, c, SPAN(""));
		return;
	}
	pieces_free(&l->bytes, &l->stats, &c->held);
	c->held_read = 0;
	if (!c->paused || c->state == CONN_DEAD)
		return;
	c->paused = false;
	ring_receive_resume(l->ring, c->flow.slot);
}
