/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ROUTER_H
#define ENGINE_ROUTER_H
/*
 * Moves messages through a routing stage: in from loops, decided, out to the loop of the target.
 * It decides nothing itself. Runs inline on its loop's thread (router_turn() after each batch of
 * completions), or on a thread of its own; the same lanes and the same code either way.
 *
 * Every block that goes in comes out again: decided messages, and events with nothing to do.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "engine/doorbell.h"
#include "engine/mesh.h"
#include "engine/route.h"

struct router {
	struct mesh *mesh;
	struct route *route;
	uint64_t expire_ns; /* when route_expire() is due */
	uint32_t index;
	bool backed_up;     /* messages wait for room: it takes no more in from loops */
	bool out_backed_up; /* decided ones, on their way to loops: it decides no more at all */
	bool threaded;
	/* threaded only */
	pthread_t thread;
	struct doorbell bell;
	_Atomic bool stop;
};

void router_init(struct router *r, struct mesh *mesh, uint32_t index, struct route *route);

/* Run on a thread of its own from now on. 0 or an errno. */
int router_start(struct router *r);

/* End the thread, if there is one; lanes keep what they hold. */
void router_stop(struct router *r);

/*
 * Decide what has come in, as far as there is room for it, and publish it. True: there may be more
 * to do, once router_may_go_on().
 */
bool router_turn(struct router *r, uint64_t now_ns);

/* Is there room again, or still, for what it decides? */
bool router_may_go_on(struct router *r);

#endif
