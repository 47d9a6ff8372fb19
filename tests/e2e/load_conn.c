/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/load_conn.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/e2e/load_daemon.h"

#define EVENTS_MAX 512
#define SCRATCH 262144

enum opcode { OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9 };

static const struct load_handlers *on;
static int epoll_fd;
static struct load_conn **dirty; /* connections with something to send */
static size_t dirty_len, dirty_cap;
static uint8_t scratch[SCRATCH + 1];

void
load_conn_init(const struct load_handlers *handlers)
{
	on = handlers;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		load_fail("epoll_create1: %s", strerror(errno));
}

static void *
grown(void *old, size_t bytes)
{
	void *block = realloc(old, bytes);

	if (!block)
		load_fail("out of memory");
	return block;
}

static void
watch(struct load_conn *c, int operation, bool writable)
{
	struct epoll_event event = { .events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = c };

	c->polls_writable = writable;
	if (epoll_ctl(epoll_fd, operation, c->fd, &event) != 0)
		load_fail("epoll_ctl: %s", strerror(errno));
}

void
load_conn_open(struct load_conn *c, struct in_addr source, const struct sockaddr_in *server)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = source };
	int yes = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		load_fail("socket %u: %s", c->id, strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	/* the port is chosen by connect(), per (source, destination) */
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	if (bind(c->fd, (const struct sockaddr *)&from, sizeof(from)) != 0)
		load_fail("bind %u: %s", c->id, strerror(errno));
	if (connect(c->fd, (const struct sockaddr *)server, sizeof(*server)) != 0 &&
	    errno != EINPROGRESS)
		load_fail("connect %u: %s", c->id, strerror(errno));
	c->state = LOAD_CONNECTING;
	watch(c, EPOLL_CTL_ADD, true);
}

static uint8_t *
out_room(struct load_conn *c, size_t len)
{
	if (c->out_len + len > c->out_cap) {
		c->out_cap = c->out_len + len + 1024;
		c->out = grown(c->out, c->out_cap);
	}
	c->out_len += len;
	if (!c->dirty) {
		if (dirty_len == dirty_cap) {
			dirty_cap = dirty_cap * 2 + 64;
			dirty = grown(dirty, dirty_cap * sizeof(struct load_conn *));
		}
		dirty[dirty_len++] = c;
		c->dirty = true;
	}
	return c->out + c->out_len - len;
}

static void
put_frame(struct load_conn *c, enum opcode opcode, const void *payload, size_t len)
{
	static uint32_t seed = 1;
	uint8_t mask[4], head[8];
	size_t head_len = len < 126 ? 2 : 4;
	uint8_t *to;

	if (len > 65535)
		load_fail("a message of %zu bytes is more than this test sends", len);
	seed = seed * 1664525 + 1013904223;
	memcpy(mask, &seed, 4);
	head[0] = 0x80 | (uint8_t)opcode;
	head[1] = 0x80 | (uint8_t)(len < 126 ? len : 126);
	head[2] = (uint8_t)(len >> 8);
	head[3] = (uint8_t)len;
	memcpy(head + head_len, mask, 4);
	to = out_room(c, head_len + 4 + len);
	memcpy(to, head, head_len + 4);
	to += head_len + 4;
	for (size_t i = 0; i < len; i++)
		to[i] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
}

void
load_conn_send(struct load_conn *c, const char *text, size_t len)
{
	if (c->state != LOAD_OPEN)
		load_fail("connection %u is not open", c->id);
	put_frame(c, OP_TEXT, text, len);
}

void
load_conn_close(struct load_conn *c)
{
	put_frame(c, OP_CLOSE, "\x03\xe8", 2); /* 1000 */
	c->state = LOAD_CLOSING;
}

void
load_conn_drop(struct load_conn *c)
{
	close(c->fd);
	free(c->in);
	free(c->out);
	c->in = c->out = NULL;
	c->state = LOAD_GONE;
}

static void
flush(struct load_conn *c)
{
	ssize_t n;

	c->dirty = false;
	if (c->state == LOAD_GONE || c->out_len == 0)
		return;
	n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		load_fail("send on connection %u: %s", c->id, strerror(errno));
	if (n > 0) {
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
	}
	if (c->out_len == 0) {
		free(c->out);
		c->out = NULL;
		c->out_cap = 0;
	}
	if ((c->out_len > 0) != c->polls_writable)
		watch(c, EPOLL_CTL_MOD, c->out_len > 0);
}

static void
connected(struct load_conn *c)
{
	static const char head[] =
		"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nOrigin: http://load.test\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error)
		load_fail("connect %u: %s", c->id, strerror(error));
	c->state = LOAD_UPGRADING;
	memcpy(out_room(c, sizeof(head) - 1), head, sizeof(head) - 1);
}

/* Bytes of the response's head; 0: not whole yet. */
static size_t
take_upgrade(struct load_conn *c, char *bytes, size_t len)
{
	const char *end;

	bytes[len] = '\0';
	end = strstr(bytes, "\r\n\r\n");
	if (!end)
		return 0;
	/* the key and the answer of RFC 6455 1.3 */
	if (strncmp(bytes, "HTTP/1.1 101 ", 13) != 0 ||
	    !strstr(bytes, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") || !strstr(bytes, ": sip\r\n"))
		load_fail("connection %u: bad answer to the handshake: %.300s", c->id, bytes);
	c->state = LOAD_OPEN;
	on->opened(c);
	return (size_t)(end + 4 - bytes);
}

static void
take_payload(struct load_conn *c, uint8_t opcode, uint8_t *payload, size_t len)
{
	uint8_t after = payload[len]; /* the handler may put a NUL there */

	if (opcode == OP_TEXT && c->state == LOAD_OPEN)
		on->message(c, (char *)payload, len);
	else if (opcode == OP_PING)
		put_frame(c, 10, payload, len);
	else if (opcode != OP_CLOSE || c->state != LOAD_CLOSING)
		load_fail("connection %u: frame with opcode %u in state %d, code %d", c->id, opcode,
			  (int)c->state, len >= 2 ? payload[0] << 8 | payload[1] : -1);
	payload[len] = after;
}

/* Bytes of a whole frame; 0: not whole yet. */
static size_t
take_frame(struct load_conn *c, uint8_t *bytes, size_t len)
{
	size_t head_len = 2, payload_len;

	if (len < 2)
		return 0;
	if ((bytes[0] & 0xf0) != 0x80 || (bytes[1] & 0x80) != 0)
		load_fail("connection %u: frame head %02x %02x", c->id, bytes[0], bytes[1]);
	payload_len = bytes[1];
	if (payload_len == 126) {
		head_len = 4;
		if (len < head_len)
			return 0;
		payload_len = (size_t)bytes[2] << 8 | bytes[3];
	} else if (payload_len == 127) {
		load_fail("connection %u: a longer message than any that was sent", c->id);
	}
	if (len < head_len + payload_len)
		return 0;
	take_payload(c, bytes[0] & 0x0f, bytes + head_len, payload_len);
	return head_len + payload_len;
}

static void
take_bytes(struct load_conn *c, uint8_t *bytes, size_t len)
{
	size_t taken;

	do {
		taken = c->state == LOAD_UPGRADING ? take_upgrade(c, (char *)bytes, len) :
						     take_frame(c, bytes, len);
		bytes += taken;
		len -= taken;
	} while (taken && len && c->state != LOAD_GONE);
	free(c->in);
	c->in = NULL;
	c->in_len = c->state == LOAD_GONE ? 0 : len;
	if (c->in_len) {
		c->in = grown(NULL, c->in_len);
		memcpy(c->in, bytes, c->in_len);
	}
}

static void
readable(struct load_conn *c)
{
	ssize_t n;

	if (c->in_len)
		memcpy(scratch, c->in, c->in_len);
	n = recv(c->fd, scratch + c->in_len, SCRATCH - c->in_len, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		take_bytes(c, scratch, c->in_len + (size_t)n);
		return;
	}
	if (c->state != LOAD_CLOSING)
		load_fail("connection %u ended in state %d: %s", c->id, (int)c->state,
			  n == 0 ? "end of stream" : strerror(errno));
	load_conn_drop(c);
	on->gone(c);
}

void
load_conn_turn(int wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n;

	for (size_t i = 0; i < dirty_len; i++)
		flush(dirty[i]);
	dirty_len = 0;
	n = epoll_wait(epoll_fd, events, EVENTS_MAX, wait_ms);
	for (int i = 0; i < n; i++) {
		struct load_conn *c = events[i].data.ptr;

		if (c->state == LOAD_CONNECTING)
			connected(c);
		else if (c->state != LOAD_GONE && events[i].events & ~(uint32_t)EPOLLOUT)
			readable(c);
		if (c->state != LOAD_GONE && events[i].events & EPOLLOUT)
			flush(c);
	}
}
