/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/auth_store.h"

#include "engine/file_state.h"
#include "engine/log.h"

static uint64_t
state_of(const struct auth_store *t)
{
	uint64_t state = FILE_STATE_EMPTY;

	file_state_add(&state, t->settings->auth_users);
	return state;
}

void
auth_store_init(struct auth_store *t, const struct settings *s, struct stats *stats)
{
	*t = (struct auth_store){ .settings = s, .stats = stats };
}

/* Marked before it is read: what changes meanwhile is seen next time. */
struct users *
auth_store_read(struct auth_store *t, char error[SETTINGS_ERROR_MAX])
{
	t->state = state_of(t);
	return users_read(t->settings->auth_users, error);
}

struct users *
auth_store_reload(struct auth_store *t, char error[SETTINGS_ERROR_MAX])
{
	struct users *users = auth_store_read(t, error);

	if (users) {
		stats_add(&t->stats->auth_reloads, 1);
		log_line(LOG_INFO, "auth_reloaded", "users=%zu", users_count(users));
	} else {
		stats_add(&t->stats->auth_reloads_failed, 1);
		log_line(LOG_ERROR, "auth_reload_failed", "reason=\"%s\"", error);
	}
	return users;
}

bool
auth_store_is_stale(const struct auth_store *t)
{
	return auth_store_is_wanted(t->settings) && state_of(t) != t->state;
}
