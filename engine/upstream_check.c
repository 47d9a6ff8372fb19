/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/upstream_check.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "codec/sip_msg.h"
#include "codec/writer.h"
#include "engine/clock.h"
#include "engine/conn_core.h"
#include "engine/conn_life.h"
#include "engine/conn_timer.h"
#include "engine/group.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/upstream.h"

#define LOST_MAX 2 /* a datagram may be lost */

static void
use(struct loop *l, struct upstream *u, bool in_use)
{
	struct flow flow = in_use ? u->flow : FLOW_NONE;

	if (u->check.in_use == in_use)
		return;
	u->check.in_use = in_use;
	group_set(l->group, l->index, u->member, u->path, flow);
	stats_add(&l->stats.upstream_downs, in_use ? 0 : 1);
	log_line(in_use ? LOG_INFO : LOG_WARN, in_use ? "upstream_up" : "upstream_down",
		 "peer=%s port=%u transport=%s", u->host, u->port,
		 u->where.transport == FLOW_UDP ? "udp" : "tcp");
}

static void
ask(struct loop *l, struct conn *c)
{
	struct upstream *u = c->upstream;
	struct upstream_check *k = &u->check;
	struct span host = span_of(l->group->host, strlen(l->group->host));
	char text[1024], there[96];
	struct writer w = writer_over(text, sizeof(text));
	int n = snprintf(there, sizeof(there), "sip:%s:%u", u->host, u->port);

	k->number++;
	k->pending = true;
	k->due_ns = l->now_ns + l->settings->edge_check_timeout_ms * CLOCK_NS_PER_MS;
	stats_add(&l->stats.upstream_checks, 1);
	writer_put(&w, SPAN("OPTIONS "));
	writer_put(&w, span_of(there, (size_t)n));
	writer_put(&w, SPAN(" SIP/2.0\r\nVia: SIP/2.0/"));
	writer_put(&w, u->where.transport == FLOW_UDP ? SPAN("UDP ") :
		       u->where.tls                   ? SPAN("TLS ") :
							SPAN("TCP "));
	writer_put(&w, host);
	writer_put(&w, SPAN(";branch=z9hG4bK"));
	writer_put(&w, span_of(k->id, sizeof(k->id)));
	writer_put_decimal(&w, k->number);
	writer_put(&w, SPAN("\r\nMax-Forwards: 0\r\nFrom: <sip:"));
	writer_put(&w, host);
	writer_put(&w, SPAN(">;tag=check\r\nTo: <"));
	writer_put(&w, span_of(there, (size_t)n));
	writer_put(&w, SPAN(">\r\nCall-ID: "));
	writer_put(&w, span_of(k->id, sizeof(k->id)));
	writer_put(&w, SPAN("\r\nCSeq: "));
	writer_put_decimal(&w, k->number);
	writer_put(&w, SPAN(" OPTIONS\r\nContent-Length: 0\r\n\r\n"));
	assert(!w.full);
	conn_core_put(l, c, writer_text(&w));
}

void
upstream_check_begin(struct loop *l, struct upstream *u)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[UPSTREAM_CHECK_ID];

	u->check = (struct upstream_check){ .due_ns = UINT64_MAX };
	if (!l->settings->edge_check_interval_s) {
		use(l, u, true);
		return;
	}
	random_take(&l->random, random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		u->check.id[i] = digits[random[i] & 15];
	ask(l, loop_conn(l, u->flow));
}

void
upstream_check_end(struct loop *l, struct upstream *u)
{
	u->check.due_ns = UINT64_MAX;
	u->check.pending = false;
	use(l, u, false);
}

static void
failed(struct loop *l, struct conn *c)
{
	struct upstream *u = c->upstream;

	stats_add(&l->stats.upstream_checks_failed, 1);
	u->check.pending = false;
	if (++u->check.lost < LOST_MAX) {
		ask(l, c);
		return;
	}
	use(l, u, false);
	if (c->peer.transport == FLOW_UDP && !*u->where.host)
		ask(l, c);
	else
		conn_life_abandon(l, c);
}

void
upstream_check_fired(struct loop *l, struct conn *c)
{
	if (c->upstream->check.pending)
		failed(l, c);
	else
		ask(l, c);
}

bool
upstream_check_answer(struct loop *l, struct conn *c, struct span message)
{
	struct upstream_check *k = &c->upstream->check;
	struct span answer = SPAN("SIP/2.0 "), busy = SPAN("SIP/2.0 503");
	struct sip_msg sip;

	if (!k->pending || message.len < busy.len ||
	    !span_equal(span_of(message.at, answer.len), answer) ||
	    sip_msg_parse(&sip, message.at, message.len) != SIP_OK ||
	    sip.method != SIP_METHOD_OPTIONS ||
	    !span_equal(sip_msg_value(&sip, SIP_FIELD_CALL_ID), span_of(k->id, sizeof(k->id))))
		return false;
	if (sip.status < 200)
		return true;
	k->pending = false;
	k->lost = 0;
	k->due_ns = l->now_ns + l->settings->edge_check_interval_s * CLOCK_NS_PER_S;
	if (sip.status == 503)
		stats_add(&l->stats.upstream_checks_failed, 1);
	use(l, c->upstream, sip.status != 503);
	conn_timer_arm(l, c);
	return true;
}
