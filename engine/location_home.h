/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOCATION_HOME_H
#define ENGINE_LOCATION_HOME_H
/*
 * How the location table is changed: by the home's router, on its thread. Readers of other routers
 * see each change whole or not yet; what was taken out is freed when they have gone on.
 */
#include "engine/location.h"

/* False: out of memory. */
bool location_home_init(struct location_home *h, struct location *l);

/* Empties it. No reader may be left; any thread. */
void location_home_clear(struct location_home *h);
void location_home_fini(struct location_home *h); /* cleared */

/* Find or make. NULL: out of memory. The caller ends with location_home_settle(). */
struct location_aor *location_home_take(struct location_home *h, const struct location_key *key);

/*
 * After bindings were put in or taken out: one without any is remembered, or retired if it never
 * had one.
 */
void location_home_settle(struct location_home *h, struct location_aor *aor, uint64_t now_ns);

/* The next `n` calls of location_home_bind() will have memory. False: out of it. */
bool location_home_reserve(struct location_home *h, uint32_t n);

/*
 * Put b in, in place of `old` (which is retired) or as a new one. Retires nothing else, cannot
 * fail. Order: by q, then the one that was bound last. A refresh over the same flow with the same
 * q keeps its place: a CANCEL must find the device that its INVITE found (P-03).
 */
void location_home_bind(struct location_home *h, struct location_aor *aor,
			struct location_binding *b, struct location_binding *old);

/* Take out and retire. The address-of-record stays until location_home_settle(). */
void location_home_unbind(struct location_home *h, struct location_binding *b);

/*
 * Remove what has run out, at most `work` steps; returns when to call again, LOCATION_NEVER:
 * nothing is left.
 */
uint64_t location_home_expire(struct location_home *h, uint64_t now_ns, uint32_t work);

#endif
