/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_CORE_H
#define ENGINE_CONN_CORE_H
/*
 * Connections with the SIP core that are no WebSocket: messages in a TCP or TLS stream, or in
 * datagrams. The loop's thread only.
 */
#include "codec/span.h"
#include "engine/conn.h"
#include "engine/message.h"
#include "engine/sendq.h"

static inline bool
conn_core_is(const struct conn *c)
{
	return c->peer.transport != FLOW_WS;
}

void conn_core_opened(struct loop *l, struct conn *c);

/* No more messages either way. */
void conn_core_left(struct loop *l, struct conn *c);

/*
 * Read messages; `lease` says which receive buffer they are in, NULL: none. Returns the bytes read:
 * fewer than there are when the rest has to be held.
 */
size_t conn_core_input(struct loop *l, struct conn *c, struct span in,
		       const struct ring_lease *lease);

/* Send a message of the routing stage, or queue it. False: neither; the connection goes on. */
bool conn_core_output(struct loop *l, struct conn *c, const struct message *m,
		      enum sendq_account account);

/* Bytes that are no message of the routing stage. */
void conn_core_put(struct loop *l, struct conn *c, struct span bytes);

/* Besides what conn_timer.c does itself: when there is something to do; UINT64_MAX: never. */
uint64_t conn_core_deadline(const struct conn *c);
void conn_core_timer(struct loop *l, struct conn *c);

#endif
