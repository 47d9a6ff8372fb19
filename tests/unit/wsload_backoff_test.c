/* SPDX-License-Identifier: Apache-2.0 */
/* wsload's back-off: each law within its bounds, all of the range used, nothing overflows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tools/wsload/backoff.h"

#define MS UINT64_C(1000000)
#define DRAWS 4000

static struct random rng;

static struct backoff
law_of(const char *text)
{
	struct backoff b;

	assert_true(backoff_parse(&b, text));
	return b;
}

/* All draws lie in the range, and come near both of its ends. */
static void
expect(const char *text, uint32_t failures, uint64_t least_ms, uint64_t most_ms)
{
	struct backoff b = law_of(text);
	uint64_t least = UINT64_MAX, most = 0, near = (most_ms - least_ms) * MS / 50;

	for (int i = 0; i < DRAWS; i++) {
		uint64_t ns = backoff_ns(&b, failures, &rng);

		least = ns < least ? ns : least;
		most = ns > most ? ns : most;
	}
	assert_in_range(least, least_ms * MS, least_ms * MS + near);
	assert_in_range(most, most_ms * MS - near, most_ms * MS);
}

static void
laws(void **state)
{
	(void)state;
	expect("fixed:300ms", 0, 300, 300);
	expect("fixed:300ms", 9, 300, 300);
	expect("linear:100ms:1s", 0, 100, 100);
	expect("linear:100ms:1s", 4, 500, 500);
	expect("linear:100ms:1s", 50, 1000, 1000);
	expect("exponential:100ms:1s", 0, 0, 100);
	expect("exponential:100ms:1s", 2, 0, 400);
	expect("exponential:100ms:1s", 7, 0, 1000);
	expect("exponential:100ms:1s", UINT32_MAX, 0, 1000);
	expect("rfc5626:100ms:1s", 0, 50, 100);
	expect("rfc5626:100ms:1s", 3, 400, 800);
	expect("rfc5626", 0, 15000, 30000);
	expect("rfc5626", 60, 900000, 1800000);
	expect("fixed:0", 3, 0, 0);
}

static void
texts(void **state)
{
	static const char *const bad[] = {
		"",          "slow",         "fixed:",      "fixed:x",
		"fixed:1s:", "linear:5s:1s", "fixed:1:2:3", "exponential:-1s"
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct backoff b;

		assert_false(backoff_parse(&b, bad[i]));
	}
	assert_true(law_of("exponential:60s").max_ns == 60000 * MS);
	assert_string_equal(backoff_name(law_of("rfc5626").law), "rfc5626");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(laws),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
