/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar against an array of seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "engine/calendar.h"

#define ITEMS 3000

struct item {
	struct calendar_entry entry;
	bool in;
};

static struct item items[ITEMS];
static uint64_t seed = 88172645463325252;

static uint64_t
random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint32_t
earliest(void)
{
	uint32_t min = UINT32_MAX;

	for (unsigned i = 0; i < ITEMS; i++)
		if (items[i].in && items[i].entry.due_s < min)
			min = items[i].entry.due_s;
	return min;
}

/* Up to `now` with calls of at most `work` steps: in order, none early, none left over. */
static void
advance(struct calendar *c, uint32_t now, uint32_t work)
{
	uint32_t last = 0, left;
	unsigned calls = 0;

	do {
		struct calendar_entry *e;

		left = work;
		while ((e = calendar_pop(c, now, &left))) {
			struct item *i = (struct item *)e;

			assert_true(i->in && e->due_s <= now && e->due_s >= last);
			i->in = false;
			last = e->due_s;
		}
		assert_in_range(++calls, 1, 1000000);
	} while (left == 0);
	assert_true(earliest() > now);
	assert_true(calendar_next(c) <= earliest());
	assert_true(calendar_next(c) > now);
}

static void
against_model(void **state)
{
	static const uint32_t spans[] = { 1, 2, 60, 64, 100, 3600, 4096, 7200, 604800, 1 << 24 };
	struct calendar c;
	uint32_t now = 123456;

	(void)state;
	calendar_init(&c, now);
	for (unsigned round = 0; round < 3000; round++) {
		for (unsigned k = 0; k < 10; k++) {
			unsigned i = (unsigned)(random_next() % ITEMS);

			if (items[i].in) {
				if (random_next() % 2) {
					calendar_remove(&items[i].entry);
					items[i].in = false;
				}
				continue;
			}
			calendar_add(&c, &items[i].entry,
				     now + 1 +
					     (uint32_t)(random_next() % spans[random_next() % 10]));
			items[i].in = true;
		}
		now += (uint32_t)(random_next() % spans[random_next() % 7]);
		advance(&c, now, 1 + (uint32_t)(random_next() % 50));
	}
	advance(&c, now + (1 << 25), 1000);
	assert_int_equal(earliest(), UINT32_MAX);
	assert_int_equal(calendar_next(&c), UINT32_MAX);
}

/* A call never does more than it may, however much runs out at once. */
static void
bounded(void **state)
{
	struct calendar c;
	uint32_t work, got = 0, calls = 0;

	(void)state;
	calendar_init(&c, 1000);
	for (unsigned i = 0; i < ITEMS; i++) {
		calendar_add(&c, &items[i].entry, 1000 + 300000);
		items[i].in = true;
	}
	while (got < ITEMS) {
		uint32_t before = got;

		work = 100;
		while (calendar_pop(&c, 400000, &work))
			got++;
		assert_true(got - before <= 100);
		assert_in_range(++calls, 1,
				5 * ITEMS / 100); /* sorted in again at most once per level */
	}
	work = 1;
	assert_null(calendar_pop(&c, 400000, &work));
	assert_int_equal(work, 1);
}

/* What is due at once, or was due long ago. */
static void
past(void **state)
{
	struct calendar c;
	uint32_t work = 10;

	(void)state;
	calendar_init(&c, 1000);
	calendar_add(&c, &items[0].entry, 1000);
	calendar_add(&c, &items[1].entry, 5);
	assert_int_equal(calendar_next(&c), 1000);
	assert_non_null(calendar_pop(&c, 1000, &work));
	calendar_remove(items[0].entry.link ? &items[0].entry : &items[1].entry);
	assert_null(calendar_pop(&c, 1000, &work));
	assert_null(calendar_pop(&c, 999, &work)); /* a clock that goes back stands still */
	calendar_add(&c, &items[0].entry, UINT32_MAX);
	assert_null(calendar_pop(&c, UINT32_MAX - 1, &work));
	work = 10;
	assert_non_null(calendar_pop(&c, UINT32_MAX, &work));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(past),
		cmocka_unit_test(against_model),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
