/* SPDX-License-Identifier: Apache-2.0 */
/* The file of users: what is read, what is refused, what is offered. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "engine/users.h"
#include "tests/unit/sip_check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define MD5 "543e1aec5d3614f03141652d6ada51b2"
#define SHA "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"

static char error[SETTINGS_ERROR_MAX];

static struct users *
parse(const char *text)
{
	return users_parse(guarded(text_of_string(text)), error);
}

static void
lines_become_users(void **state)
{
	struct users *u = parse("# by htdigest\r\n"
				"alice:example.org:543E1AEC5d3614f03141652d6ada51b2\r\n"
				"\n"
				"  alice:example.org:sha-256:" SHA "\n"
				"bob@b.org:the realm, that one:SHA-512-256:" SHA "\n"
				"carol:example.org:MD5:" MD5);

	(void)state;
	assert_non_null(u);
	assert_int_equal(users_count(u), 4);
	check_span(users_find(u, SPAN("alice"), SPAN("example.org"), SIP_DIGEST_MD5), MD5);
	check_span(users_find(u, SPAN("alice"), SPAN("example.org"), SIP_DIGEST_SHA_256), SHA);
	check_span(users_find(u, SPAN("bob@b.org"), SPAN("the realm, that one"),
			      SIP_DIGEST_SHA_512_256),
		   SHA);
	assert_null(users_find(u, SPAN("bob@b.org"), SPAN("example.org"), SIP_DIGEST_MD5).at);
	assert_null(users_find(u, SPAN("Alice"), SPAN("example.org"), SIP_DIGEST_MD5).at);
	assert_null(users_find(u, SPAN("carol"), SPAN("example.org"), SIP_DIGEST_SHA_256).at);
	users_free(u);
}

/* Only what every user of the realm has is offered. */
static void
what_all_have_is_offered(void **state)
{
	struct users *u = parse("a:x:" MD5 "\na:x:SHA-256:" SHA "\nb:x:" MD5 "\n"
				"a:y:" MD5 "\na:y:SHA-256:" SHA "\n");

	(void)state;
	assert_non_null(u);
	assert_true(users_offer(u, SPAN("x"), SIP_DIGEST_MD5));
	assert_false(users_offer(u, SPAN("x"), SIP_DIGEST_SHA_256));
	assert_true(users_offer(u, SPAN("y"), SIP_DIGEST_SHA_256));
	assert_false(users_offer(u, SPAN("y"), SIP_DIGEST_SHA_512_256));
	assert_false(users_offer(u, SPAN("z"), SIP_DIGEST_MD5));
	assert_true(users_has_realm(u, SPAN("x")));
	assert_false(users_has_realm(u, SPAN("z")));
	users_free(u);
}

static void
what_is_wrong_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "a:x:" MD5 "\nalice", "line 2: the realm" },
		{ ":x:" MD5, "line 1: the user" },
		{ "a\"b:x:" MD5, "line 1: the user" },
		{ "a::" MD5, "line 1: the realm" },
		{ "a:x\\:" MD5, "line 1: the realm" },
		{ "a:x", "line 1: HA1" },
		{ "a:x:", "line 1: HA1" },
		{ "a:x:0123", "line 1: HA1" },
		{ "a:x:g43e1aec5d3614f03141652d6ada51b2", "line 1: HA1" },
		{ "a:x:" SHA, "line 1: HA1" },
		{ "a:x:SHA-256:" MD5, "line 1: HA1" },
		{ "a:x:SHA-1:" MD5, "line 1: the algorithm" },
		{ "a:x::" MD5, "line 1: the algorithm" },
		{ "a:x:" MD5 ":y", "line 1: the algorithm" },
		{ "\n\na:x:" MD5 "\na:x:MD5:" MD5, "line 4: the user has a line" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		if (parse(rows[i].text))
			fail_msg("accepted: %s", rows[i].text);
		if (strncmp(error, rows[i].error, strlen(rows[i].error)) != 0)
			fail_msg("%s: %s", rows[i].text, error);
	}
}

static void
realms_have_a_limit(void **state)
{
	static char text[(USERS_REALMS_MAX + 1) * 64];
	size_t len = 0, last = 0;
	struct users *u;

	(void)state;
	for (unsigned i = 0; i <= USERS_REALMS_MAX; i++) {
		last = len;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "a:r%u:" MD5 "\n", i);
	}
	u = users_parse(span_of(text, last), error);
	assert_non_null(u);
	users_free(u);
	assert_null(users_parse(span_of(text, len), error));
	assert_string_equal(error, "line 65: there are too many realms");
}

/* More than is read at once. */
static void
a_large_file_is_read(void **state)
{
	char name[] = "/tmp/users_test.XXXXXX", user[32];
	int fd = mkstemp(name);
	FILE *out = fdopen(fd, "w");
	struct users *u;

	(void)state;
	assert_non_null(out);
	for (unsigned i = 0; i < 20000; i++)
		fprintf(out, "u%u:example.org:" MD5 "\n", i);
	fclose(out);
	u = users_read(name, error);
	unlink(name);
	assert_non_null(u);
	assert_int_equal(users_count(u), 20000);
	for (unsigned i = 0; i < 20000; i += 999) {
		int n = snprintf(user, sizeof(user), "u%u", i);

		assert_non_null(
			users_find(u, span_of(user, (size_t)n), SPAN("example.org"), SIP_DIGEST_MD5)
				.at);
	}
	users_free(u);
	assert_null(users_read(name, error));
	assert_non_null(strstr(error, "No such file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_users),
		cmocka_unit_test(what_all_have_is_offered),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(realms_have_a_limit),
		cmocka_unit_test(a_large_file_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
