/* SPDX-License-Identifier: Apache-2.0 */
/* The hash table against an array, with hashes that are good, and that are as bad as can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/table.h"

#define ITEMS 20000

struct item {
	struct table_node node;
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

static bool
found(const struct table *t, uint64_t hash, const struct item *want)
{
	bool is = false;

	for (struct table_node *n = table_first(t, hash); n; n = table_next(n)) {
		assert_true(n->hash == hash);
		is = is || n == &want->node;
	}
	return is;
}

/* Put in and take out at random, look for all; hash_of() decides how bad the hashes are. */
static void
run(uint64_t (*hash_of)(uint64_t i), uint64_t len)
{
	struct table t;
	uint64_t in = 0;
	uint32_t bucket = 0, emptied = 0;
	struct table_node *n;

	assert_true(table_init(&t));
	memset(items, 0, sizeof(items));
	for (unsigned step = 0; step < 4 * len; step++) {
		uint64_t i = random_next() % len;

		assert_int_equal(found(&t, hash_of(i), &items[i]), items[i].in);
		if (!items[i].in) {
			table_insert(&t, &items[i].node, hash_of(i));
			in++;
		} else if (random_next() % 4 == 0) {
			table_remove(&t, &items[i].node);
			in--;
		} else {
			continue;
		}
		items[i].in = !items[i].in;
		assert_true(t.len == in);
	}
	for (uint64_t i = 0; i < len; i++)
		assert_int_equal(found(&t, hash_of(i), &items[i]), items[i].in);
	while ((n = table_any(&t, &bucket))) {
		table_remove(&t, n);
		emptied++;
	}
	assert_int_equal(emptied, in);
	assert_true(t.len == 0);
	table_fini(&t);
}

static uint64_t
good(uint64_t i)
{
	return (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
}

static uint64_t
same_low_bits(uint64_t i)
{
	return i % 97 << 32;
}

static void
against_model(void **state)
{
	(void)state;
	run(good, ITEMS);
}

static void
against_model_with_collisions(void **state)
{
	(void)state;
	run(same_low_bits, ITEMS / 20);
}

static void
replaced(void **state)
{
	struct item a = { 0 }, b = { 0 }, c = { 0 };
	struct table t;

	(void)state;
	assert_true(table_init(&t));
	table_insert(&t, &a.node, 7);
	table_insert(&t, &b.node, 7); /* in front of a */
	table_replace(&a.node, &c.node);
	assert_false(found(&t, 7, &a));
	assert_true(found(&t, 7, &b) && found(&t, 7, &c));
	table_replace(&b.node, &a.node);
	assert_true(found(&t, 7, &a) && found(&t, 7, &c));
	table_remove(&t, &a.node);
	table_remove(&t, &c.node);
	table_fini(&t);
}

/* Growth is one bucket at a time, and chains stay short. */
static void
grows_evenly(void **state)
{
	struct table t;
	uint32_t bucket = 0, longest = 0;

	(void)state;
	assert_true(table_init(&t));
	for (uint64_t i = 0; i < ITEMS; i++) {
		uint64_t before = (uint64_t)t.mask + t.split;

		table_insert(&t, &items[i].node, good(i));
		assert_true((uint64_t)t.mask + t.split - before <= 1);
	}
	for (uint64_t i = 0; i < ITEMS; i++) {
		uint32_t len = 0;

		for (struct table_node *n = &items[i].node; n; n = n->next)
			len++;
		longest = len > longest ? len : longest;
	}
	assert_in_range(longest, 1, 16);
	for (struct table_node *n; (n = table_any(&t, &bucket));)
		table_remove(&t, n);
	table_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced),
		cmocka_unit_test(against_model),
		cmocka_unit_test(against_model_with_collisions),
		cmocka_unit_test(grows_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
