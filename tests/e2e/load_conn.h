/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_E2E_LOAD_CONN_H
#define TESTS_E2E_LOAD_CONN_H
/*
 * WebSocket clients by the thousand on one epoll, single-threaded; shares no code with what
 * it tests. Strict: a frame that is masked, fragmented, cut or of an unexpected kind ends the test.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_state { LOAD_IDLE, LOAD_CONNECTING, LOAD_UPGRADING, LOAD_OPEN, LOAD_CLOSING, LOAD_GONE };

struct load_conn {
	int fd;
	uint32_t id;
	enum load_state state;
	bool dirty; /* has output that no send() has seen */
	bool polls_writable;
	uint8_t *in; /* an unfinished frame or head; NULL: none */
	size_t in_len;
	uint8_t *out; /* not sent yet; NULL: nothing */
	size_t out_len, out_cap;
};

struct load_handlers {
	void (*opened)(struct load_conn *c);
	void (*message)(struct load_conn *c, char *text, size_t len); /* text[len] may be written */
	void (*gone)(struct load_conn *c); /* the server ended the stream after our Close */
};

void load_conn_init(const struct load_handlers *handlers);

/* Connect from `source` to `server`; opened() follows. */
void load_conn_open(struct load_conn *c, struct in_addr source, const struct sockaddr_in *server);

/* One masked text message; goes out at the end of the turn. */
void load_conn_send(struct load_conn *c, const char *text, size_t len);

/* Close frame; gone() follows. */
void load_conn_close(struct load_conn *c);

/* Close the socket at once, without a Close frame. */
void load_conn_drop(struct load_conn *c);

/* Send what waits, wait for events (at most wait_ms), handle them. */
void load_conn_turn(int wait_ms);

#endif
