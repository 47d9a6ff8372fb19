/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sipring.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>
#include "engine/listener.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/route.h"
#include "engine/router.h"
#include "engine/settings.h"

/*
 * Descriptors that are not connections: listeners, ring, eventfds, stdio, and what libraries open.
 */
#define DESCRIPTORS_KEPT 64u

/* Completions of one turn fit; the ring makes the completion queue four times as large. */
#define SQ_ENTRIES 1024u

enum sipring_phase { SIPRING_SETTING, SIPRING_RUNNING, SIPRING_ENDED };

struct sipring {
	struct settings settings;
	bool finished; /* settings are derived and checked */
	struct listener listeners[SETTINGS_LISTENERS_MAX];
	uint32_t listeners_len; /* open ones */
	struct ring_config ring;
	struct stats route_stats; /* written by the router's thread */
	struct shared *shared;
	struct route *route;
	struct router router;
	struct loop loop;
	pthread_t thread;
	sem_t loop_ready;
	int loop_result; /* of loop_open(), then of loop_run() */
	const char *loop_error;
	int ended_fd;
	_Atomic int phase;  /* enum sipring_phase */
	_Atomic int drains; /* calls of sipring_drain() */
	char error[SETTINGS_ERROR_MAX];
};

const char *
sipring_version(void)
{
	return SIPRING_VERSION;
}

struct sipring *
sipring_new(void)
{
	struct sipring *s = aligned_alloc(_Alignof(struct sipring), sizeof(*s));

	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->ended_fd = eventfd(0, EFD_CLOEXEC);
	if (s->ended_fd < 0) {
		free(s);
		return NULL;
	}
	settings_init(&s->settings);
	return s;
}

void
sipring_free(struct sipring *s)
{
	if (!s)
		return;
	assert(atomic_load(&s->phase) != SIPRING_RUNNING);
	close(s->ended_fd);
	free(s);
}

const char *
sipring_error(const struct sipring *s)
{
	return s->error;
}

static enum sipring_result
usage(bool ok)
{
	return ok ? SIPRING_OK : SIPRING_USAGE;
}

enum sipring_result
sipring_set(struct sipring *s, const char *assignment)
{
	return usage(settings_set(&s->settings, assignment, s->error));
}

enum sipring_result
sipring_listen(struct sipring *s, const char *where)
{
	return usage(settings_listen(&s->settings, where, s->error));
}

enum sipring_result
sipring_upstream(struct sipring *s, const char *uri)
{
	return usage(settings_upstream(&s->settings, uri, s->error));
}

/* ---- what can be known before anything starts ---- */

/* As many connections as descriptors allow; the soft limit is raised to the hard one. */
static enum sipring_result
plan_connections(struct sipring *s, bool raise)
{
	struct rlimit limit;
	uint32_t room;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return SIPRING_RUNTIME;
	if (raise && limit.rlim_cur < limit.rlim_max) {
		struct rlimit wanted = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
			limit = wanted;
	}
	if (limit.rlim_max > 1000000)
		limit.rlim_max = 1000000;
	room = limit.rlim_max > 2 * DESCRIPTORS_KEPT ? (uint32_t)limit.rlim_max - DESCRIPTORS_KEPT :
						       0;
	if (!room || s->settings.max_connections > room) {
		snprintf(s->error, sizeof(s->error),
			 "max_connections = %u: the limit on open files allows %u "
			 "(raise it with ulimit -n or LimitNOFILE=, or lower max_connections)",
			 s->settings.max_connections, room);
		return SIPRING_USAGE;
	}
	s->ring.slots_max = s->settings.max_connections ? s->settings.max_connections : room;
	return SIPRING_OK;
}

/* SIPRING_DISABLE=name,name: kernel features to do without, so that the fallbacks can be tested. */
static bool
plan_features(struct sipring *s)
{
	static const char *const names[RING_FEATURE_COUNT] = {
#define X(symbol, name) name,
		RING_FEATURE_LIST(X)
#undef X
	};
	const char *at = getenv("SIPRING_DISABLE");

	while (at && *at) {
		size_t len = strcspn(at, ",");
		int i;

		for (i = 0; i < RING_FEATURE_COUNT; i++)
			if (strlen(names[i]) == len && !memcmp(names[i], at, len))
				break;
		if (i == RING_FEATURE_COUNT) {
			snprintf(s->error, sizeof(s->error),
				 "SIPRING_DISABLE: no feature named '%.*s'", (int)len, at);
			return false;
		}
		s->ring.disable |= 1u << i;
		at += len;
		at += *at == ',';
	}
	return true;
}

static enum sipring_result
plan(struct sipring *s, bool start)
{
	if (!s->finished && !settings_finish(&s->settings, s->error))
		return SIPRING_USAGE;
	if (!s->finished && !upstream_check(&s->settings, s->error))
		return SIPRING_USAGE;
	s->finished = true;
	if (!plan_features(s))
		return SIPRING_USAGE;
	s->ring.sq_entries = SQ_ENTRIES;
	return plan_connections(s, start);
}

enum sipring_result
sipring_check(struct sipring *s)
{
	return plan(s, false);
}

/* ---- start ---- */

static enum sipring_result
fail(struct sipring *s, const char *what)
{
	snprintf(s->error, sizeof(s->error), "%s", what);
	return SIPRING_RUNTIME;
}

static void *
loop_main(void *arg)
{
	struct sipring *s = arg;
	uint64_t one = 1;

	s->loop_result = loop_open(&s->loop, 0, &s->settings, &s->router, &s->ring, &s->loop_error);
	for (uint32_t i = 0; !s->loop_result && i < s->listeners_len; i++) {
		s->loop_result = loop_listen(&s->loop, s->listeners[i].fd);
		if (s->loop_result) {
			s->loop_error = strerror(-s->loop_result);
			loop_fini(&s->loop);
		}
	}
	sem_post(&s->loop_ready);
	if (s->loop_result)
		return NULL;
	s->loop_result = loop_run(&s->loop);
	if (write(s->ended_fd, &one, sizeof(one)) != sizeof(one))
		assert(!"eventfd");
	return NULL;
}

static void
ring_the_loop(void *arg)
{
	struct sipring *s = arg;

	ring_wake(s->loop.ring);
}

static enum sipring_result
open_listeners(struct sipring *s)
{
	for (uint32_t i = 0; i < s->settings.listeners_len; i++) {
		if (listener_open(&s->listeners[i], &s->settings.listeners[i], s->settings.backlog,
				  s->error))
			return SIPRING_RUNTIME;
		s->listeners_len++;
	}
	return SIPRING_OK;
}

static void
close_listeners(struct sipring *s)
{
	while (s->listeners_len)
		listener_close(&s->listeners[--s->listeners_len]);
}

static enum sipring_result
start_routing(struct sipring *s)
{
	uint8_t key[SHARED_KEY_LEN];
	const char *host = s->settings.routing_host;

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return fail(s, "getrandom: no random bytes");
	s->shared = shared_new(&s->settings, key, 1, s->ring.slots_max, 1);
	s->route = s->shared ? route_new(&s->settings, *host ? host : s->listeners[0].host,
					 s->shared, 0, &s->route_stats) :
			       NULL;
	if (!s->route) {
		shared_free(s->shared);
		return fail(s, "no memory for the routing stage");
	}
	if (!router_init(&s->router, s->route, s->settings.queue_messages)) {
		route_free(s->route);
		shared_free(s->shared);
		return fail(s, "no memory for the queues");
	}
	return SIPRING_OK;
}

static void
end_routing(struct sipring *s)
{
	router_stop(&s->router);
	router_fini(&s->router);
	route_free(s->route);
	shared_free(s->shared);
}

/* The ring belongs to the thread that opens it, so the loop opens itself and tells how it went. */
static enum sipring_result
start_loop(struct sipring *s)
{
	if (sem_init(&s->loop_ready, 0, 0))
		return fail(s, strerror(errno));
	if (pthread_create(&s->thread, NULL, loop_main, s)) {
		sem_destroy(&s->loop_ready);
		return fail(s, "cannot start a thread");
	}
	while (sem_wait(&s->loop_ready) && errno == EINTR)
		;
	sem_destroy(&s->loop_ready);
	if (s->loop_result) {
		pthread_join(s->thread, NULL);
		return fail(s, s->loop_error);
	}
	return SIPRING_OK;
}

enum sipring_result
sipring_start(struct sipring *s)
{
	enum sipring_result result = plan(s, true);

	assert(atomic_load(&s->phase) == SIPRING_SETTING);
	if (result)
		return result;
	/* before there is a thread that logs */
	log_init((enum log_level)s->settings.log_level, s->settings.log_rate);
	result = open_listeners(s);
	if (!result && !(result = start_routing(s))) {
		/* before the loop runs, which looks at router.threaded */
		if (s->settings.routing_threads && router_start(&s->router, ring_the_loop, s))
			result = fail(s, "cannot start a thread");
		if (!result)
			result = start_loop(s);
		if (result)
			end_routing(s);
	}
	if (result) {
		close_listeners(s);
		log_fini();
		return result;
	}
	atomic_store(&s->phase, SIPRING_RUNNING);
	return SIPRING_OK;
}

const char *
sipring_url(const struct sipring *s, unsigned i)
{
	return i < s->listeners_len ? s->listeners[i].url : NULL;
}

unsigned
sipring_connections_max(const struct sipring *s)
{
	return s->ring.slots_max;
}

/* ---- end ---- */

void
sipring_drain(struct sipring *s)
{
	if (atomic_load(&s->phase) != SIPRING_RUNNING)
		return;
	loop_tell(&s->loop, atomic_fetch_add(&s->drains, 1) ? LOOP_STOP : LOOP_DRAIN);
}

int
sipring_ended_fd(const struct sipring *s)
{
	return s->ended_fd;
}

enum sipring_result
sipring_wait(struct sipring *s)
{
	assert(atomic_load(&s->phase) == SIPRING_RUNNING);
	pthread_join(s->thread, NULL);
	atomic_store(&s->phase, SIPRING_ENDED);
	end_routing(s);
	close_listeners(s);
	if (s->loop_result) {
		snprintf(s->error, sizeof(s->error), "the event loop broke: %s",
			 strerror(-s->loop_result));
		log_fini();
		return SIPRING_RUNTIME;
	}
	loop_fini(&s->loop);
	log_fini();
	return SIPRING_OK;
}

size_t
sipring_counters(const struct sipring *s, char *out, size_t cap)
{
	struct stats sum;

	memset(&sum, 0, sizeof(sum));
	stats_sum(&sum, &s->loop.stats);
	stats_sum(&sum, &s->route_stats);
	return stats_print(&sum, out, cap);
}

void
sipring_print_settings(const struct sipring *s, FILE *out)
{
	settings_print(&s->settings, out);
}

void
sipring_print_table(FILE *out)
{
	settings_print_markdown(out);
}
