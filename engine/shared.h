/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SHARED_H
#define ENGINE_SHARED_H
/*
 * What all routers of a process have in common: the open flows, the location table, and the keys
 * that make every router write the same tokens, branches and tags.
 *
 * Each router has its part that it alone changes: of the flows those of the loops that it serves,
 * of the location table the addresses-of-record whose home it is. It reads everything, without
 * locks.
 */
#include "engine/auth.h"
#include "engine/flows.h"
#include "engine/group.h"
#include "engine/location.h"
#include "engine/settings.h"
#include "engine/sources.h"

#define SHARED_KEY_LEN 32

struct shared {
	struct flows flows;
	struct location location;
	struct group group;
	struct siphash_key branch_key, tag_key;
	uint64_t epoch_ns; /* where keys outlast a process: wall clock less the loops' clock */
	uint8_t gruu_key[SIPHASH_KEY_LEN];
	struct sources *sources; /* NULL: routing.source_rate is 0 */
	struct auth *auth; /* NULL: the settings name no users */
};

/*
 * For so many loops with `slots_max` connections each, and so many routers. `key` is random per
 * process; it is not kept, only what is derived from it. NULL: out of memory.
 */
struct shared *shared_new(const struct settings *settings, const uint8_t key[SHARED_KEY_LEN],
			  uint32_t loops, uint32_t slots_max, uint32_t routers);

/* After route_free() of all its routers. */
void shared_free(struct shared *s);

#endif
