/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_DEFLATE_OFFER_H
#define CODEC_WS_DEFLATE_OFFER_H
/*
 * permessage-deflate: the agreement in the opening handshake, RFC 7692 §5 and §7.1, both roles
 * (Z-01..03). No state; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/http_field.h"
#include "codec/writer.h"
#include "codec/ws_client.h"
#include "codec/ws_frame.h"

/* What this side wants. The same in both roles: "send" is what we compress, "recv" the peer. */
struct ws_deflate_policy {
	bool enabled;
	bool send_takeover; /* may our context be kept from message to message? It costs memory. */
	bool recv_takeover; /* may the peer's? */
	uint8_t send_bits;  /* window, WS_DEFLATE_BITS_MIN..MAX */
	uint8_t recv_bits;  /* largest window of the peer; same range */
};

/* What was agreed for a connection. */
struct ws_deflate_terms {
	bool agreed;        /* else nothing is compressed, and RSV1 is an error */
	bool send_takeover; /* the `keep` of ws_deflate_begin() */
	bool recv_takeover; /* the `keep` of ws_inflate_begin() */
	uint8_t send_bits;  /* for ws_deflate_open(); 0: never compress */
	uint8_t recv_bits;  /* for ws_inflate_open() of a state of its own */
};

/* Room for any offer or answer of ours. */
#define WS_DEFLATE_OFFER_LEN 144

/*
 * Server: find the client's first offer that fits, over all its Sec-WebSocket-Extensions fields (in
 * the order of preference, §5.1), and write the answer's value; nothing is written if none fits.
 * The fields are those of a request that ws_handshake_parse() has passed.
 */
void ws_deflate_offer_answer(const struct ws_deflate_policy *policy,
			     const struct http_field *fields, size_t fields_len,
			     struct writer *value, struct ws_deflate_terms *out);

/* Client: write the offer's value; nothing if not enabled. */
void ws_deflate_offer_write(const struct ws_deflate_policy *policy, struct writer *value);

/*
 * Client: judge the server's answer to what ws_deflate_offer_write() wrote for the same policy.
 * WS_CLIENT_OK: `out` is filled; `agreed` is false if the server declined. WS_CLIENT_DEFLATE: the
 * connection must be failed (§7.1: nothing unoffered, nothing beyond the offer). The fields are
 * those of an answer that ws_client_parse() has passed.
 */
enum ws_client_error ws_deflate_offer_accept(const struct ws_deflate_policy *policy,
					     const struct http_field *fields, size_t fields_len,
					     struct ws_deflate_terms *out);

#endif
