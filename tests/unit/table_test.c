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

static struct rcu_grave grave;

static bool
found(const struct table *t, uint64_t hash, const struct item *want)
{
	struct table_cursor c;
	bool is = false;

	for (struct table_node *n = table_first(t, hash, &c); n; n = table_next(&c)) {
		assert_true(n->hash == hash);
		is = is || n == &want->node;
	}
	return is;
}

static void
insert(struct table *t, struct item *i, uint64_t hash)
{
	assert_true(table_reserve(t, 1));
	table_insert(t, &i->node, hash);
}

static uint64_t
empty(struct table *t)
{
	uint64_t at = 0, n = 0;

	for (struct table_node *node; (node = table_any(t, &at)); n++)
		table_remove(t, node);
	assert_true(t->len == 0);
	return n;
}

static uint32_t
words(const struct table *t)
{
	return atomic_load(&t->now)->mask + 1;
}

/* Put in and take out at random, look for all; hash_of() decides how bad the hashes are. */
static void
run(uint64_t (*hash_of)(uint64_t i), uint64_t len)
{
	struct table t;
	uint64_t in = 0;

	assert_true(table_init(&t, len % 2 == 0, &grave));
	memset(items, 0, sizeof(items));
	for (unsigned step = 0; step < 4 * len; step++) {
		uint64_t i = random_next() % len;

		assert_int_equal(found(&t, hash_of(i), &items[i]), items[i].in);
		if (!items[i].in) {
			insert(&t, &items[i], hash_of(i));
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
	assert_int_equal(empty(&t), in);
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
	assert_true(table_init(&t, false, &grave));
	insert(&t, &a, 7);
	insert(&t, &b, 7);
	table_replace(&t, &a.node, &c.node);
	assert_false(found(&t, 7, &a));
	assert_true(found(&t, 7, &b) && found(&t, 7, &c));
	table_replace(&t, &b.node, &a.node);
	assert_true(found(&t, 7, &a) && found(&t, 7, &c));
	table_remove(&t, &a.node);
	table_remove(&t, &c.node);
	table_fini(&t);
}

/* While nodes move to a larger array, those in the old one are found, removed and replaced too. */
static void
half_moved(void **state)
{
	struct item other = { 0 };
	struct table t;
	uint32_t len, n = 0;

	(void)state;
	assert_true(table_init(&t, true, &grave));
	do {
		len = words(&t);
		insert(&t, &items[n], good(n));
		n++;
	} while (n < 1000 || words(&t) == len);
	assert_non_null(atomic_load(&atomic_load(&t.now)->older));
	for (uint32_t i = 0; i < n; i++)
		assert_true(found(&t, good(i), &items[i]));
	for (uint32_t i = 0; i < n; i += 2) {
		table_hint(&t, &items[i].node, &other);
		table_replace(&t, &items[i].node, &other.node);
		assert_true(found(&t, good(i), &other));
		assert_false(found(&t, good(i), &items[i]));
		table_remove(&t, &other.node);
		assert_false(found(&t, good(i), &other));
	}
	for (uint32_t i = 1; i < n; i += 2)
		assert_true(found(&t, good(i), &items[i]));
	assert_int_equal(empty(&t), n / 2);
	table_fini(&t);
}

/* Each insertion moves a few words, and runs stay short. */
static void
grows_evenly(void **state)
{
	struct table t;
	uint32_t longest = 0;

	(void)state;
	assert_true(table_init(&t, false, &grave));
	for (uint64_t i = 0; i < ITEMS; i++) {
		uint32_t before = t.moved;

		insert(&t, &items[i], good(i));
		assert_true(t.moved <= before + TABLE_MOVE_STEPS);
	}
	for (uint64_t i = 0; i < ITEMS; i++) {
		struct table_cursor c;

		assert_non_null(table_first(&t, good(i), &c));
		if (c.at - (uint32_t)good(i) > longest)
			longest = c.at - (uint32_t)good(i);
	}
	assert_in_range(longest, 1, 64);
	assert_in_range(words(&t), ITEMS * 8 / 5, ITEMS * 16 / 5);
	empty(&t);
	table_fini(&t);
}

/* Who comes and goes leaves no trace: neither the array nor its runs grow. */
static void
churn(void **state)
{
	struct table t;

	(void)state;
	assert_true(table_init(&t, false, &grave));
	for (uint64_t i = 0; i < 50; i++)
		insert(&t, &items[i], good(i));
	for (uint64_t i = 50; i < 200 * ITEMS; i++) {
		table_remove(&t, &items[(i - 50) % ITEMS].node);
		insert(&t, &items[i % ITEMS], good(i));
		assert_in_range(words(&t), 64, 256);
	}
	empty(&t);
	table_fini(&t);
}

/* Room for many at once, and what is left when they go. */
static void
reserved(void **state)
{
	struct table t;

	(void)state;
	assert_true(table_init(&t, false, &grave));
	assert_true(table_reserve(&t, 5000));
	for (uint64_t i = 0; i < 5000; i++)
		table_insert(&t, &items[i].node, good(i));
	assert_in_range(words(&t), 8192, 16384);
	for (uint64_t i = 10; i < 5000; i++)
		table_remove(&t, &items[i].node);
	for (uint64_t i = 5000; i < ITEMS; i++) { /* shrinks, half at a time */
		insert(&t, &items[i], good(i));
		table_remove(&t, &items[i].node);
	}
	for (uint64_t i = 0; i < 10; i++)
		assert_true(found(&t, good(i), &items[i]));
	assert_int_equal(empty(&t), 10);
	table_fini(&t);
}

static int
setup(void **state)
{
	(void)state;
	rcu_thread_begin();
	rcu_grave_init(&grave);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rcu_thread_end();
	rcu_grave_fini(&grave);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced),   cmocka_unit_test(against_model),
		cmocka_unit_test(half_moved), cmocka_unit_test(against_model_with_collisions),
		cmocka_unit_test(reserved),   cmocka_unit_test(grows_evenly),
		cmocka_unit_test(churn),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
