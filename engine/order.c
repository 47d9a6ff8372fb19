/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/order.h"

#include <stdlib.h>
#include <string.h>

#define SMALL (offsetof(struct message, pieces) + sizeof(((struct message *)0)->pieces[0]))
_Static_assert(SMALL < offsetof(struct message, edit) && SMALL < offsetof(struct message, sip),
	       "what an order does not need stands at the end");

static struct message *
order_alloc(enum message_kind kind, struct flow to, size_t head, size_t room)
{
	struct message *m = malloc(head + room);

	if (!m)
		return NULL;
	memset(m, 0, offsetof(struct message, pieces));
	m->kind = (uint8_t)kind;
	m->to = to;
	m->bytes = (uint8_t *)m + head;
	m->len = (uint32_t)room;
	return m;
}

struct message *
order_new(enum message_kind kind, struct flow to, size_t room)
{
	return order_alloc(kind, to, SMALL, room);
}

struct message *
order_new_whole(enum message_kind kind, struct flow to, size_t room)
{
	return order_alloc(kind, to, sizeof(struct message), room);
}

void
order_free(struct message *m)
{
	free(m->out_heap);
	free(m);
}
