/* SPDX-License-Identifier: Apache-2.0 */
/* Flows over TLS: WSS in our Via (S-08), ws in URIs (S-09), sips: over them only (S-17). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

/* Alice and Bob over TLS; Carol without. */
enum { ALICE = 1, BOB, CAROL };

static struct routing r;

static int
setup(void **state)
{
	(void)state;
	routing_prepare(&r);
	routing_start(&r);
	r.peer[ALICE].secure = r.peer[BOB].secure = true;
	routing_open(&r, ALICE, "192.0.2.1", 4711);
	routing_open(&r, BOB, "192.0.2.2", 4712);
	routing_open(&r, CAROL, "192.0.2.3", 4713);
	return 0;
}

static int
enroll(uint32_t slot, const char *scheme, const char *user)
{
	routing_say(&r, slot,
		    "REGISTER sip:example.org SIP/2.0\n"
		    "Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK%s\n"
		    "To: <sip:%s@example.org>\nFrom: <sip:%s@example.org>;tag=1\n"
		    "Call-ID: %s%s\nCSeq: 1 REGISTER\n"
		    "Contact: <%s:c-%s@%s.invalid;transport=ws>;expires=300\n\n",
		    user, user, user, user, scheme, scheme, user, user);
	return routing_status(&r);
}

static void
invite(uint32_t slot, const char *uri, const char *routes)
{
	routing_say(&r, slot,
		    "INVITE %s SIP/2.0\n"
		    "Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK1\n"
		    "%s"
		    "To: <sip:bob@example.org>\nFrom: <sip:a@example.org>;tag=1\n"
		    "Call-ID: i\nCSeq: 1 INVITE\nContact: <sip:a@a.invalid;transport=ws>\n\n",
		    uri, routes);
}

static bool
begins(const char *line)
{
	return strncmp(r.out, line, strlen(line)) == 0;
}

static bool
has(const char *text)
{
	return strstr(r.out, text) != NULL;
}

/* S-08: the transport is that of the flow which the request leaves on, whoever sent it. */
static void
via_says_the_transport(void **state)
{
	static const struct {
		uint32_t from, to;
		const char *via;
	} rows[] = {
		{ ALICE, BOB, "\r\nVia: SIP/2.0/WSS cap.example.org;branch=z9hG4bK" },
		{ CAROL, BOB, "\r\nVia: SIP/2.0/WSS cap.example.org;branch=z9hG4bK" },
		{ ALICE, CAROL, "\r\nVia: SIP/2.0/WS cap.example.org;branch=z9hG4bK" },
	};

	(void)state;
	assert_int_equal(enroll(BOB, "sip", "bob"), 200);
	assert_int_equal(enroll(CAROL, "sip", "carol"), 200);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		invite(rows[i].from,
		       rows[i].to == BOB ? "sip:bob@example.org" : "sip:carol@example.org", "");
		assert_int_equal(routing_target(&r), rows[i].to);
		assert_true(has(rows[i].via));
		/* S-09, and a sip: request has a sip: route */
		assert_true(has("\r\nRecord-Route: <sip:"));
		assert_true(has("@cap.example.org;transport=ws;lr>\r\n"));
	}
}

/* The answer finds back by the token, whatever its Via says of the transport. */
static void
response_comes_back(void **state)
{
	char answer[4096];
	size_t len;

	(void)state;
	assert_int_equal(enroll(BOB, "sip", "bob"), 200);
	invite(ALICE, "sip:bob@example.org", "");
	assert_int_equal(routing_target(&r), BOB);
	len = (size_t)snprintf(answer, sizeof(answer), "SIP/2.0 200 OK%s", strstr(r.out, "\r\n"));
	assert_true(len < sizeof(answer));
	routing_send(&r, BOB, answer, len);
	assert_int_equal(routing_target(&r), ALICE);
	assert_false(has("cap.example.org;branch"));
	assert_true(has("Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK1"));
}

static void
sips_wants_tls(void **state)
{
	(void)state;
	assert_int_equal(enroll(BOB, "sip", "bob"), 200);
	assert_int_equal(enroll(CAROL, "sip", "carol"), 200);

	invite(ALICE, "sips:bob@example.org", "");
	assert_int_equal(routing_target(&r), BOB);
	assert_true(begins("INVITE sip:c-bob@bob.invalid;transport=ws SIP/2.0\r\n"));
	assert_true(has("\r\nRecord-Route: <sips:")); /* §16.6, 4 */
	assert_false(has("\r\nRecord-Route: <sip:"));

	/* not in over ws:, not out over ws: */
	invite(CAROL, "sips:bob@example.org", "");
	assert_int_equal(routing_status(&r), 416);
	invite(ALICE, "sips:carol@example.org", "");
	assert_int_equal(routing_status(&r), 480);
	assert_true(begins("SIP/2.0 480 Not Reachable over TLS\r\n"));
	invite(ALICE, "sips:nobody@example.org", "");
	assert_int_equal(routing_status(&r), 404);

	/* one of two contacts is over TLS, and the other one is preferred */
	assert_int_equal(enroll(ALICE, "sip", "carol"), 200);
	invite(BOB, "sips:carol@example.org", "");
	assert_int_equal(routing_target(&r), ALICE);
}

static void
sips_contacts(void **state)
{
	(void)state;
	assert_int_equal(enroll(CAROL, "sips", "carol"), 400);
	assert_true(begins("SIP/2.0 400 A sips: Contact Needs TLS\r\n"));
	assert_int_equal(enroll(BOB, "sips", "bob"), 200);
	assert_true(has("\r\nContact: <sips:c-bob@bob.invalid;transport=ws>;expires=300\r\n"));

	invite(ALICE, "sips:bob@example.org", "");
	assert_int_equal(routing_target(&r), BOB);
	assert_true(begins("INVITE sips:c-bob@bob.invalid;transport=ws SIP/2.0\r\n"));
	/* RFC 5630 §5.3: sip: stays sip: */
	invite(CAROL, "sip:bob@example.org", "");
	assert_int_equal(routing_target(&r), BOB);
	assert_true(begins("INVITE sip:c-bob@bob.invalid;transport=ws SIP/2.0\r\n"));
	/* by its contact, with the scheme that it has */
	invite(ALICE, "sips:c-bob@bob.invalid;transport=ws", "");
	assert_int_equal(routing_target(&r), BOB);
}

/* A token takes a sips: request to no flow without TLS either, nor does a contact. */
static void
sips_by_token(void **state)
{
	char routes[256] = "", *end;
	const char *first;

	(void)state;
	assert_int_equal(enroll(CAROL, "sip", "carol"), 200);
	invite(ALICE, "sip:carol@example.org", "");
	first = strstr(r.out, "Record-Route: <");
	assert_non_null(first);
	snprintf(routes, sizeof(routes), "%s", first + strlen("Record-"));
	end = strstr(routes, "\r\n");
	assert_non_null(end);
	memcpy(end, "\n", 2);
	invite(ALICE, "sip:c-carol@carol.invalid;transport=ws", routes);
	assert_int_equal(routing_target(&r), CAROL);
	invite(ALICE, "sips:c-carol@carol.invalid;transport=ws", routes);
	assert_int_equal(routing_status(&r), 480);
}

/* The next flow of a slot is not what the one before it was. */
static void
next_flow_of_the_slot(void **state)
{
	(void)state;
	routing_close(&r, BOB);
	r.peer[BOB].secure = false;
	routing_open(&r, BOB, "192.0.2.2", 4714);
	assert_int_equal(enroll(BOB, "sips", "bob"), 400);
	assert_int_equal(enroll(BOB, "sip", "bob"), 200);
	invite(ALICE, "sips:bob@example.org", "");
	assert_int_equal(routing_status(&r), 480);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTING_TEST(via_says_the_transport, setup),
		ROUTING_TEST(response_comes_back, setup),
		ROUTING_TEST(sips_wants_tls, setup),
		ROUTING_TEST(sips_contacts, setup),
		ROUTING_TEST(sips_by_token, setup),
		ROUTING_TEST(next_flow_of_the_slot, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
