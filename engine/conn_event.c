/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection as the ring tells it: its events for conn_life.c's table. */
#include "engine/conn_event.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include "engine/conn_core.h"
#include "engine/conn_life.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/upstream.h"

static void
peer_text(struct message_peer *p, const struct sockaddr_storage *peer)
{
	const void *address;

	if (peer->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;

		address = &in6->sin6_addr;
		p->port = ntohs(in6->sin6_port);
	} else {
		const struct sockaddr_in *in4 = (const struct sockaddr_in *)peer;

		address = &in4->sin_addr;
		p->port = ntohs(in4->sin_port);
	}
	if (!inet_ntop(peer->ss_family, address, p->address, sizeof(p->address)))
		memcpy(p->address, "?", 2);
}

void
conn_event_begin(struct loop *l, struct conn *c, const struct sockaddr_storage *peer)
{
	uint32_t generation = (c->flow.tag ? c->flow.tag + 1 : l->generation) & 0xFFFFFF;
	struct conn old = *c;

	assert(c->state == CONN_FREE);
	memset(c, 0, sizeof(*c));
	c->flow.slot = (uint32_t)(c - l->conns);
	c->flow.tag = (uint32_t)l->index << 24 | (generation ? generation : 1);
	/* The loop's lists may still hold the slot; they find nothing to do. */
	c->dirty = old.dirty;
	c->next_dirty = old.next_dirty;
	c->in_held_list = old.in_held_list;
	c->next_held = old.next_held;
	c->in_waiting_list = old.in_waiting_list;
	c->next_waiting = old.next_waiting;
	peer_text(&c->peer, peer);
	stats_add(&l->stats.connections, 1);
}

void
conn_event_accepted(struct loop *l, struct conn *c, uint32_t listener,
		    const struct sockaddr_storage *peer)
{
	conn_event_begin(l, c, peer);
	c->listener = (uint8_t)listener;
	stats_add(&l->stats.connections_accepted, 1);
	if (l->listeners[listener]->core) {
		c->peer.core = true;
		c->peer.transport = FLOW_TCP;
	}
	log_line(LOG_DEBUG, "connection_accepted", "peer=%s port=%u loop=%u", c->peer.address,
		 c->peer.port, l->index);
	conn_life_apply(l, c,
			l->listeners[listener]->core ? CONN_EV_ACCEPTED_CORE :
			l->listeners[listener]->tls  ? CONN_EV_ACCEPTED_TLS :
						       CONN_EV_ACCEPTED);
	if (l->draining)
		conn_life_going_away(l, c, WS_CLOSE_GOING_AWAY);
}

void
conn_event_connected(struct loop *l, struct conn *c, int result)
{
	if (c->state != CONN_CONNECTING)
		return; /* given up already */
	if (result < 0) {
		stats_add(&l->stats.upstream_refused, 1);
		log_line(LOG_WARN, "upstream_refused", "peer=%s port=%u error=\"%s\"",
			 c->peer.address, c->peer.port, strerror(-result));
	}
	conn_life_apply(l, c,
			result < 0             ? CONN_EV_PEER_ERROR :
			c->upstream->where.tls ? CONN_EV_CONNECTED_TLS :
			conn_core_is(c)        ? CONN_EV_CONNECTED_CORE :
						 CONN_EV_CONNECTED);
}

void
conn_event_ended(struct loop *l, struct conn *c, int result)
{
	if (c->state == CONN_DEAD)
		return;
	if (c->state == CONN_ASKING || c->state == CONN_TLS_OUT)
		log_line(LOG_WARN, "upstream_declined", "peer=%s port=%u reason=\"%s\"",
			 c->peer.address, c->peer.port,
			 result ? strerror(-result) : "stream ended without an answer");
	if (conn_is_open(c))
		stats_add(result ? &l->stats.closed_reset : &l->stats.closed_by_peer, 1);
	if (c->state == CONN_OPEN && c->tls && !result) /* somebody may have cut the stream */
		stats_add(&l->stats.tls_truncated, 1);
	if (c->state == CONN_TLS || c->state == CONN_TLS_OUT)
		stats_add(&l->stats.tls_handshakes_failed, 1);
	conn_life_apply(l, c, result ? CONN_EV_PEER_ERROR : CONN_EV_PEER_END);
}

void
conn_event_closed(struct loop *l, struct conn *c)
{
	conn_life_apply(l, c, CONN_EV_CLOSED);
}
