/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_OUTPUT_H
#define ENGINE_CONN_OUTPUT_H
/* What a connection sends: messages to frames to its queue, and the queue to the ring. */
#include "codec/span.h"
#include "engine/conn.h"

/* Queue bytes as they are: HTTP. */
void conn_output_put(struct loop *l, struct conn *c, struct span bytes);

/*
 * Queue one frame that is no message of the routing stage: control frames, keep-alives. False: no
 * memory; then the connection is closed, but for a Ping, which can wait.
 */
bool conn_output_control(struct loop *l, struct conn *c, uint8_t opcode, struct span payload);

/*
 * Queue a message of the routing stage as one WebSocket message. False: it was not queued: too
 * much is queued already, and the connection is closed now; or there is no memory, and it goes on
 * unless its compression has lost the thread.
 */
bool conn_output_message(struct loop *l, struct conn *c, const struct message *m,
			 enum sendq_account account);

/* Hand the next chunk to the ring, unless one is in flight. Once per turn. */
void conn_output_flush(struct loop *l, struct conn *c);

/* Has a send been waiting for the peer since an earlier turn? */
bool conn_output_is_blocked(const struct loop *l, const struct conn *c);

/* Would `len` more bytes fill its queue to so many quarters of ws_send_queue? */
bool conn_output_is_over(const struct loop *l, const struct conn *c, uint64_t len,
			 uint32_t quarters);

/* The ring is done with the chunk in flight. */
void conn_output_sent(struct loop *l, struct conn *c, int result);

#endif
