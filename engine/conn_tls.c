/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/conn_tls.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include "codec/ws_close.h"
#include "engine/conn_core.h"
#include "engine/conn_input.h"
#include "engine/conn_life.h"
#include "engine/conn_output.h"
#include "engine/log.h"
#include "engine/loop.h"

#define SCRATCH_BYTES 16384u /* of one record's plaintext */
#define TRIM_HANDSHAKES 64u  /* fewer are not worth a walk through the heap: 1 ms for 30 MB */

/* ---- the loop's part ---- */

static bool
put(void *arg, struct span bytes)
{
	struct conn_tls_loop *tls = arg;
	struct loop *l = tls->loop;

	tls->put = true;
	return sendq_put_sealed(&tls->conn->sendq, &l->bytes, &l->stats, bytes);
}

bool
conn_tls_init(struct loop *l, struct tls_set *set)
{
	struct conn_tls_loop *tls = &l->tls;

	tls->io = (struct tls_io){ .put = put, .arg = tls };
	tls->loop = l;
	tls->waiting = CONN_NOT_DIRTY;
	tls->steps_left = l->settings->tls_handshakes;
	atomic_init(&tls->offered, NULL);
	if (!set)
		return true;
	tls->scratch = malloc(SCRATCH_BYTES);
	if (!tls->scratch)
		return false;
	tls->set = tls_set_hold(set);
	return true;
}

void
conn_tls_fini(struct loop *l)
{
	tls_set_drop(atomic_exchange(&l->tls.offered, NULL));
	tls_set_drop(l->tls.set);
	free(l->tls.scratch);
}

/* release: the loop that takes it sees all of the set. */
void
conn_tls_offer(struct conn_tls_loop *tls, struct tls_set *set)
{
	tls_set_drop(
		atomic_exchange_explicit(&tls->offered, tls_set_hold(set), memory_order_acq_rel));
}

/* cert_check_on_conn_reusage. Only here can the answer become another. */
static void
check_reuse(struct loop *l, const struct upstream *u)
{
	struct conn *c = loop_conn(l, u->flow);
	const char *reason;

	if (!c || c->state != CONN_OPEN || !c->tls ||
	    tls_context_would_make(tls_set_client(l->tls.set, &u->where), tls_conn_ssl(c->tls),
				   &reason))
		return;
	stats_add(&l->stats.tls_reuse_refused, 1);
	log_line(LOG_WARN, "tls_reuse_refused", "peer=%s port=%u reason=\"%s\"", c->peer.address,
		 c->peer.port, reason);
	conn_life_going_away(l, c, WS_CLOSE_GOING_AWAY);
}

/* True: with a new set, connections may have something to send. */
static bool
take_offered(struct loop *l)
{
	struct conn_tls_loop *tls = &l->tls;
	struct tls_set *set;

	if (!atomic_load_explicit(&tls->offered, memory_order_relaxed))
		return false;
	set = atomic_exchange_explicit(&tls->offered, NULL, memory_order_acq_rel);
	if (!set)
		return false;
	tls_set_drop(tls->set);
	tls->set = set;
	if (!l->settings->cert_check_on_conn_reusage)
		return false;
	for (uint32_t i = 0; i < l->upstreams_len; i++)
		check_reuse(l, &l->upstreams[i]);
	for (uint32_t i = 0; i < l->dialed_len; i++)
		if (l->dialed[i])
			check_reuse(l, l->dialed[i]);
	return true;
}

static void
begin_operation(struct loop *l, struct conn *c, struct span in)
{
	l->tls.conn = c;
	l->tls.put = false;
	l->tls.io.in = in;
	l->tls.io.listener = l->listeners[c->listener];
}

/* A handshake's flight, an alert, the answer to a key update. */
static void
send_what_was_put(struct loop *l, struct conn *c)
{
	if (l->tls.put)
		loop_mark_dirty(l, c);
	l->tls.put = false;
}

/* ---- the end of TLS ---- */

/* Each end has its own line, with the peer's address: fail2ban reads them. */
static void
ended(struct loop *l, struct conn *c, enum tls_result result)
{
	char words[TLS_ERROR_MAX] = "close_notify";
	bool handshake = c->state == CONN_TLS || c->state == CONN_TLS_OUT;

	if (result == TLS_FAILED) {
		stats_add(tls_error_of(tls_conn_ssl(c->tls), words) ? &l->stats.tls_alerts :
								      &l->stats.tls_errors,
			  1);
		log_line(c->upstream ? LOG_WARN : LOG_INFO, "tls_failed",
			 "peer=%s port=%u in=%s reason=\"%s\"", c->peer.address, c->peer.port,
			 handshake ? "handshake" : "stream", words);
	} else if (c->state == CONN_OPEN) {
		stats_add(&l->stats.closed_by_peer, 1);
	}
	if (handshake)
		stats_add(&l->stats.tls_handshakes_failed, 1);
	conn_life_apply(l, c, CONN_EV_TLS_END);
}

/* ---- records in ---- */

static bool
is_reading(const struct conn *c)
{
	return (c->state == CONN_UPGRADE || c->state == CONN_ASKING || c->state == CONN_OPEN ||
		c->state == CONN_CLOSING) &&
	       !c->ending;
}

/*
 * The plaintext goes where its ciphertext was, so that messages stay views into the lease: see
 * tls_conn_read() for why that is safe, and for which record it is not.
 */
static void
read_records(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	uint8_t *area = (uint8_t *)(uintptr_t)in.at;
	enum tls_result result = TLS_DONE;
	size_t plain = 0, n;

	if (tls_conn_has_part(c->tls)) {
		result = tls_conn_read(c->tls, l->tls.scratch, SCRATCH_BYTES, &n);
		if (n)
			conn_input_plain(l, c, span_of(l->tls.scratch, n), NULL);
	}
	while (result == TLS_DONE && is_reading(c)) {
		result = tls_conn_read(c->tls, area + plain, in.len - plain, &n);
		plain += n;
	}
	send_what_was_put(l, c);
	if (plain)
		conn_input_plain(l, c, span_of(area, plain), lease);
	if ((result == TLS_END || result == TLS_FAILED) && is_reading(c))
		ended(l, c, result);
}

/* ---- handshake ---- */

/* A request without TLS begins with a letter, a record does not. */
static bool
looks_like_http(struct span in)
{
	return in.at[0] >= 'A' && in.at[0] <= 'Z';
}

void
conn_tls_refuse_http(struct loop *l, struct conn *c)
{
	stats_add(&l->stats.tls_missing, 1);
	log_line(LOG_INFO, "tls_missing", "peer=%s port=%u reason=\"HTTP on a wss listener\"",
		 c->peer.address, c->peer.port);
	conn_output_put(l, c,
			SPAN("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
			     "Content-Length: 31\r\nConnection: close\r\n\r\n"
			     "This port speaks TLS, use wss:\n"));
}

static bool
make(struct loop *l, struct conn *c)
{
	SSL_CTX *context = tls_set_server(l->tls.set, l->listeners[c->listener]);

	c->tls = tls_conn_new(context, &l->tls.io, false);
	if (c->tls)
		tls_conn_keep(c->tls, l->tls.set);
	return c->tls != NULL;
}

static void
secured(struct loop *l, struct conn *c)
{
	c->peer.secure = true;
	l->tls.untrimmed++;
	stats_add(&l->stats.tls_handshakes, 1);
	if (SSL_session_reused(tls_conn_ssl(c->tls)))
		stats_add(&l->stats.tls_resumed, 1);
	conn_life_apply(l, c, conn_core_is(c) ? CONN_EV_SECURED_CORE : CONN_EV_SECURED);
}

/* What follows the handshake in the same lease is read at once. */
static void
step(struct loop *l, struct conn *c, struct span in, const struct ring_lease *lease)
{
	enum tls_result result;

	if (!c->tls && looks_like_http(in)) {
		conn_life_apply(l, c, CONN_EV_REFUSED);
		return;
	}
	if (!c->tls && !make(l, c)) {
		conn_life_abandon(l, c);
		return;
	}
	if (l->tls.steps_left) /* our own handshakes do not wait for their turn */
		l->tls.steps_left--;
	begin_operation(l, c, in);
	result = tls_conn_handshake(c->tls);
	send_what_was_put(l, c);
	if (result == TLS_DONE) {
		secured(l, c);
		read_records(l, c, in, lease);
	} else if (result != TLS_MORE) {
		ended(l, c, result);
	}
}

/* Its bytes wait with it; more than a lease of them are not taken in. */
static void
wait_for_turn(struct loop *l, struct conn *c, struct span in)
{
	struct conn_tls_loop *tls = &l->tls;

	if (!pieces_add(&l->bytes, &l->stats, &c->held, in, 0)) {
		conn_life_abandon(l, c);
		return;
	}
	if (!c->paused && c->held.len > l->settings->receive_buffer_bytes) {
		c->paused = true;
		stats_add(&l->stats.backpressure_pauses, 1);
		ring_receive_pause(l->ring, c->flow.slot);
	}
	if (c->in_waiting_list)
		return;
	stats_add(&l->stats.tls_handshakes_waited, 1);
	c->in_waiting_list = true;
	c->next_waiting = CONN_NOT_DIRTY;
	if (tls->waiting == CONN_NOT_DIRTY)
		tls->waiting = c->flow.slot;
	else
		l->conns[tls->waiting_last].next_waiting = c->flow.slot;
	tls->waiting_last = c->flow.slot;
}

static void
step_waiting(struct loop *l, struct conn *c)
{
	struct pieces held = c->held;

	/* A slot may have changed hands in the list. */
	if (c->state != CONN_TLS || held.len == 0)
		return;
	c->held = (struct pieces){ 0 };
	step(l, c, span_of(held.bytes, held.len), NULL);
	pieces_free(&l->bytes, &l->stats, &held);
	if (!c->paused || c->state == CONN_DEAD || c->held.len)
		return;
	c->paused = false;
	ring_receive_resume(l->ring, c->flow.slot);
}

bool
conn_tls_turn(struct loop *l)
{
	struct conn_tls_loop *tls = &l->tls;
	bool any = take_offered(l) || conn_tls_waits(l);

	while (tls->waiting != CONN_NOT_DIRTY && tls->steps_left) {
		struct conn *c = &l->conns[tls->waiting];

		tls->waiting = c->next_waiting;
		c->in_waiting_list = false;
		step_waiting(l, c);
	}
	tls->steps_left = l->settings->tls_handshakes;
	return any;
}

bool
conn_tls_waits(const struct loop *l)
{
	return l->tls.waiting != CONN_NOT_DIRTY;
}

void
conn_tls_trim(struct loop *l)
{
	if (l->tls.untrimmed < TRIM_HANDSHAKES)
		return;
	l->tls.untrimmed = 0;
	malloc_trim(0);
}

void
conn_tls_received(struct loop *l, struct conn *c, const struct ring_lease *lease)
{
	struct span in = span_of(lease->bytes, lease->len);

	if (c->state == CONN_TLS && (c->held.len || conn_tls_waits(l) || l->tls.steps_left == 0)) {
		wait_for_turn(l, c, in);
	} else if (c->state == CONN_TLS || c->state == CONN_TLS_OUT) {
		step(l, c, in, lease);
	} else if (is_reading(c)) {
		begin_operation(l, c, in);
		read_records(l, c, in, lease);
	}
}

bool
conn_tls_connect(struct loop *l, struct conn *c)
{
	const struct settings_upstream *where = &c->upstream->where;
	bool good;

	c->tls = tls_conn_new(tls_set_client(l->tls.set, where)->ssl, &l->tls.io, true);
	if (!c->tls || !tls_context_expect(tls_conn_ssl(c->tls), where->name, where->address))
		return false;
	begin_operation(l, c, SPAN(""));
	good = tls_conn_handshake(c->tls) == TLS_MORE;
	send_what_was_put(l, c);
	return good;
}

/* ---- records out ---- */

bool
conn_tls_wants_close(const struct conn *c)
{
	return c->tls && tls_conn_may_close(c->tls);
}

bool
conn_tls_seal(struct loop *l, struct conn *c)
{
	struct sendq_chunk *chunk = sendq_unsealed(&c->sendq);

	if (!c->tls)
		return true;
	begin_operation(l, c, SPAN(""));
	if (tls_conn_is_over(c->tls)) {
		sendq_drop_unsealed(&c->sendq, &l->bytes, &l->stats);
		return true;
	}
	if (chunk &&
	    !(sendq_seal_room(&c->sendq, &l->bytes, &l->stats, tls_conn_sealed_max(chunk->len)) &&
	      tls_conn_write(c->tls, span_of(chunk->bytes, chunk->len))))
		return false;
	if (chunk)
		sendq_unsealed_done(&c->sendq, &l->bytes, &l->stats);
	if ((c->state == CONN_FLUSHING || c->state == CONN_HALF) && !sendq_unsealed(&c->sendq))
		tls_conn_close(c->tls);
	return true;
}

void
conn_tls_free(struct conn *c)
{
	tls_conn_free(c->tls);
	c->tls = NULL;
}
