/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_store.h"

#include <time.h>
#include "engine/log.h"

#define DAY_S 86400

bool
tls_store_is_wanted(const struct settings *s)
{
	bool wanted = settings_domain_dials(s);

	for (uint32_t i = 0; i < s->listeners_len; i++)
		wanted |= s->listeners[i].tls;
	for (uint32_t i = 0; i < s->upstreams_len; i++)
		wanted |= s->upstreams[i].tls;
	return wanted;
}

static void
tell_expiry(struct tls_store *t)
{
	int64_t now_s = (int64_t)time(NULL), left_s = t->set->expires_s - now_s;

	if (t->set->expires_s == INT64_MAX)
		return;
	atomic_store_explicit(&t->stats->tls_certificate_expires, (uint64_t)t->set->expires_s,
			      memory_order_relaxed);
	if (left_s > (int64_t)t->settings->tls_expiry_warning_d * DAY_S ||
	    now_s - t->warned_s < DAY_S)
		return;
	t->warned_s = now_s;
	log_line(LOG_WARN, "tls_certificate_expires", "days=%lld", (long long)(left_s / DAY_S));
}

static void
take(struct tls_store *t, struct tls_set *set)
{
	tls_set_drop(t->set);
	t->set = set;
	tell_expiry(t);
}

/* Marked before it is read: what changes meanwhile is seen next time. */
static struct tls_set *
read_files(struct tls_store *t, char error[SETTINGS_ERROR_MAX])
{
	tls_watch_mark(&t->watch, t->settings);
	return tls_set_new(t->settings, t->set, error);
}

bool
tls_store_init(struct tls_store *t, const struct settings *s, struct stats *stats,
	       char error[SETTINGS_ERROR_MAX])
{
	struct tls_set *set;

	*t = (struct tls_store){ .settings = s, .stats = stats };
	if (!tls_store_is_wanted(s))
		return true;
	set = read_files(t, error);
	if (set)
		take(t, set);
	return set != NULL;
}

void
tls_store_fini(struct tls_store *t)
{
	tls_set_drop(t->set);
	t->set = NULL;
}

struct tls_set *
tls_store_reload(struct tls_store *t, char error[SETTINGS_ERROR_MAX])
{
	struct tls_set *set = read_files(t, error);

	if (!set) {
		stats_add(&t->stats->tls_reloads_failed, 1);
		log_line(LOG_ERROR, "tls_reload_failed", "reason=\"%s\"", error);
		return NULL;
	}
	t->warned_s = 0;
	take(t, set);
	stats_add(&t->stats->tls_reloads, 1);
	log_line(LOG_INFO, "tls_reloaded", "expires=%lld", (long long)set->expires_s);
	return set;
}

bool
tls_store_is_stale(struct tls_store *t)
{
	if (!t->set)
		return false;
	tell_expiry(t);
	return tls_watch_changed(&t->watch, t->settings) ||
	       tls_ticket_is_old(&t->set->tickets, t->settings);
}
