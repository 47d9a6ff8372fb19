/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_ENGINE_BED_H
#define TESTS_UNIT_ENGINE_BED_H
/*
 * The whole engine, routing stage inline, on the simulated kernel and its clock. After every turn
 * all is checked that can be known of it from outside the peers: what is counted is there, what
 * waits will be woken, no connection outstays the deadline of its state, nothing is leaked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/embed.h"
#include "engine/loop.h"
#include "engine/route.h"
#include "tests/sim/uring_sim.h"

#define ENGINE_BED_MS UINT64_C(1000000)
#define ENGINE_BED_S UINT64_C(1000000000)
#define ENGINE_BED_SLOTS_MAX 64u

/* What is known of a slot from turn to turn. */
struct engine_bed_slot {
	uint32_t tag; /* of its flow */
	uint8_t state;
	uint64_t since_ns;      /* in this state */
	uint64_t quiet_ns;      /* since when it is on its way to the end */
	uint32_t flush_turn;    /* of its send in flight, */
	uint64_t flushed_ns;    /* and since when */
};

struct engine_bed {
	struct settings settings;
	struct stats route_stats;
	struct embed *embed; /* mode embed; else NULL */
	struct shared *shared;
	struct route *route;
	struct mesh mesh;
	struct router router;
	struct loop loop;
	int listener;
	uint64_t slack_ns; /* deadlines may be late by this: what the faults delay */
	struct engine_bed_slot slots[ENGINE_BED_SLOTS_MAX];
};

/*
 * Begin a world with this seed, and in it an engine with these settings ("name=value", NULL at the
 * end).
 */
void engine_bed_open(struct engine_bed *b, uint64_t seed, uint32_t slots_max,
		     const char *const *settings);

/* What stands for the engine in sipring_send() and the like. */
struct sipring {
	struct embed_application application;
	struct embed *embed;
};

/* The next world's engine asks these handlers: mode embed. */
void engine_bed_embed(struct sipring *s, const struct sipring_handlers *handlers, void *arg);

/* One turn of at most so long. */
void engine_bed_turn(struct engine_bed *b, uint64_t wait_ns);

/* Turns of 1 ms until the condition holds. */
#define engine_bed_until(b, condition)                                                             \
	do {                                                                                       \
		for (uint32_t bed_turns = 0; !(condition); bed_turns++) {                          \
			if (bed_turns > 100000)                                                    \
				fail_msg("never: %s", #condition);                                 \
			engine_bed_turn(b, ENGINE_BED_MS);                                         \
		}                                                                                  \
	} while (0)

/* Turns for so long. */
void engine_bed_pass(struct engine_bed *b, uint64_t ns);

/* The connection of this slot, or of the only one that is not FREE. */
struct conn *engine_bed_only(struct engine_bed *b);

/* Drain, wait for the end, assert that nothing is left of anything, end the world. */
void engine_bed_finish(struct engine_bed *b);

/* The same, when it has drained already. */
void engine_bed_end(struct engine_bed *b);

#define ENGINE_BED_COUNT(b, name) atomic_load(&(b)->loop.stats.name)

#endif
