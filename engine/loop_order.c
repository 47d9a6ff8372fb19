/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop_order.h"

#include <assert.h>
#include <stdlib.h>
#include "codec/ws_close.h"
#include "engine/conn_life.h"
#include "engine/conn_output.h"
#include "engine/loop.h"
#include "engine/order.h"
#include "engine/upstream.h"

/* ---- connections by name ---- */

static struct upstream *
dialed(const struct loop *l, struct flow id)
{
	uint32_t i = id.slot - DIAL_SLOT;
	struct upstream *u = i < l->dialed_len ? l->dialed[i] : NULL;

	return u && flow_equal(u->id, id) ? u : NULL;
}

/* NULL: it is gone, or not made at the moment. */
static struct conn *
target(struct loop *l, struct flow to)
{
	const struct upstream *u;

	if (!dial_is(to))
		return loop_conn(l, to);
	u = dialed(l, to);
	return u ? loop_conn(l, u->flow) : NULL;
}

static bool
make_room(struct loop *l, uint32_t i)
{
	uint32_t len = i < 8 ? 16 : 2 * i;
	struct upstream **grown;

	if (i < l->dialed_len)
		return true;
	grown = realloc(l->dialed, len * sizeof(*grown));
	if (!grown)
		return false;
	for (uint32_t k = l->dialed_len; k < len; k++)
		grown[k] = NULL;
	l->dialed = grown;
	l->dialed_len = len;
	return true;
}

void
loop_order_forget(struct loop *l, struct flow id)
{
	if (dialed(l, id))
		l->dialed[id.slot - DIAL_SLOT] = NULL;
}

void
loop_order_fini(struct loop *l)
{
	for (uint32_t i = 0; i < l->dialed_len; i++)
		free(l->dialed[i]);
	free(l->dialed);
}

/* ---- orders ---- */

static void
send_order(struct loop *l, struct message *m)
{
	struct conn *c = target(l, m->to);

	stats_add(&l->stats.orders, 1);
	if (c && c->state == CONN_OPEN && conn_output_message(l, c, m, SENDQ_ORDERED))
		return;
	stats_add(&l->stats.orders_dropped, 1);
	/* no memory: as with answers, none is left out with others after it */
	if (c && c->state == CONN_OPEN)
		conn_life_going_away(l, c, WS_CLOSE_INTERNAL);
}

static void
close_order(struct loop *l, struct message *m)
{
	struct upstream *u = dial_is(m->to) ? dialed(l, m->to) : NULL;
	struct conn *c = target(l, m->to);

	if (u)
		upstream_end(l, u);
	if (c)
		conn_life_close(l, c, m->code, span_of(m->bytes, m->len));
}

static void
connect_order(struct loop *l, struct message *m)
{
	uint32_t i = m->to.slot - DIAL_SLOT;
	struct settings_upstream where;
	struct upstream *u = NULL;

	memcpy(&where, m->bytes, sizeof(where));
	if (!where.port)
		where.port = (uint16_t)(where.tls ? l->settings->wss_port : l->settings->ws_port);
	if (!l->draining && make_room(l, i))
		u = malloc(sizeof(*u));
	if (!u) {
		conn_life_tell(l, m->to, CONN_EV_REFUSED, false);
		return;
	}
	assert(!l->dialed[i]);
	upstream_init(u, &where);
	u->id = m->to;
	l->dialed[i] = u;
	upstream_dial(l, u);
}

void
loop_order(struct loop *l, struct message *m)
{
	assert(order_is(m));
	if (m->kind == MESSAGE_SEND)
		send_order(l, m);
	else if (m->kind == MESSAGE_CLOSE)
		close_order(l, m);
	else
		connect_order(l, m);
	order_free(m);
}
