/* SPDX-License-Identifier: Apache-2.0 */
/* wsload's templates: what varies is where it should be, what does not stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tools/wsload/template.h"

static const struct template_word words[] = { { "domain", "example.org" }, { NULL, NULL } };

static void
digits_go_to_their_places(void **state)
{
	static const char want[] = "0000beef 1 00070000abcd x 1000000042 example.org 20\r\n\r\n"
				   "<0000beef 0000beee 3";
	struct template_digits digits;
	struct template t;
	char out[sizeof(want)];

	(void)state;
	assert_true(template_compile(&t, "{client} 1 {op} x {cseq} {domain} {length}\r\n\r\n",
				     "<{client} {peer} {try}", words));
	assert_int_equal(t.len, sizeof(want) - 1);
	template_digits_client(digits.client, 0xbeef);
	template_digits_client(digits.peer, 0xbeee);
	template_digits_op(digits.op, 7, 0xabcd);
	template_digits_cseq(digits.cseq, 1000000042);
	digits.attempt = '3';
	out[t.len] = '!';
	template_write(&t, &digits, out);
	assert_memory_equal(out, want, t.len);
	assert_int_equal(out[t.len], '!');
	template_free(&t);
}

static void
tokens_are_nobody_else_s(void **state)
{
	static char tokens[4096][TEMPLATE_TOKEN_LEN];
	char again[TEMPLATE_TOKEN_LEN], other[TEMPLATE_TOKEN_LEN], out[36];
	struct template_digits digits;
	struct template t;

	(void)state;
	for (uint32_t i = 0; i < 4096; i++) {
		template_digits_token(tokens[i], 1, i);
		for (uint32_t k = 0; k < i; k++)
			assert_memory_not_equal(tokens[i], tokens[k], TEMPLATE_TOKEN_LEN);
	}
	template_digits_token(again, 1, 77);
	template_digits_token(other, UINT64_C(0x9e3779b97f4a7c15), 77);
	assert_memory_equal(again, tokens[77], TEMPLATE_TOKEN_LEN);
	assert_memory_not_equal(other, tokens[77], TEMPLATE_TOKEN_LEN);
	assert_true(template_compile(&t, "<{token}@{peer_token}>", "", words));
	assert_true(t.has_tokens);
	memcpy(digits.token, tokens[1], TEMPLATE_TOKEN_LEN);
	memcpy(digits.peer_token, tokens[2], TEMPLATE_TOKEN_LEN);
	template_write(&t, &digits, out);
	assert_memory_equal(out + 1, tokens[1], TEMPLATE_TOKEN_LEN);
	assert_memory_equal(out + 18, tokens[2], TEMPLATE_TOKEN_LEN);
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
	static const uint32_t numbers[] = {
		0, 1, 9, 10, 15, 16, 0x9a9a9a9a, 0xfedc1234, UINT32_MAX
	};
	static const char *const wrong[] = { "0000000G", "0000000A", "-0000001",
					     "0000 001", "0000000`", "G0000000",
					     "0000000/", "0000000:", "000000@0" };
	char digits[9], want[9];
	uint32_t n;

	(void)state;
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		snprintf(want, sizeof(want), "%08x", numbers[i]);
		template_digits_client(digits, numbers[i]);
		assert_memory_equal(digits, want, 8);
		assert_true(template_read_hex(digits, &n));
		assert_int_equal(n, numbers[i]);
	}
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(template_read_hex(wrong[i], &n));
}

/* One octet at every place, all 256 of them: taken exactly when it is a digit. */
static void
nothing_else_is_hex(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 8; at++) {
		for (unsigned c = 0; c < 256; c++) {
			char digits[8] = "01289abc";
			bool is = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			uint32_t n;

			digits[at] = (char)c;
			assert_int_equal(template_read_hex(digits, &n), is);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_go_to_their_places),
		cmocka_unit_test(tokens_are_nobody_else_s),
		cmocka_unit_test(wrong_texts_are_refused),
		cmocka_unit_test(too_many_places_are_refused),
		cmocka_unit_test(an_empty_body_has_length_0),
		cmocka_unit_test(hex_is_read_back),
		cmocka_unit_test(nothing_else_is_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
