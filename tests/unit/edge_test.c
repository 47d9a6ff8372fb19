/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mode edge, the pure part: message in, text out. Slots 1 to 3 are clients; 10 and 11 are
 * connections to the first server of the core (UDP and TCP), 12 to the second one (TCP).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

#define TOKEN TOKEN_LEN
#define UDP 10
#define TCP 11
#define SECOND 12

static struct routing r;

static void
open_core(uint32_t slot, enum flow_transport transport, uint32_t member, enum group_path path)
{
	r.peer[slot].core = true;
	r.peer[slot].transport = (uint8_t)transport;
	routing_open(&r, slot, "192.0.2.7", 5060);
	group_set(&r.shared->group, 0, member, path, routing_flow(&r, slot));
}

static int
setup_with(uint32_t source_rate)
{
	char error[SETTINGS_ERROR_MAX];

	routing_prepare(&r);
	r.settings.routing_source_rate = source_rate;
	assert_true(settings_upstream(&r.settings, "sip:192.0.2.7", error));
	assert_true(settings_upstream(&r.settings, "sip:192.0.2.8:5070;transport=tcp", error));
	r.settings.upstreams[0].port = 5060;
	r.settings.mode = SETTINGS_MODE_EDGE;
	routing_start(&r);
	routing_open(&r, 1, "192.0.2.1", 4711);
	routing_open(&r, 2, "192.0.2.2", 4712);
	open_core(UDP, FLOW_UDP, 0, GROUP_MAIN);
	open_core(TCP, FLOW_TCP, 0, GROUP_TCP);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	return setup_with(0);
}

static int
setup_rate(void **state)
{
	(void)state;
	return setup_with(1);
}

static void
token_of(uint32_t slot, char out[TOKEN + 1])
{
	struct flows_entry e;

	assert_non_null(flows_get(&r.shared->flows, routing_flow(&r, slot), &e));
	memcpy(out, e.token, TOKEN);
	out[TOKEN] = '\0';
}

static void
ask(uint32_t slot, const char *method, const char *lines)
{
	routing_say(&r, slot,
		    "%s sip:bob@example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n"
		    "Max-Forwards: 70\n"
		    "To: <sip:bob@example.org>\n"
		    "From: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: call\n"
		    "CSeq: 7 %s\n"
		    "%s"
		    "\n",
		    method, method, lines);
}

/* Same bytes in, same bytes out (P-04, P-05), before and after a rotation of keys (O-16). */
static void
same_bytes(void **state)
{
	static const char *const methods[] = { "REGISTER", "INVITE", "MESSAGE", "CANCEL" };
	static char before[4][4096];
	char token[TOKEN + 1];

	(void)state;
	r.now_ns = route_expire(r.route, r.now_ns);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			ask(1, methods[i], "Contact: <sip:a@a.invalid>;reg-id=1\n");
			assert_int_equal(r.m->action, MESSAGE_FORWARD);
			if (round)
				assert_string_equal(r.out, before[i]);
			else
				snprintf(before[i], sizeof(before[i]), "%s", r.out);
		}
		token_of(1, token);
		assert_int_equal(token[0], 'a');
		r.now_ns = route_expire(r.route, r.now_ns); /* the next epoch begins then */
	}
	routing_open(&r, 3, "192.0.2.3", 4713);
	token_of(3, token);
	assert_int_not_equal(token[0], 'a');
	/* of the INVITE and its CANCEL the Via is the same */
	assert_memory_equal(strstr(before[1], "Via: "), strstr(before[3], "Via: "),
			    strcspn(strstr(before[1], "Via: "), "\n"));
}

static void
register_text(void **state)
{
	char token[TOKEN + 1], line[256];

	(void)state;
	ask(1, "REGISTER", "Contact: <sip:a@a.invalid>;reg-id=1\nPath: <sip:x;lr>\n");
	assert_int_equal(routing_target(&r), UDP);
	token_of(1, token);
	snprintf(line, sizeof(line), "Path: <sip:%s@" ROUTING_CORE_HOST ";transport=udp;lr;ob>",
		 token);
	assert_true(routing_has_line(&r, line));
	assert_true(strstr(r.out, ";ob>\r\nPath: <sip:x;lr>\r\n") != NULL);
	assert_true(routing_has_line(&r, "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1;"
					 "received=192.0.2.1"));
	assert_true(routing_has_line(&r, "Content-Length: 0"));
	assert_true(routing_has_line(&r, "Max-Forwards: 69"));
	/* O-03 */
	ask(1, "REGISTER", "Contact: <sip:a@a.invalid>\n");
	assert_null(strstr(r.out, ";ob>"));
	ask(1, "REGISTER", "Via: SIP/2.0/WS b;branch=z9hG4bK2\nContact: <sip:a@b>;reg-id=1\n");
	assert_null(strstr(r.out, ";ob>"));
}

/* T-01 */
static void
transport(void **state)
{
	static char body[1400];

	(void)state;
	memset(body, 'x', sizeof(body) - 2);
	memcpy(body, "S: ", 3);
	body[sizeof(body) - 2] = '\n';
	ask(1, "MESSAGE", "");
	assert_int_equal(routing_target(&r), UDP);
	ask(1, "MESSAGE", body);
	assert_int_equal(routing_target(&r), TCP);
	assert_non_null(strstr(r.out, "Via: SIP/2.0/TCP " ROUTING_CORE_HOST));
	ask(1, "INVITE", "");
	assert_int_equal(routing_target(&r), TCP);
	/* one of them is gone */
	group_set(&r.shared->group, 0, 0, GROUP_TCP, FLOW_NONE);
	ask(1, "INVITE", body);
	assert_int_equal(routing_target(&r), UDP);
	assert_non_null(strstr(r.out, "Via: SIP/2.0/UDP " ROUTING_CORE_HOST));
	group_set(&r.shared->group, 0, 0, GROUP_MAIN, FLOW_NONE);
	ask(1, "INVITE", "");
	assert_int_equal(routing_status(&r), 503);
	assert_true(routing_has_line(&r, "Retry-After: 5"));
	ask(1, "ACK", "");
	assert_int_equal(r.m->action, MESSAGE_DROP);
}

/* The target went away between decision and delivery. */
static void
undeliverable(void **state)
{
	char line[256], token[TOKEN + 1];

	(void)state;
	open_core(SECOND, FLOW_TCP, 1, GROUP_MAIN);
	ask(1, "MESSAGE", "Route: <sip:192.0.2.8:5070;lr>\n");
	assert_int_equal(routing_target(&r), SECOND);
	group_set(&r.shared->group, 0, 1, GROUP_MAIN, FLOW_NONE);
	r.m->kind = MESSAGE_UNDELIVERABLE;
	route_undeliverable(r.route, r.m, r.now_ns);
	routing_collect(&r);
	assert_int_equal(routing_target(&r), UDP); /* the next one of the group */
	r.m->kind = MESSAGE_UNDELIVERABLE;
	route_undeliverable(r.route, r.m, r.now_ns);
	routing_collect(&r);
	assert_int_equal(routing_status(&r), 503); /* it is all there is */
	token_of(2, token);
	snprintf(line, sizeof(line), "Route: <sip:%s@" ROUTING_CORE_HOST ";lr>\n", token);
	ask(TCP, "MESSAGE", line);
	assert_int_equal(routing_target(&r), 2);
	r.m->kind = MESSAGE_UNDELIVERABLE;
	route_undeliverable(r.route, r.m, r.now_ns);
	routing_collect(&r);
	assert_int_equal(routing_status(&r), 430);
}

/* Who was let in is not asked again, and pays once: the last token is spent. */
static void
undeliverable_at_the_rate(void **state)
{
	(void)state;
	open_core(SECOND, FLOW_TCP, 1, GROUP_MAIN);
	ask(1, "MESSAGE", "Route: <sip:192.0.2.8:5070;lr>\n");
	assert_int_equal(routing_target(&r), SECOND);
	group_set(&r.shared->group, 0, 1, GROUP_MAIN, FLOW_NONE);
	r.m->kind = MESSAGE_UNDELIVERABLE;
	route_undeliverable(r.route, r.m, r.now_ns);
	routing_collect(&r);
	assert_int_equal(routing_target(&r), UDP);
	assert_int_equal(r.stats.refused_source_rate, 0);
}

/* What a Route value may say, by who sends it. */
static void
routes(void **state)
{
	static const struct {
		uint32_t from;
		int status; /* 0: forwarded */
		uint32_t target;
		char first, second; /* own token, other client, dead flow, forged, core, none */
	} cases[] = {
		{ 1, 0, UDP, 'o', 0 },   { 1, 0, UDP, 'o', 'o' }, { 1, 0, 2, 'o', 'c' },
		{ 1, 0, UDP, 'd', 0 },   { 1, 0, UDP, 'd', 'd' }, { 1, 430, 0, 'o', 'd' },
		{ 1, 403, 0, 'f', 0 },   { 1, 403, 0, 'o', 'f' }, { 1, 403, 0, 'k', 0 },
		{ 1, 403, 0, 'n', 0 },   { 1, 403, 0, 'o', 'k' }, { TCP, 0, 2, 'c', 0 },
		{ TCP, 0, 2, 'c', 'c' }, { TCP, 430, 0, 'd', 0 }, { TCP, 403, 0, 'f', 0 },
		{ TCP, 403, 0, 'k', 0 }, { TCP, 403, 0, 'n', 0 }, { TCP, 404, 0, 0, 0 },
		{ UDP, 0, 2, 'c', 'c' },
	};
	char tokens[128][TOKEN + 1], lines[512];

	(void)state;
	routing_open(&r, 3, "192.0.2.3", 4713);
	token_of(3, tokens['d']);
	routing_close(&r, 3);
	token_of(1, tokens['o']);
	token_of(2, tokens['c']);
	token_of(TCP, tokens['k']);
	memcpy(tokens['f'], tokens['c'], TOKEN + 1);
	tokens['f'][TOKEN - 1] = tokens['f'][TOKEN - 1] == 'A' ? 'B' : 'A';
	memcpy(tokens['n'], "bob", 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char at[2] = { cases[i].first, cases[i].second };
		size_t len = 0;

		lines[0] = '\0';
		for (int k = 0; k < 2 && at[k]; k++)
			len += (size_t)snprintf(lines + len, sizeof(lines) - len,
						"Route: <sip:%s@%s;lr>\n", tokens[(int)at[k]],
						k ? ROUTING_HOST : ROUTING_CORE_HOST);
		ask(cases[i].from, "MESSAGE", lines);
		if (routing_status(&r) != cases[i].status || routing_target(&r) != cases[i].target)
			fail_msg("case %zu: status %d, target %u", i, routing_status(&r),
				 routing_target(&r));
		assert_null(strstr(r.out, "Route: <sip:") && !cases[i].status ? r.out : NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTING_TEST(same_bytes, setup),
		ROUTING_TEST(register_text, setup),
		ROUTING_TEST(transport, setup),
		ROUTING_TEST(undeliverable, setup),
		ROUTING_TEST(undeliverable_at_the_rate, setup_rate),
		ROUTING_TEST(routes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
