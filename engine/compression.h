/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_COMPRESSION_H
#define ENGINE_COMPRESSION_H
/*
 * permessage-deflate (RFC 7692) for the connections of a loop. Where no context is kept, which is
 * the default, all connections share one inflater and one deflater, and an idle connection holds
 * nothing. Where context takeover was agreed a connection has its own: see ws_inflate_cost() and
 * ws_deflate_cost() for what that takes.
 *
 * The loop's thread only.
 */
#include <stdbool.h>
#include "codec/ws_deflate.h"
#include "codec/ws_deflate_offer.h"
#include "codec/ws_inflate.h"
#include "engine/bytes.h"
#include "engine/pieces.h"
#include "engine/settings.h"
#include "engine/stats.h"

/* The two states of one owner: a loop, or a connection that keeps contexts. */
struct compression {
	struct ws_inflate in;
	struct ws_deflate out;
	struct ws_deflate_memory memory;
};

/* What a loop has of it. */
struct compression_loop {
	struct ws_deflate_policy policy;
	struct ws_deflate_budget *budget; /* of the process */
	size_t connection_bytes;          /* bound of one connection's own states */
	uint64_t inflated_max;            /* bytes of a message */
	uint32_t min_bytes;               /* shorter messages are sent as they are */
	uint8_t level;
	struct compression shared;
	struct bytes_pool *bytes;
	struct stats *stats;
};

/* What a connection has of it: zero where nothing was agreed. */
struct compression_conn {
	struct ws_deflate_terms terms;
	struct compression *own; /* NULL: the loop's */
};

void compression_init(struct compression_loop *cl, const struct settings *s,
		      struct ws_deflate_budget *budget, struct bytes_pool *bytes,
		      struct stats *stats);
void compression_fini(struct compression_loop *cl);

/*
 * The handshake has agreed on these terms. False: no memory for states of its own (then nothing
 * may be agreed).
 */
bool compression_agree(struct compression_loop *cl, struct compression_conn *c,
		       const struct ws_deflate_terms *terms);
void compression_end(struct compression_loop *cl, struct compression_conn *c);

/*
 * Inflate a whole message into `out`, which is empty. WS_OK, or what to fail the connection with:
 * WS_ERROR_MESSAGE_TOO_BIG before more memory than the limit is spent (Z-06).
 */
enum ws_error compression_inflate(struct compression_loop *cl, struct compression_conn *c,
				  struct span in, bool text, struct pieces *out);

enum compression_result {
	COMPRESSION_PLAIN, /* send the message as it is */
	COMPRESSION_DONE,  /* send what is in `out`, with RSV1 */
	COMPRESSION_FAILED /* no memory, and the peer's context is lost: close */
};

/* Deflate a gather list of `len` bytes into `out`, which is empty. */
enum compression_result compression_deflate(struct compression_loop *cl, struct compression_conn *c,
					    const struct span *in, size_t in_len,
					    struct pieces *out);

#endif
