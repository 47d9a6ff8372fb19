/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_EVENT_H
#define ENGINE_CONN_EVENT_H
/* The life of a connection as the ring tells it: its events for conn_life.c's table. */
#include "engine/conn.h"

/* A slot gets an owner: everything at its beginning, a new generation. */
void conn_event_begin(struct loop *l, struct conn *c, const struct sockaddr_storage *peer);

/* What the ring tells of it. */
void conn_event_accepted(struct loop *l, struct conn *c, uint32_t listener,
			 const struct sockaddr_storage *peer);
void conn_event_connected(struct loop *l, struct conn *c, int result);
void conn_event_ended(struct loop *l, struct conn *c, int result);
void conn_event_closed(struct loop *l, struct conn *c);

#endif
