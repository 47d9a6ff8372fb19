/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ws_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ws_frame.h"
#include "codec/ws_handshake.h"
#include "codec/ws_mask.h"
#include "tests/sim/uring_sim.h"

static void
append(struct ws_peer_bytes *b, const void *bytes, size_t len)
{
	if (b->len + len + 1 > b->size) {
		b->size = (b->len + len + 1) * 2;
		b->bytes = realloc(b->bytes, b->size);
		assert_non_null(b->bytes);
	}
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

static void
cut(struct ws_peer_bytes *b, size_t len)
{
	memmove(b->bytes, b->bytes + len, b->len - len);
	b->len -= len;
}

static void
begin(struct ws_peer *p, int end, bool server)
{
	struct ws_peer fresh = { .end = end,
				 .server = server,
				 .on_message = p->on_message,
				 .on_open = p->on_open,
				 .test = p->test,
				 .number = p->number };

	assert_true(end >= 0);
	*p = fresh;
}

void
ws_peer_connect_mute(struct ws_peer *p, int listener)
{
	begin(p, uring_sim_connect(listener), false);
}

void
ws_peer_connect(struct ws_peer *p, int listener)
{
	static const char request[] = "GET /sip HTTP/1.1\r\n"
				      "Host: sim.example\r\n"
				      "Upgrade: websocket\r\n"
				      "Connection: Upgrade\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
				      "Sec-WebSocket-Version: 13\r\n"
				      "Sec-WebSocket-Protocol: sip\r\n"
				      "Origin: http://sim.example\r\n\r\n";

	ws_peer_connect_mute(p, listener);
	memcpy(p->accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", sizeof(p->accept));
	ws_peer_put(p, request, sizeof(request) - 1);
}

bool
ws_peer_accept(struct ws_peer *p, int listener)
{
	int end = uring_sim_accept(listener);

	if (end < 0)
		return false;
	begin(p, end, true);
	return true;
}

/* -- saying -- */

void
ws_peer_put(struct ws_peer *p, const void *bytes, size_t len)
{
	append(&p->out, bytes, len);
}

void
ws_peer_frame(struct ws_peer *p, uint8_t opcode, bool fin, const void *payload, size_t len)
{
	uint8_t header[WS_HEADER_MAX], key[4];
	size_t n;

	for (int i = 0; i < 4; i++)
		key[i] = (uint8_t)uring_sim_random(256);
	n = ws_frame_write_header(header, opcode, fin, len, p->server ? NULL : key);
	append(&p->out, header, n);
	append(&p->out, payload, len);
	if (!p->server)
		ws_mask_apply_scalar(p->out.bytes + p->out.len - len, len, key, 0);
}

void
ws_peer_say(struct ws_peer *p, const char *text, size_t len)
{
	uint8_t opcode = WS_OP_TEXT;

	while (p->cuts && uring_sim_random(3) > 0) {
		size_t n = uring_sim_random((uint32_t)len + 1);

		ws_peer_frame(p, opcode, false, text, n);
		opcode = WS_OP_CONTINUATION;
		text += n;
		len -= n;
		if (uring_sim_random(4) == 0)
			ws_peer_frame(p, WS_OP_PING, true, "in between", uring_sim_random(11));
	}
	ws_peer_frame(p, opcode, true, text, len);
}

void
ws_peer_say_close(struct ws_peer *p, uint16_t code)
{
	uint8_t body[WS_CONTROL_MAX];
	size_t len = ws_close_write_body(body, code, SPAN(""));

	ws_peer_frame(p, WS_OP_CLOSE, true, body, len);
}

/* -- TLS -- */

static bool
put_record(void *arg, struct span bytes)
{
	struct ws_peer *p = arg;

	append(&p->wire, bytes.at, bytes.len);
	return true;
}

void
ws_peer_secure(struct ws_peer *p, SSL_CTX *context)
{
	p->io = (struct tls_io){ .put = put_record, .arg = p };
	p->tls = tls_conn_new(context, &p->io, !p->server);
	assert_non_null(p->tls);
}

void
ws_peer_put_raw(struct ws_peer *p, const void *bytes, size_t len)
{
	append(&p->wire, bytes, len);
}

/* What is to be written becomes records, as soon as there are keys. */
static struct ws_peer_bytes *
seal(struct ws_peer *p)
{
	if (!p->tls)
		return &p->out;
	p->io.in = SPAN("");
	if (!tls_conn_is_secure(p->tls) && !tls_conn_is_over(p->tls))
		tls_conn_handshake(p->tls);
	if (tls_conn_is_secure(p->tls) && !tls_conn_is_over(p->tls)) {
		assert_true(tls_conn_write(p->tls, span_of(p->out.bytes, p->out.len)));
		p->out.len = 0;
	}
	return &p->wire;
}

bool
ws_peer_write(struct ws_peer *p, size_t max)
{
	struct ws_peer_bytes *out;
	size_t len;
	int n;

	if (!ws_peer_is_there(p) || p->finished)
		return false;
	out = seal(p);
	len = out->len < max ? out->len : max;
	if (len == 0)
		return false;
	n = uring_sim_write(p->end, out->bytes, len);
	if (n < 0) {
		p->finished = true; /* the reader will see why */
		return true;
	}
	cut(out, (size_t)n);
	return n > 0;
}

/* -- hearing -- */

static void
on_control(struct ws_peer *p, enum ws_event_type type)
{
	struct ws_close close;

	if (type == WS_EVENT_PING) {
		p->pings++;
		if (!p->dumb)
			ws_peer_frame(p, WS_OP_PONG, true, p->control.bytes, p->control.len);
	} else if (type == WS_EVENT_PONG) {
		p->pongs++;
	} else {
		assert_int_equal(ws_close_parse(p->control.bytes, p->control.len, &close), WS_OK);
		p->close_seen = true;
		p->close_code = close.code;
	}
}

static void
on_event(struct ws_peer *p, const struct ws_event *ev)
{
	struct ws_peer_bytes *b = ev->type == WS_EVENT_DATA ? &p->message : &p->control;

	if (ev->type == WS_EVENT_ERROR)
		fail_msg("peer %u: %s", p->number, ws_error_words(ev->error));
	assert_false(p->close_seen); /* nothing comes after a Close */
	if (ev->first)
		b->len = 0;
	append(b, ev->bytes, ev->len);
	if (!ev->last)
		return;
	if (ev->type != WS_EVENT_DATA) {
		on_control(p, ev->type);
		return;
	}
	p->messages++;
	if (p->on_message != NULL)
		p->on_message(p, (char *)b->bytes, b->len);
}

static void
hear_frames(struct ws_peer *p, uint8_t *bytes, size_t len)
{
	static const struct ws_limits none;

	while (len > 0) {
		struct ws_event ev;
		size_t n = ws_reader_next(&p->reader, &none, bytes, len, &ev);

		if (ev.type != WS_EVENT_NONE)
			on_event(p, &ev);
		bytes += n;
		len -= n;
	}
}

static void
opened(struct ws_peer *p)
{
	p->open = true;
	ws_reader_init(&p->reader, p->server ? WS_SERVER : WS_CLIENT, false);
	if (p->on_open != NULL)
		p->on_open(p);
}

/* The answer to our handshake: all of it, or what there is when the stream ends. */
static size_t
hear_answer(struct ws_peer *p)
{
	char *text = (char *)p->head.bytes, *end;

	text[p->head.len] = '\0';
	end = strstr(text, "\r\n\r\n");
	if (end == NULL || p->status != 0)
		return 0;
	assert_int_equal(sscanf(text, "HTTP/1.1 %d ", &p->status), 1);
	if (p->status != 101)
		return 0;
	end[2] = '\0';
	text = strstr(text, "\r\nSec-WebSocket-Accept: ");
	assert_non_null(text);
	assert_memory_equal(text + 24, p->accept, sizeof(p->accept));
	return (size_t)(end + 4 - (char *)p->head.bytes);
}

static size_t
hear_request(struct ws_peer *p)
{
	static const struct ws_handshake_policy policy = { .header_bytes = 8192,
							   .target_bytes = 2048 };
	struct ws_handshake hs;
	char text[512];
	struct writer w = writer_over(text, sizeof(text));
	int n = ws_handshake_parse((const char *)p->head.bytes, p->head.len, 0, &policy, &hs);

	assert_true(n >= 0);
	if (n == 0 || p->status != 0)
		return 0;
	p->status = 101;
	if (p->dumb)
		return 0;
	ws_handshake_write_101(&w, hs.key, hs.protocol, SPAN(""));
	ws_peer_put(p, text, w.len);
	return (size_t)n;
}

static void
hear(struct ws_peer *p, uint8_t *bytes, size_t len)
{
	size_t n;

	if (p->open) {
		hear_frames(p, bytes, len);
		return;
	}
	append(&p->head, bytes, len);
	n = (p->server ? hear_request : hear_answer)(p);
	if (n == 0)
		return;
	opened(p);
	hear_frames(p, p->head.bytes + n, p->head.len - n);
}

static void
hear_records(struct ws_peer *p, const uint8_t *bytes, size_t len)
{
	enum tls_result result = TLS_DONE;
	uint8_t plain[16384];
	size_t n;

	p->io.in = span_of(bytes, len);
	if (!p->tls_over && !tls_conn_is_secure(p->tls))
		result = tls_conn_handshake(p->tls);
	while (!p->tls_over && result == TLS_DONE) {
		result = tls_conn_read(p->tls, plain, sizeof(plain), &n);
		if (n)
			hear(p, plain, n);
	}
	if (result != TLS_MORE)
		p->tls_over = true;
}

bool
ws_peer_read(struct ws_peer *p, size_t max)
{
	uint8_t bytes[4096];
	size_t done = 0;
	int n = 1;

	while (ws_peer_is_there(p) && !p->has_ended && done < max && n > 0) {
		size_t want = max - done < sizeof(bytes) ? max - done : sizeof(bytes);

		n = uring_sim_read(p->end, bytes, want);
		if (n == -EAGAIN)
			break;
		if (n > 0) {
			done += (size_t)n;
			if (p->tls)
				hear_records(p, bytes, (size_t)n);
			else
				hear(p, bytes, (size_t)n);
		} else {
			p->has_ended = true;
			p->result = n;
			p->ended_ns = uring_sim_now_ns();
		}
	}
	return done > 0 || (n <= 0 && n != -EAGAIN);
}

/* -- the end -- */

void
ws_peer_finish(struct ws_peer *p)
{
	if (!ws_peer_is_there(p) || p->finished)
		return;
	p->finished = true;
	uring_sim_finish(p->end);
}

static void
gone(struct ws_peer *p)
{
	p->end = -1;
	free(p->out.bytes);
	free(p->head.bytes);
	free(p->message.bytes);
	free(p->control.bytes);
	free(p->wire.bytes);
	tls_conn_free(p->tls);
	p->tls = NULL;
	p->wire = (struct ws_peer_bytes){ 0 };
	p->out = p->head = p->message = p->control = (struct ws_peer_bytes){ 0 };
}

void
ws_peer_reset(struct ws_peer *p)
{
	if (ws_peer_is_there(p))
		uring_sim_reset(p->end);
	gone(p);
}

void
ws_peer_close(struct ws_peer *p)
{
	if (ws_peer_is_there(p))
		uring_sim_close(p->end);
	gone(p);
}
