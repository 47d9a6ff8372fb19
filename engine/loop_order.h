/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOOP_ORDER_H
#define ENGINE_LOOP_ORDER_H
/*
 * What the application in mode embed tells a loop to do, carried out. And the connections that it
 * has the loop make: kept by their lasting names, until they are closed. The loop's thread only.
 */
#include "engine/message.h"

struct loop;

/* Do it, and free it. */
void loop_order(struct loop *l, struct message *m);

/* The connection of this name is over: forget it; upstream.c frees it. */
void loop_order_forget(struct loop *l, struct flow id);

/* At the end of the loop. */
void loop_order_fini(struct loop *l);

#endif
