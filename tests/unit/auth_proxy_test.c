/* SPDX-License-Identifier: Apache-2.0 */
/* Digest authentication of what is forwarded: RFC 3261 §22.3; and users that change. */
#include <pthread.h>
#include "tests/unit/auth_bed.h"

static void
bob_is_there(void)
{
	struct answer bob = ALICE(SIP_DIGEST_MD5);

	bob.user = "bob";
	assert_int_equal(say_register(2, "bob", ""), 401);
	take_nonce(&bob);
	assert_int_equal(say_register(2, "bob", credentials(&bob, "Authorization", "REGISTER")),
			 200);
}

#define FROM_ALICE "<sip:alice@example.org>"

static void
requests_are_challenged_by_the_proxy(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_SHA_256);
	char lines[2048];

	(void)state;
	bob_is_there();
	a.uri = "sip:bob@example.org";
	assert_int_equal(say(1, "MESSAGE", FROM_ALICE, ""), 407);
	assert_non_null(strstr(r.out, "\r\nProxy-Authenticate: Digest realm=\"example.org\""));
	take_nonce(&a);
	/* an answer in the other field is none */
	assert_int_equal(say(1, "MESSAGE", FROM_ALICE, credentials(&a, "Authorization", "MESSAGE")),
			 407);
	take_nonce(&a);
	snprintf(lines, sizeof(lines),
		 "Proxy-Authorization: Digest realm=\"example.net\", nonce=\"x\"\n"
		 "Authorization: Digest realm=\"example.org\", nonce=\"y\"\n%s",
		 credentials(&a, "Proxy-Authorization", "MESSAGE"));
	assert_int_equal(say(1, "MESSAGE", FROM_ALICE, lines), 0);
	assert_int_equal(routing_target(&r), 2);
	/* D-08, RFC 3261 §22.3: ours is consumed, the others go on */
	assert_null(strstr(r.out, "username="));
	assert_true(routing_has_line(
		&r, "Proxy-Authorization: Digest realm=\"example.net\", nonce=\"x\""));
	assert_true(
		routing_has_line(&r, "Authorization: Digest realm=\"example.org\", nonce=\"y\""));
	a.nc = 2;
	assert_int_equal(say(1, "MESSAGE", "<sip:bob@example.org>",
			     credentials(&a, "Proxy-Authorization", "MESSAGE")),
			 403);
}

static void
ack_and_cancel_are_never_challenged(void **state)
{
	(void)state;
	bob_is_there();
	assert_int_equal(say(1, "CANCEL", FROM_ALICE, ""), 0);
	assert_int_equal(routing_target(&r), 2);
	assert_int_equal(say(1, "ACK", FROM_ALICE,
			     "Proxy-Authorization: Digest realm=\"example.org\", nonce=\"x\"\n"),
			 0);
	assert_int_equal(routing_target(&r), 2);
	assert_null(strstr(r.out, "Proxy-Authorization"));
	assert_int_equal(r.stats.auth_challenged, 1); /* bob's */
}

static void
strangers_are_refused_or_let_in(void **state)
{
	(void)state;
	bob_is_there();
	assert_int_equal(say(1, "MESSAGE", "<sip:x@example.net>", ""), 403);
	assert_int_equal(say(1, "MESSAGE", "<tel:+4930123>", ""), 403);
	assert_int_equal(r.stats.auth_forbidden, 2);
	routing_fini(&r);
	start("auth.foreign=allow");
	bob_is_there();
	assert_int_equal(say(1, "MESSAGE", "<sip:x@example.net>", ""), 0);
	assert_int_equal(say(1, "MESSAGE", FROM_ALICE, ""), 407);
}

static void
the_server_itself_answers_everybody(void **state)
{
	(void)state;
	routing_say(&r, 1,
		    "OPTIONS sip:example.org SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKo\n"
		    "To: <sip:example.org>\nFrom: <sip:x@example.net>;tag=1\nCall-ID: o\n"
		    "CSeq: 1 OPTIONS\nMax-Forwards: 70\n\n");
	assert_int_equal(routing_status(&r), 200);
}

/* Inside a dialog the token of its Record-Route is enough, and only there. */
static void
a_dialog_goes_on_without_challenges(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_SHA_256);
	char routes[512];
	const char *at, *end;

	(void)state;
	bob_is_there();
	a.uri = "sip:bob@example.org";
	assert_int_equal(say(1, "INVITE", FROM_ALICE, ""), 407);
	take_nonce(&a);
	assert_int_equal(
		say(1, "INVITE", FROM_ALICE, credentials(&a, "Proxy-Authorization", "INVITE")), 0);
	at = strstr(r.out, "Record-Route: ");
	end = strstr(at, "\r\n");
	snprintf(routes, sizeof(routes), "%.*s\n", (int)(end - at - 7), at + 7);
	routing_say(&r, 1,
		    "BYE sip:c@a2.invalid;transport=ws SIP/2.0\n"
		    "Via: SIP/2.0/WS a.invalid;branch=z9hG4bKb\n"
		    "To: <sip:bob@example.org>;tag=2\nFrom: <sip:alice@example.org>;tag=1\n"
		    "Call-ID: two\nCSeq: 9 BYE\nMax-Forwards: 70\n%s\n",
		    routes);
	assert_int_equal(routing_target(&r), 2);
	assert_int_equal(say(1, "MESSAGE", FROM_ALICE, routes), 407);
}

static void
the_body_can_be_protected(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_SHA_256);

	(void)state;
	routing_fini(&r);
	start("auth.qop=auth,auth-int");
	a.qop = "auth-int";
	assert_int_equal(register_with(&a, 1), 200);
	assert_int_equal(say_register(1, "alice", ""), 401);
	assert_non_null(strstr(r.out, "qop=\"auth,auth-int\""));
	take_nonce(&a);
	a.body = "what is not there";
	assert_int_equal(say_register(1, "alice", credentials(&a, "Authorization", "REGISTER")),
			 401);
}

/* Another thread puts other users in force while this one looks at them. */
static void *
publisher(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++)
		auth_publish(r.shared->auth, users_make("secret", i % 2 == 0));
	return NULL;
}

static void
users_change_while_they_are_read(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, publisher, NULL), 0);
	for (int i = 0; i < 200; i++) {
		struct answer a = ALICE(SIP_DIGEST_MD5);

		assert_int_equal(register_with(&a, 1), 200);
	}
	pthread_join(thread, NULL);
	auth_publish(r.shared->auth, users_make("other", false));
	assert_int_equal(say_register(1, "alice", ""), 401);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) ROUTING_TEST(f, setup)
		TEST(requests_are_challenged_by_the_proxy),
		TEST(ack_and_cancel_are_never_challenged),
		TEST(strangers_are_refused_or_let_in),
		TEST(the_server_itself_answers_everybody),
		TEST(a_dialog_goes_on_without_challenges),
		TEST(the_body_can_be_protected),
		TEST(users_change_while_they_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
