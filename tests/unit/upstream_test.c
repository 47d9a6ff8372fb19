/* SPDX-License-Identifier: Apache-2.0 */
/* Back-off of outgoing connections (W-L-13), and what their handshake may ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/upstream.h"

static struct settings
finished(void)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	settings_init(&s);
	assert_true(settings_finish(&s, error));
	return s;
}

/* RFC 6455 §7.2.3: the first delay is random from 0 on: a crowd does not come back at once. */
static void
first_delay_is_random(void **state)
{
	struct settings s = finished();

	(void)state;
	assert_int_equal(upstream_delay_ms(&s, 1, 0), 0);
	assert_int_equal(upstream_delay_ms(&s, 1, 5000), 5000);
	assert_int_equal(upstream_delay_ms(&s, 1, 5001), 0);
	assert_int_equal(upstream_delay_ms(&s, 1, 5001 + 1234), 1234);
}

/* Then truncated binary exponential: between half of the bound and the bound, which doubles. */
static void
delays_double(void **state)
{
	struct settings s = finished();
	uint64_t bound = 5000;

	(void)state;
	for (uint32_t failures = 2; failures < 100; failures++) {
		bound = bound * 2 < 60000 ? bound * 2 : 60000;
		assert_int_equal(upstream_delay_ms(&s, failures, 0), bound / 2);
		for (uint64_t random = 0; random < 100000; random += 777)
			assert_in_range(upstream_delay_ms(&s, failures, random), bound / 2, bound);
	}
	assert_in_range(upstream_delay_ms(&s, UINT32_MAX, UINT64_MAX), 30000, 60000);
}

static void
checks_the_request(void **state)
{
	static const struct {
		const char *assignment;
		bool fine;
	} cases[] = {
		{ "ws_resource=/", true },
		{ "ws_resource=/runCase?case=1&agent=sipring", true },
		{ "ws_resource=relative", false },
		{ "ws_resource=/a b", false },
		{ "ws_subprotocols=sip", true },
		{ "ws_subprotocols=sip, msrp", true },
		{ "ws_subprotocols=sip, sip", false },
		{ "ws_subprotocols=s(p", false },
	};
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings s;

		settings_init(&s);
		assert_true(settings_set(&s, cases[i].assignment, error));
		error[0] = '\0';
		assert_int_equal(upstream_check(&s, error), cases[i].fine);
		assert_int_equal(error[0] == '\0', cases[i].fine);
	}
}

static void
knows_its_address(void **state)
{
	struct settings_upstream v4 = { .address = "127.0.0.1", .port = 5080 };
	struct settings_upstream v6 = { .address = "::1", .port = 80 };
	struct upstream u;

	(void)state;
	upstream_init(&u, &v4);
	assert_string_equal(u.host, "127.0.0.1");
	assert_int_equal(u.address.ss_family, AF_INET);
	upstream_init(&u, &v6);
	assert_string_equal(u.host, "[::1]");
	assert_int_equal(u.address.ss_family, AF_INET6);
	assert_int_equal(u.state, UPSTREAM_RESTING);
}

static void
refuses_upstreams(void **state)
{
	static const struct {
		const char *uri, *words;
	} cases[] = {
		{ "", "must be sip:" },
		{ "ws://127.0.0.1:80", "must be sip:" },
		{ "tel:+123;transport=ws", "must be sip:" },
		{ "sips:127.0.0.1;transport=udp", "not udp with sips:" },
		{ "sip:127.0.0.1;transport=sctp", "must be ws, tcp or udp" },
		{ "sip:127.0.0.1;transport=tcp;weight=0", ";weight=" },
		{ "sip:127.0.0.1;transport=tcp;weight=x", ";weight=" },
		{ "sips:127.0.0.1;transport=ws;name=", ";name=" },
		{ "sips:127.0.0.1;transport=ws;name=a/b", ";name=" },
		{ "sip:127.0.0.1;transport=ws;name=a", ";name=" },
		{ "sip:example.org;transport=ws", "not an IP address" },
		{ "sip:tsvjci2q7ch5.invalid;transport=ws", "not an IP address" },
		{ "sip:127.0.0.1:70000;transport=ws", "must be sip:" },
	};
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	settings_init(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(settings_upstream(&s, cases[i].uri, error));
		assert_non_null(strstr(error, cases[i].words));
		assert_int_equal(s.upstreams_len, 0);
	}
}

static void
takes_upstreams(void **state)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings s;

	(void)state;
	settings_init(&s);
	assert_true(settings_set(&s, "routing.mode=echo", error));
	assert_true(settings_upstream(&s, "sip:127.0.0.1;transport=ws", error));
	assert_true(settings_upstream(&s, "sip:user@[0:0::1]:5080;transport=WS", error));
	assert_true(settings_finish(&s, error));
	assert_string_equal(s.upstreams[0].address, "127.0.0.1");
	assert_int_equal(s.upstreams[0].port, 80); /* ws_port */
	assert_string_equal(s.upstreams[1].address, "::1");
	assert_int_equal(s.upstreams[1].port, 5080);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_upstreams),     cmocka_unit_test(takes_upstreams),
		cmocka_unit_test(first_delay_is_random), cmocka_unit_test(delays_double),
		cmocka_unit_test(checks_the_request),    cmocka_unit_test(knows_its_address),
	};

	return cmocka_run_group_tests_name("upstream", tests, NULL, NULL);
}
