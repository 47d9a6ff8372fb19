/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sipring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include "engine/auth_store.h"
#include "engine/cluster.h"
#include "engine/embed.h"
#include "engine/log.h"
#include "engine/memory_limit.h"
#include "engine/settings.h"
#include "engine/settings_file.h"
#include "engine/upstream.h"
#include "engine/tls_store.h"

/*
 * Descriptors that are not connections: listeners, ring, eventfds, stdio, and what libraries open.
 */
#define DESCRIPTORS_KEPT 64u

#define BUFFER_MEMORY_MIN (4u << 20) /* what the setting must be at least */

enum sipring_phase { SIPRING_SETTING, SIPRING_RUNNING, SIPRING_ENDED };

struct sipring {
	struct settings settings;
	bool finished;                        /* settings are derived and checked */
	uint32_t disable;                     /* ring features */
	struct embed_application application; /* mode embed */
	struct cluster cluster;
	struct stats stats; /* written by the owner's thread */
	struct tls_store tls;
	struct auth_store auth;
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
	cluster_free(&s->cluster);
	users_free(s->cluster.users);
	tls_store_fini(&s->tls);
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
sipring_read(struct sipring *s, const char *path)
{
	return usage(settings_file_read(&s->settings, path, s->error));
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

enum sipring_result
sipring_embed(struct sipring *s, const struct sipring_handlers *handlers, void *arg)
{
	assert(!s->cluster.application && atomic_load(&s->phase) == SIPRING_SETTING);
	s->application.handlers = *handlers;
	s->application.arg = arg;
	s->cluster.application = &s->application;
	return sipring_set(s, "routing.mode=embed");
}

struct embed *
sipring_embed_of(struct sipring *s, sipring_connection connection)
{
	return cluster_embed(&s->cluster, flow_loop(embed_flow(connection)));
}

struct embed_application *
sipring_application_of(struct sipring *s)
{
	return &s->application;
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
	return usage(cluster_plan(&s->cluster, &s->settings, s->disable, room, s->error));
}

/*
 * Who exceeds the memory limit of its control group is killed without a word. So what may pile up
 * is at most half of it; the rest is for connections, bindings and what the kernel counts.
 */
static void
fit_memory(struct settings *s)
{
	uint64_t limit = memory_limit(MEMORY_LIMIT_CGROUPS, MEMORY_LIMIT_ROOT);

	if (limit / 2 >= s->buffer_memory)
		return;
	s->buffer_memory = limit / 2 < BUFFER_MEMORY_MIN ? BUFFER_MEMORY_MIN :
							   (uint32_t)(limit / 2);
	log_line(LOG_WARN, "memory_limit", "cgroup=%llu buffer_memory=%u",
		 (unsigned long long)limit, s->buffer_memory);
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
		s->disable |= 1u << i;
		at += len;
		at += *at == ',';
	}
	return true;
}

/* What the settings name, once. */
static bool
read_files(struct sipring *s)
{
	if (!s->tls.set && !tls_store_init(&s->tls, &s->settings, &s->stats, s->error))
		return false;
	if (!auth_store_is_wanted(&s->settings) || s->cluster.users)
		return true;
	auth_store_init(&s->auth, &s->settings, &s->stats);
	s->cluster.users = auth_store_read(&s->auth, s->error);
	return s->cluster.users != NULL;
}

static enum sipring_result
plan(struct sipring *s, bool start)
{
	if (!s->finished && !settings_finish(&s->settings, s->error))
		return SIPRING_USAGE;
	if (!s->finished && !upstream_check(&s->settings, s->error))
		return SIPRING_USAGE;
	if ((s->settings.mode == SETTINGS_MODE_EMBED) != (s->cluster.application != NULL)) {
		snprintf(s->error, sizeof(s->error),
			 "routing.mode = embed is for programs that call sipring_embed(), "
			 "and they have no other");
		return SIPRING_USAGE;
	}
	s->finished = true;
	if (!read_files(s))
		return SIPRING_USAGE;
	if (!plan_features(s))
		return SIPRING_USAGE;
	return plan_connections(s, start);
}

enum sipring_result
sipring_check(struct sipring *s)
{
	return plan(s, false);
}

/* ---- start ---- */

enum sipring_result
sipring_start(struct sipring *s)
{
	enum sipring_result result = plan(s, true);

	assert(atomic_load(&s->phase) == SIPRING_SETTING);
	if (result)
		return result;
	/* before there is a thread that logs */
	log_init((enum log_level)s->settings.log_level, s->settings.log_rate);
	fit_memory(&s->settings);
	s->cluster.tls = s->tls.set;
	if (!cluster_start(&s->cluster, s->ended_fd)) {
		log_fini();
		return SIPRING_RUNTIME;
	}
	atomic_store(&s->phase, SIPRING_RUNNING);
	return SIPRING_OK;
}

const char *
sipring_url(const struct sipring *s, unsigned i)
{
	return i < s->cluster.listeners_len ? s->cluster.listeners[i].url : NULL;
}

unsigned
sipring_connections_max(const struct sipring *s)
{
	return cluster_connections_max(&s->cluster);
}

/* ---- files that may change ---- */

static enum sipring_result
reload_tls(struct sipring *s)
{
	struct tls_set *set = tls_store_reload(&s->tls, s->error);

	if (set && atomic_load(&s->phase) == SIPRING_RUNNING)
		cluster_offer_tls(&s->cluster, set);
	return set ? SIPRING_OK : SIPRING_RUNTIME;
}

static enum sipring_result
reload_users(struct sipring *s)
{
	struct users *users = auth_store_reload(&s->auth, s->error);

	if (users && atomic_load(&s->phase) == SIPRING_RUNNING)
		cluster_offer_users(&s->cluster, users);
	else
		users_free(users);
	return users ? SIPRING_OK : SIPRING_RUNTIME;
}

enum sipring_result
sipring_reload(struct sipring *s)
{
	enum sipring_result result = s->tls.set ? reload_tls(s) : SIPRING_OK;

	/* what is wrong with one file keeps no other from being read */
	if (s->auth.settings && reload_users(s))
		result = SIPRING_RUNTIME;
	return result;
}

bool
sipring_is_stale(struct sipring *s)
{
	bool tls = tls_store_is_stale(&s->tls);

	return tls || (s->auth.settings && auth_store_is_stale(&s->auth));
}

unsigned
sipring_check_interval_s(const struct sipring *s)
{
	unsigned tls = s->tls.set ? s->settings.tls_reload_interval_s : 0;
	unsigned users = s->auth.settings ? s->settings.auth_reload_interval_s : 0;

	if (!tls || !users)
		return tls + users;
	return tls < users ? tls : users;
}

/* ---- end ---- */

void
sipring_drain(struct sipring *s)
{
	if (atomic_load(&s->phase) != SIPRING_RUNNING)
		return;
	cluster_tell(&s->cluster, atomic_fetch_add(&s->drains, 1) ? LOOP_STOP : LOOP_DRAIN);
}

int
sipring_ended_fd(const struct sipring *s)
{
	return s->ended_fd;
}

enum sipring_result
sipring_wait(struct sipring *s)
{
	int result;

	assert(atomic_load(&s->phase) == SIPRING_RUNNING);
	result = cluster_wait(&s->cluster);
	atomic_store(&s->phase, SIPRING_ENDED);
	if (result)
		snprintf(s->error, sizeof(s->error), "the event loop broke: %s", strerror(-result));
	log_fini();
	return result ? SIPRING_RUNTIME : SIPRING_OK;
}

size_t
sipring_counters(const struct sipring *s, char *out, size_t cap)
{
	struct stats sum;

	memset(&sum, 0, sizeof(sum));
	cluster_sum(&s->cluster, &sum);
	stats_sum(&sum, &s->stats);
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
