/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOOP_MEMORY_H
#define ENGINE_LOOP_MEMORY_H
/* Where a loop has its memory from, and when it gives it back. The loop's thread. */
#include "engine/clock.h"

/* So long nothing was received: then buffers that are not used are worth more to others. */
#define LOOP_MEMORY_REST_NS CLOCK_NS_PER_S

struct loop;

/*
 * Setting send_zc: chunks of send queues that are long enough lie in the ring's registered
 * buffers, so that the one copy of a message (the gathering of its pieces) is the last one. Once
 * the loop's ring is open and its pools are made.
 */
void loop_memory_open(struct loop *l);

/*
 * At the end of a turn. To the system goes what the last second did not need; and when nothing was
 * received for that long, all that is unused.
 */
void loop_memory_trim(struct loop *l);

#endif
