/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STAGE_BED_H
#define BENCH_STAGE_BED_H
/* A routing stage of mode registrar with two flows, and bob registered over his. */
#include "bench/messages.h"
#include "engine/route.h"

struct stage_bed {
	struct settings settings;
	struct stats stats;
	struct shared *shared;
	struct route *route;
	struct sip_shapes *shapes;
	struct message *m; /* the block that carries one message after another */
};

extern const struct flow stage_alice, stage_bob;

/* False: the registration was refused. Ends the process where there is no memory. */
bool stage_bed_init(struct stage_bed *bed);
void stage_bed_fini(struct stage_bed *bed);

/* What becomes of a text message from this flow. */
enum message_action stage_bed_decide(struct stage_bed *bed, struct flow from, struct span text);

#endif
