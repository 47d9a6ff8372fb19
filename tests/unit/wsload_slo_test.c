/* SPDX-License-Identifier: Apache-2.0 */
/* wsload's objectives: what they mean, and that what they do not mean is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tools/wsload/run.h"

static struct result r;

/* 100 operations of 1..100 ms, two of them lost, in 10 s; a REGISTER of 5 ms. */
static int
setup(void **state)
{
	(void)state;
	tally_init(&r.tally);
	for (uint64_t i = 1; i <= 100; i++)
		tally_time(&r.tally, TALLY_TIME_operation, i * 1000000);
	tally_time(&r.tally, TALLY_TIME_register, 5000000);
	tally_count(&r.tally, TALLY_operations, 100);
	tally_count(&r.tally, TALLY_lost, 2);
	tally_count(&r.tally, TALLY_wrong, 1);
	r.duration_s = 10;
	return 0;
}

static void
objectives_hold_or_not(void **state)
{
	static const struct {
		const char *text;
		bool holds;
	} cases[] = {
		{ "p50<52ms", true },
		{ "p50<49ms", false },
		{ "p99<=101ms", true },
		{ "p99.9>98ms", true },
		{ "p999>98ms", true },
		{ "max<=100ms", true },
		{ "max<100ms", false },
		{ "mean<51ms", true },
		{ "mean>0.05s", true },
		{ "p99(register)<6ms", true },
		{ "p99(register)<4ms", false },
		{ "max(operation)>=0.1s", true },
		{ "p99(delivery)<1h", false },
		{ "loss==2", true },
		{ "loss==0", false },
		{ "loss!=0", true },
		{ "lost<=2", true },
		{ "errors==3", true },
		{ "errors<3", false },
		{ "rate>=10", true },
		{ "rate>10", false },
		{ "duplicates==0", true },
	};
	struct slo slo;
	double got;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_null(slo_parse(&slo, cases[i].text));
		if (slo_holds(&slo, &r, &got) != cases[i].holds)
			fail_msg("%s: %f", cases[i].text, got);
	}
}

static void
nonsense_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",       "p99",       "p99<",    "p99<20",  "p99<ms",   "p99<20furlongs",
		"<20ms",  "p<20ms",    "px<20ms", "p99(<1s", "p99()<1s", "p99(nobody)<1s",
		"loss=0", "loss==0ms", "loss==",  "speed>1", "p-5<1s",   "p99(register<1ms",
	};
	struct slo slo;

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (!slo_parse(&slo, wrong[i]))
			fail_msg("'%s' is taken", wrong[i]);
}

/* What an objective allows is no fault of the run; everything else still is. */
static void
objectives_excuse_what_they_name(void **state)
{
	static struct plan plan;

	(void)state;
	assert_false(run_is_good(&plan, &r));
	assert_null(slo_parse(&plan.options.slos[plan.options.slos_len++], "loss<=2"));
	assert_false(run_is_good(&plan, &r));
	assert_null(slo_parse(&plan.options.slos[plan.options.slos_len++], "wrong<2"));
	assert_true(run_is_good(&plan, &r));
	assert_null(slo_parse(&plan.options.slos[plan.options.slos_len++], "p50<1ms"));
	assert_false(run_is_good(&plan, &r));
	plan.options.slos_len = 2;
	r.lagged = true;
	assert_false(run_is_good(&plan, &r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(objectives_hold_or_not, setup),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test_setup(objectives_excuse_what_they_name, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
