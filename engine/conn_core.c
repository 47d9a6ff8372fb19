/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/conn_core.h"

#include <errno.h>
#include "codec/ws_close.h"
#include "engine/conn_input.h"
#include "engine/conn_life.h"
#include "engine/conn_timer.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/loop_route.h"
#include "engine/upstream.h"
#include "engine/upstream_check.h"

void
conn_core_opened(struct loop *l, struct conn *c)
{
	l->cores++;
	c->heard_ns = c->busy_ns = l->now_ns;
	if (c->upstream)
		upstream_opened(l, c->upstream);
	else
		stats_add(&l->stats.core_connections, 1);
}

void
conn_core_left(struct loop *l, struct conn *c)
{
	l->cores--;
	if (c->upstream)
		upstream_check_end(l, c->upstream);
}

/* ---- out ---- */

static int
send_datagram(struct loop *l, const struct conn *c, const struct span *pieces, uint32_t len)
{
	struct iovec parts[SIP_PIECES_MAX];

	for (uint32_t i = 0; i < len; i++)
		parts[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)pieces[i].at,
					   .iov_len = pieces[i].len };
	return ring_send_datagram(l->ring, c->flow.slot, parts, len);
}

static bool
queue(struct loop *l, struct conn *c, const struct message *m, enum sendq_account account)
{
	uint32_t queued = c->sendq.queued;
	bool ok = true;

	if (queued && queued + (uint64_t)m->out_len > l->settings->edge_send_queue) {
		stats_add(&l->stats.core_queue_full, 1);
		return false;
	}
	for (uint32_t i = 0; ok && i < m->pieces_len; i++)
		ok = sendq_put(&c->sendq, &l->bytes, &l->stats, m->pieces[i]);
	if (!ok) {
		sendq_cut(&c->sendq, &l->bytes, &l->stats, queued);
		return false;
	}
	sendq_account(&c->sendq, account);
	loop_mark_dirty(l, c);
	if (c->sendq.queued > l->settings->edge_send_queue / 4)
		l->congested = true;
	return true;
}

bool
conn_core_output(struct loop *l, struct conn *c, const struct message *m,
		 enum sendq_account account)
{
	if (c->peer.transport != FLOW_UDP)
		return queue(l, c, m, account);
	if (send_datagram(l, c, m->pieces, m->pieces_len))
		return false;
	stats_add(&l->stats.bytes_sent, m->out_len);
	stats_fate(&l->stats, account == SENDQ_ANSWERED ? FATE_answered : FATE_delivered, 1);
	return true;
}

void
conn_core_put(struct loop *l, struct conn *c, struct span bytes)
{
	if (c->peer.transport == FLOW_UDP)
		(void)send_datagram(l, c, &bytes, 1); /* who waits for an answer asks again */
	else if (sendq_put(&c->sendq, &l->bytes, &l->stats, bytes))
		loop_mark_dirty(l, c);
}

/* ---- in ---- */

static void
message(struct loop *l, struct conn *c, struct message_bytes *b)
{
	c->busy_ns = l->now_ns;
	if (c->upstream && upstream_check_answer(l, c, span_of(b->at, b->len)))
		return;
	conn_input_message(l, c, WS_OP_BINARY, b);
}

static void
broken(struct loop *l, struct conn *c, enum sip_stream_event event)
{
	stats_add(&l->stats.core_broken, 1);
	log_line(LOG_WARN, "core_broken", "peer=%s port=%u reason=\"%s\"", c->peer.address,
		 c->peer.port,
		 event == SIP_STREAM_TOO_BIG ? "message longer than ws_max_message" :
					       "no good Content-Length");
	conn_life_fail(l, c, WS_CLOSE_PROTOCOL_ERROR, "not SIP");
}

/* A whole message, or what is between two; in a lease, or in c->pieces. */
static void
event(struct loop *l, struct conn *c, enum sip_stream_event event, struct message_bytes *b)
{
	if (event == SIP_STREAM_MESSAGE) {
		message(l, c, b);
	} else if (event == SIP_STREAM_PING) {
		stats_add(&l->stats.keepalives, 1);
		conn_core_put(l, c, SPAN("\r\n"));
	} else if (event == SIP_STREAM_BLANK) {
		stats_add(&l->stats.keepalives, 1);
	} else {
		broken(l, c, event);
	}
}

static bool
keep(struct loop *l, struct conn *c, struct span in)
{
	if (pieces_add(&l->bytes, &l->stats, &c->pieces, in, 0))
		return true;
	stats_add(&l->stats.closed_memory, 1);
	conn_life_fail(l, c, WS_CLOSE_INTERNAL, "out of memory");
	return false;
}

/* The bytes of `in` that are done with. In the common case a message lies whole in its lease. */
static size_t
step_whole(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	struct message_bytes b = { .at = (uint8_t *)(uintptr_t)in.at, .lease = lease };
	uint32_t max = l->settings->ws_max_message, used = 0;
	enum sip_stream_event got = sip_stream_next(&c->stream, in.at, in.len, max, &used);

	if (got == SIP_STREAM_MORE) {
		keep(l, c, in);
		return in.len;
	}
	if (got == SIP_STREAM_MESSAGE && !lease) {
		if (!keep(l, c, span_of(in.at, used)))
			return in.len;
		b.at = c->pieces.bytes;
		b.pieces = &c->pieces;
	}
	b.len = used;
	event(l, c, got, &b);
	pieces_free(&l->bytes, &l->stats, &c->pieces);
	return used;
}

/* Bytes came before: these may end the message, and what follows it is not kept. */
static size_t
step_pieces(struct loop *l, struct conn *c, struct span in)
{
	uint32_t max = l->settings->ws_max_message, used = 0, had = c->pieces.len;
	size_t take = in.len;
	struct message_bytes b = { .pieces = &c->pieces };
	enum sip_stream_event got;

	if (c->stream.need && take > c->stream.need - had)
		take = c->stream.need - had;
	if (!keep(l, c, span_of(in.at, take)))
		return in.len;
	got = sip_stream_next(&c->stream, (const char *)c->pieces.bytes, c->pieces.len, max, &used);
	if (got == SIP_STREAM_MORE)
		return take;
	c->pieces.len = used;
	b.at = c->pieces.bytes;
	b.len = used;
	event(l, c, got, &b);
	pieces_free(&l->bytes, &l->stats, &c->pieces);
	return used < had ? in.len : used - had; /* broken: nothing more is read */
}

static void
datagram(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	struct message_bytes b = { .at = (uint8_t *)(uintptr_t)in.at,
				   .len = (uint32_t)in.len,
				   .lease = lease };

	switch (sip_keepalive(b.at, b.len)) {
	case SIP_KEEPALIVE_PING:
		conn_core_put(l, c, SPAN("\r\n"));
		/* fall through */
	case SIP_KEEPALIVE_PONG:
		stats_add(&l->stats.keepalives, 1);
		return;
	case SIP_KEEPALIVE_NOT:
		break;
	}
	if (in.len == l->settings->receive_buffer_bytes)
		stats_add(&l->stats.core_truncated, 1);
	else
		message(l, c, &b);
	if (loop_route_may_read(l) || c->state != CONN_CORE)
		return;
	c->paused = true;
	ring_receive_pause(l->ring, c->flow.slot);
	loop_mark_held(l, c);
}

size_t
conn_core_input(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	size_t left = in.len;

	if (c->peer.transport == FLOW_UDP) {
		if (lease && c->state == CONN_CORE)
			datagram(l, c, in, lease);
		return in.len;
	}
	while (left && c->state == CONN_CORE && !c->ending) {
		struct span rest = span_of(in.at + in.len - left, left);

		if (!loop_route_may_read(l))
			return in.len - left;
		left -= c->pieces.len ? step_pieces(l, c, rest) : step_whole(l, c, rest, lease);
		if (!c->pieces.len)
			c->message_since_ns = 0;
		loop_route_batch(l);
	}
	/* of a head or of a body; not a CRLF, which may be half a ping */
	if (c->state == CONN_CORE && (c->stream.seen || c->stream.need) && !c->message_since_ns) {
		c->message_since_ns = l->now_ns;
		conn_timer_arm(l, c);
	}
	return in.len;
}

/* ---- time ---- */

uint64_t
conn_core_deadline(const struct conn *c)
{
	return c->upstream ? c->upstream->check.due_ns : UINT64_MAX;
}

void
conn_core_timer(struct loop *l, struct conn *c)
{
	if (l->now_ns >= conn_core_deadline(c))
		upstream_check_fired(l, c);
}
