/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/keepalive.h"

#include <string.h>
#include "tools/wsload/worker.h"

void
keepalive_begin(struct worker *w, struct client *c)
{
	uint64_t interval_ns = w->plan->options.keepalive_ns;

	c->alive_ns = 0;
	if (interval_ns)
		wheel_arm(&w->wheel, &c->timer, w->now_ns + random_below(&w->random, interval_ns));
}

/* The Ping's payload is the time it is sent at: an older one's Pong is not taken for it. */
void
keepalive_send(struct worker *w, struct client *c)
{
	static const char crlf[] = "\r\n\r\n";
	const struct options *o = &w->plan->options;

	wheel_arm(&w->wheel, &c->timer, w->now_ns + o->keepalive_ns);
	if (c->alive_ns && w->now_ns - c->alive_ns < o->timeout_ns)
		return;
	if (c->alive_ns)
		tally_count(&w->tally, TALLY_keepalives_lost, 1);
	c->alive_ns = w->now_ns;
	if (o->keepalive_crlf)
		client_send_control(w, c, WS_OP_TEXT, span_of(crlf, sizeof(crlf) - 1));
	else
		client_send_control(w, c, WS_OP_PING,
				    span_of((const char *)&c->alive_ns, sizeof(c->alive_ns)));
}

static void
answered(struct worker *w, struct client *c)
{
	uint64_t now_ns = w->now_ns;

	if (c->alive_ns >= w->measure_ns && w->measure_ns && now_ns < w->end_ns)
		tally_time(&w->tally, TALLY_TIME_keepalive, now_ns - c->alive_ns);
	c->alive_ns = 0;
}

/* Of a Pong in pieces only the last is seen here: it is taken as it is. */
void
keepalive_take_pong(struct worker *w, struct client *c, const struct ws_event *ev)
{
	bool whole = ev->first && ev->last;

	if (!c->alive_ns || !ev->last || w->plan->options.keepalive_crlf ||
	    (whole && (ev->len != sizeof(c->alive_ns) ||
		       memcmp(ev->bytes, &c->alive_ns, sizeof(c->alive_ns)) != 0)))
		return;
	answered(w, c);
}

void
keepalive_take_crlf(struct worker *w, struct client *c)
{
	if (c->alive_ns && w->plan->options.keepalive_crlf)
		answered(w, c);
}
