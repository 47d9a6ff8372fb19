/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field lines and comma lists of an HTTP head (RFC 9112 §5, RFC 9110 §5.6), and how little is
 * looked at twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/http_field.h"
#include "tests/feed.h"

static const struct {
	const char *line;
	size_t len;
	enum http_line want;
	const char *name, *value;
} lines[] = {
#define BAD(line) { line, sizeof(line) - 1, HTTP_LINE_MALFORMED, "", "" }
#define PART(line) { line, sizeof(line) - 1, HTTP_LINE_PARTIAL, "", "" }
#define GOOD(line, name, value) { line, sizeof(line) - 1, HTTP_LINE_FIELD, name, value }
	BAD(" a: b\r\n"), BAD("\ta: b\r\n"), BAD(": b\r\n"), BAD("a b\r\n"), BAD("a : b\r\n"),
	BAD("a\r\n"), BAD("a\n"), BAD("\n"), BAD("\rx"), BAD("a: b\n"), BAD("a: b\rc\r\n"),
	BAD("a: b\x00\r\n"), BAD("a: \x1F\r\n"), BAD("a: \x7F\r\n"), BAD("a\x80: b\r\n"),
	BAD("a,b: c\r\n"), BAD("\"a\": c\r\n"), BAD("a/b: c\r\n"),
	PART(""), PART("a"), PART("a:"), PART("a: b"), PART("a: b\r"), PART("\r"),
	GOOD("a:\r\n", "a", ""), GOOD("a:b\r\n", "a", "b"), GOOD("a: \t b c \t\r\n", "a", "b c"),
	GOOD("a:\xFF\r\n", "a", "\xFF"), GOOD("!#$%&'*+-.^_`|~09AZaz: x\r\n",
					     "!#$%&'*+-.^_`|~09AZaz", "x"),
	GOOD("a: b\r\nc: d\r\n", "a", "b"), GOOD("a: :\"\\;,\r\n", "a", ":\"\\;,"),
	{ "\r\n", 2, HTTP_LINE_END, "", "" },
#undef BAD
#undef PART
#undef GOOD
};

static void
lines_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *in = feed_guarded(lines[i].line, lines[i].len);
		struct span rest = span_of(in, lines[i].len);
		struct http_field field;

		assert_int_equal(http_field_read(&rest, &field), lines[i].want);
		if (lines[i].want == HTTP_LINE_END) {
			assert_int_equal(rest.len, 0);
		} else if (lines[i].want != HTTP_LINE_FIELD) {
			assert_ptr_equal(rest.at, in);
			continue;
		} else {
			assert_true(span_equal(field.name,
					       span_of(lines[i].name, strlen(lines[i].name))));
			assert_true(span_equal(field.value,
					       span_of(lines[i].value, strlen(lines[i].value))));
			assert_int_equal(rest.at[-1], '\n');
		}
		for (size_t len = 0; len + 2 < lines[i].len && !memchr(in, '\n', len); len++) {
			rest = span_of(feed_guarded(lines[i].line, len), len);
			assert_int_equal(http_field_read(&rest, &field), HTTP_LINE_PARTIAL);
		}
	}
}

static void
lists_are_parted(void **state)
{
	static const struct {
		const char *list, *members; /* each followed by '|' */
	} lists[] = {
		{ "", "" }, { " ", "" }, { ",", "" }, { " , ,\t,", "" }, { "a", "a|" },
		{ "a,b", "a|b|" }, { " a\t,, b c ,", "a|b c|" },
		{ "a;x=\"b,c\",d", "a;x=\"b,c\"|d|" },
		{ "\"a\\\",b\",c", "\"a\\\",b\"|c|" }, { "\"a,b", "\"a,b|" }, { "\"a\\", "\"a\\|" },
		{ "\\,a", "\\|a|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		size_t len = strlen(lists[i].list);
		struct span rest = span_of(feed_guarded(lists[i].list, len), len), member;
		char got[64] = "";
		size_t n = 0;

		while (http_field_list_next(&rest, &member))
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%.*s|", (int)member.len,
					      member.at);
		assert_string_equal(got, lists[i].members);
	}
}

static void
words_are_found_in_lists(void **state)
{
	static const struct {
		const char *list;
		bool versions, well_formed, found;
	} lists[] = {
		{ "", false, true, false },
		{ "up", false, true, true },
		{ "UP", false, true, true },
		{ "a, uP ,b", false, true, true },
		{ "ups, xup, u-p", false, true, false },
		{ "up/1", false, false, false },
		{ "up/1", true, true, false },
		{ "a/1, up", true, true, true },
		{ "a/, up", true, false, false },
		{ "/1", true, false, false },
		{ "a/1/2", true, false, false },
		{ "a b", false, false, false },
		{ "\"up\"", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct span list = span_of(lists[i].list, strlen(lists[i].list));
		bool found = false;

		assert_int_equal(http_field_list_has(list, SPAN("up"), lists[i].versions, &found),
				 lists[i].well_formed);
		assert_int_equal(found, lists[i].found);
	}
}

static void
tokens(void **state)
{
	(void)state;
	assert_false(http_field_is_token(SPAN("")));
	assert_false(http_field_is_token(SPAN("a b")));
	assert_false(http_field_is_token(SPAN("a\x80")));
	assert_true(http_field_is_token(SPAN("a-b")));
	for (unsigned c = 0; c < 256; c++) { /* against RFC 9110 §5.6.2, written as it is there */
		bool is = c && c < 128 &&
			  strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ", (int)c) != NULL;

		assert_int_equal(http_field_is_token_char((char)c), is);
	}
}

/* W-S-16: who sends a head byte by byte does not have it read over and over. */
static void
little_is_news(void **state)
{
	char head[4096];
	size_t news = 0, lines_len = 0, len;

	(void)state;
	memset(head, ' ', sizeof(head));
	for (size_t i = 100; i + 2 < sizeof(head); i += 500, lines_len++)
		memcpy(head + i, "\r\n", 2);
	for (len = 1; len <= sizeof(head); len++)
		news += http_field_news(feed_guarded(head, len), len, len - 1);
	assert_in_range(news, HTTP_FIELD_EAGER + lines_len, HTTP_FIELD_EAGER + lines_len);
	head[2000] = '\x01';
	assert_true(http_field_news(head, 2001, 2000));
	assert_false(http_field_news(head, 2000, 1999));
	head[2000] = '\r'; /* bare, as the next byte shows */
	assert_false(http_field_news(head, 2001, 2000));
	assert_true(http_field_news(head, 2002, 2001));
	assert_true(http_field_news(head, 2002, 2000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(lists_are_parted),
		cmocka_unit_test(words_are_found_in_lists),
		cmocka_unit_test(tokens),
		cmocka_unit_test(little_is_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
