/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/client.h"

#include <assert.h>
#include <string.h>
#include "codec/ws_close.h"
#include "codec/ws_mask.h"
#include "tools/wsload/client_tls.h"
#include "tools/wsload/keepalive.h"
#include "tools/wsload/message.h"
#include "tools/wsload/operation.h"
#include "tools/wsload/registration.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/sipp_stream.h"
#include "tools/wsload/storm.h"
#include "tools/wsload/worker.h"

#define HEAD_MAX 8192u /* of the handshake's answer */
#define SEND_TIMEOUT_US 30000000u

static bool
is_plain(const struct worker *w)
{
	return w->plan->options.sipp.network == SIPP_TCP;
}

/* ---- bytes ---- */

static void
bytes_drop(struct worker *w, struct client_bytes *b)
{
	bytes_free(&w->bytes, b->at, b->cap);
	*b = (struct client_bytes){ 0 };
}

/* Room for `more` bytes behind those that are there. */
static bool
bytes_room(struct worker *w, struct client_bytes *b, size_t more)
{
	size_t size = b->len + more;
	uint8_t *at;

	if (size <= b->cap)
		return true;
	if (size < 2 * (size_t)b->cap)
		size = 2 * (size_t)b->cap;
	at = size <= UINT32_MAX ? bytes_alloc(&w->bytes, &size) : NULL;
	if (!at)
		return false;
	if (b->len)
		memcpy(at, b->at, b->len);
	bytes_free(&w->bytes, b->at, b->cap);
	b->at = at;
	b->cap = (uint32_t)size;
	return true;
}

bool
client_put(struct worker *w, struct client_bytes *b, struct span text)
{
	if (!bytes_room(w, b, text.len))
		return false;
	memcpy(b->at + b->len, text.at, text.len);
	b->len += (uint32_t)text.len;
	return true;
}

/* ---- output ---- */

char *
client_begin_message(struct worker *w, struct client *c, uint32_t len)
{
	size_t header = ws_frame_header_len(len, WS_CLIENT);

	return bytes_room(w, &c->out, header + len) ? (char *)c->out.at + c->out.len + header :
						      NULL;
}

void
client_end_message(struct worker *w, struct client *c, uint32_t max, uint32_t len, uint8_t opcode)
{
	uint8_t mask[4], *frame = c->out.at + c->out.len;
	size_t guessed = ws_frame_header_len(max, WS_CLIENT), header;

	random_take(&w->random, mask, sizeof(mask));
	header = ws_frame_header_len(len, WS_CLIENT);
	if (header != guessed)
		memmove(frame + header, frame + guessed, len);
	ws_frame_write_header(frame, opcode, true, len, mask);
	ws_mask_apply(frame + header, len, mask, 0);
	c->out.len += (uint32_t)header + len;
	worker_put_dirty(w, c);
	if (opcode == WS_OP_TEXT)
		tally_count(&w->tally, TALLY_messages_sent, 1);
}

void
client_send_control(struct worker *w, struct client *c, uint8_t opcode, struct span payload)
{
	char *out = client_begin_message(w, c, (uint32_t)payload.len);

	if (!out)
		return;
	memcpy(out, payload.at, payload.len);
	client_end_message(w, c, (uint32_t)payload.len, (uint32_t)payload.len, opcode);
}

void
client_flush(struct worker *w, struct client *c)
{
	struct client_bytes *out = c->tls ? &c->wire : &c->out;

	if (c->sending.len || c->state <= CLIENT_CONNECTING || c->state >= CLIENT_CLOSED)
		return;
	if (c->tls && !client_tls_seal(w, c)) {
		client_abandon(w, c);
		return;
	}
	if (out->len == 0)
		return;
	c->sending = *out;
	*out = (struct client_bytes){ 0 };
	ring_send(w->ring, c->slot, c->sending.at, c->sending.len, SEND_TIMEOUT_US);
}

static void
on_sent(void *arg, uint32_t slot, int result)
{
	struct worker *w = arg;
	struct client *c = w->by_slot[slot];

	if (result == 0)
		tally_count(&w->tally, TALLY_bytes_sent, c->sending.len);
	bytes_drop(w, &c->sending);
	if (result == 0 && (c->out.len || c->wire.len))
		worker_put_dirty(w, c);
	else if (c->state == CLIENT_CLOSING && is_plain(w))
		client_abandon(w, c);
}

/* ---- opening ---- */

static struct ws_client_request
request_of(const struct worker *w, const struct client *c)
{
	const struct options *o = &w->plan->options;

	return (struct ws_client_request){
		.host = span_of(o->host, strlen(o->host)),
		.port = o->port,
		.secure = o->secure,
		.resource = span_of(o->path, strlen(o->path)),
		.key = span_of(c->key, sizeof(c->key)),
		.protocols = span_of(o->protocol, strlen(o->protocol)),
		.origin = span_of(o->origin, strlen(o->origin)),
		.header_bytes = HEAD_MAX,
	};
}

static void
on_connected(void *arg, uint32_t slot, int result)
{
	struct worker *w = arg;
	struct client *c = w->by_slot[slot];

	if (result < 0) {
		client_fault(w, c, TALLY_connect_failed);
		client_abandon(w, c);
		return;
	}
	tally_time(&w->tally, TALLY_TIME_connect, ring_now_ns(w->ring) - c->since_ns);
	c->since_ns = ring_now_ns(w->ring);
	if (is_plain(w)) {
		tally_count(&w->tally, TALLY_connected, 1);
		c->state = CLIENT_OPEN;
		worker_opened(w, c);
		return;
	}
	if (!w->plan->tls) {
		client_ask(w, c);
		return;
	}
	c->state = CLIENT_SECURING;
	if (!client_tls_begin(w, c))
		client_abandon(w, c);
}

void
client_ask(struct worker *w, struct client *c)
{
	uint8_t random[WS_CLIENT_RANDOM_LEN];
	struct ws_client_request request;
	struct writer out;

	if (c->state == CLIENT_SECURING)
		tally_time(&w->tally,
			   SSL_session_reused(tls_conn_ssl(c->tls)) ? TALLY_TIME_tls_resumed :
								      TALLY_TIME_tls,
			   ring_now_ns(w->ring) - c->since_ns);
	c->state = CLIENT_UPGRADING;
	c->since_ns = ring_now_ns(w->ring);
	random_take(&w->random, random, sizeof(random));
	ws_client_key(random, c->key);
	request = request_of(w, c);
	if (!bytes_room(w, &c->out, 2048)) {
		client_abandon(w, c);
		return;
	}
	out = writer_over(c->out.at, c->out.cap);
	ws_client_write(&out, &request);
	assert(!out.full); /* options.c bounds the texts */
	c->out.len = (uint32_t)out.len;
	worker_put_dirty(w, c);
}

/* ---- input ---- */

static void
bad_frame(struct worker *w, struct client *c)
{
	client_fault(w, c, TALLY_frames_bad);
	client_abandon(w, c);
}

static void
take_data(struct worker *w, struct client *c, const struct ws_event *ev)
{
	struct span piece = span_of(ev->bytes, ev->len);
	struct client_bytes whole;

	if (ev->first && ev->last) {
		message_take(w, c, piece);
		return;
	}
	if (!client_put(w, &c->in, piece)) {
		bad_frame(w, c);
		return;
	}
	if (!ev->last)
		return;
	whole = c->in;
	c->in = (struct client_bytes){ 0 };
	message_take(w, c, span_of(whole.at, whole.len));
	bytes_drop(w, &whole);
}

/* Pieces of a control frame are rare: a Pong to one in pieces has the last piece only. */
static void
take_event(struct worker *w, struct client *c, const struct ws_event *ev)
{
	switch (ev->type) {
	case WS_EVENT_DATA:
		take_data(w, c, ev);
		break;
	case WS_EVENT_PING:
		if (ev->last) {
			client_send_control(w, c, WS_OP_PONG, span_of(ev->bytes, ev->len));
			tally_count(&w->tally, TALLY_pings, 1);
		}
		break;
	case WS_EVENT_CLOSE:
		if (!ev->last)
			break;
		if (c->state == CLIENT_CLOSING)
			operation_closed(w, c);
		else
			client_fault(w, c, TALLY_disconnected);
		client_abandon(w, c);
		break;
	case WS_EVENT_ERROR:
		bad_frame(w, c);
		break;
	case WS_EVENT_PONG:
		keepalive_take_pong(w, c, ev);
		break;
	case WS_EVENT_NONE:
		break;
	}
}

static void
take_frames(struct worker *w, struct client *c, uint8_t *bytes, size_t len)
{
	struct ws_event ev;
	size_t n;

	while (len && c->state < CLIENT_CLOSED) {
		n = ws_reader_next(&c->reader, &w->plan->limits, bytes, len, &ev);
		take_event(w, c, &ev);
		bytes += n;
		len -= n;
	}
}

static void
upgraded(struct worker *w, struct client *c)
{
	tally_time(&w->tally, TALLY_TIME_upgrade, ring_now_ns(w->ring) - c->since_ns);
	tally_count(&w->tally, TALLY_connected, 1);
	ws_reader_init(&c->reader, WS_CLIENT, false);
	if (w->plan->options.scenario->registers) {
		c->state = CLIENT_REGISTERING;
		c->since_ns = ring_now_ns(w->ring);
		registration_begin(w, c);
	} else {
		c->state = CLIENT_OPEN;
		worker_opened(w, c);
	}
}

static void
take_answer(struct worker *w, struct client *c, uint8_t *bytes, size_t len)
{
	struct ws_client_request request = request_of(w, c);
	struct ws_client_answer answer;
	struct client_bytes head;
	size_t seen = c->in.len;
	int n;

	if (seen) {
		if (!client_put(w, &c->in, span_of(bytes, len))) {
			client_abandon(w, c);
			return;
		}
		bytes = c->in.at;
		len = c->in.len;
	}
	n = ws_client_parse((const char *)bytes, len, seen, &request, &answer);
	if (n < 0) {
		client_fault(w, c, TALLY_upgrade_failed);
		client_abandon(w, c);
		return;
	}
	if (n == 0) {
		if (!seen && !client_put(w, &c->in, span_of(bytes, len)))
			client_abandon(w, c);
		return;
	}
	head = c->in;
	c->in = (struct client_bytes){ 0 };
	upgraded(w, c);
	take_frames(w, c, bytes + n, len - (size_t)n);
	bytes_drop(w, &head);
}

void
client_take(struct worker *w, struct client *c, uint8_t *bytes, size_t len)
{
	if (is_plain(w))
		sipp_stream_take(w, c, bytes, len);
	else if (c->state == CLIENT_UPGRADING)
		take_answer(w, c, bytes, len);
	else if (c->state < CLIENT_CLOSED)
		take_frames(w, c, bytes, len);
}

/* No more will come. */
static void
over(struct worker *w, struct client *c)
{
	if (c->state == CLIENT_SECURING)
		client_tls_failed(w, c);
	else if (c->state == CLIENT_UPGRADING)
		client_fault(w, c, TALLY_upgrade_failed);
	else if (c->state == CLIENT_CLOSING && !is_plain(w))
		tally_count(&w->tally, TALLY_unanswered_closes, 1);
	else if (c->state < CLIENT_CLOSED && !w->plan->options.scenario->listens)
		client_fault(w, c, TALLY_disconnected);
	client_abandon(w, c);
}

static void
on_received(void *arg, uint32_t slot, const struct ring_lease *lease)
{
	struct worker *w = arg;
	struct client *c = w->by_slot[slot];

	w->now_ns = ring_now_ns(w->ring);
	tally_count(&w->tally, TALLY_bytes_received, lease->len);
	if (!c->tls)
		client_take(w, c, lease->bytes, lease->len);
	else if (c->state < CLIENT_CLOSED && !client_tls_received(w, c, lease))
		over(w, c);
}

/* ---- the end ---- */

void
client_fault(struct worker *w, struct client *c, enum tally_count fault)
{
	if (!storm_takes(w, c))
		tally_count(&w->tally, fault, 1);
}

void
client_break(struct worker *w, struct client *c)
{
	if (c->state == CLIENT_NEW || c->state >= CLIENT_CLOSED)
		return;
	c->state = CLIENT_CLOSED;
	ring_close(w->ring, c->slot, true);
}

void
client_close(struct worker *w, struct client *c)
{
	uint8_t body[WS_CONTROL_MAX];
	size_t len;

	if (c->state >= CLIENT_CLOSING || c->state < CLIENT_REGISTERING) {
		if (c->state > CLIENT_NEW && c->state < CLIENT_CLOSING)
			client_abandon(w, c);
		return;
	}
	if (is_plain(w)) { /* what waits to be sent goes first */
		c->state = CLIENT_CLOSING;
		if (!c->out.len && !c->sending.len)
			client_abandon(w, c);
		return;
	}
	len = ws_close_write_body(body, WS_CLOSE_NORMAL, SPAN(""));
	client_send_control(w, c, WS_OP_CLOSE, span_of(body, len));
	c->state = CLIENT_CLOSING;
	c->since_ns = w->now_ns;
}

void
client_abandon(struct worker *w, struct client *c)
{
	if (c->state == CLIENT_NEW || c->state >= CLIENT_CLOSED)
		return;
	if (!w->plan->options.scenario->storms)
		operation_expire(w, c, true);
	c->state = CLIENT_CLOSED;
	if (w->sipp)
		sipp_run_lost(w->sipp, c);
	ring_close(w->ring, c->slot, false);
	worker_opened(w, c);
}

static void
on_ended(void *arg, uint32_t slot, int result)
{
	struct worker *w = arg;

	(void)result;
	over(w, w->by_slot[slot]);
}

static void
on_closed(void *arg, uint32_t slot)
{
	struct worker *w = arg;
	struct client *c = w->by_slot[slot];

	if (!c)
		return; /* it found no client */
	w->by_slot[slot] = NULL;
	bytes_drop(w, &c->in);
	bytes_drop(w, &c->out);
	bytes_drop(w, &c->sending);
	bytes_drop(w, &c->wire);
	client_tls_end(w, c);
	c->state = CLIENT_GONE;
	worker_gone(w, c);
}

static void
on_accepted(void *arg, uint32_t slot, uint32_t listener, const struct sockaddr_storage *peer)
{
	(void)listener;
	(void)peer;
	sipp_stream_accepted(arg, slot);
}

const struct ring_handlers client_handlers = {
	.accepted = on_accepted,
	.connected = on_connected,
	.received = on_received,
	.ended = on_ended,
	.sent = on_sent,
	.closed = on_closed,
};
