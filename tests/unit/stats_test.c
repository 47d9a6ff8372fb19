/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: that table, struct, sum and text agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/stats.h"

/* Names and values, in the order of the table, by another way than stats.c. */
static const char *const names[] = {
#define COUNT(symbol, meaning) #symbol,
#define FATE(symbol, meaning) #symbol,
#define GAUGE(symbol, meaning) #symbol,
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static void
fill(struct stats *s, uint64_t factor)
{
	uint64_t i = 0;

#define COUNT(symbol, meaning) atomic_init(&s->symbol, factor * ++i);
#define FATE(symbol, meaning) atomic_init(&s->symbol, factor * ++i);
#define GAUGE(symbol, meaning) atomic_init(&s->symbol, factor * ++i);
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
}

static void
cuts_what_does_not_fit(void **state)
{
	static struct stats s;
	char whole[STATS_PRINT_MAX];
	size_t whole_len;

	(void)state;
	fill(&s, 12345);
	whole_len = stats_print(&s, whole, sizeof(whole));
	for (size_t cap = 1; cap <= whole_len + 1; cap++) {
		char *out = malloc(cap); /* its own block, so that a byte too many is seen */
		size_t want = cap - 1 < whole_len ? cap - 1 : whole_len;

		assert_non_null(out);
		assert_int_equal(stats_print(&s, out, cap), want);
		assert_memory_equal(out, whole, want);
		assert_int_equal(out[want], '\0');
		free(out);
	}
}

static void
prints_every_counter_once_in_order(void **state)
{
	static struct stats s;
	char out[STATS_PRINT_MAX];
	const char *at = out;
	size_t len;
	char *end;

	(void)state;
	fill(&s, 1000);
	len = stats_print(&s, out, sizeof(out));
	assert_int_equal(len, strlen(out));
	assert_null(strchr(out, '\n'));
	for (size_t i = 0; i < NAMES; i++) {
		assert_int_equal(*at++, i == 0 ? '{' : ',');
		assert_int_equal(*at++, '"');
		assert_memory_equal(at, names[i], strlen(names[i]));
		at += strlen(names[i]);
		assert_memory_equal(at, "\":", 2);
		assert_int_equal(strtoull(at + 2, &end, 10), 1000 * (i + 1));
		at = end;
	}
	assert_string_equal(at, "}");
}

static void
the_largest_numbers_fit(void **state)
{
	static struct stats s;
	char out[STATS_PRINT_MAX];
	size_t len;

	(void)state;
#define COUNT(symbol, meaning) atomic_init(&s.symbol, UINT64_MAX);
#define FATE(symbol, meaning) atomic_init(&s.symbol, UINT64_MAX);
#define GAUGE(symbol, meaning) atomic_init(&s.symbol, UINT64_MAX);
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
	len = stats_print(&s, out, sizeof(out));
	assert_true(len < sizeof(out));
	assert_int_equal(out[len - 1], '}');
}

static void
fates_go_to_their_own_counters(void **state)
{
	(void)state;
#define COUNT(symbol, meaning)
#define GAUGE(symbol, meaning)
#define FATE(symbol, meaning)                                                                      \
	{                                                                                          \
		struct stats s = { 0 };                                                            \
		stats_fate(&s, FATE_##symbol, 3);                                                  \
		stats_fate(&s, FATE_##symbol, 4);                                                  \
		assert_int_equal(atomic_load(&s.symbol), 7);                                       \
		assert_int_equal(stats_unaccounted(&s), -7);                                       \
		assert_string_equal(stats_fate_name(FATE_##symbol), #symbol);                      \
	}
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
}

static void
balances(void **state)
{
	struct stats s = { 0 };

	(void)state;
	assert_true(stats_is_at_rest(&s));
	stats_add(&s.messages_received, 10);
	assert_int_equal(stats_unaccounted(&s), 10);
	assert_false(stats_is_at_rest(&s));
	stats_fate(&s, FATE_delivered, 6);
	stats_fate(&s, FATE_answered, 3);
	assert_int_equal(stats_unaccounted(&s), 1);
	stats_fate(&s, FATE_dropped_malformed, 1);
	assert_true(stats_is_at_rest(&s));
	stats_add(&s.send_buffers, 1);
	assert_false(stats_is_at_rest(&s));
	stats_sub(&s.send_buffers, 1);
	assert_true(stats_is_at_rest(&s));
	stats_add(&s.connections_accepted, 5); /* a counter, no gauge */
	assert_true(stats_is_at_rest(&s));
}

static void
sums(void **state)
{
	static struct stats a, b, sum;
	char left[STATS_PRINT_MAX], right[STATS_PRINT_MAX];

	(void)state;
	fill(&a, 1000);
	fill(&b, 7);
	stats_sum(&sum, &a);
	stats_sum(&sum, &b);
	fill(&b, 1007);
	stats_print(&sum, left, sizeof(left));
	stats_print(&b, right, sizeof(right));
	assert_string_equal(left, right);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_what_does_not_fit),
		cmocka_unit_test(prints_every_counter_once_in_order),
		cmocka_unit_test(the_largest_numbers_fit),
		cmocka_unit_test(fates_go_to_their_own_counters),
		cmocka_unit_test(balances),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
