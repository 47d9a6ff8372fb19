/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several routers over one struct shared, each called in turn: who decides a REGISTER, what the
 * others then find, and that a second in which 100,000 registrations run out stops nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "codec/ws_frame.h"
#include "engine/route.h"

#define ROUTERS 3
#define SLOTS 4
#define SECOND UINT64_C(1000000000)
#define STEP_MAX_NS 5e6

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MANY 5000u
#else
#define MANY 100000u
#endif

static struct settings settings;
static struct shared *shared;
static struct route *routers[ROUTERS];
static struct stats stats[ROUTERS];
static struct message *m;
static uint64_t now;
static char text[2048], out[8192];

/* Loop k is served by router k; slot 1 of each is open. */
static struct flow
flow_of(uint32_t loop)
{
	return (struct flow){ 1, loop << 24 | 1 };
}

static int
setup(void **state)
{
	static const uint8_t key[SHARED_KEY_LEN] = "an unpredictable key of 32 bytes";

	(void)state;
	route_thread_begin();
	memset(stats, 0, sizeof(stats));
	settings_init(&settings);
	settings.mode = SETTINGS_MODE_REGISTRAR;
	settings.bindings_max = 2 * MANY;
	now = 1000 * SECOND;
	m = calloc(1, sizeof(*m));
	shared = shared_new(&settings, key, ROUTERS, SLOTS, ROUTERS);
	if (!m || !shared)
		return -1;
	for (uint32_t i = 0; i < ROUTERS; i++) {
		routers[i] = route_new(&settings, "example.org", shared, i, &stats[i]);
		m->kind = MESSAGE_FLOW_OPENED;
		m->from = flow_of(i);
		route_message(routers[i], m, now);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ROUTERS; i++) {
		route_free(routers[i]);
		assert_int_equal(stats[i].bindings, 0);
	}
	shared_free(shared);
	free(m);
	route_thread_end();
	return 0;
}

/* A message comes in over the flow of this loop. */
static void
arrive(uint32_t loop, int len)
{
	assert_true(len > 0 && (size_t)len < sizeof(text));
	m->kind = MESSAGE_DATA;
	m->from = flow_of(loop);
	m->opcode = WS_OP_TEXT;
	m->peer = (struct message_peer){ .address = "192.0.2.1", .port = 4711 };
	m->bytes = (uint8_t *)text;
	m->len = (uint32_t)len;
	m->has_sip = true;
	m->sip_error = (uint8_t)sip_msg_parse(&m->sip, text, (size_t)len);
}

static void
decide(uint32_t router)
{
	size_t len = 0;

	route_message(routers[router], m, now);
	for (uint32_t i = 0; i < m->pieces_len; i++) {
		assert_true(len + m->pieces[i].len < sizeof(out));
		memcpy(out + len, m->pieces[i].at, m->pieces[i].len);
		len += m->pieces[i].len;
	}
	out[len] = '\0';
}

static int
register_text(const char *to, unsigned expires)
{
	return snprintf(text, sizeof(text),
			"REGISTER sip:example.org SIP/2.0\r\n"
			"Via: SIP/2.0/WS %s.invalid;branch=z9hG4bKr\r\n"
			"To: <sip:%s@example.org>\r\nFrom: <sip:%s@example.org>;tag=1\r\n"
			"Call-ID: %s\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"
			"Contact: <sip:c@%s.invalid;transport=ws>;expires=%u\r\n\r\n",
			to, to, to, to, to, expires);
}

static int
invite_text(const char *to)
{
	return snprintf(text, sizeof(text),
			"INVITE sip:%s@example.org SIP/2.0\r\n"
			"Via: SIP/2.0/WS a.invalid;branch=z9hG4bKi\r\n"
			"To: <sip:%s@example.org>\r\nFrom: <sip:alice@example.org>;tag=1\r\n"
			"Call-ID: one\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n",
			to, to);
}

/* Bound on its home over whatever loop it came, found by all; the answer goes to where it was. */
static void
registered_at_home(void **state)
{
	uint64_t bound[ROUTERS] = { 0 };
	char user[16];

	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t loop = i % ROUTERS, home;

		snprintf(user, sizeof(user), "user%u", i);
		arrive(loop, register_text(user, 300));
		home = route_home(routers[loop], m);
		assert_true(home < ROUTERS);
		for (uint32_t k = 0; k < ROUTERS; k++)
			assert_int_equal(route_home(routers[k], m), home);
		decide(home);
		assert_int_equal(m->action, MESSAGE_REPLY);
		assert_memory_equal(out, "SIP/2.0 200 ", 12);
		assert_int_equal(stats[home].bindings, ++bound[home]);
		for (uint32_t k = 0; k < ROUTERS; k++) {
			arrive(k, invite_text(user));
			assert_int_equal(route_home(routers[k], m), k);
			decide(k);
			assert_int_equal(m->action, MESSAGE_FORWARD);
			assert_true(flow_equal(m->to, flow_of(loop)));
		}
	}
	for (uint32_t k = 0; k < ROUTERS; k++)
		assert_true(bound[k] > 5);
}

/* The same request gets the same bytes whoever decides, and a token of one is good for all. */
static void
same_everywhere(void **state)
{
	static char first[sizeof(out)];

	(void)state;
	arrive(1, register_text("bob", 300));
	decide(route_home(routers[1], m));
	for (uint32_t k = 0; k < ROUTERS; k++) {
		arrive(0, invite_text("bob"));
		decide(k);
		assert_int_equal(m->action, MESSAGE_FORWARD);
		if (k == 0)
			memcpy(first, out, sizeof(first));
		assert_string_equal(out, first);
	}
}

/* Nobody is home to what cannot be carried out, or is no REGISTER. */
static void
decided_where_it_is(void **state)
{
	static const char *const texts[] = {
		"REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/WS a;branch=z9hG4bK1\r\n"
		"To: bob <\r\nFrom: <sip:b@h>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n",
		"REGISTER sip:example.org SIP/2.0\r\n\r\n",
		"OPTIONS sip:example.org SIP/2.0\r\nVia: SIP/2.0/WS a;branch=z9hG4bK1\r\n"
		"To: <sip:b@h>\r\nFrom: <sip:b@h>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
		"no SIP at all",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (uint32_t k = 0; k < ROUTERS; k++) {
			arrive(k, snprintf(text, sizeof(text), "%s", texts[i]));
			assert_int_equal(route_home(routers[k], m), k);
			decide(k);
			assert_true(m->action == MESSAGE_REPLY || m->action == MESSAGE_DROP);
		}
	}
}

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
running_out_at_once(void **state)
{
	const char *scale = getenv("SIPRING_TEST_SCALE");
	double longest = 0;
	char user[16];

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(user, sizeof(user), "user%u", i);
		arrive(0, register_text(user, 300));
		route_message(routers[route_home(routers[0], m)], m, now);
		assert_int_equal(m->action, MESSAGE_REPLY);
	}
	assert_int_equal(location_bindings(&shared->location), MANY);
	now += 300 * SECOND;
	for (uint32_t k = 0; k < ROUTERS; k++) {
		for (bool more = true; more;) {
			double begin = cpu_ns(), took;

			more = route_expire(routers[k], now) <= now;
			took = cpu_ns() - begin;
			longest = took > longest ? took : longest;
		}
	}
	print_message("%u at once: longest call %.3f ms\n", MANY, longest / 1e6);
	assert_int_equal(location_bindings(&shared->location), 0);
	assert_true(longest < STEP_MAX_NS * (scale ? strtod(scale, NULL) : 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(registered_at_home, setup, teardown),
		cmocka_unit_test_setup_teardown(same_everywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(decided_where_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(running_out_at_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
