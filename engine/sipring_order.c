/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders of the application in mode embed, from any thread: send, close, connect, post. And its
 * timers.
 */
#include "engine/sipring.h"

#include <assert.h>
#include "codec/utf8.h"
#include "codec/ws_close.h"
#include "engine/embed.h"
#include "engine/embed_timer.h"
#include "engine/order.h"

#define SEND_MAX (16u << 20) /* the largest ws_max_message */

/*
 * Out it goes. In a handler it leaves with what that decides, in the same order; from elsewhere by
 * the router of its target. False: it was freed.
 */
static bool
give(struct sipring *s, struct message *order)
{
	struct embed *e = embed_here(sipring_application_of(s));

	if (e) {
		embed_emit(e, order);
		return true;
	}
	e = sipring_embed_of(s, embed_connection(order->to));
	if (e && embed_post(e, &(struct embed_post){ .order = order }))
		return true;
	order_free(order);
	return false;
}

bool
sipring_send(struct sipring *s, sipring_connection target, const void *bytes, size_t len)
{
	struct message *m;

	if (len > SEND_MAX || !(m = order_new(MESSAGE_SEND, embed_flow(target), len)))
		return false;
	memcpy(m->bytes, bytes, len);
	m->pieces[0] = span_of(m->bytes, len);
	m->pieces_len = 1;
	m->out_len = (uint32_t)len;
	m->out_opcode = utf8_valid(m->bytes, len) ? WS_OP_TEXT : WS_OP_BINARY;
	m->action = MESSAGE_FORWARD;
	return give(s, m);
}

bool
sipring_close(struct sipring *s, sipring_connection connection, unsigned code, const char *reason)
{
	size_t len = reason ? strlen(reason) : 0;
	struct message *m;

	assert(code <= UINT16_MAX && ws_close_code_on_wire((uint16_t)code));
	assert(len <= WS_CONTROL_MAX - 2);
	m = order_new(MESSAGE_CLOSE, embed_flow(connection), len);
	if (!m)
		return false;
	if (len)
		memcpy(m->bytes, reason, len);
	m->code = (uint16_t)code;
	return give(s, m);
}

/* Whose router: in a handler our own, else one after the other. */
static struct embed *
dialer(struct sipring *s)
{
	struct embed_application *a = sipring_application_of(s);
	struct embed *e = embed_here(a);
	uint32_t n;

	if (e)
		return e;
	/* relaxed: any order of numbers will do */
	n = atomic_fetch_add_explicit(&a->dials, 1, memory_order_relaxed);
	return sipring_embed_of(s, embed_connection((struct flow){ .tag = n << 24 }));
}

sipring_connection
sipring_connect(struct sipring *s, const char *uri)
{
	struct embed *e = dialer(s);
	char error[SETTINGS_ERROR_MAX];
	struct settings_upstream where;
	struct message *m;
	struct flow id;

	/* the domains for TLS are made at the start */
	if (!e || !settings_upstream_parse(&where, uri, error) || where.transport != FLOW_WS ||
	    (where.tls && !settings_domain_dials(e->stage->settings)))
		return 0;
	id = embed_dial_take(e);
	m = flow_is_none(id) ? NULL : order_new(MESSAGE_CONNECT, id, sizeof(where));
	if (m) {
		memcpy(m->bytes, &where, sizeof(where));
		if (give(s, m))
			return embed_connection(id);
	}
	embed_dial_give(e, id);
	return 0;
}

bool
sipring_post(struct sipring *s, sipring_connection connection, void (*fn)(void *), void *arg)
{
	struct embed *e = sipring_embed_of(s, connection);

	assert(fn);
	return e && embed_post(e, &(struct embed_post){ .fn = fn, .arg = arg });
}

struct sipring_timer *
sipring_after(struct sipring *s, unsigned ms, void (*fn)(void *), void *arg)
{
	struct embed *e = embed_here(sipring_application_of(s));

	assert(fn && e);
	return embed_timer_new(e, ms, fn, arg);
}

void
sipring_cancel(struct sipring_timer *timer)
{
	assert(embed_is_here(timer->embed));
	embed_timer_cancel(timer);
}
