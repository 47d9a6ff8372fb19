/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_INPUT_H
#define ENGINE_CONN_INPUT_H
/* What a connection receives: bytes to handshake, frames and messages. */
#include "codec/span.h"
#include "engine/conn.h"

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
