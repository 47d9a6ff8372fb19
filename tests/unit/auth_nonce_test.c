/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces: made, recognised, and each use of them only once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "engine/auth_nonce.h"

static const struct token_key key = { "an unpredictable key of 32 bytes" };
static struct auth_flow flow;

static int
setup(void **state)
{
	(void)state;
	flow = (struct auth_flow){ 0 };
	return 0;
}

static void
a_nonce_is_known_again(void **state)
{
	static const struct token_key other = { "another unpredictable key of 32b" };
	struct auth_nonce made = { 0x12345678, 77 }, read;
	char text[AUTH_NONCE_LEN], changed[AUTH_NONCE_LEN];

	(void)state;
	assert_true(auth_nonce_make(&key, made, 5, text));
	assert_true(auth_nonce_read(&key, span_of(text, sizeof(text)), 5, &read));
	assert_int_equal(read.made_s, made.made_s);
	assert_int_equal(read.number, made.number);
	assert_false(auth_nonce_read(&key, span_of(text, sizeof(text)), 6, &read));
	assert_false(auth_nonce_read(&other, span_of(text, sizeof(text)), 5, &read));
	assert_false(auth_nonce_read(&key, span_of(text, sizeof(text) - 1), 5, &read));
	for (size_t i = 0; i < sizeof(text); i++)
		for (unsigned c = 0; c < 256; c++) {
			if (c == (unsigned char)text[i])
				continue;
			memcpy(changed, text, sizeof(text));
			changed[i] = (char)c;
			if (auth_nonce_read(&key, span_of(changed, sizeof(changed)), 5, &read))
				fail_msg("character %zu as %u", i, c);
		}
}

static void
nc_rises(void **state)
{
	(void)state;
	assert_int_equal(auth_nonce_next(&flow, 9), 1);
	assert_true(auth_nonce_use(&flow, 9, 1, 1, 100));
	assert_true(auth_nonce_use(&flow, 9, 1, 1, 100)); /* the same octets once more */
	assert_false(auth_nonce_use(&flow, 9, 1, 1, 101));
	assert_true(auth_nonce_use(&flow, 9, 1, 5, 102)); /* gaps are no harm */
	assert_false(auth_nonce_use(&flow, 9, 1, 4, 103));
	assert_false(auth_nonce_use(&flow, 9, 1, 1, 100));
	assert_true(auth_nonce_use(&flow, 9, 1, 6, 104));
}

/* A client that takes each request's own challenge uses them in about the order of their making. */
static void
each_nonce_once_in_any_number(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 20; n++)
		assert_int_equal(auth_nonce_next(&flow, 9), n);
	for (uint32_t n = 1; n + 1 <= 20; n += 2) {
		assert_true(auth_nonce_use(&flow, 9, n + 1, 1, n + 1));
		assert_true(auth_nonce_use(&flow, 9, n, 1, n));
	}
	for (uint32_t n = 1; n <= 20; n++)
		assert_false(auth_nonce_use(&flow, 9, n, 1, 1000));
}

/* What left the record is not forgotten: it is stale. */
static void
an_old_nonce_is_stale(void **state)
{
	(void)state;
	for (uint32_t n = 2; n <= 5; n++)
		assert_true(auth_nonce_use(&flow, 9, n, 1, n));
	assert_false(auth_nonce_use(&flow, 9, 2, 2, 7)); /* with its nc, and without */
	assert_false(auth_nonce_use(&flow, 9, 1, 1, 7));
	assert_true(auth_nonce_use(&flow, 9, 3, 2, 7));
}

static void
the_next_flow_in_the_slot_begins_anew(void **state)
{
	(void)state;
	assert_int_equal(auth_nonce_next(&flow, 9), 1);
	assert_true(auth_nonce_use(&flow, 9, 1, 3, 1));
	assert_int_equal(auth_nonce_next(&flow, 10), 1);
	assert_true(auth_nonce_use(&flow, 10, 1, 1, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_nonce_is_known_again, setup),
		cmocka_unit_test_setup(nc_rises, setup),
		cmocka_unit_test_setup(each_nonce_once_in_any_number, setup),
		cmocka_unit_test_setup(an_old_nonce_is_stale, setup),
		cmocka_unit_test_setup(the_next_flow_in_the_slot_begins_anew, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
