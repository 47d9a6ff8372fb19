/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_TIMER_H
#define ENGINE_CONN_TIMER_H
/* The one timer of a connection: deadlines of its state, Pings, idleness, unfinished messages. */
#include "engine/conn.h"

/* Some deadline has moved: if nearer, arm the timer anew. */
void conn_timer_arm(struct loop *l, struct conn *c);

/* A sign of life that is no input: the peer has read on. */
void conn_timer_alive(struct loop *l, struct conn *c);

/* The wheel says it is time. */
void conn_timer_fired(struct loop *l, struct conn *c);

#endif
