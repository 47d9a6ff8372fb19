/* SPDX-License-Identifier: Apache-2.0 */
/* Authorities, paths and origins, RFC 3986 §3.2, §3.3, RFC 6454 §7.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/http_uri.h"
#include "tests/feed.h"

static const char *const bad_authorities[] = {
	"", ":", ":80", "a:b", "a:65536", "a:99999999999999999999", "a:80:", "a b", "a/b", "a?b",
	"a@b", "a#b", "a,b c", "\x80", "a%", "a%4", "a%4:80", "a%zz", "::1", "[", "[]", "[::1",
	"[::1]a", "[::1]:x", "[:]", "[:::]", "[1]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:]",
	"[:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8:9]", "[1::2::3]", "[1:::2]", "[12345::]", "[::g]",
	"[1:2:3:4:5:6:7:8::]", "[::1:2:3:4:5:6:7:8]", "[::1.2.3]", "[::1.2.3.256]", "[::1.2.3.04]",
	"[::1.2.3.4.5]", "[1.2.3.4]", "[1:2:3:4:5:6:7:1.2.3.4]", "[::1.2.3.4:5]",
	"[fe80::1%25eth0]", "[v1.a]", "[::1", "[ ::1]",
};

static const char *const good_authorities[] = {
	"a", "example.org", "example.org:80", "example.org:", "a:0", "a:65535", "a:00080",
	"127.0.0.1:8080", "a-b_c.d~e", "a%41", "%C3%A9:1", "a!$&'()*+,;=b", "[::]", "[::1]",
	"[::1]:", "[::1]:443", "[1:2:3:4:5:6:7:8]", "[1::8]", "[1:2:3:4:5:6:7::]",
	"[::2:3:4:5:6:7:8]",
	"[ABCD:ef01::]", "[::ffff:192.0.2.1]:80",
	"[1:2:3:4:5:6:192.0.2.1]", "[64:ff9b::0.0.0.0]",
};

static void
authorities(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_authorities) / sizeof(bad_authorities[0]); i++) {
		size_t len = strlen(bad_authorities[i]);

		if (http_uri_authority_valid(span_of(feed_guarded(bad_authorities[i], len), len)))
			fail_msg("%s", bad_authorities[i]);
	}
	for (size_t i = 0; i < sizeof(good_authorities) / sizeof(good_authorities[0]); i++) {
		size_t len = strlen(good_authorities[i]);

		if (!http_uri_authority_valid(span_of(feed_guarded(good_authorities[i], len), len)))
			fail_msg("%s", good_authorities[i]);
	}
}

static void
paths(void **state)
{
	static const struct {
		const char *text;
		size_t path, uri;
	} texts[] = {
		{ "", 0, 0 }, { "/", 1, 1 }, { "/a b", 2, 2 }, { "/a#b", 2, 2 },
		{ "/%41/%4", 7, 7 },
		{ "/%", 2, 2 }, { "/%4g", 1, 1 }, { "/%g", 1, 1 },
		{ "/a?b/?c=d&e;f:@!$'()*+,-._~", 27, 27 },
		{ "/[a]", 1, 4 }, { "/a\"", 2, 2 }, { "/<", 1, 1 }, { "/\\", 1, 1 }, { "/^", 1, 1 },
		{ "/`", 1, 1 }, { "/{|}", 1, 1 }, { "/\x7F", 1, 1 }, { "/\x80", 1, 1 },
		{ "/\t", 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = strlen(texts[i].text);
		struct span text = span_of(feed_guarded(texts[i].text, len), len);

		assert_int_equal(http_uri_path_len(text), texts[i].path);
		assert_int_equal(http_uri_len(text), texts[i].uri);
	}
}

static void
origins(void **state)
{
	static const char *const bad[] = { "", "NULL", "example.org", "//example.org",
					   "://example.org", "http:/example.org", "http://",
					   "http://a/", "http://a?b", "1http://a", "http://a b",
					   "http://u@a", "127.0.0.1:5060" };
	static const char *const good[] = { "null", "http://a", "https://example.org:8443",
					    "chrome-extension://abc", "http://[::1]:80",
					    "x+y.z://a" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(http_uri_origin_valid(
			span_of(feed_guarded(bad[i], strlen(bad[i])), strlen(bad[i]))));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(http_uri_origin_valid(
			span_of(feed_guarded(good[i], strlen(good[i])), strlen(good[i]))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorities),
		cmocka_unit_test(paths),
		cmocka_unit_test(origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
