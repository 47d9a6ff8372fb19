/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TLS_STORE_H
#define ENGINE_TLS_STORE_H
/*
 * The TLS set in force, and how another takes its place: on demand, or because a file has changed
 * or a ticket key is old. A set that is not good changes nothing. Expiry of certificates is told in
 * the log and in a gauge.
 *
 * The engine's owner's thread, not a loop's; it reads files.
 */
#include <stdbool.h>
#include "engine/settings.h"
#include "engine/stats.h"
#include "engine/tls_set.h"
#include "engine/tls_watch.h"

struct tls_store {
	const struct settings *settings;
	struct stats *stats; /* its thread's own */
	struct tls_set *set; /* NULL: the settings have no TLS */
	struct tls_watch watch;
	int64_t warned_s; /* when the log was told of an expiry */
};

/* Is there a listener or an upstream with TLS, or could there be one? */
bool tls_store_is_wanted(const struct settings *s);

/* All zero is a store without TLS. False: `error` says why. */
bool tls_store_init(struct tls_store *t, const struct settings *s, struct stats *stats,
		    char error[SETTINGS_ERROR_MAX]);
void tls_store_fini(struct tls_store *t);

/*
 * Read all files again. The new set, still the store's: to be offered to every loop. NULL: `error`
 * says which file is not good, and the old set stays.
 */
struct tls_set *tls_store_reload(struct tls_store *t, char error[SETTINGS_ERROR_MAX]);

/* Now and then: is it time to reload? Warns of certificates that expire, once a day. */
bool tls_store_is_stale(struct tls_store *t);

#endif
