/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/bad_peer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include "codec/ws_client.h"
#include "codec/ws_close.h"
#include "codec/ws_mask.h"
#include "engine/clock.h"

static int
left_ms(uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns();

	return until_ns > now_ns ? (int)((until_ns - now_ns) / CLOCK_NS_PER_MS) + 1 : 0;
}

static bool
is_ready(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, timeout_ms) == 1;
}

bool
bad_peer_connect(struct bad_peer *p, const struct plan *plan, int receive_bytes)
{
	const struct options *o = &plan->options;
	int on = 1, timeout_ms = (int)(o->timeout_ns / CLOCK_NS_PER_MS), error = 0;
	socklen_t len = sizeof(error);

	*p = (struct bad_peer){ .plan = plan };
	p->fd = socket(o->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return false;
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (receive_bytes)
		setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	if ((connect(p->fd, (const struct sockaddr *)&o->server, o->server_len) < 0 &&
	     errno != EINPROGRESS) ||
	    !is_ready(p->fd, POLLOUT, timeout_ms) ||
	    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
		bad_peer_close(p);
		return false;
	}
	ws_reader_init(&p->reader, WS_CLIENT, false);
	return true;
}

void
bad_peer_close(struct bad_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void
bad_peer_abort(struct bad_peer *p)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	bad_peer_close(p);
}

/* ---- output ---- */

bool
bad_peer_send(struct bad_peer *p, const void *bytes, size_t len, int timeout_ms)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = send(p->fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0 && !is_ready(p->fd, POLLOUT, timeout_ms)) {
			errno = EAGAIN;
			return false;
		}
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return true;
}

bool
bad_peer_frame(struct bad_peer *p, uint8_t first, const void *payload, size_t len)
{
	static uint8_t frame[WS_HEADER_MAX + BAD_PEER_MESSAGE_MAX];
	uint8_t mask[4];
	size_t header;

	assert(len <= BAD_PEER_MESSAGE_MAX);
	if (getrandom(mask, sizeof(mask), 0) != sizeof(mask))
		return false;
	header = ws_frame_write_header(frame, WS_OP_TEXT, true, len, mask);
	frame[0] = first;
	if (len)
		memcpy(frame + header, payload, len);
	ws_mask_apply(frame + header, len, mask, 0);
	return bad_peer_send(p, frame, header + len, 1000);
}

bool
bad_peer_text(struct bad_peer *p, const void *payload, size_t len)
{
	return bad_peer_frame(p, 0x80 | WS_OP_TEXT, payload, len);
}

static struct template_digits
digits_of(const struct bad_peer *p)
{
	struct template_digits digits;

	template_digits_client(digits.client, (uint32_t)p->fd);
	template_digits_client(digits.peer, 0);
	template_digits_op(digits.op, 0, p->serial);
	template_digits_cseq(digits.cseq, 1);
	template_digits_token(digits.token, p->plan->token_key, (uint32_t)p->fd);
	memcpy(digits.peer_token, digits.token, sizeof(digits.token));
	digits.attempt = '1';
	return digits;
}

size_t
bad_peer_options(struct bad_peer *p, char *out)
{
	const struct exchange *x = &p->plan->requests[SCENARIO_OPTIONS];
	struct template_digits digits;

	p->serial++;
	digits = digits_of(p);
	template_write(&x->request, &digits, out);
	return x->request.len;
}

/* ---- input ---- */

static enum bad_end
fill(struct bad_peer *p, int timeout_ms)
{
	ssize_t n;

	if (!is_ready(p->fd, POLLIN, timeout_ms))
		return BAD_SILENCE;
	n = recv(p->fd, p->in, sizeof(p->in), 0);
	if (n <= 0)
		return BAD_ENDED;
	p->in_at = 0;
	p->in_len = (uint32_t)n;
	return BAD_MESSAGE;
}

static bool
add_piece(struct bad_peer *p, const struct ws_event *ev)
{
	if (ev->first)
		p->message_len = 0;
	if (ev->len > BAD_PEER_MESSAGE_MAX - p->message_len)
		return false;
	if (ev->len)
		memcpy(p->message + p->message_len, ev->bytes, ev->len);
	p->message_len += (uint32_t)ev->len;
	return true;
}

/* What this event is to who waits; BAD_SILENCE: not the end of anything yet. */
static enum bad_end
take(struct bad_peer *p, const struct ws_event *ev)
{
	struct ws_close said;

	if (ev->type == WS_EVENT_ERROR)
		return BAD_BROKEN;
	if (ev->type == WS_EVENT_NONE)
		return BAD_SILENCE;
	if (!add_piece(p, ev))
		return BAD_BROKEN;
	if (!ev->last)
		return BAD_SILENCE;
	switch (ev->type) {
	case WS_EVENT_DATA:
		return BAD_MESSAGE;
	case WS_EVENT_PONG:
		return BAD_PONG;
	case WS_EVENT_CLOSE:
		if (ws_close_parse((const uint8_t *)p->message, p->message_len, &said) != WS_OK)
			return BAD_BROKEN;
		p->code = said.code;
		return BAD_CLOSE;
	default:
		return BAD_SILENCE;
	}
}

enum bad_end
bad_peer_await(struct bad_peer *p, int timeout_ms)
{
	uint64_t until_ns = clock_now_ns() + (uint64_t)timeout_ms * CLOCK_NS_PER_MS;
	enum bad_end end;

	for (;;) {
		while (p->in_len) {
			struct ws_event ev;
			size_t n = ws_reader_next(&p->reader, &p->plan->limits, p->in + p->in_at,
						  p->in_len, &ev);

			p->in_at += (uint32_t)n;
			p->in_len -= (uint32_t)n;
			end = take(p, &ev);
			if (end != BAD_SILENCE)
				return end;
		}
		end = fill(p, left_ms(until_ns));
		if (end != BAD_MESSAGE)
			return end;
	}
}

/* BAD_SILENCE: not the answer that is waited for. */
static enum bad_end
judge(const struct bad_peer *p)
{
	static struct sip_msg m;
	static char request[EXCHANGE_BYTES_MAX];
	const struct exchange *x = &p->plan->requests[SCENARIO_OPTIONS];
	struct template_digits digits;
	struct exchange_id id;

	if (sip_keepalive((const uint8_t *)p->message, p->message_len) != SIP_KEEPALIVE_NOT)
		return BAD_SILENCE;
	if (sip_msg_parse(&m, p->message, p->message_len) != SIP_OK || m.request ||
	    !exchange_identify_response(x, &m, &id) || id.client != (uint32_t)p->fd)
		return BAD_BROKEN;
	if (id.serial != p->serial)
		return BAD_SILENCE;
	digits = digits_of(p);
	template_write(&x->request, &digits, request);
	return exchange_check_response(x, &m, request, &digits) ? BAD_BROKEN : BAD_MESSAGE;
}

enum bad_end
bad_peer_await_answer(struct bad_peer *p, int timeout_ms)
{
	uint64_t until_ns = clock_now_ns() + (uint64_t)timeout_ms * CLOCK_NS_PER_MS;
	enum bad_end end;

	for (;;) {
		end = bad_peer_await(p, left_ms(until_ns));
		if (end == BAD_MESSAGE)
			end = judge(p);
		else if (end == BAD_SILENCE)
			return end;
		if (end != BAD_SILENCE && end != BAD_PONG)
			return end;
	}
}

/* ---- the handshake ---- */

size_t
bad_peer_request(struct bad_peer *p, char *out, size_t cap)
{
	const struct options *o = &p->plan->options;
	uint8_t random[WS_CLIENT_RANDOM_LEN];
	char key[WS_CLIENT_KEY_LEN];
	struct writer w = writer_over(out, cap);
	struct ws_client_request request = {
		.host = span_of(o->host, strlen(o->host)),
		.port = o->port,
		.resource = span_of(o->path, strlen(o->path)),
		.key = span_of(key, sizeof(key)),
		.protocols = span_of(o->protocol, strlen(o->protocol)),
		.origin = span_of(o->origin, strlen(o->origin)),
	};

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return 0;
	ws_client_key(random, key);
	ws_client_write(&w, &request);
	return w.full ? 0 : w.len;
}

/* Only the status is looked at: whether the rest is right, the scenarios tell. */
enum bad_end
bad_peer_upgrade(struct bad_peer *p)
{
	int timeout_ms = (int)(p->plan->options.timeout_ns / CLOCK_NS_PER_MS);
	char head[4096];
	size_t len = bad_peer_request(p, head, sizeof(head)), have = 0;
	const char *end = NULL;

	if (!bad_peer_send(p, head, len, timeout_ms))
		return BAD_ENDED;
	while (!end) {
		enum bad_end got = fill(p, timeout_ms);

		if (got != BAD_MESSAGE)
			return got;
		if (p->in_len > sizeof(head) - have)
			return BAD_BROKEN;
		memcpy(head + have, p->in, p->in_len);
		have += p->in_len;
		end = memmem(head, have, "\r\n\r\n", 4);
	}
	/* What is behind the head are frames. */
	p->in_at = p->in_len - (uint32_t)(head + have - (end + 4));
	p->in_len -= p->in_at;
	return sscanf(head, "HTTP/1.1 %d", &p->code) == 1 ? BAD_HTTP : BAD_BROKEN;
}
