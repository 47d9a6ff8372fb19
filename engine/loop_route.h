/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOOP_ROUTE_H
#define ENGINE_LOOP_ROUTE_H
/* Between a loop and its routing stage: messages to it, and what it decided of them. */
#include <stdbool.h>
#include "engine/conn.h"
#include "engine/message.h"

/*
 * A message block, all bookkeeping cleared; c NULL: from no connection, `peer` and `dial` are not
 * set. NULL: out of memory.
 */
struct message *loop_route_message_new(struct loop *l, struct conn *c, enum message_kind kind);

/* Hand a message to the routing stage. */
void loop_route_submit(struct loop *l, struct message *m);

/* May more messages be made, or is the routing stage behind? */
bool loop_route_has_room(const struct loop *l);

/* The same, and may more be read in this turn? */
bool loop_route_may_read(const struct loop *l);

/*
 * Between two messages of one connection: let the routing stage work off a batch, if one is there.
 * Answers are queued in it, connections may be closed in it, the caller's own too.
 */
void loop_route_batch(struct loop *l);

/* Let the routing stage work off what there is, and do what it decided. Once per turn at least. */
void loop_route_all(struct loop *l);

#endif
