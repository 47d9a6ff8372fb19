/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TLS_WATCH_H
#define ENGINE_TLS_WATCH_H
/*
 * The files that the TLS settings name: have they changed? Looked at, not subscribed to: a link
 * that is turned over in another directory counts as well as a new file. One thread, not a loop's.
 */
#include <stdbool.h>
#include <stdint.h>
#include "engine/settings.h"

struct tls_watch {
	uint64_t state; /* of all files together */
};

/* Remember how they are now. */
void tls_watch_mark(struct tls_watch *w, const struct settings *s);

/* Is any of them not as it was when marked last? */
bool tls_watch_changed(const struct tls_watch *w, const struct settings *s);

#endif
