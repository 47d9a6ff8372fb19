/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/router.h"

#include <assert.h>
#include <string.h>
#include "engine/clock.h"
#include "engine/order.h"

/* So many messages of one lane in a row: then it is the next one's turn. */
#define LANE_SHARE 64u

void
router_init(struct router *r, struct mesh *mesh, uint32_t index, struct route *route)
{
	memset(r, 0, sizeof(*r));
	r->mesh = mesh;
	r->index = index;
	r->route = route;
	doorbell_init(&r->bell);
}

/*
 * The loop of the target: of a forwarded message or an order its connection's, else where it came
 * from. An application may name a connection that never was: any loop finds that out.
 */
static uint32_t
loop_for(const struct router *r, const struct message *m)
{
	uint32_t loop = m->loop;

	if (m->action == MESSAGE_FORWARD || order_is(m))
		loop = flow_loop(m->to);
	return loop < r->mesh->loops ? loop : r->index;
}

static void
put_out(struct router *r, struct message *m)
{
	struct lane *lane = mesh_out(r->mesh, r->index, loop_for(r, m));

	lane_put(lane, m);
	r->out_backed_up |= lane_is_backed_up(lane);
	r->backed_up |= r->out_backed_up;
}

static void
put_aside(struct router *r, uint32_t home, struct message *m)
{
	struct lane *lane = mesh_aside(r->mesh, r->index, home);

	lane_put(lane, m);
	r->backed_up |= lane_is_backed_up(lane);
}

/* What an application has decided and ordered. */
static void
put_out_taken(struct router *r)
{
	struct message *m;

	while ((m = route_take(r->route)))
		put_out(r, m);
}

static void
decide(struct router *r, struct message *m, uint64_t now_ns)
{
	uint32_t home = r->index;
	bool now = true;

	if (m->kind == MESSAGE_UNDELIVERABLE)
		now = route_undeliverable(r->route, m, now_ns);
	else if ((home = route_home(r->route, m)) == r->index)
		now = route_message(r->route, m, now_ns);
	if (home != r->index)
		put_aside(r, home, m);
	else if (now)
		put_out(r, m);
	put_out_taken(r);
}

/* As long as not *full. True: there may be more. */
static bool
work_off(struct router *r, struct lane *lane, const bool *full, uint64_t now_ns)
{
	struct message *m = NULL;
	uint32_t n = 0;

	while (n < LANE_SHARE && !*full && (m = lane_take(lane))) {
		decide(r, m, now_ns);
		n++;
	}
	if (n)
		lane_taken(lane);
	return m != NULL;
}

/*
 * What other routers put aside for this one is at home here: it goes out to loops, which always
 * take it. So it waits for room there only. If it also waited for room in this router's own asides,
 * two routers whose asides to each other are full would wait for each other forever.
 */
static bool
round_of_lanes(struct router *r, uint64_t now_ns)
{
	const struct mesh *mesh = r->mesh;
	bool more = false;

	for (uint32_t i = r->index; i < mesh->loops; i += mesh->routers)
		more |= work_off(r, &mesh->in[i], &r->backed_up, now_ns);
	for (uint32_t i = 0; mesh->routers > 1 && i < mesh->routers; i++)
		more |= work_off(r, mesh_aside(mesh, i, r->index), &r->out_backed_up, now_ns);
	return more;
}

bool
router_may_go_on(struct router *r)
{
	if (r->backed_up) {
		mesh_publish_router(r->mesh, r->index);
		r->out_backed_up = mesh_out_is_backed_up(r->mesh, r->index);
		r->backed_up = r->out_backed_up || mesh_aside_is_backed_up(r->mesh, r->index);
	}
	return !r->backed_up;
}

bool
router_turn(struct router *r, uint64_t now_ns)
{
	bool more = true;
	uint64_t due_ns;

	if (now_ns >= r->expire_ns || now_ns >= route_due_ns(r->route)) {
		r->expire_ns = route_expire(r->route, now_ns);
		put_out_taken(r);
	}
	router_may_go_on(r);
	while (more && !r->out_backed_up)
		more = round_of_lanes(r, now_ns);
	due_ns = route_due_ns(r->route);
	if (due_ns < r->expire_ns)
		r->expire_ns = due_ns;
	mesh_publish_router(r->mesh, r->index);
	return more || r->backed_up; /* then there was no look at what loops brought */
}

static void *
router_main(void *arg)
{
	struct router *r = arg;

	route_thread_begin();
	while (!atomic_load_explicit(&r->stop, memory_order_acquire)) {
		uint64_t now = clock_now_ns();

		router_turn(r, now);
		if (mesh_router_may_sleep(r->mesh, r->index) &&
		    !atomic_load_explicit(&r->stop, memory_order_acquire))
			doorbell_wait(&r->bell, r->expire_ns == UINT64_MAX ? UINT64_MAX :
						r->expire_ns > now ? r->expire_ns - now :
								     0);
		mesh_router_awake(r->mesh, r->index);
	}
	route_thread_end();
	return NULL;
}

static void
ring(void *arg)
{
	struct router *r = arg;

	doorbell_ring(&r->bell);
}

int
router_start(struct router *r)
{
	int error;

	assert(!r->threaded && r->mesh->threaded);
	mesh_set_router_bell(r->mesh, r->index, ring, r);
	error = pthread_create(&r->thread, NULL, router_main, r);
	r->threaded = error == 0;
	return error;
}

void
router_stop(struct router *r)
{
	if (!r->threaded)
		return;
	atomic_store_explicit(&r->stop, true, memory_order_release);
	doorbell_ring(&r->bell);
	pthread_join(r->thread, NULL);
	r->threaded = false;
}
