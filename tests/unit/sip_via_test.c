/* SPDX-License-Identifier: Apache-2.0 */
/* One Via value (RFC 3261 §20.42, RFC 3581, RFC 5118). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/sip_via.h"
#include "tests/unit/sip_check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void
faulty_vias_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "SIP", "SIP/2.0", "SIP/2.0/", "SIP/2.0/WS", "SIP/2.0/WS ", "SIP//WS a",
		"/2.0/WS a", "SIP/2.0 WS a", "SIP/2.0/WS/a", "SIP/2.0/WS[::1]", "SIP/2.0/WS a b",
		"SIP/2.0/WS a_b", "SIP/2.0/WS a:", "SIP/2.0/WS a:0", "SIP/2.0/WS a:65536",
		"SIP/2.0/WS a:x", "SIP/2.0/WS :5060", "SIP/2.0/WS 2001:db8::1",
		"SIP/2.0/WS [2001:db8::1", "SIP/2.0/WS a,", "SIP/2.0/WS a;",
		"SIP/2.0/WS a;;branch=1", "SIP/2.0/WS a;branch=1;", "SIP/2.0/WS a;branch",
		"SIP/2.0/WS a;branch=", "SIP/2.0/WS a;branch=\"x\"", "SIP/2.0/WS a;branch=[::1]",
		"SIP/2.0/WS a;branch=x@y", "SIP/2.0/WS a;branch=1;BRANCH=2",
		"SIP/2.0/WS a;branch=1 branch=2", "SIP/2.0/WS a;branch=1;branch=1",
		"SIP/2.0/WS a;received", "SIP/2.0/WS a;received=\"1.2.3.4\"",
		"SIP/2.0/WS a;received=::1;received=::1", "SIP/2.0/WS a;received=1:2",
		"SIP/2.0/WS a;received=[1.2.3.4]", "SIP/2.0/WS a;rport=", "SIP/2.0/WS a;rport=0",
		"SIP/2.0/WS a;rport=65536", "SIP/2.0/WS a;rport=1x", "SIP/2.0/WS a;rport=\"1\"",
		"SIP/2.0/WS a;rport;rport=1", "SIP/2.0/WS a;x=\"y", "192.0.2.15;;,;,,",
	};
	struct sip_via via;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		if (sip_via_parse(guarded(text_of_string(bad[i])), &via) == SIP_OK)
			print_error("accepted: %s\n", bad[i]);
		assert_int_equal(sip_via_parse(guarded(text_of_string(bad[i])), &via),
				 SIP_ERROR_VIA);
	}
}

static void
vias_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *protocol, *version, *transport, *sent_by, *host;
		unsigned port;
		const char *params, *branch, *received, *rport;
		bool has_rport;
	} rows[] = {
		{ "SIP/2.0/WS a.invalid", "SIP", "2.0", "WS", "a.invalid", "a.invalid", 0, "", "",
		  "", "", false },
		{ "SIP/2.0/wss a:443;branch=z9hG4bK1", "SIP", "2.0", "wss", "a:443", "a", 443,
		  "branch=z9hG4bK1", "z9hG4bK1", "", "", false },
		{ "SIP /\t2.0\r\n /UDP\r\n 1.2.3.4 : 05060 ; BRANCH\r\n = x ;rport "
		  ";received=5.6.7.8;y=\"a;branch=\"",
		  "SIP", "2.0", "UDP", "1.2.3.4 : 05060", "1.2.3.4", 5060,
		  " BRANCH\r\n = x ;rport ;received=5.6.7.8;y=\"a;branch=\"", "x", "5.6.7.8", "",
		  true },
		{ "X/1/TLS-SCTP [2001:db8::9:1]:6050;received=2001:db8::9:255;rport=07;alias", "X",
		  "1", "TLS-SCTP", "[2001:db8::9:1]:6050", "[2001:db8::9:1]", 6050,
		  "received=2001:db8::9:255;rport=07;alias", "", "2001:db8::9:255", "07", true },
		{ "SIP/2.0/UDP h;received=[::1];maddr=[::2];ttl=255", "SIP", "2.0", "UDP", "h", "h",
		  0, "received=[::1];maddr=[::2];ttl=255", "", "[::1]", "", false },
	};
	struct sip_via via;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(sip_via_parse(guarded(text_of_string(rows[i].text)), &via),
				 SIP_OK);
		check_span(via.protocol, rows[i].protocol);
		check_span(via.version, rows[i].version);
		check_span(via.transport, rows[i].transport);
		check_span(via.sent_by, rows[i].sent_by);
		check_span(via.host, rows[i].host);
		assert_int_equal(via.port, rows[i].port);
		check_span(via.params, rows[i].params);
		check_span(via.branch, rows[i].branch);
		check_span(via.received, rows[i].received);
		check_span(via.rport, rows[i].rport);
		assert_int_equal(via.has_rport, rows[i].has_rport);
	}
}

static void
magic_cookie_needs_something_behind_it(void **state)
{
	(void)state;
	assert_false(sip_via_branch_is_rfc3261(guarded(SPAN(""))));
	assert_false(sip_via_branch_is_rfc3261(guarded(SPAN("z9hG4b"))));
	assert_false(sip_via_branch_is_rfc3261(guarded(SPAN("z9hG4bK")))); /* RFC 4475 §3.2.1 */
	assert_false(sip_via_branch_is_rfc3261(guarded(SPAN("x9hG4bK1"))));
	assert_true(sip_via_branch_is_rfc3261(guarded(SPAN("z9hG4bK1"))));
	assert_true(sip_via_branch_is_rfc3261(guarded(SPAN("Z9HG4BK1"))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_vias_are_refused),
		cmocka_unit_test(vias_are_taken_apart),
		cmocka_unit_test(magic_cookie_needs_something_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
