/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_LIFE_H
#define ENGINE_CONN_LIFE_H
/* The life of a connection: runs the table conn_fsm.def; its actions are here. */
#include "engine/conn.h"

/* One step of the table. */
void conn_life_apply(struct loop *l, struct conn *c, enum conn_event event);

/* A slot gets an owner: everything at its beginning, a new generation. */
void conn_life_begin(struct loop *l, struct conn *c, const struct sockaddr_storage *peer);

/* What the ring tells of it. */
void conn_life_accepted(struct loop *l, struct conn *c, const struct sockaddr_storage *peer);
void conn_life_connected(struct loop *l, struct conn *c, int result);
void conn_life_ended(struct loop *l, struct conn *c, int result);
void conn_life_closed(struct loop *l, struct conn *c);

/* The peer broke a rule or a limit: Close with this code, then no more of its input. */
void conn_life_fail(struct loop *l, struct conn *c, uint16_t code, const char *reason);

/* A good Close frame came. */
void conn_life_peer_close(struct loop *l, struct conn *c, uint16_t code);

/* A message of its came back from the routing stage and is dealt with. */
void conn_life_routed(struct loop *l, struct conn *c);

/* Shutdown or idle: Close with this code, or the HTTP error. */
void conn_life_going_away(struct loop *l, struct conn *c, uint16_t code);

/* Close at once, whatever the state. */
void conn_life_abandon(struct loop *l, struct conn *c);

#endif
