/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_CLIENT_H
#define CODEC_WS_CLIENT_H
/*
 * The opening handshake, client side: RFC 6455 §4.1 (W-L-03..09). Writes the request, and reads
 * the answer as strictly as the server side reads requests. No state; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/http_field.h"
#include "codec/span.h"
#include "codec/writer.h"

#define WS_CLIENT_RANDOM_LEN 16
#define WS_CLIENT_KEY_LEN 24
#define WS_CLIENT_FIELDS_MAX 64
#define WS_CLIENT_INTERIM_MAX 4 /* answers of 1xx, but 101, before the one that counts */

enum ws_client_error {
	WS_CLIENT_OK,
#define WS_CLIENT_ERROR(symbol, words, duty) WS_CLIENT_##symbol,
#include "codec/ws_client_error.def"
#undef WS_CLIENT_ERROR
	WS_CLIENT_ERROR_COUNT
};

/* What is asked for; must stay until the answer is read. Empty spans: not sent. */
struct ws_client_request {
	struct span host;       /* as in the URL: name or address, IPv6 in brackets */
	uint16_t port;
	bool secure;            /* wss: port 443 is the one not written, not 80 */
	struct span resource;   /* path and query; empty: "/" */
	struct span key;        /* of ws_client_key() */
	struct span protocols;  /* comma list, "sip": the answer must agree on one */
	struct span origin;     /* scheme://host[:port] */
	struct span extensions; /* the offer */
	struct span extra;      /* further header lines, each whole with its CRLF */
	uint32_t header_bytes;  /* limit of the answer's head */
};

/* Views into the answer's bytes. */
struct ws_client_answer {
	int status;
	struct span protocol;     /* the agreed one */
	struct span extensions;   /* first Sec-WebSocket-Extensions value; see fields for more */
	struct span authenticate; /* first WWW-Authenticate, RFC 7118 §7; see fields for more */
	struct span location;
	struct span retry_after;
	uint8_t fields_len;
	struct http_field fields[WS_CLIENT_FIELDS_MAX];
};

const char *ws_client_words(enum ws_client_error error);

/* base64 of 16 bytes that must be fresh for each connection and unpredictable (W-L-04). */
void ws_client_key(const uint8_t random[WS_CLIENT_RANDOM_LEN], char out[WS_CLIENT_KEY_LEN]);

/* Is this a request that may be sent? WS_CLIENT_OK or a REQUEST_ error. */
enum ws_client_error ws_client_check(const struct ws_client_request *request);

/* Write a request that ws_client_check() has passed (asserts). */
void ws_client_write(struct writer *w, const struct ws_client_request *request);

/*
 * Read an answer's head from in[0..len); interim answers (1xx but 101) before it are passed
 * over. Returns
 *   > 0  the bytes of all heads: the connection is open, what follows are frames
 *     0  incomplete, and nothing wrong yet: call again with more bytes
 *   < 0  -(enum ws_client_error): fail the connection. With WS_CLIENT_STATUS the head is whole and
 *        `out` says what the server wants instead.
 * `seen` as for ws_handshake_parse().
 */
int ws_client_parse(const char *in, size_t len, size_t seen,
		    const struct ws_client_request *request, struct ws_client_answer *out);

#endif
