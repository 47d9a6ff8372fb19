/* SPDX-License-Identifier: Apache-2.0 */
/* wsload's time line: it does not drift, threads take turns on it, and stages go up and down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "tools/wsload/schedule.h"

static void
is_at(const struct schedule *s, uint64_t n, double seconds)
{
	int64_t want = (int64_t)(seconds * 1e9), got = (int64_t)(schedule_at(s, n) - s->start_ns);

	if (llabs(got - want) > 2)
		fail_msg("operation %llu is at %lld ns, not %lld", (unsigned long long)n,
			 (long long)got, (long long)want);
}

static void
an_even_rate_does_not_drift(void **state)
{
	const struct schedule_stage even = { SCHEDULE_FOR_EVER, 30000, 30000 };
	const struct schedule s = {
		.stages = &even, .stages_len = 1, .threads = 1, .start_ns = 5000
	};

	(void)state;
	is_at(&s, 0, 0);
	is_at(&s, 3, 0.0001);
	is_at(&s, 30000, 1);
	is_at(&s, UINT64_C(30000) * 86400, 86400);
}

static void
threads_take_turns(void **state)
{
	const struct schedule_stage even = { SCHEDULE_FOR_EVER, 1000, 1000 };

	(void)state;
	for (uint32_t thread = 0; thread < 4; thread++) {
		const struct schedule s = {
			.stages = &even, .stages_len = 1, .threads = 4, .thread = thread
		};

		is_at(&s, 0, thread * 0.001);
		is_at(&s, 7, 0.028 + thread * 0.001);
	}
}

/* Up from 0 to 100/s in 10 s: 500 operations. 10 s at 100/s: 1000. Down in 2 s: 100. */
static void
stages_go_up_and_down(void **state)
{
	const struct schedule_stage stages[] = { { 10, 0, 100 }, { 10, 100, 100 }, { 2, 100, 0 } };
	const struct schedule s = { .stages = stages, .stages_len = 3, .threads = 1 };
	uint64_t before = 0;

	(void)state;
	is_at(&s, 125, 5);
	is_at(&s, 500, 10);
	is_at(&s, 600, 11);
	is_at(&s, 1500, 20);
	is_at(&s, 1575, 21);
	assert_true(schedule_at(&s, 1600) == UINT64_MAX);
	for (uint64_t n = 0; n < 1600; n++) {
		assert_true(schedule_at(&s, n) >= before);
		before = schedule_at(&s, n);
	}
}

static void
a_stage_without_operations_is_passed_over(void **state)
{
	const struct schedule_stage stages[] = { { 3, 0, 0 }, { 1, 10, 10 }, { 5, 0, 0 } };
	const struct schedule s = { .stages = stages, .stages_len = 3, .threads = 1 };

	(void)state;
	is_at(&s, 0, 3);
	is_at(&s, 9, 3.9);
	assert_true(schedule_at(&s, 10) == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_even_rate_does_not_drift),
		cmocka_unit_test(threads_take_turns),
		cmocka_unit_test(stages_go_up_and_down),
		cmocka_unit_test(a_stage_without_operations_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
