/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/conn_output.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "codec/ws_mask.h"
#include "engine/clock.h"
#include "engine/conn_core.h"
#include "engine/conn_life.h"
#include "engine/conn_timer.h"
#include "engine/conn_tls.h"
#include "engine/log.h"
#include "engine/loop.h"

void
conn_output_put(struct loop *l, struct conn *c, struct span bytes)
{
	if (c->state == CONN_DEAD)
		return;
	if (!sendq_put(&c->sendq, &l->bytes, &l->stats, bytes)) {
		conn_life_apply(l, c, CONN_EV_SEND_FAILED);
		return;
	}
	loop_mark_dirty(l, c);
}

/* A try is answered in the turn after it. */
bool
conn_output_is_blocked(const struct loop *l, const struct conn *c)
{
	return c->sendq.head_in_flight && l->turn - c->flush_turn > 1;
}

/*
 * What a peer that does not read may have queued: ws_send_queue, and never more than an eighth of
 * what is left of the loop's buffer memory. Many of them get less each, the fewer bytes are left,
 * and those who read notice nothing.
 */
static uint64_t
blocked_limit(struct loop *l, uint64_t limit)
{
	uint64_t left = bytes_left(&l->bytes) / 8;

	if (left >= limit)
		return limit;
	stats_add(&l->stats.buffer_pressure, 1);
	return left;
}

bool
conn_output_is_over(const struct loop *l, const struct conn *c, uint64_t len, uint32_t quarters)
{
	uint64_t limit = c->peer.core ? l->settings->edge_send_queue : l->settings->ws_send_queue;

	return c->sendq.queued + len > limit / 4 * quarters;
}

/*
 * May `len` more bytes be queued? A peer that does not read gets ws_send_queue, then its
 * connection is closed. For a peer that reads, it was us who took in too much in one turn: then
 * the loop reads no more input before it has sent (and only what is in the routing stage already
 * can still come).
 */
static bool
may_queue(struct loop *l, struct conn *c, uint64_t len)
{
	uint64_t queued = c->sendq.queued + len, limit = l->settings->ws_send_queue;

	if (!c->sendq.queued)
		return true; /* a single message is bounded by ws_max_message */
	if (limit < l->settings->ws_max_message)
		limit = l->settings->ws_max_message;
	if (conn_output_is_blocked(l, c))
		return queued <= blocked_limit(l, limit);
	if (queued > limit / 4)
		l->congested = true;
	return queued <= limit * 4;
}

/* W-L-10: a client masks every frame, with a key that nobody can foresee. */
static struct sendq_mask *
mask_of(struct loop *l, const struct conn *c, struct sendq_mask *mask)
{
	if (!c->upstream)
		return NULL;
	mask->phase = 0;
	random_take(&l->random, mask->key, sizeof(mask->key));
	return mask;
}

/* What is to be sent as one frame. */
struct frame {
	const struct span *pieces;
	size_t pieces_len;
	uint64_t len;            /* of all pieces */
	struct sendq_mask *mask; /* or NULL */
	uint8_t opcode;          /* and RSV1 */
};

static size_t
header_write(uint8_t *out, const struct frame *f)
{
	size_t n = ws_frame_write_header(out, f->opcode & 0xF, true, f->len,
					 f->mask ? f->mask->key : NULL);

	out[0] |= f->opcode & WS_DEFLATE_RSV1;
	return n;
}

/* Into one chunk: plain copies. */
static void
frame_write(uint8_t *to, const struct frame *f)
{
	uint8_t *payload = to + header_write(to, f);

	to = payload;
	for (size_t i = 0; i < f->pieces_len; i++) {
		if (f->pieces[i].len)
			memcpy(to, f->pieces[i].at, f->pieces[i].len);
		to += f->pieces[i].len;
	}
	if (f->mask)
		ws_mask_apply(payload, f->len, f->mask->key, 0);
}

/* Over several. */
static bool
put_parts(struct loop *l, struct conn *c, const struct frame *f)
{
	uint8_t header[WS_HEADER_MAX];
	size_t n = header_write(header, f);
	bool ok = sendq_put(&c->sendq, &l->bytes, &l->stats, span_of(header, n));

	for (size_t i = 0; ok && i < f->pieces_len; i++)
		ok = sendq_put_masked(&c->sendq, &l->bytes, &l->stats, f->pieces[i], f->mask);
	return ok;
}

/* One frame, whole or not at all. */
static bool
put_frame(struct loop *l, struct conn *c, uint8_t opcode, const struct span *pieces,
	  size_t pieces_len)
{
	struct sendq_mask key;
	struct frame f = { pieces, pieces_len, 0, mask_of(l, c, &key), opcode };
	uint32_t queued = c->sendq.queued;
	uint8_t *whole;
	bool ok = true;

	for (size_t i = 0; i < pieces_len; i++)
		f.len += pieces[i].len;
	whole = sendq_extend(&c->sendq, &l->bytes, &l->stats,
			     ws_frame_header_len(f.len, f.mask ? WS_CLIENT : WS_SERVER) + f.len);
	if (whole)
		frame_write(whole, &f);
	else
		ok = put_parts(l, c, &f);
	if (ok)
		loop_mark_dirty(l, c);
	else
		sendq_cut(&c->sendq, &l->bytes, &l->stats, queued);
	return ok;
}

bool
conn_output_control(struct loop *l, struct conn *c, uint8_t opcode, struct span payload)
{
	bool ok = c->state == CONN_DEAD || put_frame(l, c, opcode, &payload, 1);

	if (!ok && opcode != WS_OP_PING)
		conn_life_apply(l, c, CONN_EV_SEND_FAILED);
	return ok;
}

static bool
put_compressed(struct loop *l, struct conn *c, const struct message *m)
{
	struct pieces out = { 0 };
	struct span whole;
	bool ok = false;

	switch (compression_deflate(&l->compression, &c->compression, m->pieces, m->pieces_len,
				    &out)) {
	case COMPRESSION_PLAIN:
		ok = put_frame(l, c, m->out_opcode, m->pieces, m->pieces_len);
		break;
	case COMPRESSION_DONE:
		whole = span_of(out.bytes, out.len);
		ok = put_frame(l, c, m->out_opcode | WS_DEFLATE_RSV1, &whole, 1);
		break;
	case COMPRESSION_FAILED:
		break;
	}
	pieces_free(&l->bytes, &l->stats, &out);
	return ok;
}

bool
conn_output_message(struct loop *l, struct conn *c, const struct message *m,
		    enum sendq_account account)
{
	bool ok;

	assert(conn_is_open(c));
	if (conn_core_is(c))
		return conn_core_output(l, c, m, account);
	if (!may_queue(l, c, ws_frame_header_len(m->out_len, WS_CLIENT) + m->out_len)) {
		stats_add(&l->stats.closed_send_queue, 1);
		log_line(LOG_INFO, "closed_send_queue", "peer=%s port=%u queued=%u",
			 c->peer.address, c->peer.port, c->sendq.queued);
		conn_life_apply(l, c, CONN_EV_SEND_FAILED);
		return false;
	}
	ok = c->compression.terms.agreed ? put_compressed(l, c, m) :
					   put_frame(l, c, m->out_opcode, m->pieces, m->pieces_len);
	if (ok)
		sendq_account(&c->sendq, account);
	else if (c->compression.terms.agreed)
		conn_life_apply(l, c, CONN_EV_SEND_FAILED);
	return ok;
}

/* The queue is empty: was that the last we had to say? */
static void
settle(struct loop *l, struct conn *c)
{
	if (c->state != CONN_FLUSHING && c->state != CONN_HALF)
		return;
	if (conn_tls_wants_close(c))
		loop_mark_dirty(l, c);
	else
		conn_life_apply(l, c, CONN_EV_SENT_ALL);
}

static uint32_t
send_timeout_ms(const struct loop *l, const struct conn *c)
{
	if (c->peer.core)
		return l->settings->edge_send_timeout_ms;
	return c->tls ? l->settings->wss_send_timeout_ms : l->settings->ws_send_timeout_ms;
}

void
conn_output_flush(struct loop *l, struct conn *c)
{
	struct sendq_chunk *chunk;

	if (c->state == CONN_DEAD || c->sendq.head_in_flight)
		return;
	if (!conn_tls_seal(l, c)) {
		conn_life_apply(l, c, CONN_EV_SEND_FAILED);
		return;
	}
	chunk = sendq_take(&c->sendq);
	if (!chunk) {
		settle(l, c);
		return;
	}
	c->flush_turn = l->turn;
	ring_send(l->ring, c->flow.slot, chunk->bytes, chunk->len, 1000 * send_timeout_ms(l, c));
}

void
conn_output_sent(struct loop *l, struct conn *c, int result)
{
	assert(c->sendq.head_in_flight);
	if (result == 0) {
		stats_add(&l->stats.bytes_sent, c->sendq.head->len);
		if (conn_output_is_blocked(l, c))
			conn_timer_alive(l, c);
		sendq_sent(&c->sendq, &l->bytes, &l->stats);
		if (!sendq_empty(&c->sendq))
			loop_mark_dirty(l, c);
		else
			settle(l, c);
		if (c->paused) /* its turn comes with the others' */
			loop_mark_held(l, c);
		return;
	}
	c->sendq.head_in_flight = false;
	if (c->state == CONN_DEAD)
		return;
	if (result == -ETIME) {
		stats_add(&l->stats.closed_send_timeout, 1);
		log_line(LOG_INFO, "closed_send_timeout", "peer=%s port=%u queued=%u",
			 c->peer.address, c->peer.port, c->sendq.queued);
	}
	conn_life_apply(l, c, CONN_EV_SEND_FAILED);
}
