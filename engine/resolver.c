/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "engine/clock.h"
#include "engine/log.h"
#include "engine/random.h"

#define TIMEOUT_MS 2000
#define TRIES 2
#define SRV_MAX 8
/* An answer is used for so long, whatever its TTL. */
#define TTL_MIN_S 1
#define TTL_MAX_S 3600

struct resolver {
	ares_channel channel;
	pthread_t thread;
	struct random random;
	int bell; /* eventfd */
	_Atomic bool stop;
	_Atomic(struct resolver_name *) asked; /* a stack: taken whole */
};

/* A question on its way. Belongs to the resolver's thread. */
struct quest {
	struct resolver *resolver;
	struct resolver_name *name;
	uint32_t ttl_s;
	uint32_t srvs_len, srvs_done;
	struct srv {
		char host[RESOLVER_HOST_MAX];
		uint16_t port, priority;
		uint32_t rank; /* by weight, at random */
	} srvs[SRV_MAX];
};

static void
finish(struct quest *q)
{
	struct resolver_name *n = q->name;

	if (q->ttl_s < TTL_MIN_S)
		q->ttl_s = TTL_MIN_S;
	n->expires_ns = clock_now_ns() + q->ttl_s * CLOCK_NS_PER_S;
	log_line(n->targets_len ? LOG_INFO : LOG_WARN, "resolved", "host=%s targets=%u ttl=%u",
		 n->host, n->targets_len, q->ttl_s);
	free(q);
	atomic_store_explicit(&n->state, RESOLVER_DONE, memory_order_release);
	n->done(n->arg);
}

/* ---- A, AAAA ---- */

static void
take_address(struct quest *q, const struct ares_addrinfo_node *node, uint16_t port)
{
	struct resolver_name *n = q->name;
	struct resolver_target *t = &n->targets[n->targets_len];
	const void *address = node->ai_family == AF_INET6 ?
				      (void *)&((struct sockaddr_in6 *)node->ai_addr)->sin6_addr :
				      (void *)&((struct sockaddr_in *)node->ai_addr)->sin_addr;

	if (n->targets_len == RESOLVER_TARGETS_MAX || node->ai_family != n->family ||
	    !inet_ntop(node->ai_family, address, t->address, sizeof(t->address)))
		return;
	t->port = port;
	n->targets_len++;
	if (node->ai_ttl >= 0 && (uint32_t)node->ai_ttl < q->ttl_s)
		q->ttl_s = (uint32_t)node->ai_ttl;
}

static void ask_addresses(struct quest *q);

static void
on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct quest *q = arg;
	uint16_t port = q->srvs[q->srvs_done].port;

	(void)timeouts;
	for (const struct ares_addrinfo_node *node = status == ARES_SUCCESS ? found->nodes : NULL;
	     node; node = node->ai_next)
		take_address(q, node, port);
	if (found)
		ares_freeaddrinfo(found);
	if (status == ARES_EDESTRUCTION) {
		free(q);
		return;
	}
	q->srvs_done++;
	ask_addresses(q);
}

/* Of one host after the other, so that they come in the order of the SRV records. */
static void
ask_addresses(struct quest *q)
{
	struct ares_addrinfo_hints hints = { .ai_family = q->name->family,
					     .ai_flags = ARES_AI_NOSORT };

	if (q->srvs_done == q->srvs_len)
		finish(q);
	else
		ares_getaddrinfo(q->resolver->channel, q->srvs[q->srvs_done].host, NULL, &hints,
				 on_addresses, q);
}

/* ---- SRV ---- */

static int
by_preference(const void *a, const void *b)
{
	const struct srv *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->rank > y->rank ? -1 : x->rank < y->rank;
}

static void
take_srv(struct quest *q, const struct ares_srv_reply *record)
{
	struct srv *s = &q->srvs[q->srvs_len];
	uint32_t random;

	if (q->srvs_len == SRV_MAX || strlen(record->host) >= sizeof(s->host) ||
	    strcmp(record->host, ".") == 0 || !*record->host)
		return;
	snprintf(s->host, sizeof(s->host), "%s", record->host);
	s->port = record->port;
	s->priority = record->priority;
	random_take(&q->resolver->random, &random, sizeof(random));
	s->rank = random % (record->weight + 1u);
	q->srvs_len++;
}

static void
on_srv(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct ares_srv_reply *records = NULL;
	struct quest *q = arg;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION) {
		free(q);
		return;
	}
	if (status == ARES_SUCCESS && ares_parse_srv_reply(answer, len, &records) != ARES_SUCCESS)
		records = NULL;
	for (const struct ares_srv_reply *record = records; record; record = record->next)
		take_srv(q, record);
	if (records)
		ares_free_data(records);
	qsort(q->srvs, q->srvs_len, sizeof(q->srvs[0]), by_preference);
	if (!q->srvs_len) { /* RFC 3263 §4.2: then the host itself */
		memcpy(q->srvs[0].host, q->name->host, sizeof(q->srvs[0].host));
		q->srvs[0].port = q->name->port_default;
		q->srvs_len = 1;
	}
	ask_addresses(q);
}

/* ---- NAPTR ---- */

static const char *
service_of(const struct resolver_name *n)
{
	if (n->tls)
		return "SIPS+D2T";
	return n->transport == FLOW_UDP ? "SIP+D2U" : "SIP+D2T";
}

static void
on_naptr(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct ares_naptr_reply *records = NULL;
	const struct ares_naptr_reply *best = NULL;
	struct quest *q = arg;
	struct resolver_name *n = q->name;
	char usual[RESOLVER_HOST_MAX + 16];

	(void)timeouts;
	if (status == ARES_EDESTRUCTION) {
		free(q);
		return;
	}
	if (status == ARES_SUCCESS && ares_parse_naptr_reply(answer, len, &records) != ARES_SUCCESS)
		records = NULL;
	for (const struct ares_naptr_reply *record = records; record; record = record->next)
		if (!strcasecmp((const char *)record->flags, "s") &&
		    !strcasecmp((const char *)record->service, service_of(n)) &&
		    (!best || record->order < best->order ||
		     (record->order == best->order && record->preference < best->preference)))
			best = record;
	snprintf(usual, sizeof(usual), "%s.%s",
		 n->tls                   ? "_sips._tcp" :
		 n->transport == FLOW_UDP ? "_sip._udp" :
					    "_sip._tcp",
		 n->host);
	ares_query(q->resolver->channel, best ? best->replacement : usual, ns_c_in, ns_t_srv,
		   on_srv, q);
	if (records)
		ares_free_data(records);
}

/* ---- the thread ---- */

static void
begin(struct resolver *r, struct resolver_name *n)
{
	struct quest *q = calloc(1, sizeof(*q));

	n->targets_len = 0;
	if (!q) {
		n->expires_ns = 0;
		atomic_store_explicit(&n->state, RESOLVER_DONE, memory_order_release);
		n->done(n->arg);
		return;
	}
	q->resolver = r;
	q->name = n;
	q->ttl_s = TTL_MAX_S;
	if (!n->port) {
		ares_query(r->channel, n->host, ns_c_in, ns_t_naptr, on_naptr, q);
		return;
	}
	memcpy(q->srvs[0].host, n->host, sizeof(q->srvs[0].host));
	q->srvs[0].port = n->port;
	q->srvs_len = 1;
	ask_addresses(q);
}

static void
begin_all(struct resolver *r)
{
	struct resolver_name *n = atomic_exchange_explicit(&r->asked, NULL, memory_order_acquire);

	while (n) {
		struct resolver_name *next = n->next;

		begin(r, n);
		n = next;
	}
}

static void
wait(struct resolver *r)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct pollfd fds[ARES_GETSOCK_MAXNUM + 1] = { { .fd = r->bell, .events = POLLIN } };
	/* unsigned: the macros of c-ares shift into the sign */
	unsigned bits = (unsigned)ares_getsock(r->channel, sockets, ARES_GETSOCK_MAXNUM);
	struct timeval most = { .tv_sec = 3600 }, due, *until;
	nfds_t len = 1;
	uint64_t rung;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = (short)((bits & 1u << i ? POLLIN : 0) |
				       (bits & 1u << (i + ARES_GETSOCK_MAXNUM) ? POLLOUT : 0));

		if (events)
			fds[len++] = (struct pollfd){ .fd = sockets[i], .events = events };
	}
	until = ares_timeout(r->channel, &most, &due);
	if (poll(fds, len, (int)(until->tv_sec * 1000 + until->tv_usec / 1000 + 1)) < 0)
		return;
	if (fds[0].revents && read(r->bell, &rung, sizeof(rung)) < 0)
		return;
	for (nfds_t i = 1; i < len; i++)
		if (fds[i].revents)
			ares_process_fd(r->channel,
					fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
					fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what is too late */
}

static void *
run(void *arg)
{
	struct resolver *r = arg;

	while (!atomic_load_explicit(&r->stop, memory_order_acquire)) {
		begin_all(r);
		wait(r);
	}
	return NULL;
}

static void
ring(struct resolver *r)
{
	uint64_t one = 1;

	if (write(r->bell, &one, sizeof(one)) != sizeof(one))
		assert(!"eventfd");
}

struct resolver *
resolver_new(const char *servers)
{
	struct ares_options options = { .timeout = TIMEOUT_MS, .tries = TRIES };
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->bell < 0 || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&r->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) !=
		    ARES_SUCCESS) {
		close(r->bell);
		free(r);
		return NULL;
	}
	if ((*servers && ares_set_servers_ports_csv(r->channel, servers) != ARES_SUCCESS) ||
	    pthread_create(&r->thread, NULL, run, r)) {
		ares_destroy(r->channel);
		close(r->bell);
		free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (!r)
		return;
	atomic_store_explicit(&r->stop, true, memory_order_release);
	ring(r);
	pthread_join(r->thread, NULL);
	ares_destroy(r->channel);
	ares_library_cleanup();
	close(r->bell);
	free(r);
}

void
resolver_ask(struct resolver *r, struct resolver_name *n)
{
	atomic_store_explicit(&n->state, RESOLVER_BUSY, memory_order_relaxed);
	n->next = atomic_load_explicit(&r->asked, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&r->asked, &n->next, n, memory_order_release,
						      memory_order_relaxed))
		;
	ring(r);
}
