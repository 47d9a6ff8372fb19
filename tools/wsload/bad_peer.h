/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_BAD_PEER_H
#define WSLOAD_BAD_PEER_H
/*
 * A client that may do everything wrong: one plain socket and one thread, so that it decides about
 * every byte. Nothing is answered by itself.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "codec/ws_reader.h"
#include "tools/wsload/plan.h"

#define BAD_PEER_MESSAGE_MAX 65536u

/* What came of the server's side. */
enum bad_end {
	BAD_SILENCE, /* nothing within the time */
	BAD_MESSAGE, /* a whole message: in `message` */
	BAD_PONG,
	BAD_CLOSE,  /* a Close: its code in `code` */
	BAD_HTTP,   /* an answer to the handshake: its status in `code` */
	BAD_ENDED,  /* the stream ended without Close: FIN or RST */
	BAD_BROKEN, /* what came is no WebSocket */
};

struct bad_peer {
	const struct plan *plan;
	int fd; /* -1: closed */
	struct ws_reader reader;
	int code;
	uint32_t serial; /* of the last request */
	uint32_t message_len;
	char message[BAD_PEER_MESSAGE_MAX];
	uint32_t in_at, in_len;
	uint8_t in[16384];
};

/* False: not even TCP. `receive_bytes` is SO_RCVBUF; 0: as it is. */
bool bad_peer_connect(struct bad_peer *p, const struct plan *plan, int receive_bytes);
void bad_peer_close(struct bad_peer *p);

/* With a RST. */
void bad_peer_abort(struct bad_peer *p);

/* Ask for the upgrade; BAD_HTTP with 101 is what is hoped for. */
enum bad_end bad_peer_upgrade(struct bad_peer *p);

/* The text of a handshake with a fresh key. Returns its length. */
size_t bad_peer_request(struct bad_peer *p, char *out, size_t cap);

/* Raw bytes. False: the stream ended, or nothing was taken for timeout_ms. */
bool bad_peer_send(struct bad_peer *p, const void *bytes, size_t len, int timeout_ms);

/*
 * A frame, masked. `first` is its first octet: FIN, RSV and opcode. Payloads of up to
 * BAD_PEER_MESSAGE_MAX bytes.
 */
bool bad_peer_frame(struct bad_peer *p, uint8_t first, const void *payload, size_t len);
bool bad_peer_text(struct bad_peer *p, const void *payload, size_t len);

/* A good OPTIONS, the next one of this peer. Returns its length. */
size_t bad_peer_options(struct bad_peer *p, char *out);

/* Wait for the next thing to come. */
enum bad_end bad_peer_await(struct bad_peer *p, int timeout_ms);

/*
 * Skips everything but the answer to the last OPTIONS, which is checked whole: BAD_MESSAGE if it is
 * right, BAD_BROKEN if it is not, else what came instead.
 */
enum bad_end bad_peer_await_answer(struct bad_peer *p, int timeout_ms);

#endif
