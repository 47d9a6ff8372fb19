/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel against a naive model: one array of deadlines, searched from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/wheel.h"

#define MS WHEEL_TICK_NS
#define START (UINT64_C(1234567) * MS + 89)
#define NOT_ARMED UINT64_MAX

struct item {
	struct wheel_timer timer;
	uint64_t deadline_ns; /* the model; NOT_ARMED */
	uint32_t calls;
};

static uint64_t seed;

static uint64_t
random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t
up(uint64_t ns)
{
	return (ns + MS - 1) / MS * MS;
}

static void
count(void *arg, struct wheel_timer *timer)
{
	struct item *item = wheel_owner(timer, struct item, timer);

	assert_false(wheel_is_armed(timer));
	(*(uint32_t *)arg)++;
	item->calls++;
}

static void
nothing_armed_nothing_happens(void **state)
{
	struct wheel w;
	uint32_t calls = 0;

	(void)state;
	wheel_init(&w, START);
	assert_true(wheel_next_ns(&w) == UINT64_MAX);
	assert_int_equal(wheel_advance(&w, UINT64_MAX, count, &calls), 0);
	assert_int_equal(wheel_advance(&w, 0, count, &calls), 0); /* backwards */
	assert_true(wheel_next_ns(&w) == UINT64_MAX);
	assert_int_equal(calls, 0);
}

static void
never_is_not_armed(void **state)
{
	struct wheel w;
	struct item a = { .calls = 0 };
	uint32_t calls = 0;

	(void)state;
	wheel_init(&w, START);
	wheel_cancel(&w, &a.timer);
	wheel_arm(&w, &a.timer, UINT64_MAX);
	assert_false(wheel_is_armed(&a.timer));
	wheel_arm(&w, &a.timer, START + MS);
	assert_true(wheel_is_armed(&a.timer));
	wheel_arm(&w, &a.timer, UINT64_MAX);
	assert_false(wheel_is_armed(&a.timer));
	wheel_arm(&w, &a.timer, UINT64_MAX - 1);
	assert_true(wheel_is_armed(&a.timer));
	wheel_cancel(&w, &a.timer);
	wheel_cancel(&w, &a.timer);
	assert_int_equal(wheel_advance(&w, UINT64_MAX - 1, count, &calls), 0);
}

static void
never_early_less_than_a_tick_late(void **state)
{
	static const uint64_t distances[] = { 1,
					      MS - 1,
					      MS,
					      MS + 1,
					      63 * MS,
					      64 * MS,
					      65 * MS,
					      4095 * MS,
					      4096 * MS,
					      262144 * MS,
					      UINT64_C(604800000) * MS,
					      UINT64_C(1) << 62 };

	(void)state;
	for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
		uint64_t deadline = START + distances[i];
		struct wheel w;
		struct item a = { .calls = 0 };
		uint32_t calls = 0, wakes = 0;

		wheel_init(&w, START);
		wheel_arm(&w, &a.timer, deadline);
		while (a.calls == 0) {
			uint64_t next = wheel_next_ns(&w);

			assert_true(next <= up(deadline));
			assert_int_equal(wheel_advance(&w, next - 1, count, &calls), 0);
			wheel_advance(&w, next, count, &calls);
			wakes++;
			if (a.calls)
				assert_true(next >= deadline && next == up(deadline));
		}
		assert_true(wakes <= WHEEL_LEVELS);
		assert_int_equal(w.armed, 0);
	}
}

static void
past_deadlines_are_due_at_once(void **state)
{
	struct wheel w;
	struct item a = { .calls = 0 }, b = { .calls = 0 };
	uint32_t calls = 0;

	(void)state;
	wheel_init(&w, START);
	wheel_arm(&w, &a.timer, 0);
	wheel_arm(&w, &b.timer, START);
	assert_true(wheel_next_ns(&w) <= START);
	assert_int_equal(wheel_advance(&w, START, count, &calls),
			 1); /* b is due at the next tick */
	assert_int_equal(a.calls, 1);
	assert_int_equal(wheel_advance(&w, START + MS, count, &calls), 1);
	wheel_arm(&w, &a.timer, 0); /* again within the tick that is done */
	assert_int_equal(wheel_advance(&w, START + MS, count, &calls), 1);
}

/* A handler that arms itself in the past, cancels its neighbour, and frees. */
struct chain {
	struct wheel *w;
	struct item *cancel;
	struct item *again;
	uint64_t again_ns;
	uint32_t calls;
};

static void
on_chain(void *arg, struct wheel_timer *timer)
{
	struct chain *chain = arg;
	struct item *item = wheel_owner(timer, struct item, timer);

	item->calls++;
	chain->calls++;
	if (chain->cancel && chain->cancel != item)
		wheel_cancel(chain->w, &chain->cancel->timer);
	if (chain->again == item)
		wheel_arm(chain->w, timer, chain->again_ns);
}

static void
a_handler_may_arm_itself(void **state)
{
	struct wheel w;
	struct item a = { .calls = 0 };
	struct chain chain = { .w = &w, .again = &a, .again_ns = 0 };

	(void)state;
	wheel_init(&w, START);
	wheel_arm(&w, &a.timer, START);
	/* once per call, however far the time jumped */
	for (uint32_t i = 1; i <= 5; i++) {
		assert_int_equal(wheel_advance(&w, START + i * 100000 * MS, on_chain, &chain), 1);
		assert_int_equal(a.calls, i);
	}
	chain.again_ns = START + 500001 * MS;
	assert_int_equal(wheel_advance(&w, START + 700000 * MS, on_chain, &chain), 1);
	assert_true(wheel_next_ns(&w) <= START + 700001 * MS);
	assert_int_equal(wheel_advance(&w, START + 700001 * MS, on_chain, &chain), 1);
}

static void
a_handler_may_cancel_others_that_are_due(void **state)
{
	struct wheel w;
	struct item a = { .calls = 0 }, b = { .calls = 0 }, c = { .calls = 0 };
	struct chain chain = { .w = &w };

	(void)state;
	wheel_init(&w, START);
	for (uint64_t distance = 1; distance < 100000; distance *= 5) {
		uint64_t now = (w.tick + distance) * MS;

		a.calls = b.calls = c.calls = 0;
		wheel_arm(&w, &a.timer, now);
		wheel_arm(&w, &b.timer, now);
		wheel_arm(&w, &c.timer, now + MS);
		chain.cancel = &b;
		assert_true(wheel_advance(&w, now + MS, on_chain, &chain) >= 2);
		assert_int_equal(a.calls, 1);
		assert_int_equal(c.calls, 1);
		assert_true(b.calls <= 1); /* whether a or b is called first is not said */
		assert_int_equal(w.armed, 0);
		assert_true(wheel_next_ns(&w) == UINT64_MAX);
	}
}

static void
freed_by_its_handler(void *arg, struct wheel_timer *timer)
{
	(*(uint32_t *)arg)++;
	free(wheel_owner(timer, struct item, timer));
}

static void
a_handler_may_free_its_owner(void **state)
{
	struct wheel w;
	uint32_t calls = 0;

	(void)state;
	wheel_init(&w, START);
	for (int i = 0; i < 100; i++) {
		struct item *item = calloc(1, sizeof(*item));

		assert_non_null(item);
		wheel_arm(&w, &item->timer, START + (uint64_t)(i / 10) * 50 * MS);
	}
	assert_int_equal(wheel_advance(&w, START + 1000 * MS, freed_by_its_handler, &calls), 100);
	assert_int_equal(calls, 100);
}

/* ---- against the model ---- */

struct model {
	struct wheel w;
	struct item *items;
	uint32_t len;
	uint64_t now_ns;
	uint64_t last_tick; /* of the timer called last in this advance */
	uint32_t called;
};

static void
on_model(void *arg, struct wheel_timer *timer)
{
	struct model *m = arg;
	struct item *item = wheel_owner(timer, struct item, timer);

	assert_true(item->deadline_ns != NOT_ARMED);
	assert_true(item->deadline_ns <= m->now_ns);
	assert_true(timer->tick >= m->last_tick); /* in the order of their ticks */
	m->last_tick = timer->tick;
	item->deadline_ns = NOT_ARMED;
	item->calls++;
	m->called++;
}

/* When the first timer is due, and that nothing that should have been called was not. */
static uint64_t
model_first(const struct model *m)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < m->len; i++) {
		const struct item *item = &m->items[i];

		assert_int_equal(wheel_is_armed(&item->timer), item->deadline_ns != NOT_ARMED);
		if (item->deadline_ns != NOT_ARMED && item->deadline_ns < first)
			first = item->deadline_ns;
	}
	return first;
}

/* Distances of all magnitudes, so that every level and every carry is met. */
static uint64_t
random_distance(void)
{
	return random_next() >> (random_next() % 40 + 22);
}

static void
model_step(struct model *m)
{
	struct item *item = &m->items[random_next() % m->len];
	uint64_t distance = random_distance();
	uint64_t first;
	uint32_t called;

	switch (random_next() % 8) {
	case 0:
		wheel_cancel(&m->w, &item->timer);
		item->deadline_ns = NOT_ARMED;
		return;
	case 1:
	case 2:
		m->now_ns = wheel_next_ns(&m->w) == UINT64_MAX ? m->now_ns + distance :
			    wheel_next_ns(&m->w) > m->now_ns   ? wheel_next_ns(&m->w) :
								 m->now_ns;
		break;
	case 3:
		m->now_ns += random_next() % 4 ? distance >> 12 : distance;
		break;
	default:
		item->deadline_ns =
			random_next() % 16 ? m->now_ns + distance : m->now_ns - distance % MS;
		wheel_arm(&m->w, &item->timer, item->deadline_ns);
		return;
	}
	m->last_tick = 0;
	m->called = 0;
	called = wheel_advance(&m->w, m->now_ns, on_model, m);
	assert_int_equal(called, m->called);
	first = model_first(m);
	if (first == UINT64_MAX) {
		assert_true(wheel_next_ns(&m->w) == UINT64_MAX);
		assert_int_equal(m->w.armed, 0);
		return;
	}
	assert_true(up(first) > m->now_ns / MS * MS);
	assert_true(wheel_next_ns(&m->w) <= up(first));
	assert_true(wheel_next_ns(&m->w) > m->now_ns / MS * MS);
	if (up(first) / MS / WHEEL_SLOTS == m->now_ns / MS / WHEEL_SLOTS)
		assert_true(wheel_next_ns(&m->w) == up(first));
}

static void
agrees_with_a_naive_model(void **state)
{
	static struct item items[60];
	struct model m = { .items = items };

	(void)state;
	for (uint64_t run = 1; run <= 300; run++) {
		seed = run * UINT64_C(0x9E3779B97F4A7C15);
		memset(items, 0, sizeof(items));
		m.len = 1 + (uint32_t)(run % 60);
		m.now_ns = random_distance() + MS;
		for (uint32_t i = 0; i < m.len; i++)
			items[i].deadline_ns = NOT_ARMED;
		wheel_init(&m.w, m.now_ns);
		for (int i = 0; i < 1000; i++)
			model_step(&m);
	}
}

static void
a_million_timers(void **state)
{
	const uint32_t len = 1000000;
	struct model m = { .items = calloc(len, sizeof(struct item)), .len = len, .now_ns = START };
	uint32_t called = 0, wakes = 0;

	(void)state;
	assert_non_null(m.items);
	seed = 42;
	wheel_init(&m.w, START);
	for (uint32_t i = 0; i < len; i++) {
		m.items[i].deadline_ns = START + random_next() % (40000 * MS);
		wheel_arm(&m.w, &m.items[i].timer, m.items[i].deadline_ns);
	}
	/* as a busy server does: every timer is put off once, some are given up */
	for (uint32_t i = 0; i < len; i++) {
		m.items[i].deadline_ns += 1000 * MS;
		wheel_arm(&m.w, &m.items[i].timer, m.items[i].deadline_ns);
	}
	for (uint32_t i = 0; i < len; i += 4) {
		wheel_cancel(&m.w, &m.items[i].timer);
		m.items[i].deadline_ns = NOT_ARMED;
	}
	assert_int_equal(m.w.armed, 750000);
	while (wheel_next_ns(&m.w) != UINT64_MAX) {
		m.now_ns = wheel_next_ns(&m.w);
		m.last_tick = 0;
		m.called = 0;
		called += wheel_advance(&m.w, m.now_ns, on_model, &m);
		wakes++;
	}
	assert_int_equal(called, 750000);
	assert_true(wakes <= 40001 + 40000 / 64 + 40000 / 4096 + 3); /* ticks, and moves down */
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(m.items[i].calls, i % 4 != 0);
	free(m.items);
}

static void
an_idle_timer_wakes_seldom(void **state)
{
	struct wheel w;
	struct item a = { .calls = 0 };
	uint32_t calls = 0, wakes = 0;
	uint64_t now = START;

	(void)state;
	wheel_init(&w, START);
	for (int i = 0; i < 100; i++) {
		wheel_arm(&w, &a.timer, now + 30000 * MS);
		while (calls == (uint32_t)i) {
			now = wheel_next_ns(&w);
			wheel_advance(&w, now, count, &calls);
			wakes++;
		}
	}
	assert_true(wakes <= 100 * 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_armed_nothing_happens),
		cmocka_unit_test(never_is_not_armed),
		cmocka_unit_test(never_early_less_than_a_tick_late),
		cmocka_unit_test(past_deadlines_are_due_at_once),
		cmocka_unit_test(a_handler_may_arm_itself),
		cmocka_unit_test(a_handler_may_cancel_others_that_are_due),
		cmocka_unit_test(a_handler_may_free_its_owner),
		cmocka_unit_test(agrees_with_a_naive_model),
		cmocka_unit_test(a_million_timers),
		cmocka_unit_test(an_idle_timer_wakes_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
