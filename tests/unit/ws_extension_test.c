/* SPDX-License-Identifier: Apache-2.0 */
/* Sec-WebSocket-Extensions, RFC 6455 §9.1: W-S-11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/ws_extension.h"
#include "tests/feed.h"

/* Extensions as "name;param=value;param|", or NULL: malformed. */
static const struct {
	const char *value, *want;
} values[] = {
	{ "a b", NULL }, { ";a", NULL }, { "a;", NULL }, { "a;;b", NULL }, { "a;=b", NULL },
	{ "a;b=", NULL }, { "a;b==c", NULL }, { "a;b=c d", NULL }, { "a;b=\"", NULL },
	{ "a;b=\"\"", NULL }, { "a;b=\"c", NULL }, { "a;b=\"c d\"", NULL }, { "a;b=\"c\"d", NULL },
	{ "a;b=\"c\\d\"", NULL }, { "a/b", NULL }, { "\"a\"", NULL }, { "a=b", NULL },
	{ "a, b c", NULL }, { "\x80", NULL },
	{ "", "" }, { " ,\t,", "" }, { "a", "a|" }, { "a,b , c", "a|b|c|" }, { "a;b", "a;b|" },
	{ "a; b=c", "a;b=c|" }, { "a ; b = \"c\" ; d", "a;b=c;d|" },
	{ "permessage-deflate; client_max_window_bits; server_max_window_bits=10, x",
	  "permessage-deflate;client_max_window_bits;server_max_window_bits=10|x|" },
};

static void
put(char *text, struct span s)
{
	snprintf(text + strlen(text), 100, "%.*s", (int)s.len, s.at);
}

static void
values_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t len = strlen(values[i].value);
		struct span rest = span_of(feed_guarded(values[i].value, len), len);
		int count = ws_extension_count(rest), n = 0;
		struct ws_extension_param param;
		struct ws_extension extension;
		enum ws_extension_read read;
		char text[400] = "";

		while ((read = ws_extension_next(&rest, &extension)) == WS_EXTENSION_NEXT) {
			put(text, extension.name);
			while (ws_extension_param(&extension.params, &param) == WS_EXTENSION_NEXT) {
				put(text, SPAN(";"));
				put(text, param.name);
				put(text, param.has_value ? SPAN("=") : SPAN(""));
				put(text, param.value);
			}
			put(text, SPAN("|"));
			n++;
		}
		if (!values[i].want) {
			assert_int_equal(read, WS_EXTENSION_MALFORMED);
			assert_int_equal(count, -1);
			continue;
		}
		assert_string_equal(text, values[i].want);
		assert_int_equal(read, WS_EXTENSION_END);
		assert_int_equal(count, n);
	}
}

static void
names_are_found(void **state)
{
	const struct span value = SPAN("ab;c, d");

	(void)state;
	assert_false(ws_extension_named(value, SPAN("a")));
	assert_false(ws_extension_named(value, SPAN("c")));
	assert_false(ws_extension_named(value, SPAN("AB")));
	assert_true(ws_extension_named(value, SPAN("ab")));
	assert_true(ws_extension_named(value, SPAN("d")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(names_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
