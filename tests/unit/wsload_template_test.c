/* SPDX-License-Identifier: Apache-2.0 */
/* wsload's templates and time line: what varies is where it should be, what does not stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/wsload/schedule.h"
#include "tools/wsload/template.h"

static const struct template_word words[] = { { "domain", "example.org" }, { NULL, NULL } };

static void
digits_go_to_their_places(void **state)
{
	static const char want[] = "0000beef 1 00070000abcd x 1000000042 example.org 18\r\n\r\n"
				   "<0000beef 0000beee";
	struct template_digits digits;
	struct template t;
	char out[sizeof(want)];

	(void)state;
	assert_true(template_compile(&t, "{client} 1 {op} x {cseq} {domain} {length}\r\n\r\n",
				     "<{client} {peer}", words));
	assert_int_equal(t.len, sizeof(want) - 1);
	template_digits_client(digits.client, 0xbeef);
	template_digits_client(digits.peer, 0xbeee);
	template_digits_op(digits.op, 7, 0xabcd);
	template_digits_cseq(digits.cseq, 1000000042);
	out[t.len] = '!';
	template_write(&t, &digits, out);
	assert_memory_equal(out, want, t.len);
	assert_int_equal(out[t.len], '!');
	template_free(&t);
}

static void
wrong_texts_are_refused(void **state)
{
	static const char *const wrong[] = { "{nobody}", "{client", "{", "{}", "x {op y" };
	struct template t;

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_false(template_compile(&t, wrong[i], "", words));
		assert_int_equal(errno, EINVAL);
		assert_false(template_compile(&t, "", wrong[i], words));
		assert_null(t.bytes);
	}
}

static void
too_many_places_are_refused(void **state)
{
	char text[sizeof("{op}") * (TEMPLATE_MARKS_MAX + 1)];
	struct template t;

	(void)state;
	text[0] = '\0';
	for (unsigned i = 0; i < TEMPLATE_MARKS_MAX; i++)
		memcpy(text + 4 * i, "{op}", sizeof("{op}"));
	assert_true(template_compile(&t, text, "", words));
	template_free(&t);
	assert_false(template_compile(&t, text, "{op}", words));
	memcpy(text + 4 * TEMPLATE_MARKS_MAX, "{op}", sizeof("{op}"));
	assert_false(template_compile(&t, text, "", words));
}

static void
an_empty_body_has_length_0(void **state)
{
	struct template t;

	(void)state;
	assert_true(template_compile(&t, "l: {length}", "", words));
	assert_int_equal(t.len, 4);
	assert_memory_equal(t.bytes, "l: 0", 4);
	template_free(&t);
}

static void
hex_is_read_back(void **state)
{
	char digits[TEMPLATE_OP_LEN];
	uint64_t n;

	(void)state;
	template_digits_op(digits, 0xfedc, 0x89abcdef);
	assert_true(template_read_hex(digits, TEMPLATE_OP_LEN, &n));
	assert_true(n == UINT64_C(0xfedc89abcdef));
	assert_false(template_read_hex("12G4", 4, &n));
	assert_false(template_read_hex("12F4", 4, &n));
	assert_false(template_read_hex("-123", 4, &n));
}

/* The time line does not drift, and threads take turns on it. */
static void
time_line_is_fixed(void **state)
{
	const struct schedule a = { .start_ns = 5000, .rate = 30000, .offset = 0 };
	const struct schedule b = { .start_ns = 5000, .rate = 30000, .offset = 0.5 };

	(void)state;
	assert_true(schedule_at(&a, 0) == 5000);
	assert_true(schedule_at(&a, 3) == 5000 + 100000);
	assert_true(schedule_at(&a, 30000) == 5000 + UINT64_C(1000000000));
	assert_true(schedule_at(&a, UINT64_C(30000) * 86400) ==
		    5000 + UINT64_C(86400) * 1000000000);
	assert_true(schedule_at(&b, 0) == 5000 + 16666);
	assert_true(schedule_at(&b, 2) == 5000 + 83333);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_go_to_their_places),
		cmocka_unit_test(wrong_texts_are_refused),
		cmocka_unit_test(too_many_places_are_refused),
		cmocka_unit_test(an_empty_body_has_length_0),
		cmocka_unit_test(hex_is_read_back),
		cmocka_unit_test(time_line_is_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
