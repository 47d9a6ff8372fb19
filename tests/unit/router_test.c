/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router between its lanes, with a routing stage of the test's own: inline and on a thread,
 * lanes that fill up on both sides, nothing lost, nothing out of order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/clock.h"
#include "engine/router.h"

#define CAPACITY 16
#define MESSAGES 200000u

/* ---- the routing stage of this test ---- */

struct route {
	uint32_t decided;
	uint32_t undeliverable;
	uint32_t expired;
	uint64_t expire_every_ns;
};

bool
route_message(struct route *r, struct message *m, uint64_t now_ns)
{
	assert_true(now_ns > 0);
	m->action = MESSAGE_DROP;
	m->fate = FATE_absorbed;
	m->out_len = m->len + 1;
	r->decided++;
	return true;
}

bool
route_undeliverable(struct route *r, struct message *m, uint64_t now_ns)
{
	(void)now_ns;
	m->action = MESSAGE_DROP;
	m->fate = FATE_dropped_flow_gone;
	r->undeliverable++;
	return true;
}

struct message *
route_take(struct route *r)
{
	(void)r;
	return NULL;
}

uint64_t
route_due_ns(const struct route *r)
{
	(void)r;
	return UINT64_MAX;
}

uint64_t
route_expire(struct route *r, uint64_t now_ns)
{
	r->expired++;
	return r->expire_every_ns == UINT64_MAX ? UINT64_MAX : now_ns + r->expire_every_ns;
}

uint32_t
route_home(const struct route *r, const struct message *m)
{
	(void)r;
	return m->from.slot;
}

void
route_thread_begin(void)
{
}

void
route_thread_end(void)
{
}

/* ---- tests ---- */

struct fixture {
	struct mesh mesh;
	struct router router;
	struct route route;
	struct doorbell loop_bell;
	struct message *messages; /* one for each entry that can be on its way */
};

static void
ring_loop(void *arg)
{
	struct fixture *f = arg;

	doorbell_ring(&f->loop_bell);
}

static void
ignore_ring(void *arg)
{
	(void)arg;
}

static int
setup_with(void **state, uint32_t routing_threads)
{
	struct fixture *f = aligned_alloc(_Alignof(struct fixture), sizeof(*f));

	memset(f, 0, sizeof(*f));
	f->route.expire_every_ns = UINT64_MAX;
	f->messages = calloc(4 * CAPACITY, sizeof(*f->messages));
	assert_true(mesh_init(&f->mesh, 1, routing_threads, CAPACITY));
	router_init(&f->router, &f->mesh, 0, &f->route);
	doorbell_init(&f->loop_bell);
	mesh_set_loop_bell(&f->mesh, 0, ring_loop, f);
	*state = f;
	return 0;
}

static int
setup_inline(void **state)
{
	return setup_with(state, 0);
}

static int
setup_threaded(void **state)
{
	return setup_with(state, 1);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	router_stop(&f->router);
	mesh_fini(&f->mesh);
	free(f->messages);
	free(f);
	return 0;
}

static void
expect_decided(const struct message *m, uint32_t serial)
{
	assert_non_null(m);
	assert_int_equal(m->len, serial);
	assert_int_equal(m->out_len, serial + 1);
	assert_int_equal(m->action, MESSAGE_DROP);
}

static struct message *
take(struct fixture *f)
{
	return lane_take(mesh_out(&f->mesh, 0, 0));
}

/* `out` has no room for the last ones: they wait behind it, and no more is decided. */
static void
test_inline_full(void **state)
{
	struct fixture *f = *state;
	struct lane *in = &f->mesh.in[0];
	uint32_t taken = 0;

	for (uint32_t i = 0; i < 3 * CAPACITY; i++) {
		f->messages[i].len = i;
		lane_put(in, &f->messages[i]);
	}
	assert_true(lane_is_backed_up(in));
	lane_publish(in);
	assert_false(router_turn(&f->router, 1)); /* as much as the lane brought */
	assert_int_equal(f->route.decided, CAPACITY);
	lane_publish(in);
	assert_true(router_turn(&f->router, 2));
	assert_int_equal(f->route.decided, CAPACITY + 1); /* the one too many shows it */
	assert_false(router_may_go_on(&f->router));
	assert_true(router_turn(&f->router, 3) && f->route.decided == CAPACITY + 1);
	while (taken < 3 * CAPACITY) {
		struct message *m = take(f);

		if (m) {
			expect_decided(m, taken++);
			continue;
		}
		lane_publish(in);
		assert_true(router_may_go_on(&f->router));
		router_turn(&f->router, 4);
	}
	assert_null(take(f));
	assert_false(router_turn(&f->router, 5));
}

static void
test_undeliverable(void **state)
{
	struct fixture *f = *state;
	struct message *m = &f->messages[0];

	m->kind = MESSAGE_UNDELIVERABLE;
	lane_put(&f->mesh.in[0], m);
	lane_publish(&f->mesh.in[0]);
	assert_false(router_turn(&f->router, 1));
	assert_ptr_equal(take(f), m);
	assert_int_equal(m->fate, FATE_dropped_flow_gone);
	assert_int_equal(f->route.undeliverable, 1);
	assert_int_equal(f->route.decided, 0);
}

/* The expiry is asked for when it is due, not at every turn. */
static void
test_expiry(void **state)
{
	struct fixture *f = *state;

	f->route.expire_every_ns = 1000;
	router_turn(&f->router, 1);
	router_turn(&f->router, 500);
	assert_int_equal(f->route.expired, 1);
	router_turn(&f->router, 1001);
	assert_int_equal(f->route.expired, 2);
}

/*
 * Two routers, of two loops each, have more for each other than their lanes hold. Each waits for
 * room there, and takes what the other has put aside all the same: else both would wait forever.
 */
static void
test_asides_full(void **state)
{
	enum { LOOPS = 4, EACH = 3 * CAPACITY };
	struct route routes[2] = { { .expire_every_ns = UINT64_MAX },
				   { .expire_every_ns = UINT64_MAX } };
	struct message *messages = calloc(LOOPS * EACH, sizeof(*messages));
	struct router routers[2];
	struct mesh mesh;
	int taken = 0;

	(void)state;
	assert_non_null(messages);
	assert_true(mesh_init(&mesh, LOOPS, 2, CAPACITY));
	for (uint32_t i = 0; i < LOOPS; i++)
		mesh_set_loop_bell(&mesh, i, ignore_ring, NULL);
	for (uint32_t i = 0; i < LOOPS * EACH; i++) {
		messages[i].loop = (uint16_t)(i % LOOPS);
		messages[i].from.slot = 1 - i % 2; /* at home with the other router */
		lane_put(&mesh.in[i % LOOPS], &messages[i]);
	}
	for (uint32_t i = 0; i < 2; i++)
		router_init(&routers[i], &mesh, i, &routes[i]);
	for (uint32_t turn = 0; turn < 4 * LOOPS * EACH; turn++) {
		for (uint32_t i = 0; i < LOOPS; i++)
			mesh_publish_loop(&mesh, i);
		/* the first fills its asides and leaves the rest of what its loops have */
		assert_true(router_turn(&routers[turn % 2], 1) || turn > 0);
		for (uint32_t i = 0; i < 2 * LOOPS; i++)
			while (lane_take(mesh_out(&mesh, i / LOOPS, i % LOOPS)))
				taken++;
	}
	assert_int_equal(taken, LOOPS * EACH);
	assert_int_equal(routes[0].decided, LOOPS * EACH / 2);
	assert_int_equal(routes[1].decided, LOOPS * EACH / 2);
	mesh_fini(&mesh);
	free(messages);
}

/*
 * The loop's part as loop.c plays it, with far more messages than the queues hold: both
 * sides run full and empty, both fall asleep.
 */
static void
test_threaded(void **state)
{
	struct fixture *f = *state;
	uint32_t put = 0, taken = 0;
	unsigned seed = 1;

	assert_int_equal(router_start(&f->router), 0);
	while (taken < MESSAGES) {
		struct message *m;
		unsigned burst = (unsigned)rand_r(&seed) % (2 * CAPACITY) + 1;
		bool any = false;

		while (burst-- && put < MESSAGES && put - taken < 4 * CAPACITY) {
			m = &f->messages[put % (4 * CAPACITY)];
			m->len = put;
			lane_put(&f->mesh.in[0], m);
			put++;
		}
		mesh_publish_loop(&f->mesh, 0);
		while ((m = take(f))) {
			expect_decided(m, taken++);
			any = true;
		}
		if (any)
			lane_taken(mesh_out(&f->mesh, 0, 0));
		else if (mesh_loop_may_sleep(&f->mesh, 0, false))
			assert_true(doorbell_wait(&f->loop_bell, 10 * CLOCK_NS_PER_S));
		mesh_loop_awake(&f->mesh, 0);
	}
	router_stop(&f->router);
	assert_int_equal(f->route.decided, MESSAGES);
}

/* An idle router sleeps until its expiry is due, and ends when it is told to. */
static void
test_threaded_sleeps(void **state)
{
	struct fixture *f = *state;

	f->route.expire_every_ns = 50 * CLOCK_NS_PER_MS;
	assert_int_equal(router_start(&f->router), 0);
	doorbell_wait(&f->loop_bell, 120 * CLOCK_NS_PER_MS); /* nobody rings it */
	router_stop(&f->router);
	assert_in_range(f->route.expired, 2, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inline_full, setup_inline, teardown),
		cmocka_unit_test_setup_teardown(test_undeliverable, setup_inline, teardown),
		cmocka_unit_test_setup_teardown(test_expiry, setup_inline, teardown),
		cmocka_unit_test(test_asides_full),
		cmocka_unit_test_setup_teardown(test_threaded, setup_threaded, teardown),
		cmocka_unit_test_setup_teardown(test_threaded_sleeps, setup_threaded, teardown),
	};

	return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
