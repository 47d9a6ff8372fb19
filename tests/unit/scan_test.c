/* SPDX-License-Identifier: Apache-2.0 */
/* Character classes against the ABNF's own words, and the searches against their scalar twins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/scan.h"
#include "tests/unit/sip_check.h"

#define ALPHANUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define UNRESERVED ALPHANUM "-_.!~*'()"

static void
quoted_that_never_closes_or_holds_controls_is_refused(void **state)
{
	static const struct {
		const char *at;
		size_t len;
	} bad[] = {
		{ "\"", 1 },        { "\"abc", 4 },     { "\"abc\\", 5 },
		{ "\"abc\\\"", 6 }, { "\"a\0b\"", 5 },  { "\"a\x7F\"", 4 },
		{ "\"a\\\r\"", 5 }, { "\"a\\\n\"", 5 }, { "\"a\\\xC3\xA9\"", 6 },
		{ "\"a\x1B\"", 4 }, { "\"\\", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct span text = guarded(span_of(bad[i].at, bad[i].len));

		assert_null(scan_over_quoted(text.at, text.at + text.len));
	}
}

static void
quoted_ends_behind_its_quote(void **state)
{
	static const struct {
		const char *at;
		size_t len, end;
	} good[] = {
		{ "\"\"", 2, 2 },
		{ "\"a\";x", 5, 3 },
		{ "\"\\\"\"", 4, 4 },
		{ "\"\\\\\"\"", 5, 4 },
		{ "\"\\\0\"", 4, 4 },
		{ "\"a\r\n b\tc\"", 9, 9 },
		{ "\"\xC3\xA9;,<>\"", 8, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct span text = guarded(span_of(good[i].at, good[i].len));

		assert_ptr_equal(scan_over_quoted(text.at, text.at + text.len),
				 text.at + good[i].end);
	}
}

static void
classes_are_those_of_the_grammar(void **state)
{
	static const struct {
		unsigned class;
		const char *members;
	} classes[] = {
		{ SCAN_TOKEN, ALPHANUM "-.!%*_+`'~" },
		{ SCAN_WORD, ALPHANUM "-.!%*_+`'~()<>:\\\"/[]?{}" },
		{ SCAN_LWS, " \t\r\n" },
		{ SCAN_DIGIT, "0123456789" },
		{ SCAN_ALNUM, ALPHANUM },
		{ SCAN_HEX, "0123456789abcdefABCDEF" },
		{ SCAN_HYPHEN, "-" },
		{ SCAN_USER, UNRESERVED "&=+$,;?/" },
		{ SCAN_PASSWORD, UNRESERVED "&=+$," },
		{ SCAN_PARAM, UNRESERVED "[]/:&+$" },
		{ SCAN_HEADER, UNRESERVED "[]/?:+$" },
		{ SCAN_URIC, UNRESERVED ";/?:@&=+$,[]" },
		{ SCAN_SCHEME, ALPHANUM "+-." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		for (int c = 0; c < 256; c++)
			assert_int_equal(scan_is((char)c, classes[i].class),
					 c != 0 && strchr(classes[i].members, c) != NULL);
}

static void
escapes_need_two_hex_digits(void **state)
{
	static const struct {
		const char *text;
		size_t end;
	} rows[] = {
		{ "", 0 },       { "%", 0 },     { "a%4", 1 },     { "a%4g", 1 }, { "a%41%", 4 },
		{ "%41%zz", 3 }, { "a%4bc", 5 }, { "%00%fF.", 7 }, { "a b", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span text = guarded(text_of_string(rows[i].text));

		assert_ptr_equal(scan_while_escaped(text.at, text.at + text.len, SCAN_USER),
				 text.at + rows[i].end);
	}
}

/* Each wanted or unwanted octet at each place of texts of each length up to some blocks. */
static void
searches_agree_with_their_twins(void **state)
{
	char bytes[80];

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c += at % 16 == 0 ? 1 : 11) {
				struct span text;
				const char *end;

				memset(bytes, 'x', sizeof(bytes));
				bytes[at * 5 % len] = at % 3 ? '\r' : ',';
				bytes[at] = (char)c;
				bytes[len - 1] = at + 1 == len ? (char)c : '\n';
				text = guarded(span_of(bytes, len));
				end = text.at + text.len;
				assert_ptr_equal(scan_list_mark(text.at, end),
						 scan_list_mark_scalar(text.at, end));
				assert_ptr_equal(scan_quoted_stop(text.at, end),
						 scan_quoted_stop_scalar(text.at, end));
			}
		}
	}
}

static void
searches_find_what_they_are_for(void **state)
{
	const char *text = "ab\"c,d<e\rf\r\n", *end = text + strlen(text);

	(void)state;
	assert_ptr_equal(scan_list_mark_scalar(text, end), text + 2);
	assert_ptr_equal(scan_list_mark_scalar(text + 3, end), text + 4);
	assert_ptr_equal(scan_list_mark_scalar(text + 5, end), text + 6);
	assert_ptr_equal(scan_list_mark_scalar(text + 7, end), end);
}

static void
sixteen_agree_with_their_twin(void **state)
{
	static const char fold[17] = "    \0\x20 \0  \0\0\xFF\xFF\xFF\xFF";
	char bytes[16], folded[16];

	(void)state;
	for (size_t at = 0; at < sizeof(bytes); at++) {
		for (int c = 0; c < 256; c++) {
			struct span text;

			memcpy(bytes, "Content-LenGth:x", sizeof(bytes));
			for (size_t i = 0; i < sizeof(bytes); i++)
				folded[i] = (char)(bytes[i] | fold[i]);
			bytes[at] = (char)c;
			text = guarded(span_of(bytes, sizeof(bytes)));
			assert_int_equal(scan_same16(text.at, fold, folded),
					 scan_same16_scalar(text.at, fold, folded));
			assert_int_equal(scan_same16(text.at, fold, folded),
					 (char)(c | fold[at]) == folded[at]);
		}
	}
}

static void
runs_end_where_the_class_does(void **state)
{
	char bytes[40];

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		for (size_t at = 0; at <= len; at++) {
			struct span text;

			memset(bytes, 'a', sizeof(bytes));
			if (at < len)
				bytes[at] = ';';
			text = guarded(span_of(bytes, len));
			assert_ptr_equal(scan_while(text.at, text.at + len, SCAN_TOKEN),
					 text.at + at);
			assert_int_equal(scan_all(text, SCAN_TOKEN), len > 0 && at == len);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoted_that_never_closes_or_holds_controls_is_refused),
		cmocka_unit_test(quoted_ends_behind_its_quote),
		cmocka_unit_test(classes_are_those_of_the_grammar),
		cmocka_unit_test(escapes_need_two_hex_digits),
		cmocka_unit_test(searches_agree_with_their_twins),
		cmocka_unit_test(searches_find_what_they_are_for),
		cmocka_unit_test(sixteen_agree_with_their_twin),
		cmocka_unit_test(runs_end_where_the_class_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
