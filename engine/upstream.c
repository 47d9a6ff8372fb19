/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/upstream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/clock.h"
#include "engine/conn_event.h"
#include "engine/conn_life.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/loop_order.h"

static bool
check(const struct settings *s, const char *resource, char error[SETTINGS_ERROR_MAX])
{
	struct ws_client_request request = {
		.host = SPAN("localhost"),
		.port = 80,
		.resource = span_of(resource, strlen(resource)),
		.key = SPAN("AAAAAAAAAAAAAAAAAAAAAA=="),
		.protocols = span_of(s->ws_subprotocols, strlen(s->ws_subprotocols)),
	};
	enum ws_client_error fault = ws_client_check(&request);

	if (fault == WS_CLIENT_OK)
		return true;
	snprintf(error, SETTINGS_ERROR_MAX, "ws_resource, wss_resource or ws_subprotocols: %s",
		 ws_client_words(fault));
	return false;
}

bool
upstream_check(const struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	return check(s, s->ws_resource, error) && check(s, s->wss_resource, error);
}

static void
address_set(struct upstream *u, const char *address, uint16_t port)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)&u->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&u->address;

	memset(&u->address, 0, sizeof(u->address));
	u->port = port;
	if (inet_pton(AF_INET, address, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		u->address_len = sizeof(*in4);
		snprintf(u->host, sizeof(u->host), "%s", address);
		return;
	}
	if (inet_pton(AF_INET6, address, &in6->sin6_addr) != 1)
		assert(!"upstream address"); /* the settings and the resolver let only these in */
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	u->address_len = sizeof(*in6);
	snprintf(u->host, sizeof(u->host), "[%s]", address);
}

void
upstream_init(struct upstream *u, const struct settings_upstream *where)
{
	memset(u, 0, sizeof(*u));
	u->where = *where;
	if (*where->host)
		snprintf(u->host, sizeof(u->host), "%.71s", where->host);
	else
		address_set(u, where->address, where->port);
}

uint64_t
upstream_delay_ms(const struct settings *s, uint32_t failures, uint64_t random)
{
	uint64_t bound = s->ws_reconnect_first_ms;

	/*
	 * The first time anything up to the bound; then it doubles, and at least half of it is
	 * kept.
	 */
	if (failures <= 1)
		return random % (bound + 1);
	for (uint32_t i = 1; i < failures && bound < s->ws_reconnect_max_ms; i++)
		bound *= 2;
	if (bound > s->ws_reconnect_max_ms)
		bound = s->ws_reconnect_max_ms;
	return bound / 2 + random % (bound / 2 + 1);
}

/* ---- W-L-01: to one address one connection is made at a time ---- */

/* Those of the settings, then those of the application; NULL: a name that is not in use. */
static struct upstream *
in_list(struct loop *l, uint32_t i)
{
	return i < l->upstreams_len ? &l->upstreams[i] : l->dialed[i - l->upstreams_len];
}

/* The next after `u`, in the order of the list, that goes to its address and is in this state. */
static struct upstream *
neighbour(struct loop *l, const struct upstream *u, enum upstream_state state)
{
	uint32_t len = l->upstreams_len + l->dialed_len;
	uint32_t own = flow_is_none(u->id) ? (uint32_t)(u - l->upstreams) :
					     l->upstreams_len + u->id.slot - DIAL_SLOT;

	for (uint32_t i = 1; i < len; i++) {
		struct upstream *other = in_list(l, (own + i) % len);

		if (other && other->state == state && !strcmp(other->host, u->host))
			return other;
	}
	return NULL;
}

/*
 * The connection is made, or could not be: it is the next one's turn. Not at once but by its
 * timer: a connection is being taken down here.
 */
static void
give_way(struct loop *l, const struct upstream *u)
{
	struct upstream *next = neighbour(l, u, UPSTREAM_WAITING);

	if (next)
		wheel_arm(&l->wheel, &next->timer, l->now_ns);
}

static void
rest(struct loop *l, struct upstream *u)
{
	uint64_t random, ms;

	u->state = UPSTREAM_RESTING;
	if (l->draining)
		return;
	give_way(l, u);
	u->failures++;
	random_take(&l->random, &random, sizeof(random));
	ms = upstream_delay_ms(l->settings, u->failures, random);
	log_line(LOG_INFO, "upstream_rests", "peer=%s port=%u ms=%u failures=%u", u->host, u->port,
		 (unsigned)ms, u->failures);
	wheel_arm(&l->wheel, &u->timer, l->now_ns + ms * CLOCK_NS_PER_MS);
}

static int
stream_socket(const struct settings *s, const struct upstream *u)
{
	int fd = socket(u->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	int lowat = (int)s->tcp_notsent_lowat;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (lowat)
		setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
	return fd;
}

/*
 * From where the core is told to reach us; all sockets of this kind share that port. The kernel
 * gives each only what comes from its own peer.
 */
static int
datagram_socket(const struct loop *l, const struct upstream *u)
{
	int fd = socket(u->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&l->core_address, u->address_len) ||
	    connect(fd, (const struct sockaddr *)&u->address, u->address_len)) {
		int result = -errno;

		close(fd);
		return result;
	}
	return fd;
}

static int
connect_slot(struct loop *l, const struct upstream *u, uint32_t *slot)
{
	bool datagrams = u->where.transport == FLOW_UDP;
	int fd = datagrams ? datagram_socket(l, u) : stream_socket(l->settings, u), result;

	if (fd < 0)
		return fd;
	if (datagrams)
		result = ring_datagrams(l->ring, fd, slot);
	else
		result = ring_connect(l->ring, fd, (const struct sockaddr *)&u->address,
				      u->address_len, slot);
	if (result)
		close(fd);
	return result;
}

/* ---- names ---- */

static void
rung(void *arg)
{
	struct loop *l = arg;

	ring_wake(l->ring);
}

/* True: there is an address to try, the next one after each failure. */
static bool
find_address(struct loop *l, struct upstream *u)
{
	struct resolver_name *n = &u->name;
	const struct settings_upstream *where = &u->where;

	if (!*where->host)
		return true;
	if (n->targets_len && l->now_ns < n->expires_ns) {
		const struct resolver_target *t = &n->targets[u->failures % n->targets_len];

		address_set(u, t->address, t->port);
		return true;
	}
	memcpy(n->host, where->host, sizeof(n->host));
	n->port = where->port_default ? 0 : where->port;
	n->port_default = where->port;
	n->transport = where->transport;
	n->tls = where->tls;
	n->family = l->core_address.ss_family;
	n->done = rung;
	n->arg = l;
	u->state = UPSTREAM_RESOLVING;
	resolver_ask(l->group->resolver, n);
	return false;
}

void
upstream_resolved(struct loop *l)
{
	for (uint32_t i = 0; i < l->upstreams_len; i++) {
		struct upstream *u = &l->upstreams[i];

		if (u->state != UPSTREAM_RESOLVING ||
		    atomic_load_explicit(&u->name.state, memory_order_acquire) != RESOLVER_DONE)
			continue;
		u->state = UPSTREAM_RESTING;
		if (!u->name.targets_len)
			rest(l, u);
		else if (!l->draining)
			upstream_dial(l, u);
	}
}

void
upstream_dial(struct loop *l, struct upstream *u)
{
	struct conn *c;
	uint32_t slot;
	int result;

	if (!find_address(l, u))
		return;
	assert(u->state == UPSTREAM_RESTING || u->state == UPSTREAM_WAITING);
	if (neighbour(l, u, UPSTREAM_CONNECTING) ||
	    (u->state == UPSTREAM_RESTING && neighbour(l, u, UPSTREAM_WAITING))) {
		u->state = UPSTREAM_WAITING; /* behind those that wait already */
		return;
	}
	result = connect_slot(l, u, &slot);
	if (result) {
		log_line(LOG_WARN, "upstream_failed", "peer=%s port=%u error=\"%s\"", u->host,
			 u->port, strerror(-result));
		if (!flow_is_none(u->id))
			conn_life_tell(l, u->id, CONN_EV_REFUSED, true);
		rest(l, u);
		return;
	}
	u->state = UPSTREAM_CONNECTING;
	stats_add(&l->stats.upstream_connects, 1);
	c = &l->conns[slot];
	conn_event_begin(l, c, &u->address);
	u->flow = c->flow;
	c->upstream = u;
	c->peer.transport = u->where.transport;
	c->peer.core = l->settings->mode == SETTINGS_MODE_EDGE;
	conn_life_apply(l, c,
			u->where.transport == FLOW_UDP ? CONN_EV_ACCEPTED_CORE : CONN_EV_DIALED);
}

static void
add(struct loop *l, uint32_t member, enum group_path path)
{
	struct settings_upstream where = l->settings->upstreams[member];
	struct upstream *u = &l->upstreams[l->upstreams_len++];

	if (path == GROUP_TCP)
		where.transport = FLOW_TCP;
	upstream_init(u, &where);
	u->member = member;
	u->path = path;
	u->check.due_ns = UINT64_MAX;
}

void
upstream_begin_all(struct loop *l)
{
	bool edge = l->settings->mode == SETTINGS_MODE_EDGE;
	uint32_t len = edge || l->index == 0 ? l->settings->upstreams_len : 0;

	for (uint32_t i = 0; i < len; i++) {
		bool datagrams = l->settings->upstreams[i].transport == FLOW_UDP;

		/* of two such sockets the kernel would give all to one */
		if (!datagrams || l->index == 0)
			add(l, i, GROUP_MAIN);
		if (datagrams)
			add(l, i, GROUP_TCP);
	}
	for (uint32_t i = 0; i < l->upstreams_len; i++)
		upstream_dial(l, &l->upstreams[i]);
}

void
upstream_timer_fired(struct loop *l, struct upstream *u)
{
	if (!l->draining)
		upstream_dial(l, u);
}

void
upstream_opened(struct loop *l, struct upstream *u)
{
	assert(u->state == UPSTREAM_CONNECTING);
	u->state = UPSTREAM_OPEN;
	u->told_over = false;
	u->failures = 0;
	give_way(l, u);
	log_line(LOG_INFO, "upstream_open", "peer=%s port=%u", u->host, u->port);
	if (l->settings->mode == SETTINGS_MODE_EDGE)
		upstream_check_begin(l, u);
}

bool
upstream_comes_again(const struct loop *l, const struct upstream *u)
{
	return !u->over && !l->draining;
}

static void
forget(struct loop *l, struct upstream *u)
{
	loop_order_forget(l, u->id);
	give_way(l, u);
	free(u);
}

void
upstream_closed(struct loop *l, struct upstream *u)
{
	if (upstream_comes_again(l, u) || flow_is_none(u->id))
		rest(l, u);
	else
		forget(l, u);
}

void
upstream_end(struct loop *l, struct upstream *u)
{
	assert(!flow_is_none(u->id));
	u->over = true;
	loop_order_forget(l, u->id);
	if (u->state == UPSTREAM_CONNECTING || u->state == UPSTREAM_OPEN)
		return;
	wheel_cancel(&l->wheel, &u->timer);
	conn_life_tell(l, u->id, CONN_EV_GOING_AWAY, false);
	forget(l, u);
}
