/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ROUTER_H
#define ENGINE_ROUTER_H
/*
 * Moves messages through the routing stage: in from a loop, decided, out to a loop. It decides
 * nothing itself. Runs inline on the loop's thread (router_turn() after each batch of
 * completions), or on a thread of its own; the same queues and the same code either way.
 *
 * Every block that goes in comes out again: decided messages, and events with nothing to do.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "engine/doorbell.h"
#include "engine/message.h"
#include "engine/route.h"
#include "engine/spsc.h"

struct router {
	struct spsc in;  /* loop -> router */
	struct spsc out; /* router -> loop */
	struct route *route;
	struct message *stuck; /* decided, but `out` was full */
	uint64_t expire_ns;    /* when route_expire() is due */
	bool threaded;
	/* threaded only */
	pthread_t thread;
	struct doorbell bell;     /* rings when there is input, or room in `out` */
	_Atomic bool out_blocked; /* the router waits for room in `out` */
	_Atomic bool stop;
	void (*ring_loop)(void *arg); /* wakes the consumer of `out` */
	void *ring_loop_arg;
};

/* `capacity` entries in each queue. False: out of memory. */
bool router_init(struct router *r, struct route *route, uint32_t capacity);
void router_fini(struct router *r);

/* Run on a thread of its own from now on; ring_loop(arg) wakes the loop. 0 or an errno. */
int router_start(struct router *r, void (*ring_loop)(void *arg), void *arg);

/* End the thread; queues keep what they hold. */
void router_stop(struct router *r);

/*
 * Decide what is in the queue, up to what fits in the other. True: it stopped because `out` is
 * full; take something out and call again.
 */
bool router_turn(struct router *r, uint64_t now_ns);

/* The loop's side: publish what was pushed to `in`, ring if the router sleeps. */
void router_publish_in(struct router *r);

/* The loop's side: next decided message, or NULL. */
struct message *router_take(struct router *r);

/* The loop's side, after it took messages: tell a router that waits for room. */
void router_taken(struct router *r);

#endif
