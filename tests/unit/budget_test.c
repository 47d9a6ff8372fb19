/* SPDX-License-Identifier: Apache-2.0 */
/* The token bucket: burst, refill, never more than full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/budget.h"

#define EVERY 1000u
#define BURST 5u

static unsigned
spend_all(struct budget *b, uint64_t now)
{
	unsigned n = 0;

	while (budget_spend(b, now, EVERY, BURST))
		n++;
	return n;
}

static void
burst_then_nothing(void **state)
{
	struct budget b = { 0 };

	(void)state;
	assert_int_equal(spend_all(&b, 1000000), BURST);
	assert_false(budget_spend(&b, 1000000, EVERY, BURST));
	assert_false(budget_spend(&b, 1000999, EVERY, BURST));
}

static void
one_comes_back_at_a_time(void **state)
{
	struct budget b = { 0 };

	(void)state;
	spend_all(&b, 1000000);
	for (uint64_t now = 1001000; now < 1050000; now += EVERY)
		assert_int_equal(spend_all(&b, now), 1);
}

/* Idle time fills it up to the burst, not beyond. */
static void
never_more_than_full(void **state)
{
	struct budget b = { 0 };

	(void)state;
	spend_all(&b, 1000000);
	assert_int_equal(spend_all(&b, 1003500), 3);
	assert_int_equal(spend_all(&b, 900000000), BURST);
}

/* A refused try costs nothing. */
static void
refusal_is_free(void **state)
{
	struct budget b = { 0 };

	(void)state;
	spend_all(&b, 1000000);
	for (int i = 0; i < 1000; i++)
		assert_false(budget_spend(&b, 1000500, EVERY, BURST));
	assert_true(budget_spend(&b, 1001000, EVERY, BURST));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_nothing),
		cmocka_unit_test(one_comes_back_at_a_time),
		cmocka_unit_test(never_more_than_full),
		cmocka_unit_test(refusal_is_free),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
