/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* sched_getaffinity() and the like */
#include "engine/cluster.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/cluster_listen.h"
#include "engine/embed.h"
#include "engine/rcu.h"
#include "engine/route.h"
#include "engine/router.h"
#include "engine/secret.h"
#include "engine/shared.h"

/* Completions of one turn fit; the ring makes the completion queue four times as large. */
#define SQ_ENTRIES 1024u

#define CONNECTIONS_PER_LOOP 256u /* at least; else several loops have no point */

#define NO_THREAD "cannot start a thread: raise RLIMIT_NPROC (ulimit -u, TasksMax= of systemd)"

struct cluster_loop {
	struct loop loop;
	struct cluster *cluster;
	pthread_t thread;
	sem_t ready; /* it has opened its ring, or could not */
	sem_t go;    /* all have */
	int cpu;     /* to be bound to; -1: none */
	int result;  /* of loop_open(), then of loop_run() */
	const char *error;
};

struct cluster_router {
	struct router router;
	struct route *route;
	struct embed *embed; /* mode embed */
	struct mesh *mesh;
	struct stats stats; /* written by the router's thread */
};

/* ---- plan ---- */

static uint32_t
processors(cpu_set_t *set)
{
	int n;

	if (sched_getaffinity(0, sizeof(*set), set))
		CPU_ZERO(set);
	n = CPU_COUNT(set);
	return n > 0 ? (uint32_t)n : 1;
}

static uint32_t
at_most(uint32_t n, uint32_t bound)
{
	return n < bound ? n : bound;
}

static uint32_t
plan_loops(const struct settings *s, uint32_t connections)
{
	uint32_t bound = connections / CONNECTIONS_PER_LOOP;
	cpu_set_t set;
	uint32_t n = s->loops ? s->loops : processors(&set);

	return at_most(at_most(n, MESH_LOOPS_MAX), bound ? bound : 1);
}

/*
 * Ordinary descriptors, as far as they go: over direct ones a message costs 4 % more, a connection
 * 8 %. With those the limit on open files bounds each loop, not all loops together.
 */
bool
cluster_plan(struct cluster *c, const struct settings *settings, uint32_t disable,
	     uint32_t descriptors, char error[SETTINGS_ERROR_MAX])
{
	bool direct = !(disable & 1u << RING_FEATURE_DIRECT);
	uint32_t wanted = settings->max_connections;
	uint64_t room;

	c->settings = settings;
	c->error = error;
	c->loops_len = plan_loops(settings, wanted ? wanted : descriptors);
	c->threads_of_routers = at_most(settings->routing_threads, c->loops_len);
	c->routers_len = c->threads_of_routers ? c->threads_of_routers : c->loops_len;
	room = direct ? (uint64_t)descriptors * c->loops_len : descriptors;
	if (room == 0) {
		snprintf(error, SETTINGS_ERROR_MAX,
			 "the limit on open files (RLIMIT_NOFILE) leaves none for connections: "
			 "raise it with ulimit -n or LimitNOFILE=");
		return false;
	}
	if (wanted > room) {
		snprintf(error, SETTINGS_ERROR_MAX,
			 "max_connections = %u: the limit on open files allows %llu with %u loops "
			 "(raise it with ulimit -n or LimitNOFILE=, set more loops, or lower "
			 "max_connections)",
			 wanted, (unsigned long long)room, c->loops_len);
		return false;
	}
	if (!wanted)
		wanted = descriptors;
	c->ring.slots_max = (wanted + c->loops_len - 1) / c->loops_len;
	c->ring.sq_entries = SQ_ENTRIES;
	c->ring.disable = disable;
	if (wanted <= descriptors)
		c->ring.disable |= 1u << RING_FEATURE_DIRECT;
	return true;
}

uint32_t
cluster_connections_max(const struct cluster *c)
{
	return c->ring.slots_max * c->loops_len;
}

/* ---- start ---- */

static bool
fail(struct cluster *c, const char *what)
{
	snprintf(c->error, SETTINGS_ERROR_MAX, "%s", what);
	return false;
}

static bool
make_embed(struct cluster *c, struct cluster_router *r)
{
	r->mesh = &c->mesh;
	r->embed = embed_new(c->application);
	return r->embed && route_embed(r->route, r->embed, c->routers_len);
}

static bool
make_routers(struct cluster *c)
{
	const char *host = c->settings->routing_host;
	uint8_t key[SHARED_KEY_LEN];

	if (!rcu_can_begin())
		return fail(c, NO_THREAD);
	if (!secret_make(c->settings, key, c->error))
		return false;
	c->shared = shared_new(c->settings, key, c->loops_len, c->ring.slots_max, c->routers_len);
	OPENSSL_cleanse(key, sizeof(key));
	if (c->shared && c->settings->mode == SETTINGS_MODE_EDGE)
		cluster_listen_name(c);
	if (c->shared && c->users) {
		auth_publish(c->shared->auth, c->users);
		c->users = NULL;
	}
	for (uint32_t i = 0; c->shared && i < c->routers_len; i++) {
		struct cluster_router *r = &c->routers[i];

		r->route = route_new(c->settings, *host ? host : c->listeners[0].host, c->shared, i,
				     &r->stats);
		if (!r->route)
			return fail(c, "no memory for the routing stage");
		router_init(&r->router, &c->mesh, i, r->route);
		if (c->application && !make_embed(c, r))
			return fail(c, "no memory for the connections of the application");
	}
	return c->shared || fail(c, "no memory for the routing stage's tables");
}

static bool
start_routers(struct cluster *c)
{
	if (!c->mesh.threaded)
		return true;
	while (c->started_routers < c->routers_len) {
		if (router_start(&c->routers[c->started_routers].router))
			return fail(c, NO_THREAD);
		c->started_routers++;
	}
	return true;
}

/* The ring of this thread, if it is a loop's: it wakes others by a message, no system call. */
static _Thread_local struct ring *own_ring;

static void
ring_loop(void *arg)
{
	struct cluster_loop *l = arg;

	/* A message leaves with the next turn, and after the last one there is none. */
	if (own_ring && !mesh_is_over(&l->cluster->mesh))
		ring_wake_peer(own_ring, l->loop.ring);
	else
		ring_wake(l->loop.ring);
}

/* A ring belongs to the thread that opens it, so the loop opens itself and tells how it went. */
static int
open_loop(struct cluster_loop *l, uint32_t index)
{
	struct cluster *c = l->cluster;
	struct loop_setup setup = {
		.settings = c->settings,
		.mesh = &c->mesh,
		.router = c->mesh.threaded ? NULL : &c->routers[index].router,
		.index = (uint16_t)index,
		.group = &c->shared->group,
		.core_address = c->core_address,
		.ring = c->ring,
	};
	int result = loop_open(&l->loop, &setup, &l->error);

	if (result)
		return result;
	if (c->tls)
		result = loop_tls(&l->loop, c->tls);
	for (uint32_t i = 0; !result && i < c->listeners_len; i++)
		result = loop_listen(&l->loop, c->listeners[i].fds[index],
				     cluster_listen_setting(c->settings, i));
	if (result) {
		l->error = strerror(-result);
		loop_fini(&l->loop);
		return result;
	}
	mesh_set_loop_bell(&c->mesh, index, ring_loop, l);
	return 0;
}

static void
pin(const struct cluster_loop *l)
{
	cpu_set_t set;

	if (l->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(l->cpu, &set);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void
await(sem_t *sem)
{
	while (sem_wait(sem) && errno == EINTR)
		;
}

static void *
loop_main(void *arg)
{
	struct cluster_loop *l = arg;
	struct cluster *c = l->cluster;
	uint64_t one = 1;

	pin(l);
	l->result = open_loop(l, (uint32_t)(l - c->loops));
	sem_post(&l->ready);
	if (l->result)
		return NULL;
	await(&l->go); /* until then the others cannot be rung */
	own_ring = l->loop.ring;
	route_thread_begin();
	l->result = loop_run(&l->loop);
	route_thread_end();
	if (write(c->ended_fd, &one, sizeof(one)) != sizeof(one))
		assert(!"eventfd");
	return NULL;
}

/* One loop on each processor, if there is one for each and nobody else works on them. */
static void
plan_pins(struct cluster *c)
{
	cpu_set_t set;
	bool pins = c->settings->pin_loops && !c->mesh.threaded &&
		    processors(&set) >= c->loops_len && c->loops_len > 1;
	int cpu = 0;

	for (uint32_t i = 0; i < c->loops_len; i++) {
		c->loops[i].cpu = -1;
		if (!pins)
			continue;
		while (!CPU_ISSET(cpu, &set))
			cpu++;
		c->loops[i].cpu = cpu++;
	}
}

static bool
start_thread(struct cluster *c, struct cluster_loop *l)
{
	l->cluster = c;
	if (sem_init(&l->ready, 0, 0) || sem_init(&l->go, 0, 0))
		return fail(c, strerror(errno));
	if (pthread_create(&l->thread, NULL, loop_main, l))
		return fail(c, NO_THREAD);
	c->threads++;
	await(&l->ready);
	return !l->result || fail(c, l->error);
}

static void
join_threads(struct cluster *c)
{
	for (uint32_t i = 0; i < c->threads; i++) {
		pthread_join(c->loops[i].thread, NULL);
		sem_destroy(&c->loops[i].ready);
		sem_destroy(&c->loops[i].go);
	}
}

static bool
start_loops(struct cluster *c)
{
	bool ok = true;

	plan_pins(c);
	for (uint32_t i = 0; ok && i < c->loops_len; i++)
		ok = start_thread(c, &c->loops[i]);
	if (!ok)
		mesh_break(&c->mesh); /* then those that are open end at once */
	for (uint32_t i = 0; i < c->threads; i++)
		sem_post(&c->loops[i].go);
	if (ok)
		return true;
	join_threads(c);
	for (uint32_t i = 0; i < c->threads; i++)
		if (!c->loops[i].result)
			loop_fini(&c->loops[i].loop);
	return false;
}

/* The application has posted something. */
static void
wake_router(void *arg)
{
	const struct cluster_router *r = arg;

	mesh_wake_router(r->mesh, r->router.index);
}

static void
open_embeds(struct cluster *c)
{
	for (uint32_t i = 0; c->application && i < c->routers_len; i++)
		embed_open(c->routers[i].embed, wake_router, &c->routers[i]);
}

static void
close_embeds(struct cluster *c)
{
	for (uint32_t i = 0; c->application && i < c->routers_len; i++)
		embed_close(c->routers[i].embed);
}

static void
stop_routers(struct cluster *c)
{
	while (c->started_routers)
		router_stop(&c->routers[--c->started_routers].router);
}

static void
end_routing(struct cluster *c)
{
	route_thread_begin();
	for (uint32_t i = 0; i < c->routers_len; i++)
		route_free(c->routers[i].route);
	route_thread_end();
	shared_free(c->shared);
	mesh_fini(&c->mesh);
}

static void *
zeroed(size_t align, size_t size)
{
	void *p = aligned_alloc(align, size);

	return p ? memset(p, 0, size) : NULL;
}

static bool
make(struct cluster *c)
{
	c->loops = zeroed(_Alignof(struct cluster_loop), c->loops_len * sizeof(*c->loops));
	c->routers = zeroed(_Alignof(struct cluster_router), c->routers_len * sizeof(*c->routers));
	if (c->loops && c->routers &&
	    mesh_init(&c->mesh, c->loops_len, c->threads_of_routers, c->settings->queue_messages)) {
		c->mesh.slack = c->settings->accept_slack;
		return true;
	}
	cluster_free(c);
	return fail(c, "no memory for the loops and their queues");
}

bool
cluster_start(struct cluster *c, int ended_fd)
{
	c->ended_fd = ended_fd;
	if (!make(c))
		return false;
	if (cluster_listen_open(c) && make_routers(c) && start_routers(c) && start_loops(c)) {
		open_embeds(c);
		return true;
	}
	stop_routers(c);
	end_routing(c);
	cluster_listen_close(c);
	cluster_free(c);
	return false;
}

void
cluster_offer_tls(struct cluster *c, struct tls_set *set)
{
	for (uint32_t i = 0; i < c->loops_len; i++)
		loop_tls_offer(&c->loops[i].loop, set);
}

void
cluster_offer_users(struct cluster *c, struct users *users)
{
	auth_publish(c->shared->auth, users);
}

/* ---- end ---- */

void
cluster_tell(struct cluster *c, enum loop_command command)
{
	for (uint32_t i = 0; i < c->loops_len; i++)
		loop_tell(&c->loops[i].loop, command);
}

int
cluster_wait(struct cluster *c)
{
	int result = 0;

	join_threads(c);
	close_embeds(c);
	stop_routers(c);
	group_stop(&c->shared->group);
	for (uint32_t i = 0; i < c->loops_len; i++)
		if (c->loops[i].result)
			result = c->loops[i].result;
	/* Of a broken ring nobody knows what the kernel still holds: its memory stays. */
	for (uint32_t i = 0; !result && i < c->loops_len; i++)
		loop_fini(&c->loops[i].loop);
	if (!result)
		end_routing(c);
	cluster_listen_close(c);
	return result;
}

void
cluster_sum(const struct cluster *c, struct stats *sum)
{
	for (uint32_t i = 0; c->loops && i < c->loops_len; i++)
		stats_sum(sum, &c->loops[i].loop.stats);
	for (uint32_t i = 0; c->routers && i < c->routers_len; i++)
		stats_sum(sum, &c->routers[i].stats);
}

struct embed *
cluster_embed(const struct cluster *c, uint32_t loop)
{
	return c->routers ? c->routers[loop % c->routers_len].embed : NULL;
}

void
cluster_free(struct cluster *c)
{
	for (uint32_t i = 0; c->routers && i < c->routers_len; i++)
		embed_free(c->routers[i].embed);
	free(c->loops);
	free(c->routers);
	c->loops = NULL;
	c->routers = NULL;
}
