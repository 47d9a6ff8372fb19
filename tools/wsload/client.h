/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_CLIENT_H
#define WSLOAD_CLIENT_H
/*
 * One client: its connection, and the operations it has under way. All functions on its worker's
 * thread.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "codec/ws_client.h"
#include "codec/ws_reader.h"
#include "engine/tls_conn.h"
#include "engine/wheel.h"
#include "ring/ring.h"
#include "tools/wsload/tally.h"

#define CLIENT_OP_NONE UINT16_MAX
#define CLIENT_REGISTER_ENTRY UINT16_MAX /* in the number of a REGISTER that opens a client */

struct worker;

enum client_state {
	CLIENT_NEW,
	CLIENT_CONNECTING,
	CLIENT_SECURING, /* wss: the TLS handshake */
	CLIENT_UPGRADING,
	CLIENT_REGISTERING,
	CLIENT_OPEN,
	CLIENT_CLOSING, /* Close is sent, the server's is awaited */
	CLIENT_CLOSED,  /* ring_close() was called */
	CLIENT_GONE,
};

/* The private part of session.c; NULL: it has learned nothing yet. */
struct client_session;

/* That of call.c; NULL: nothing is kept of the call. */
struct call_kept;

struct op {
	uint64_t start_ns;      /* when it was started, or in an open loop should have been */
	uint64_t bye_ns;        /* calls: when BYE was sent */
	struct call_kept *kept; /* owned, of malloc() */
	uint32_t serial;
	uint32_t cseq; /* of requests that are counted */
	uint16_t next_free;
	bool busy;
	uint8_t kind;                 /* enum scenario_kind */
	uint8_t step;                 /* how far it has come, where it is more than one answer */
	uint8_t attempt, bye_attempt; /* how often the request was sent, from 1 on */
};

/* Bytes to send that gather; and those that the kernel has. */
struct client_bytes {
	uint8_t *at;
	uint32_t len;
	uint32_t cap;
};

struct client {
	struct client *next_dirty, *next_ready;
	uint64_t since_ns; /* of the state */
	uint32_t number;
	uint32_t slot;
	uint16_t local_port; /* of scenarios of SIPp */
	uint8_t state;
	bool dirty, ready, settled;
	uint16_t free; /* first of the free operations, or CLIENT_OP_NONE */
	uint16_t busy;
	uint32_t cseq;            /* requests with one Call-ID that it has sent: REGISTER */
	uint8_t attempt;          /* of the REGISTER that opens it */
	uint32_t failures;        /* in a row, since its connection broke in a storm */
	struct wheel_timer timer; /* open: the next keep-alive; gone: the next attempt */
	uint64_t alive_ns;        /* when the keep-alive that is not answered was sent; 0: none */
	struct op *ops;
	struct client_session *session; /* owned, of malloc() */
	struct client_bytes in, out, sending;
	struct tls_conn *tls;     /* NULL: ws */
	SSL_SESSION *tls_session; /* owned; of an earlier connection, to be resumed */
	struct client_bytes wire; /* records; `out` is then what is still to be encrypted */
	struct ws_reader reader;
	char key[WS_CLIENT_KEY_LEN];
};

/* Connect. False: it could not even begin, and that is counted. */
bool client_open(struct worker *w, struct client *c);

/* Say Close and wait for the server to say it too. */
void client_close(struct worker *w, struct client *c);

/* No more waiting. */
void client_abandon(struct worker *w, struct client *c);

/* Its connection breaks, without a Close. */
void client_break(struct worker *w, struct client *c);

/* A short frame that begins no operation. */
void client_send_control(struct worker *w, struct client *c, uint8_t opcode, struct span payload);

/*
 * Room for a message of at most `len` bytes, right behind what waits already; NULL: no memory.
 * client_end_message() frames and masks what was written there.
 */
char *client_begin_message(struct worker *w, struct client *c, uint32_t len);
void client_end_message(struct worker *w, struct client *c, uint32_t max, uint32_t len,
			uint8_t opcode);

/* Give the kernel what has gathered, if it has nothing yet. */
void client_flush(struct worker *w, struct client *c);

/* -- for client_tls.c, client_open.c, registration.c and sipp_stream.c -- */

/* The connection is lost to this fault, unless a storm has taken it. */
void client_fault(struct worker *w, struct client *c, enum tally_count fault);

#define CLIENT_RECORD_MAX 16384u /* plaintext of a TLS record */

/* Append; false: no memory. */
bool client_put(struct worker *w, struct client_bytes *b, struct span text);

/* Send the opening handshake. */
void client_ask(struct worker *w, struct client *c);

/* Bytes of WebSocket: of the handshake's answer, or frames. */
void client_take(struct worker *w, struct client *c, uint8_t *bytes, size_t len);

extern const struct ring_handlers client_handlers; /* arg: the worker */

#endif
