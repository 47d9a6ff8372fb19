/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_INPUT_H
#define ENGINE_CONN_INPUT_H
/* What a connection receives: bytes to handshake, frames and messages. */
#include "codec/span.h"
#include "engine/conn.h"

/* Where the bytes of a message are, and so who keeps them alive. */
struct message_bytes {
	uint8_t *at;
	uint32_t len;
	const struct ring_lease *lease; /* in this receive buffer, or NULL */
	struct pieces *pieces;          /* in this block, which the message takes over, or NULL */
};

/* A whole message for the routing stage. */
void conn_input_message(struct loop *l, struct conn *c, uint8_t opcode,
			const struct message_bytes *b);

/* The ring has bytes for it. */
void conn_input_received(struct loop *l, struct conn *c, const struct ring_lease *lease);

/*
 * Those bytes, or what TLS made of them; `lease` says which receive buffer they are in, NULL: none.
 */
void conn_input_plain(struct loop *l, struct conn *c, struct span in,
		      const struct ring_lease *lease);

/*
 * Frames, after the opening handshake; `lease` says which receive buffer they are in, NULL: none.
 * What may not be read yet is held.
 */
void conn_input_frames(struct loop *l, struct conn *c, struct span in,
		       const struct ring_lease *lease);

/* The reason for holding its input may be gone: read on. */
void conn_input_unhold(struct loop *l, struct conn *c);

#endif
