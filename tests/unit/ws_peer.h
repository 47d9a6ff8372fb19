/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_WS_PEER_H
#define TESTS_UNIT_WS_PEER_H
/*
 * A WebSocket peer of the engine on the simulated kernel: a client, or the server that the engine
 * connected to. It says what the test tells it, at the pace the test tells it, and asserts that
 * what comes obeys RFC 6455: well-formed frames, masked or not as it must be, nothing after a
 * Close.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/ws_close.h"
#include "codec/ws_reader.h"
#include "engine/tls_conn.h"

struct ws_peer_bytes {
	uint8_t *bytes;
	size_t len, size;
};

struct ws_peer {
	int end;        /* client of the simulated kernel; -1: none */
	bool server;    /* the engine connected to it */
	bool open;      /* the opening handshake is done */
	int status;     /* client: of the answer to the handshake; 0: none yet */
	bool deaf;      /* does not read */
	bool dumb;      /* does not answer Pings */
	bool cuts;      /* cuts messages into fragments at random, with Pings between */
	bool has_ended; /* the stream from the engine */
	int result;     /* 0: in order; -errno */
	uint64_t ended_ns;
	bool close_seen;
	uint16_t close_code;
	bool finished; /* sends no more */
	uint32_t pings, pongs, messages;
	struct ws_peer_bytes out; /* to be written */
	struct tls_conn *tls;     /* NULL: plain */
	struct tls_io io;
	struct ws_peer_bytes wire; /* TLS: records to be written */
	bool tls_over;             /* close_notify or an alert came */
	struct ws_peer_bytes head, message, control;
	struct ws_reader reader;
	char accept[28];
	/* A message came; `text` may be written to, also behind its end (one byte). */
	void (*on_message)(struct ws_peer *p, char *text, size_t len);
	void (*on_open)(struct ws_peer *p);
	void *test;
	uint32_t number;
};

/* A client that has asked for its handshake, as soon as it is written. */
void ws_peer_connect(struct ws_peer *p, int listener);

/* A client that says nothing yet. */
void ws_peer_connect_mute(struct ws_peer *p, int listener);

/* The server of a connection that waits at this listener. False: none does. */
bool ws_peer_accept(struct ws_peer *p, int listener);

/* Speak TLS from now on: before anything was written or read. */
void ws_peer_secure(struct ws_peer *p, SSL_CTX *context);

/* Queue bytes, a frame (masked as its role must), a message, a Close. */
void ws_peer_put(struct ws_peer *p, const void *bytes, size_t len);
void ws_peer_frame(struct ws_peer *p, uint8_t opcode, bool fin, const void *payload, size_t len);
void ws_peer_say(struct ws_peer *p, const char *text, size_t len);
void ws_peer_say_close(struct ws_peer *p, uint16_t code);

/* Write and read at most so many bytes; SIZE_MAX: all that there is. False: nothing happened. */
bool ws_peer_write(struct ws_peer *p, size_t max);
bool ws_peer_read(struct ws_peer *p, size_t max);

/* Beside TLS: records of its own making, or none. */
void ws_peer_put_raw(struct ws_peer *p, const void *bytes, size_t len);

/* All of it is written. */
static inline bool
ws_peer_has_written(const struct ws_peer *p)
{
	return p->out.len == 0 && p->wire.len == 0;
}

/* FIN; RST; close without more ado. After the latter two it is gone. */
void ws_peer_finish(struct ws_peer *p);
void ws_peer_reset(struct ws_peer *p);
void ws_peer_close(struct ws_peer *p);

static inline bool
ws_peer_is_there(const struct ws_peer *p)
{
	return p->end >= 0;
}

#endif
