/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_HANDSHAKE_H
#define CODEC_WS_HANDSHAKE_H
/*
 * The opening handshake, server side: RFC 6455 §4.2 (W-S-01..18) and RFC 7118
 * §4.1. Strict RFC 9112 reading of the request: any violation of the grammar is
 * a 400, nothing is guessed. No state; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/http_field.h"
#include "codec/span.h"
#include "codec/writer.h"

/* What the server asks of a request. */
struct ws_handshake_policy {
	/* The subprotocol to agree on ("sip"); empty: the client's first one, if any. */
	struct span protocol;
	bool protocol_required; /* no agreement is a 400, RFC 7118 §4.1; else 101 without one */
	bool require_origin;    /* OpenSIPS require_origin: no Origin header is a 400 */
	uint32_t header_bytes;  /* limit of the whole request head: 431 */
	uint32_t target_bytes;  /* limit of the request target: 414 */
};

enum ws_handshake_error {
	WS_HANDSHAKE_OK,
#define WS_HANDSHAKE_ERROR(symbol, status, words, duty) WS_HANDSHAKE_##symbol,
#include "codec/ws_handshake_error.def"
#undef WS_HANDSHAKE_ERROR
	WS_HANDSHAKE_ERROR_COUNT
};

#define WS_HANDSHAKE_FIELDS_MAX 64

/* Views into the request bytes. */
struct ws_handshake {
	struct span target;     /* request target as sent */
	struct span path;       /* target up to '?', of an absolute form its path; at least "/" */
	struct span query;      /* after '?', without it */
	struct span host;       /* with port; of an absolute form, not of Host: RFC 9112 §3.2.2 */
	struct span origin;     /* empty when absent: look at has_origin */
	struct span key;
	struct span protocol;   /* the agreed subprotocol; empty: none */
	struct span extensions; /* first Sec-WebSocket-Extensions value; see fields for more */
	bool has_origin;
	uint8_t fields_len;
	struct http_field fields[WS_HANDSHAKE_FIELDS_MAX];
};

/*
 * Read a request head from in[0..len). Returns
 *   > 0  the bytes of the head: a request to answer with 101; `out` is filled
 *     0  incomplete, and nothing wrong yet: call again with more bytes
 *   < 0  -(enum ws_handshake_error): answer with its status and close.
 * `seen` is the number of bytes that an earlier call already looked at (0 at first): it
 * spares a slow sender's bytes from being searched again and again.
 * Errors that no further byte can mend are told without waiting for the end: within the first
 * HTTP_FIELD_EAGER bytes and for bytes that no head may hold at once, else when their line is
 * whole. Which error is told depends on the bytes, not on how they were cut.
 */
int ws_handshake_parse(const char *in, size_t len, size_t seen,
		       const struct ws_handshake_policy *policy, struct ws_handshake *out);

int ws_handshake_status(enum ws_handshake_error error);
const char *ws_handshake_words(enum ws_handshake_error error);

/* base64(SHA-1(key + GUID)) into out[28], §4.2.2(5.4). */
#define WS_ACCEPT_LEN 28
void ws_handshake_accept_value(struct span key, char out[WS_ACCEPT_LEN]);

/* The 101 answer; protocol and extensions may be empty (then no header is written). */
void ws_handshake_write_101(struct writer *w, struct span key, struct span protocol,
			    struct span extensions);

/*
 * An error answer: the words as text/plain, Content-Length, Connection: close, and what the
 * status asks for (Sec-WebSocket-Version: 13 and Upgrade on 426, Allow on 405, Retry-After where
 * retry_after > 0 seconds).
 */
void ws_handshake_write_error(struct writer *w, enum ws_handshake_error error,
			      unsigned retry_after);

#endif
