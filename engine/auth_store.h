/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_AUTH_STORE_H
#define ENGINE_AUTH_STORE_H
/*
 * The file of users: read at the start, and again on demand or when it has changed. One that is not
 * good changes nothing. The engine's owner's thread, not a loop's; it reads files.
 */
#include <stdbool.h>
#include "engine/settings.h"
#include "engine/stats.h"
#include "engine/users.h"

struct auth_store {
	const struct settings *settings;
	struct stats *stats; /* its thread's own */
	uint64_t state;      /* of the file, when it was read last */
};

static inline bool
auth_store_is_wanted(const struct settings *s)
{
	return s->auth_users[0] != '\0';
}

void auth_store_init(struct auth_store *t, const struct settings *s, struct stats *stats);

/* Read the file; the users are the caller's. NULL: `error` says what is wrong. */
struct users *auth_store_read(struct auth_store *t, char error[SETTINGS_ERROR_MAX]);

/* The same, counted and logged: others are in force. */
struct users *auth_store_reload(struct auth_store *t, char error[SETTINGS_ERROR_MAX]);

/* Has the file changed since it was read? */
bool auth_store_is_stale(const struct auth_store *t);

#endif
