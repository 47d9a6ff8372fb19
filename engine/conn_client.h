/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_CLIENT_H
#define ENGINE_CONN_CLIENT_H
/* The opening handshake of a connection that we made, RFC 6455 §4.1. */
#include "codec/span.h"
#include "engine/conn.h"

/* Connected: send the request. */
void conn_client_ask(struct loop *l, struct conn *c);

/* Bytes of the answer, and perhaps of frames behind it. */
void conn_client_answer(struct loop *l, struct conn *c, struct span in,
			const struct ring_lease *lease);

#endif
