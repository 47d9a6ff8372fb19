/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on one thread: full, empty, publishing, sleeping, and indices that wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "engine/spsc.h"

static int items[4096];

static void
empty_gives_nothing(void **state)
{
	struct spsc q;

	(void)state;
	assert_true(spsc_init(&q, 4));
	assert_null(spsc_pop(&q));
	assert_false(spsc_publish(&q));
	assert_null(spsc_pop(&q));
	spsc_fini(&q);
}

static void
full_takes_nothing(void **state)
{
	static const uint32_t capacities[] = { 1, 2, 16, 4096 };

	(void)state;
	for (size_t k = 0; k < sizeof(capacities) / sizeof(capacities[0]); k++) {
		uint32_t capacity = capacities[k];
		struct spsc q;

		assert_true(spsc_init(&q, capacity));
		for (uint32_t i = 0; i < capacity; i++)
			assert_true(spsc_push(&q, &items[i])); /* no slot is wasted */
		assert_false(spsc_push(&q, &items[0]));
		spsc_publish(&q);
		assert_false(spsc_push(&q, &items[0]));
		assert_ptr_equal(spsc_pop(&q), &items[0]);
		assert_true(spsc_push(&q, &items[0])); /* one out, one in */
		assert_false(spsc_push(&q, &items[0]));
		spsc_publish(&q);
		for (uint32_t i = 1; i <= capacity; i++)
			assert_ptr_equal(spsc_pop(&q), &items[i % capacity]);
		assert_null(spsc_pop(&q));
		spsc_fini(&q);
	}
}

static void
pushed_is_not_seen_before_it_is_published(void **state)
{
	struct spsc q;

	(void)state;
	assert_true(spsc_init(&q, 8));
	assert_true(spsc_push(&q, &items[0]));
	assert_true(spsc_push(&q, &items[1]));
	assert_null(spsc_pop(&q));
	assert_true(spsc_sleep_begin(&q)); /* and does not keep awake */
	spsc_sleep_end(&q);
	spsc_publish(&q);
	assert_ptr_equal(spsc_pop(&q), &items[0]);
	assert_ptr_equal(spsc_pop(&q), &items[1]);
	assert_null(spsc_pop(&q));
	spsc_fini(&q);
}

/* Every start from which a run of this length crosses the wrap of 32 bits, somewhere. */
static void
indices_wrap(void **state)
{
	enum { CAPACITY = 8, ROUNDS = 40 };

	(void)state;
	for (uint32_t before = 0; before <= ROUNDS; before++) {
		struct spsc q;
		uint32_t in = 0, out = 0;

		assert_true(spsc_init_at(&q, CAPACITY, UINT32_MAX - before));
		assert_null(spsc_pop(&q));
		for (uint32_t round = 0; round < ROUNDS; round++) {
			uint32_t want = round % (CAPACITY + 1);

			while (in - out < CAPACITY)
				assert_true(spsc_push(&q, &items[in++ % 64]));
			assert_false(spsc_push(&q, &items[0]));
			spsc_publish(&q);
			while (want--)
				assert_ptr_equal(spsc_pop(&q), &items[out++ % 64]);
		}
		while (out != in)
			assert_ptr_equal(spsc_pop(&q), &items[out++ % 64]);
		assert_null(spsc_pop(&q));
		assert_true(spsc_sleep_begin(&q));
		spsc_fini(&q);
	}
}

static void
rings_once_for_a_sleeper(void **state)
{
	struct spsc q;

	(void)state;
	assert_true(spsc_init(&q, 8));
	assert_true(spsc_push(&q, &items[0]));
	assert_false(spsc_publish(&q));     /* awake: no ring */
	assert_false(spsc_sleep_begin(&q)); /* not empty: no sleep */
	assert_true(spsc_push(&q, &items[1]));
	assert_false(spsc_publish(&q)); /* and no promise left behind */
	assert_ptr_equal(spsc_pop(&q), &items[0]);
	assert_ptr_equal(spsc_pop(&q), &items[1]);
	assert_true(spsc_sleep_begin(&q));
	assert_false(spsc_publish(&q)); /* nothing new: no ring */
	assert_true(spsc_push(&q, &items[2]));
	assert_true(spsc_publish(&q));
	assert_true(spsc_push(&q, &items[3]));
	assert_false(spsc_publish(&q)); /* it was rung already */
	spsc_sleep_end(&q);
	assert_ptr_equal(spsc_pop(&q), &items[2]);
	assert_ptr_equal(spsc_pop(&q), &items[3]);
	assert_true(spsc_sleep_begin(&q));
	spsc_sleep_end(&q); /* woken by something else */
	assert_true(spsc_push(&q, &items[4]));
	assert_false(spsc_publish(&q));
	spsc_fini(&q);
}

static void
sides_do_not_share_lines(void **state)
{
	(void)state;
	assert_true(offsetof(struct spsc, tail) / SPSC_LINE !=
		    offsetof(struct spsc, head) / SPSC_LINE);
	assert_true(offsetof(struct spsc, tail_local) / SPSC_LINE !=
		    offsetof(struct spsc, tail) / SPSC_LINE);
	assert_true(offsetof(struct spsc, tail_local) / SPSC_LINE !=
		    offsetof(struct spsc, tail_cached) / SPSC_LINE);
	assert_true(offsetof(struct spsc, mask) / SPSC_LINE !=
		    offsetof(struct spsc, sleeping) / SPSC_LINE);
	assert_int_equal(alignof(struct spsc), SPSC_LINE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_gives_nothing),
		cmocka_unit_test(full_takes_nothing),
		cmocka_unit_test(pushed_is_not_seen_before_it_is_published),
		cmocka_unit_test(indices_wrap),
		cmocka_unit_test(rings_once_for_a_sleeper),
		cmocka_unit_test(sides_do_not_share_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
