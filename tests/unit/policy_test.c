/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: read, written again, matched; buckets per source. */
#include <stdio.h>
#include "engine/policy.h"
#include "engine/sources.h"
#include "tests/unit/sip_check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static struct policy_rule rule;
static char error[256];

static void
rules_are_read_and_written(void **state)
{
	static const char *const rows[][2] = {
		{ "registrar", "registrar" },
		{ " reject=503\t", "reject=503" },
		{ "upstream=core header=x-trunk", "header=x-trunk upstream=core" },
		{ "source=192.0.2.7 registrar", "source=192.0.2.7/32 registrar" },
		{ "source=0.0.0.0/0 registrar", "source=0.0.0.0/0 registrar" },
		{ "source=2001:DB8::/33 registrar", "source=2001:db8::/33 registrar" },
		{ "source=2001:db8::ff01:1:2 registrar",
		  "source=2001:db8::ff01:1:2/128 registrar" },
		{ "listener=2 domain=*.example.org method=OTHER,ACK,PUBLISH reject=600",
		  "method=OTHER,ACK,PUBLISH domain=*.example.org listener=2 reject=600" },
	};
	char text[POLICY_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		if (!policy_parse(&rule, rows[i][0], error, sizeof(error)))
			fail_msg("%s: %s", rows[i][0], error);
		policy_print(&rule, text);
		assert_string_equal(text, rows[i][1]);
		assert_true(policy_parse(&rule, text, error, sizeof(error)));
	}
}

static void
faulty_rules_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"method=INVITE",
		"registrar reject=403",
		"registrar registrar",
		"registrar=1",
		"reject",
		"reject=",
		"reject=299",
		"reject=700",
		"reject=4033",
		"reject=4x3",
		"method=invite registrar",
		"method= registrar",
		"method=FOO registrar",
		"method=INVITE, registrar",
		"domain= registrar",
		"source= registrar",
		"source=example.org registrar",
		"source=10.0.0.0/33 registrar",
		"source=::/129 registrar",
		"source=10.0.0.0/ registrar",
		"source=10.0.0.0/x registrar",
		"listener=0 registrar",
		"listener=256 registrar",
		"listener=a registrar",
		"header=a:b registrar",
		"upstream= registrar",
		"upstream=",
		"colour=red registrar",
		"=x registrar",
	};
	char long_name[300] = "registrar domain=";

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		if (policy_parse(&rule, rows[i], error, sizeof(error)))
			fail_msg("accepted: %s", rows[i]);
	memset(long_name + 17, 'a', POLICY_NAME_MAX);
	assert_false(policy_parse(&rule, long_name, error, sizeof(error)));
	long_name[17 + POLICY_NAME_MAX - 1] = '\0';
	assert_true(policy_parse(&rule, long_name, error, sizeof(error)));
}

static bool
fits(const char *text, const char *address, uint8_t listener)
{
	static struct sip_msg sip;
	struct span message = SPAN("FOO sip:a@Sub.Example.org SIP/2.0\r\nx-Trunk: 1\r\n"
				   "k: path\r\n\r\n");
	struct policy_request q = { .sip = &sip, .address = address, .listener = listener };
	struct sip_uri uri;

	message = guarded(message);
	assert_int_equal(sip_msg_parse(&sip, message.at, message.len), SIP_OK);
	assert_int_equal(sip_uri_parse(sip_msg_span(&sip, sip.uri), &uri), SIP_OK);
	q.uri = &uri;
	assert_true(policy_parse(&rule, text, error, sizeof(error)));
	return policy_match(&rule, 1, &q) != NULL;
}

static void
each_condition_counts(void **state)
{
	static const struct {
		const char *text, *address;
		bool fits;
	} rows[] = {
		{ "reject=403", "192.0.2.1", true },
		{ "method=OTHER reject=403", "192.0.2.1", true },
		{ "method=INVITE reject=403", "192.0.2.1", false },
		{ "domain=sub.example.ORG reject=403", "192.0.2.1", true },
		{ "domain=example.org reject=403", "192.0.2.1", false },
		{ "domain=*.example.org reject=403", "192.0.2.1", true },
		{ "domain=*.sub.example.org reject=403", "192.0.2.1", false },
		{ "source=192.0.2.0/24 reject=403", "192.0.2.255", true },
		{ "source=192.0.2.0/24 reject=403", "192.0.3.0", false },
		{ "source=192.0.2.128/25 reject=403", "192.0.2.127", false },
		{ "source=0.0.0.0/0 reject=403", "192.0.2.127", true },
		{ "source=0.0.0.0/0 reject=403", "2001:db8::1", false },
		{ "source=2001:db8::/31 reject=403", "2001:db9::1", true },
		{ "source=2001:db8::/32 reject=403", "2001:db9::1", false },
		{ "listener=2 reject=403", "192.0.2.1", true },
		{ "listener=1 reject=403", "192.0.2.1", false },
		{ "header=X-TRUNK reject=403", "192.0.2.1", true },
		{ "header=X-Trunk2 reject=403", "192.0.2.1", false },
		{ "header=Supported reject=403", "192.0.2.1", true }, /* its compact form */
		{ "header=Require reject=403", "192.0.2.1", false },
		{ "header=X-Trunk source=10.0.0.0/8 reject=403", "192.0.2.1", false },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		if (fits(rows[i].text, rows[i].address, 2) != rows[i].fits)
			fail_msg("%s, %s", rows[i].text, rows[i].address);
}

#define SECOND UINT64_C(1000000000)
#define DAY (UINT64_C(86400) * SECOND)

static void
sources_have_a_bucket_each(void **state)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "sixteen octets..";
	struct sources *s = sources_new(key);
	uint64_t now = 5 * SECOND;
	char address[32];

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < 10; i++)
		assert_true(sources_spend(s, "192.0.2.1", 10, now));
	assert_false(sources_spend(s, "192.0.2.1", 10, now));
	assert_true(sources_spend(s, "192.0.2.2", 10, now));
	assert_false(sources_spend(s, "192.0.2.1", 10, now + SECOND / 11));
	assert_true(sources_spend(s, "192.0.2.1", 10, now + SECOND / 10));
	assert_false(sources_spend(s, "192.0.2.1", 10, now + SECOND / 10));
	now += 3 * SECOND; /* full again, and no fuller */
	for (int i = 0; i < 10; i++)
		assert_true(sources_spend(s, "192.0.2.1", 10, now));
	assert_false(sources_spend(s, "192.0.2.1", 10, now));
	/* one /64 is one source */
	assert_true(sources_spend(s, "2001:db8::1", 1, now));
	assert_false(sources_spend(s, "2001:db8::ffff:1", 1, now));
	assert_true(sources_spend(s, "2001:db8:0:1::1", 1, now));
	/* who comes once is never refused for others, however many they are */
	for (unsigned i = 0; i < 300000; i++) {
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		if (!sources_spend(s, address, 1, now))
			fail_msg("%s", address);
	}
	sources_free(s);
}

/* However long ago a source was there last: its bucket is full. */
static void
sources_come_back_after_days(void **state)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = "sixteen octets..";

	(void)state;
	for (unsigned days = 1; days < 30; days++) {
		struct sources *s = sources_new(key);
		uint64_t now = 5 * SECOND;

		assert_non_null(s);
		assert_true(sources_spend(s, "192.0.2.1", 2, now));
		now += days * DAY;
		for (int i = 0; i < 2; i++)
			if (!sources_spend(s, "192.0.2.1", 2, now))
				fail_msg("after %u days", days);
		assert_false(sources_spend(s, "192.0.2.1", 2, now));
		sources_free(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_read_and_written),
		cmocka_unit_test(faulty_rules_are_refused),
		cmocka_unit_test(each_condition_counts),
		cmocka_unit_test(sources_have_a_bucket_each),
		cmocka_unit_test(sources_come_back_after_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
