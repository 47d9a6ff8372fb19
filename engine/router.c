/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/router.h"

#include <assert.h>
#include <string.h>
#include "engine/clock.h"

bool
router_init(struct router *r, struct route *route, uint32_t capacity)
{
	memset(r, 0, sizeof(*r));
	r->route = route;
	if (!spsc_init(&r->in, capacity))
		return false;
	if (!spsc_init(&r->out, capacity)) {
		spsc_fini(&r->in);
		return false;
	}
	doorbell_init(&r->bell);
	return true;
}

void
router_fini(struct router *r)
{
	assert(!r->threaded && !r->stuck);
	spsc_fini(&r->in);
	spsc_fini(&r->out);
}

static void
decide(struct router *r, struct message *m, uint64_t now_ns)
{
	if (m->kind == MESSAGE_UNDELIVERABLE)
		route_undeliverable(r->route, m, now_ns);
	else
		route_message(r->route, m, now_ns);
}

bool
router_turn(struct router *r, uint64_t now_ns)
{
	struct message *m;

	if (now_ns >= r->expire_ns)
		r->expire_ns = route_expire(r->route, now_ns);
	if (r->stuck) {
		if (!spsc_push(&r->out, r->stuck))
			return true;
		r->stuck = NULL;
	}
	while ((m = spsc_pop(&r->in))) {
		decide(r, m, now_ns);
		if (!spsc_push(&r->out, m)) {
			r->stuck = m;
			return true;
		}
	}
	return false;
}

void
router_publish_in(struct router *r)
{
	if (spsc_publish(&r->in) && r->threaded)
		doorbell_ring(&r->bell);
}

struct message *
router_take(struct router *r)
{
	return spsc_pop(&r->out);
}

void
router_taken(struct router *r)
{
	if (!r->threaded)
		return;
	/*
	 * Both sides exchange, so one comes second. Is it this one, it sees `true` and rings; is it
	 * the router's, it has acquired what we released, our pops, and finds room.
	 */
	if (atomic_exchange_explicit(&r->out_blocked, false, memory_order_acq_rel))
		doorbell_ring(&r->bell);
}

static void
publish_out(struct router *r)
{
	if (spsc_publish(&r->out))
		r->ring_loop(r->ring_loop_arg);
}

/* `out` is full: sleep until the loop has taken something. */
static void
wait_for_room(struct router *r)
{
	(void)atomic_exchange_explicit(&r->out_blocked, true, memory_order_acq_rel);
	if (spsc_push(&r->out, r->stuck)) {
		r->stuck = NULL;
		atomic_store_explicit(&r->out_blocked, false, memory_order_relaxed);
		return;
	}
	doorbell_wait(&r->bell, UINT64_MAX);
}

static void *
router_main(void *arg)
{
	struct router *r = arg;

	while (!atomic_load_explicit(&r->stop, memory_order_acquire)) {
		uint64_t now = clock_now_ns();
		bool full = router_turn(r, now);

		publish_out(r);
		if (full) {
			wait_for_room(r);
		} else if (spsc_sleep_begin(&r->in)) {
			if (!atomic_load_explicit(&r->stop, memory_order_acquire))
				doorbell_wait(&r->bell, r->expire_ns == UINT64_MAX ? UINT64_MAX :
							r->expire_ns > now ? r->expire_ns - now :
									     0);
			spsc_sleep_end(&r->in);
		}
	}
	return NULL;
}

int
router_start(struct router *r, void (*ring_loop)(void *arg), void *arg)
{
	int error;

	assert(!r->threaded);
	r->ring_loop = ring_loop;
	r->ring_loop_arg = arg;
	r->threaded = true;
	error = pthread_create(&r->thread, NULL, router_main, r);
	if (error)
		r->threaded = false;
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
