/* SPDX-License-Identifier: Apache-2.0 */
/* What is let in to be routed: rules, methods, sizes, rates, waits; each refusal is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

static struct routing r;
static char error[SETTINGS_ERROR_MAX];

static void
start(const char *const *settings)
{
	routing_prepare(&r);
	for (; *settings; settings++)
		if (!settings_set(&r.settings, *settings, error))
			fail_msg("%s", error);
	if (!settings_finish(&r.settings, error))
		fail_msg("%s", error);
	routing_start(&r);
	routing_open(&r, 1, "192.0.2.1", 4711);
	routing_open(&r, 2, "192.0.2.2", 4712);
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
}

#define START(...) start((const char *const[]){ __VA_ARGS__, NULL })

/* To bob, `age_ns` old; returns the status, 0: it is forwarded or dropped. */
static int
say_aged(const char *method, const char *tag, const char *fields, uint64_t age_ns)
{
	static char text[4096];
	size_t len;
	char lines[2048];
	int n = snprintf(lines, sizeof(lines),
			 "%s sip:bob@example.org SIP/2.0\n"
			 "Via: SIP/2.0/WS a.invalid;branch=z9hG4bKm\n"
			 "To: <sip:bob@example.org>%s\nFrom: <sip:a@example.org>;tag=1\n"
			 "Call-ID: two\nCSeq: 1 %s\nMax-Forwards: 70\n%s\n",
			 method, tag, method, fields);

	len = 0;
	for (int i = 0; i < n; i++) {
		if (lines[i] == '\n')
			text[len++] = '\r';
		text[len++] = lines[i];
	}
	r.age_ns = age_ns;
	routing_send(&r, 1, text, len);
	r.age_ns = 0;
	return routing_status(&r);
}

static int
say(const char *method, const char *fields)
{
	return say_aged(method, "", fields, 0);
}

static void
the_first_rule_that_fits_decides(void **state)
{
	(void)state;
	START("policy.rule=method=MESSAGE header=X-Friend registrar",
	      "policy.rule=method=MESSAGE source=192.0.2.0/24 reject=603",
	      "policy.rule=domain=example.org method=INVITE reject=403");
	assert_int_equal(say("MESSAGE", "X-Friend: yes\n"), 0);
	assert_int_equal(routing_target(&r), 2);
	assert_int_equal(say("MESSAGE", ""), 603);
	assert_int_equal(say("INVITE", ""), 403);
	assert_int_equal(say("REFER", ""), 0);
	assert_int_equal(say("CANCEL", ""), 0);
	assert_int_equal(r.stats.refused_policy, 2);
}

static void
methods_that_are_not_named_are_405(void **state)
{
	(void)state;
	START("routing.methods=REGISTER, INVITE,BYE");
	assert_int_equal(say("MESSAGE", ""), 405);
	assert_true(routing_has_line(&r, "Allow: INVITE, BYE, REGISTER"));
	assert_int_equal(say("FOO", ""), 405);
	assert_int_equal(say("INVITE", ""), 0);
	assert_int_equal(say("ACK", ""), 0);
	assert_int_equal(routing_target(&r), 2);
	assert_int_equal(r.stats.refused_method, 2);
}

static void
what_is_too_large_is_513(void **state)
{
	char fields[1024];

	(void)state;
	START("routing.max_message=600");
	snprintf(fields, sizeof(fields), "X-Long: %0500d\n", 0);
	assert_int_equal(say("MESSAGE", fields), 513);
	assert_int_equal(say("MESSAGE", ""), 0);
	assert_int_equal(r.stats.refused_size, 1);
}

static void
max_forwards_is_lowered(void **state)
{
	(void)state;
	START("routing.max_forwards_limit=20");
	assert_int_equal(say("MESSAGE", ""), 0);
	assert_true(routing_has_line(&r, "Max-Forwards: 20"));
}

/* So many per second and source; what goes on with something passes, and is not counted. */
static void
sources_have_their_rate(void **state)
{
	(void)state;
	START("routing.source_rate=3", "routing.retry_after=7");
	for (int i = 0; i < 3; i++)
		assert_int_equal(say("MESSAGE", ""), 0);
	assert_int_equal(say("MESSAGE", ""), 503);
	assert_true(routing_has_line(&r, "Retry-After: 7"));
	assert_int_equal(say("CANCEL", ""), 0);
	assert_int_equal(routing_target(&r), 2);
	assert_int_equal(say_aged("BYE", ";tag=2", "", 0), 0);
	assert_int_equal(r.stats.refused_source_rate, 1);
	r.now_ns += ROUTING_SECOND / 2;
	assert_int_equal(say("MESSAGE", ""), 0);
	assert_int_equal(say("MESSAGE", ""), 503);
}

/* The loop counts; what is refused for it is said here. */
static void
connections_have_their_rate(void **state)
{
	(void)state;
	START("routing.connection_rate=3");
	r.over_rate = true;
	assert_int_equal(say("MESSAGE", ""), 503);
	assert_int_equal(say("ACK", ""), 0);
	assert_int_equal(say_aged("INFO", ";tag=2", "", 0), 0);
	r.over_rate = false;
	assert_int_equal(say("MESSAGE", ""), 0);
	assert_int_equal(r.stats.refused_connection_rate, 1);
}

/* Under overload first what nobody waits for, then what begins something, never the rest. */
static void
what_waited_too_long_is_given_up_in_order(void **state)
{
	static const char *const spare[] = { "NOTIFY", "OPTIONS", "SUBSCRIBE", "PUBLISH" };
	static const char *const fresh[] = { "INVITE", "MESSAGE", "REFER", "FOO" };
	static const char *const keep[] = { "ACK", "BYE", "CANCEL" };
	const uint64_t ms = 1000000;

	(void)state;
	START("routing.queue_age=100");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(say_aged(spare[i], "", "", 50 * ms), 0);
		assert_int_equal(say_aged(spare[i], "", "", 51 * ms), 503);
		assert_true(routing_has_line(&r, "Retry-After: 5"));
		assert_int_equal(say_aged(spare[i], ";tag=x", "", 500 * ms), 0);
		assert_int_equal(say_aged(fresh[i], "", "", 100 * ms), 0);
		assert_int_equal(say_aged(fresh[i], "", "", 101 * ms), 503);
		assert_int_equal(say_aged(fresh[i], ";tag=x", "", 500 * ms), 0);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(say_aged(keep[i], "", "", 500 * ms), 0);
		assert_int_equal(routing_target(&r), 2);
	}
	assert_int_equal(r.stats.spared_overload, 4);
	assert_int_equal(r.stats.refused_overload, 4);
}

static void
rules_that_cannot_be_are_refused(void **state)
{
	static const char *const rows[][2] = {
		{ "policy.rule=upstream=core", "no group of upstreams" },
		{ "policy.rule=listener=2 registrar", "no listener 2" },
		{ "routing.methods=INVITE,FOO", "known by name" },
		{ "registrar.service_route=sip:a;lr", "must be <sip:" },
		{ "registrar.service_route=<sip:a;lr>, b", "must be <sip:" },
	};

	(void)state;
	START("routing.methods=");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		settings_init(&r.settings);
		assert_true(settings_set(&r.settings, rows[i][0], error));
		assert_false(settings_finish(&r.settings, error));
		assert_non_null(strstr(error, rows[i][1]));
	}
	settings_init(&r.settings);
	assert_false(settings_set(&r.settings, "policy.rule=reject=1", error));
	for (int i = 0; i < SETTINGS_RULES_MAX; i++)
		assert_true(settings_set(&r.settings, "policy.rule=registrar", error));
	assert_false(settings_set(&r.settings, "policy.rule=registrar", error));
	settings_init(&r.settings);
	r.settings.mode = SETTINGS_MODE_REGISTRAR;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) ROUTING_TEST(f, NULL)
		TEST(the_first_rule_that_fits_decides),
		TEST(methods_that_are_not_named_are_405),
		TEST(what_is_too_large_is_513),
		TEST(max_forwards_is_lowered),
		TEST(sources_have_their_rate),
		TEST(connections_have_their_rate),
		TEST(what_waited_too_long_is_given_up_in_order),
		TEST(rules_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
