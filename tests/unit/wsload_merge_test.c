/* SPDX-License-Identifier: Apache-2.0 */
/* wsload merge: two results are as one that recorded all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/wsload/merge.h"
#include "tools/wsload/report.h"

#define TEXT_MAX 200000

static struct plan plan, merged_plan;
static struct result parts[2], whole, merged;
static char texts[2][TEXT_MAX];

static uint64_t
random_ns(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return 1000 + x % (UINT64_C(1) << (10 + x % 26)); /* 1 us to 60 s and more */
}

static void
record(struct result *part)
{
	for (int i = 0; i < 20000; i++) {
		enum tally_time time = i % 3 ? TALLY_TIME_operation : TALLY_TIME_delivery;
		uint64_t ns = random_ns();

		tally_time(&part->tally, time, ns);
		tally_time(&whole.tally, time, ns);
	}
	tally_count(&part->tally, TALLY_operations, 123);
	tally_count(&whole.tally, TALLY_operations, 123);
	tally_count(&part->tally, TALLY_lost, 2);
	tally_count(&whole.tally, TALLY_lost, 2);
}

static void
to_text(const struct result *r, char text[TEXT_MAX])
{
	FILE *out = fmemopen(text, TEXT_MAX, "w");

	assert_non_null(out);
	fputs("something before it\n", out);
	report_json(&plan, r, out);
	fclose(out);
}

static int
setup(void **state)
{
	(void)state;
	plan.options = (struct options){ .scenario = scenario_find("message"),
					 .connections = 10,
					 .threads = 2,
					 .depth = 4,
					 .timeout_ns = 5000000000,
					 .rate = 50 };
	merge_begin(&merged_plan, &whole);
	for (int i = 0; i < 2; i++) {
		merge_begin(&merged_plan, &parts[i]);
		parts[i].duration_s = 10 + i;
		parts[i].open = 10;
		record(&parts[i]);
		to_text(&parts[i], texts[i]);
	}
	merge_begin(&merged_plan, &merged);
	return 0;
}

static const char *
add(const char *text)
{
	return merge_add(&merged_plan, &merged, span_of(text, strlen(text)));
}

static void
merging_is_recording_all_in_one(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_null(add(texts[i]));
	for (int i = 0; i < TALLY_TIMES_COUNT; i++) {
		struct histogram *got = &merged.tally.times[i], *want = &whole.tally.times[i];

		assert_int_equal(got->total, want->total);
		assert_true(got->min == want->min && got->max == want->max);
		assert_true(got->sum / want->sum > 0.999999999 || !want->total);
		for (uint32_t k = 0; k < HISTOGRAM_BUCKETS; k++)
			assert_int_equal(histogram_count(got, k), histogram_count(want, k));
	}
	for (int i = 0; i < TALLY_COUNTS; i++)
		assert_int_equal(tally_read(&merged.tally, (enum tally_count)i),
				 tally_read(&whole.tally, (enum tally_count)i));
	assert_int_equal(merged_plan.options.connections, 20);
	assert_int_equal((int)merged_plan.options.rate, 100);
	assert_int_equal(merged_plan.options.depth, 4);
	assert_true(merged_plan.options.timeout_ns == UINT64_C(5000000000));
	assert_int_equal(merged.open, 20);
	assert_int_equal((int)merged.duration_s, 11);
}

static void
what_is_no_result_is_refused(void **state)
{
	static const char *const bad[] = { "", "\n\n", "{}", "[1]", "{\"scenario\":\"message\"}" };
	char *at;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(add(bad[i]));
	merge_begin(&merged_plan, &merged);
	at = strstr(texts[0], "\"buckets\":[");
	assert_non_null(at);
	memcpy(at + 11, "-", 1); /* a number that is negative */
	assert_non_null(add(texts[0]));
	plan.options.scenario = scenario_find("call");
	to_text(&parts[0], texts[0]);
	assert_null(add(texts[1]));
	assert_string_equal(add(texts[0]), "another scenario than in the file before it");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(merging_is_recording_all_in_one, setup),
		cmocka_unit_test_setup(what_is_no_result_is_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
