/* SPDX-License-Identifier: Apache-2.0 */
/* wsload's histogram: at most 1 % off from 1 us to 60 s, and ranks as in a sorted list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "tools/wsload/histogram.h"

static struct histogram h, other;

static int
setup(void **state)
{
	(void)state;
	histogram_init(&h);
	histogram_init(&other);
	return 0;
}

static void
buckets_follow_each_other(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t low = histogram_bucket_low(i), width = histogram_bucket_width(i);

		assert_int_equal(histogram_bucket(low), i);
		assert_int_equal(histogram_bucket(low + width - 1), i);
		if (i + 1 < HISTOGRAM_BUCKETS)
			assert_int_equal(histogram_bucket_low(i + 1), low + width);
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

/* Two values around it, so that neither minimum nor maximum can answer for it. */
static void
one_value_is_within_one_percent(void **state)
{
	(void)state;
	for (double ns = 1e3; ns <= 60e9; ns *= 1.0037) {
		uint64_t value = (uint64_t)ns, read;

		histogram_init(&h);
		histogram_add(&h, 1);
		histogram_add(&h, value);
		histogram_add(&h, UINT64_C(1) << 40);
		read = histogram_percentile(&h, 50);
		assert_true((double)read >= ns * 0.99 && (double)read <= ns * 1.01);
	}
}

static int
ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
ranks_are_those_of_a_sorted_list(void **state)
{
	static const double percents[] = { 0, 1, 25, 50, 90, 99, 99.9, 99.99, 100 };
	enum { COUNT = 20000 };
	static uint64_t values[COUNT];
	uint32_t random = 12345;

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		random = random * 1664525 + 1013904223;
		values[i] = 1000 + (random >> 8) * (uint64_t)(1 + random % 999);
		histogram_add(&h, values[i]);
	}
	qsort(values, COUNT, sizeof(*values), ascending);
	for (unsigned i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
		double exact = COUNT * percents[i] / 100;
		unsigned rank = (unsigned)exact < exact ? (unsigned)exact + 1 : (unsigned)exact;
		double want = (double)values[rank ? rank - 1 : 0];
		double got = (double)histogram_percentile(&h, percents[i]);

		assert_true(got >= want * 0.99 && got <= want * 1.01);
	}
	assert_int_equal(histogram_percentile(&h, 100), values[COUNT - 1]);
}

static void
merged_is_as_if_recorded_in_one(void **state)
{
	static struct histogram both;

	(void)state;
	histogram_init(&both);
	for (uint64_t i = 1; i < 5000; i++) {
		uint64_t value = i * i * 977;

		histogram_add(i % 3 ? &h : &other, value);
		histogram_add(&both, value);
	}
	histogram_merge(&h, &other);
	assert_memory_equal(&h, &both, sizeof(h));
}

static void
intervals_add_up(void **state)
{
	static uint64_t seen[HISTOGRAM_BUCKETS];
	static struct histogram part;

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++)
		histogram_add(&h, i * 1000);
	histogram_since(&h, seen, &part);
	assert_int_equal(part.total, 1000);
	assert_true(part.max >= 1000000 && part.max < 1010000 && part.min <= 1000);
	histogram_since(&h, seen, &part);
	assert_int_equal(part.total, 0);
	assert_int_equal(part.max, 0);
	histogram_add(&h, 5000000);
	histogram_since(&h, seen, &part);
	assert_int_equal(part.total, 1);
	assert_true(histogram_percentile(&part, 50) > 4950000);
	assert_true(histogram_percentile(&part, 50) < 5050000);
}

static void
empty_answers_nothing(void **state)
{
	(void)state;
	assert_int_equal(histogram_percentile(&h, 99), 0);
	assert_true(histogram_mean(&h) <= 0);
	histogram_merge(&h, &other);
	assert_int_equal(h.total, 0);
	assert_int_equal(h.max, 0);
	assert_true(h.min == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_follow_each_other),
		cmocka_unit_test_setup(one_value_is_within_one_percent, setup),
		cmocka_unit_test_setup(ranks_are_those_of_a_sorted_list, setup),
		cmocka_unit_test_setup(merged_is_as_if_recorded_in_one, setup),
		cmocka_unit_test_setup(intervals_add_up, setup),
		cmocka_unit_test_setup(empty_answers_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
