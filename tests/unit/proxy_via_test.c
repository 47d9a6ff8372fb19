/* SPDX-License-Identifier: Apache-2.0 */
/* What the proxy writes into the Via of the client: where it really is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

static struct routing r;

/* RFC 3261 §18.2.1: where a request really came from is not for its sender to say. */
static void
received_of_the_sender_is_replaced(void **state)
{
	static const char *const rows[][2] = {
		{ ";received=10.9.8.7", ";received=192.0.2.1" },
		{ ";received=192.0.2.1", ";received=192.0.2.1" },
		{ ";Received = 10.9.8.7;x=y", ";Received = 192.0.2.1;x=y" },
		{ ";received=[2001:db8::9];rport", ";received=192.0.2.1;rport=4711" },
		{ ";rport;received=2001:db8::9", ";rport=4711;received=192.0.2.1" },
	};

	(void)state;
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* also where sent-by is the right address */
		for (unsigned own = 0; own < 2; own++) {
			const char *host = own ? "192.0.2.1" : "alice.invalid";
			char want[128];

			routing_say(&r, 1,
				    "MESSAGE sip:bob@example.org SIP/2.0\n"
				    "Via: SIP/2.0/WS %s;branch=z9hG4bK1%s\n"
				    "To: <sip:bob@example.org>\n"
				    "From: <sip:alice@example.org>;tag=a\n"
				    "Call-ID: m\nCSeq: 1 MESSAGE\n\n",
				    host, rows[i][0]);
			assert_int_equal(routing_target(&r), 2);
			snprintf(want, sizeof(want), "Via: SIP/2.0/WS %s;branch=z9hG4bK1%s", host,
				 rows[i][1]);
			if (!routing_has_line(&r, want))
				fail_msg("no line '%s' in:\n%s", want, r.out);
		}
	}
}

/* T-07, R-01 in the answers of our own; the setting takes both away. */
static void
received_in_answers(void **state)
{
	static const struct {
		const char *via, *want;
	} rows[] = {
		{ "SIP/2.0/WS x.invalid;branch=z9hG4bK1",
		  "Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1;received=2001:db8::3" },
		{ "SIP/2.0/WS [2001:db8::3]:4713;branch=z9hG4bK1",
		  "Via: SIP/2.0/WS [2001:db8::3]:4713;branch=z9hG4bK1" },
		{ "SIP/2.0/WS [2001:db8::3]:4713;received=10.9.8.7;branch=z9hG4bK1",
		  "Via: SIP/2.0/WS [2001:db8::3]:4713;branch=z9hG4bK1;received=2001:db8::3" },
		{ "SIP/2.0/WS [2001:db8::3]:4713;rport;branch=z9hG4bK1",
		  "Via: SIP/2.0/WS "
		  "[2001:db8::3]:4713;branch=z9hG4bK1;received=2001:db8::3;rport=4713" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		routing_say(&r, 3,
			    "MESSAGE sip:nobody@example.org SIP/2.0\nVia: %s\n"
			    "To: <sip:nobody@example.org>\nFrom: <sip:a@b.c>;tag=1\nCall-ID: x\n"
			    "CSeq: 1 MESSAGE\n\n",
			    rows[i].via);
		assert_int_equal(routing_status(&r), 404);
		if (!routing_has_line(&r, rows[i].want))
			fail_msg("no line '%s' in:\n%s", rows[i].want, r.out);
	}
	r.settings.routing_received = false;
	routing_say(&r, 3,
		    "MESSAGE sip:nobody@example.org SIP/2.0\nVia: SIP/2.0/WS "
		    "y.invalid;rport;branch=z9hG4bK1\n"
		    "To: <sip:nobody@example.org>\nFrom: <sip:a@b.c>;tag=1\nCall-ID: x\n"
		    "CSeq: 1 MESSAGE\n\n");
	assert_true(routing_has_line(&r, "Via: SIP/2.0/WS y.invalid;rport;branch=z9hG4bK1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTING_TEST(received_of_the_sender_is_replaced, routing_setup),
		ROUTING_TEST(received_in_answers, routing_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
