/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_MESH_H
#define ENGINE_MESH_H
/*
 * All lanes between the loops and the routers of a process. With routers inline (no threads of
 * their own) router k runs on loop k's thread; else loop k is served by router k % routers.
 *
 *     in     loop -> its router        what came in
 *     aside  router -> router          a message that only the other one may decide: route_home()
 *     out    router -> loop            decided; to the loop of the target
 *     back   loop -> loop              blocks on their way home to the loop whose pool, and whose
 *                                      receive buffers, they are from; lazy, for a loop that
 *                                      sleeps seldom needs them
 *
 * Every lane has one producer and one consumer thread, so nothing here is locked; what goes
 * between two loops costs one queue entry there and one back.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "engine/lane.h"

#define MESH_SLACK 16u
#define MESH_LOOPS_MAX 64 /* the lanes' memory grows with its square */

struct ring;

/* What the loops know of each other to spread connections. */
struct mesh_load {
	alignas(SPSC_LINE) _Atomic uint32_t connections;
	struct ring *ring;
};

struct mesh {
	uint32_t loops, routers;
	bool threaded; /* routers have threads of their own */
	uint32_t slack; /* setting accept_slack; mesh_init() takes its default */
	struct lane_end *loop_ends;   /* [loops] */
	struct lane_end *router_ends; /* [routers]; the loops' when inline */
	struct lane *lanes;           /* all of them; the others point into it */
	uint32_t lanes_len;
	struct lane *in;    /* [loops] */
	struct lane *out;   /* [routers][loops] */
	struct lane *back;  /* [loops][loops] */
	struct lane *aside; /* [routers][routers] */
	struct mesh_load *loads;  /* [loops] */
	_Atomic uint32_t resting; /* loops that have come to rest */
	_Atomic bool broken;
};

/*
 * routing_threads 0: inline, one router per loop. capacity: entries of a lane, a power of two;
 * between loops fewer do. False: out of memory.
 */
bool mesh_init(struct mesh *m, uint32_t loops, uint32_t routing_threads, uint32_t capacity);

/* All threads have ended. What is left are orders of an application that nobody carries out. */
void mesh_fini(struct mesh *m);

/* The ring of a loop, for connections that are handed over to it. Before any thread runs. */
void mesh_set_loop_ring(struct mesh *m, uint32_t loop, struct ring *ring);

/* How many connections a loop has now; those on their way to it not counted. */
void mesh_note_load(struct mesh *m, uint32_t loop, uint32_t connections);

/*
 * The kernel spreads new connections over the listening sockets by a hash of their addresses: by
 * chance, and unevenly when a proxy or a load test makes them. The ring of the loop that should
 * rather have this one, or NULL: it may stay. A loop gives connections away when it has `slack`
 * more than the one that has the fewest, and more where there are many: what is chance alone is
 * not worth the message.
 */
struct ring *mesh_colder_ring(const struct mesh *m, uint32_t loop);

/* How to wake the thread of a loop, or of a router that has one. Before any thread runs. */
void mesh_set_loop_bell(struct mesh *m, uint32_t loop, void (*ring)(void *arg), void *arg);
void mesh_set_router_bell(struct mesh *m, uint32_t router, void (*ring)(void *arg), void *arg);

static inline uint32_t
mesh_router_of(const struct mesh *m, uint32_t loop)
{
	return loop % m->routers;
}

static inline struct lane *
mesh_out(const struct mesh *m, uint32_t router, uint32_t loop)
{
	return &m->out[router * m->loops + loop];
}

static inline struct lane *
mesh_back(const struct mesh *m, uint32_t from, uint32_t to)
{
	return &m->back[from * m->loops + to];
}

static inline struct lane *
mesh_aside(const struct mesh *m, uint32_t from, uint32_t to)
{
	return &m->aside[from * m->routers + to];
}

/* Wake the thread of a router, or of its loop when inline. Any thread, while loops run. */
static inline void
mesh_wake_router(const struct mesh *m, uint32_t router)
{
	m->router_ends[router].ring(m->router_ends[router].arg);
}

/* Show all that a loop, or a router, has put into its lanes since. */
void mesh_publish_loop(struct mesh *m, uint32_t loop);
void mesh_publish_router(struct mesh *m, uint32_t router);

/* Does anything of this router wait for room: decided, on its way to a loop; put aside? */
bool mesh_out_is_backed_up(const struct mesh *m, uint32_t router);
bool mesh_aside_is_backed_up(const struct mesh *m, uint32_t router);

/* Does anything wait here for this loop? As far as one sees without being rung. */
bool mesh_loop_has_mail(const struct mesh *m, uint32_t loop);

/*
 * A loop, or a router's thread, is about to sleep: from here on it is rung. False: do not sleep,
 * something is there. Ends with mesh_..._awake() in either case. eager: the loop waits for its
 * blocks, too.
 */
bool mesh_loop_may_sleep(struct mesh *m, uint32_t loop, bool eager);
void mesh_loop_awake(struct mesh *m, uint32_t loop);
bool mesh_router_may_sleep(struct mesh *m, uint32_t router);
void mesh_router_awake(struct mesh *m, uint32_t router);

/* A loop drains and has nothing left. When with this all rest, everybody is rung. */
void mesh_rest(struct mesh *m);

/* A loop cannot go on: all others end, too, as they are. */
void mesh_break(struct mesh *m);

/* All rest, or one broke. */
bool mesh_is_over(const struct mesh *m);

#endif
