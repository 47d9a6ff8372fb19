/* SPDX-License-Identifier: Apache-2.0 */
/* GRUUs of the registrar: RFC 5627 §5; and Service-Route, RFC 3608. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

#define URN "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"

static struct routing r;
static unsigned cseq = 1; /* of the next REGISTER */

static int
say_register(uint32_t slot, const char *user, const char *call_id, const char *fields)
{
	routing_say(&r, slot,
		    "REGISTER sip:example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK%u\n"
		    "To: <sip:%s@example.org>\nFrom: <sip:%s@example.org>;tag=1\n"
		    "Call-ID: %s\nCSeq: %u REGISTER\nMax-Forwards: 70\n%s\n",
		    cseq, user, user, call_id, cseq, fields);
	cseq++;
	return routing_status(&r);
}

/* The contact of an instance of alice's, on a flow. */
static int
alice(uint32_t slot, const char *urn, const char *call_id)
{
	char fields[512];

	snprintf(fields, sizeof(fields),
		 "Supported: path, gruu\nContact: <sip:c%u@a%u.invalid>;+sip.instance=\"<%s>\"\n",
		 slot, slot, urn);
	return say_register(slot, "alice", call_id, fields);
}

/* Where a MESSAGE to this URI goes: a slot, or minus the status. */
static int
reach(const char *uri)
{
	routing_say(&r, 3,
		    "MESSAGE %s SIP/2.0\nVia: SIP/2.0/WS c.invalid;branch=z9hG4bK1\n"
		    "To: <sip:alice@example.org>\nFrom: <sip:c@example.org>;tag=1\n"
		    "Call-ID: m\nCSeq: 1 MESSAGE\nMax-Forwards: 70\n\n",
		    uri);
	return r.m->action == MESSAGE_FORWARD ? (int)r.m->to.slot : -routing_status(&r);
}

/* The temp-gruu in the n-th contact of the answer. */
static void
take_temporary(char out[128])
{
	const char *at = strstr(r.out, ";temp-gruu=\""), *end;

	assert_non_null(at);
	at += sizeof(";temp-gruu=\"") - 1;
	end = strchr(at, '"');
	assert_true(end && end - at < 128);
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = '\0';
}

static void
a_public_one_names_an_instance(void **state)
{
	(void)state;
	assert_int_equal(alice(1, URN, "one"), 200);
	assert_non_null(strstr(r.out, ";pub-gruu=\"sip:alice@example.org;gr=" URN "\""));
	assert_int_equal(alice(2, "urn:x:other", "two"), 200);
	assert_int_equal(reach("sip:alice@example.org"), 2); /* the one that came last */
	assert_int_equal(reach("sip:alice@example.org;gr=" URN), 1);
	assert_int_equal(strncmp(r.out, "MESSAGE sip:c1@a1.invalid SIP/2.0", 33), 0);
	assert_int_equal(reach("sip:alice@example.org;gr=urn:x:other"), 2);
	assert_int_equal(reach("sip:alice@example.org;gr=urn:x:third"), -480);
	assert_int_equal(reach("sip:bob@example.org;gr=" URN), -404);
	routing_close(&r, 1);
	assert_int_equal(reach("sip:alice@example.org;gr=" URN), -480);
}

static void
temporary_ones_hide_the_user_and_end_with_the_call_id(void **state)
{
	char first[128], second[128], third[128], forged[128];

	(void)state;
	assert_int_equal(alice(1, URN, "one"), 200);
	take_temporary(first);
	assert_null(strstr(first, "alice"));
	assert_int_equal(alice(1, URN, "one"), 200);
	take_temporary(second);
	assert_string_not_equal(first, second);
	assert_int_equal(reach(first), 1);
	assert_int_equal(reach(second), 1);
	for (size_t i = strlen("sip:g"); i < strlen("sip:g") + 32; i++) {
		memcpy(forged, first, sizeof(forged));
		forged[i] = forged[i] == '0' ? '1' : '0';
		assert_int_equal(reach(forged), -404);
	}
	/* RFC 5627 §5.2: another Call-ID ends all that there were */
	assert_int_equal(alice(1, URN, "two"), 200);
	take_temporary(third);
	assert_int_equal(reach(first), -404);
	assert_int_equal(reach(second), -404);
	assert_int_equal(reach(third), 1);
	/* over a new flow it is the same instance */
	assert_int_equal(alice(2, URN, "two"), 200);
	assert_int_equal(reach(third), 2);
	assert_int_equal(say_register(1, "alice", "two", "Contact: *\nExpires: 0\n"), 200);
	assert_int_equal(reach(third), -404);
}

static void
only_who_asks_gets_one(void **state)
{
	(void)state;
	assert_int_equal(say_register(1, "alice", "one",
				      "Contact: <sip:a@a.invalid>;+sip.instance=\"<" URN
				      ">\";pub-gruu=\"sip:mallory@example.org;gr=x\"\n"),
			 200);
	assert_null(strstr(r.out, "gruu="));
	assert_int_equal(
		say_register(1, "alice", "one", "Require: gruu\nContact: <sip:b@b.invalid>\n"),
		200);
	assert_int_equal(say_register(1, "alice", "one",
				      "Supported: gruu\nContact: <sip:d@d.invalid>;"
				      "+sip.instance=\"<a\\\"b>\"\n"),
			 200);
	assert_non_null(strstr(r.out, "<sip:d@d.invalid>"));
	assert_null(strstr(r.out, "gr=a"));
	assert_true(routing_has_line(&r, "Supported: path, outbound, gruu"));
}

static void
service_route_is_told(void **state)
{
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_true(settings_set(&r.settings, "registrar.service_route=<sip:home.example.org;lr>",
				 error));
	assert_int_equal(alice(1, URN, "one"), 200);
	assert_true(routing_has_line(&r, "Service-Route: <sip:home.example.org;lr>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) ROUTING_TEST(f, routing_setup)
		TEST(a_public_one_names_an_instance),
		TEST(temporary_ones_hide_the_user_and_end_with_the_call_id),
		TEST(only_who_asks_gets_one),
		TEST(service_route_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
