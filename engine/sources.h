/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SOURCES_H
#define ENGINE_SOURCES_H
/*
 * A token bucket per source address (IPv6: per /64), in a table of fixed size that all routers
 * share without locks. A bucket that is full again is forgotten, so the table only has to hold
 * those who have just sent something; where too many of them meet in one place, the one that is
 * closest to full is forgotten early, to its advantage.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include "engine/siphash.h"

struct sources; /* opaque */

/* NULL: out of memory. */
struct sources *sources_new(const uint8_t key[SIPHASH_KEY_LEN]);
void sources_free(struct sources *s); /* NULL: nothing */

/*
 * Spend one token of this address: `rate` (1 to 1000000) come back per second, there are never more
 * than as many.
 * False: none is left, and nothing was spent. Any thread.
 */
bool sources_spend(struct sources *s, const char *address, uint32_t rate, uint64_t now_ns);

#endif
