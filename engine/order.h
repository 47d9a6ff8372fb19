/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ORDER_H
#define ENGINE_ORDER_H
/*
 * What an application tells a loop to do, by itself or with a message that it kept: MESSAGE_SEND,
 * MESSAGE_CLOSE, MESSAGE_CONNECT. An order goes the way of a decided message, router -> loop, but
 * its block is malloc()ed, because it comes from another thread than the loop's; the loop that
 * carries it out frees it.
 */
#include "engine/message.h"

static inline bool
order_is(const struct message *m)
{
	return m->kind >= MESSAGE_SEND;
}

/*
 * With `room` bytes of its own at m->bytes. Of struct message only what stands before `pieces`, and
 * the first of these: an order is small. NULL: out of memory.
 */
struct message *order_new(enum message_kind kind, struct flow to, size_t room);

/* The same, with the whole of struct message: for a message that is kept. */
struct message *order_new_whole(enum message_kind kind, struct flow to, size_t room);

void order_free(struct message *m);

#endif
