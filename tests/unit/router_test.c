/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router between its two queues, with a routing stage of the test's own: inline and on a
 * thread, queues that fill up on both sides, nothing lost, nothing out of order.
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

void
route_message(struct route *r, struct message *m, uint64_t now_ns)
{
	assert_true(now_ns > 0);
	m->action = MESSAGE_DROP;
	m->fate = FATE_absorbed;
	m->out_len = m->len + 1;
	r->decided++;
}

void
route_undeliverable(struct route *r, struct message *m, uint64_t now_ns)
{
	(void)now_ns;
	m->action = MESSAGE_DROP;
	m->fate = FATE_dropped_flow_gone;
	r->undeliverable++;
}

uint64_t
route_expire(struct route *r, uint64_t now_ns)
{
	r->expired++;
	return r->expire_every_ns == UINT64_MAX ? UINT64_MAX : now_ns + r->expire_every_ns;
}

/* ---- tests ---- */

struct fixture {
	struct router router;
	struct route route;
	struct doorbell loop_bell;
	struct message *messages; /* one for each entry that can be on its way */
};

static int
setup(void **state)
{
	struct fixture *f = aligned_alloc(_Alignof(struct fixture), sizeof(*f));

	memset(f, 0, sizeof(*f));
	f->route.expire_every_ns = UINT64_MAX;
	f->messages = calloc(4 * CAPACITY, sizeof(*f->messages));
	assert_true(router_init(&f->router, &f->route, CAPACITY));
	doorbell_init(&f->loop_bell);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	router_stop(&f->router);
	router_fini(&f->router);
	free(f->messages);
	free(f);
	return 0;
}

static void
ring_loop(void *arg)
{
	struct fixture *f = arg;

	doorbell_ring(&f->loop_bell);
}

static void
expect_decided(const struct message *m, uint32_t serial)
{
	assert_int_equal(m->len, serial);
	assert_int_equal(m->out_len, serial + 1);
	assert_int_equal(m->action, MESSAGE_DROP);
}

/* `out` has no room for the last one: it stays with the router and comes next. */
static void
test_inline_full(void **state)
{
	struct fixture *f = *state;
	struct message *m;

	for (uint32_t i = 0; i < CAPACITY; i++) {
		f->messages[i].len = i;
		assert_true(spsc_push(&f->router.in, &f->messages[i]));
	}
	router_publish_in(&f->router);
	assert_false(router_turn(&f->router, 1));
	f->messages[CAPACITY].len = CAPACITY;
	assert_true(spsc_push(&f->router.in, &f->messages[CAPACITY]));
	router_publish_in(&f->router);
	assert_true(router_turn(&f->router, 2));
	spsc_publish(&f->router.out);
	for (uint32_t i = 0; i < CAPACITY; i++) {
		m = router_take(&f->router);
		assert_non_null(m);
		expect_decided(m, i);
	}
	assert_null(router_take(&f->router));
	assert_false(router_turn(&f->router, 3));
	spsc_publish(&f->router.out);
	m = router_take(&f->router);
	assert_non_null(m);
	expect_decided(m, CAPACITY);
	assert_int_equal(f->route.decided, CAPACITY + 1);
}

static void
test_undeliverable(void **state)
{
	struct fixture *f = *state;
	struct message *m = &f->messages[0];

	m->kind = MESSAGE_UNDELIVERABLE;
	assert_true(spsc_push(&f->router.in, m));
	router_publish_in(&f->router);
	assert_false(router_turn(&f->router, 1));
	spsc_publish(&f->router.out);
	assert_ptr_equal(router_take(&f->router), m);
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
 * The loop's part as loop.c plays it, with far more messages than the queues hold: both
 * sides run full and empty, both fall asleep.
 */
static void
test_threaded(void **state)
{
	struct fixture *f = *state;
	uint32_t put = 0, taken = 0;
	unsigned seed = 1;

	assert_int_equal(router_start(&f->router, ring_loop, f), 0);
	while (taken < MESSAGES) {
		struct message *m;
		unsigned burst = (unsigned)rand_r(&seed) % (2 * CAPACITY) + 1;
		bool any = false;

		while (burst-- && put < MESSAGES && put - taken < 4 * CAPACITY) {
			m = &f->messages[put % (4 * CAPACITY)];
			m->len = put;
			if (!spsc_push(&f->router.in, m))
				break;
			put++;
		}
		router_publish_in(&f->router);
		while ((m = router_take(&f->router))) {
			expect_decided(m, taken++);
			any = true;
		}
		if (any)
			router_taken(&f->router);
		else if (spsc_sleep_begin(&f->router.out)) {
			assert_true(doorbell_wait(&f->loop_bell, 10 * CLOCK_NS_PER_S));
			spsc_sleep_end(&f->router.out);
		}
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
	assert_int_equal(router_start(&f->router, ring_loop, f), 0);
	doorbell_wait(&f->loop_bell, 120 * CLOCK_NS_PER_MS); /* nobody rings it */
	router_stop(&f->router);
	assert_in_range(f->route.expired, 2, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inline_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undeliverable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threaded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threaded_sleeps, setup, teardown),
	};

	return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
