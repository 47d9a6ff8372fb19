/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_DIAL_H
#define ENGINE_DIAL_H
/*
 * Names of the connections that the application makes. They must be known before there is a slot,
 * and last over reconnections, so they are flows of a range of their own: slots from DIAL_SLOT on,
 * each with its generation.
 *
 * No thread of its own: the owner locks.
 */
#include <stdbool.h>
#include <stdint.h>
#include "engine/flow.h"

#define DIAL_SLOT 0x80000000u /* far above any slot of a ring */

struct dial_ids {
	uint32_t *tags; /* [cap]: generation, and DIAL_USED */
	uint32_t cap;
	uint32_t next; /* where to look first for a free one */
	uint32_t used;
};

void dial_ids_init(struct dial_ids *d);
void dial_ids_fini(struct dial_ids *d);

/* A new name on this loop; FLOW_NONE: out of memory. */
struct flow dial_ids_take(struct dial_ids *d, uint32_t loop);

/* Its connection is over for good. A name that is not in use: ignored. */
void dial_ids_give(struct dial_ids *d, struct flow id);

static inline bool
dial_is(struct flow f)
{
	return f.slot >= DIAL_SLOT && !flow_is_none(f);
}

#endif
