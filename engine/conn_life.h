/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_LIFE_H
#define ENGINE_CONN_LIFE_H
/* The life of a connection: runs the table conn_fsm.def; its actions are here. */
#include "codec/span.h"
#include "engine/conn.h"

/* One step of the table. */
void conn_life_apply(struct loop *l, struct conn *c, enum conn_event event);

/* The peer broke a rule or a limit: Close with this code, then no more of its input. */
void conn_life_fail(struct loop *l, struct conn *c, uint16_t code, const char *reason);

/* A good Close frame came. */
void conn_life_peer_close(struct loop *l, struct conn *c, uint16_t code);

/* A message of its came back from the routing stage and is dealt with. */
void conn_life_routed(struct loop *l, struct conn *c);

/* Shutdown or idle: Close with this code, or the HTTP error. */
void conn_life_going_away(struct loop *l, struct conn *c, uint16_t code);

/* The same with a reason for the peer; empty: the usual one of the code. */
void conn_life_close(struct loop *l, struct conn *c, uint16_t code, struct span reason);

/*
 * Tell the application of a connection that it wants under this name, while there is none: it could
 * not be made (CONN_EV_REFUSED), or it is over (CONN_EV_GOING_AWAY).
 */
void conn_life_tell(struct loop *l, struct flow id, enum conn_event why, bool again);

/* Close at once, whatever the state. */
void conn_life_abandon(struct loop *l, struct conn *c);

#endif
