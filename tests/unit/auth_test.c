/* SPDX-License-Identifier: Apache-2.0 */
/* Digest authentication of REGISTER: RFC 3261 §22.2, RFC 7616, RFC 8760 (D-01..08). */
#include "tests/unit/auth_bed.h"

static void
all_algorithms_in_their_order(void **state)
{
	const char *a, *b, *c;

	(void)state;
	assert_int_equal(say_register(1, "alice", ""), 401);
	a = strstr(r.out,
		   "algorithm=SHA-512-256\r\nWWW-Authenticate: Digest realm=\"example.org\"");
	b = strstr(r.out, "algorithm=SHA-256\r\nWWW-Authenticate: ");
	c = strstr(r.out, "algorithm=MD5\r\n");
	assert_true(a && b && c && a < b && b < c);
	assert_false(says_stale());
	assert_int_equal(r.stats.auth_challenged, 1);
	for (int i = 0; i < SIP_DIGEST_ALGORITHMS; i++) {
		struct answer answer = ALICE((enum sip_digest_algorithm)i);

		assert_int_equal(register_with(&answer, 1), 200);
	}
	assert_int_equal(r.stats.auth_accepted, SIP_DIGEST_ALGORITHMS);
}

static void
the_setting_orders_and_the_file_limits(void **state)
{
	(void)state;
	routing_fini(&r);
	start("auth.algorithms=MD5,SHA-256");
	assert_int_equal(say_register(1, "alice", ""), 401);
	assert_non_null(strstr(r.out, "algorithm=MD5\r\nWWW-Authenticate: "));
	assert_null(strstr(r.out, "SHA-512"));
	auth_publish(r.shared->auth, users_make("secret", true));
	assert_int_equal(say_register(1, "alice", ""), 401);
	assert_null(strstr(r.out, "SHA-256"));
}

/* Unknown or wrong: the same answer but for what differs from one challenge to the next. */
static void
wrong_passwords_are_challenged_again(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_SHA_256), nobody = ALICE(SIP_DIGEST_SHA_256);
	size_t len;

	(void)state;
	a.password = "wrong";
	assert_int_equal(register_with(&a, 1), 401);
	assert_false(says_stale());
	len = r.out_len;
	nobody.user = "mallory";
	assert_int_equal(register_with(&nobody, 1), 401);
	assert_int_equal(r.out_len, len);
	assert_int_equal(r.stats.auth_failed, 2);
	assert_int_equal(r.stats.bindings, 0);
	/* a right answer for another method */
	a.password = "secret";
	take_nonce(&a);
	assert_int_equal(say_register(1, "alice", credentials(&a, "Authorization", "INVITE")), 401);
	assert_int_equal(r.stats.auth_failed, 3);
}

static void
a_nonce_has_its_time(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_MD5);

	(void)state;
	assert_int_equal(register_with(&a, 1), 200);
	r.now_ns += 299 * ROUTING_SECOND;
	a.nc = 2;
	assert_int_equal(say_register(1, "alice", credentials(&a, "Authorization", "REGISTER")),
			 200);
	r.now_ns += ROUTING_SECOND;
	a.nc = 3;
	assert_int_equal(say_register(1, "alice", credentials(&a, "Authorization", "REGISTER")),
			 401);
	assert_true(says_stale());
	assert_int_equal(r.stats.auth_stale, 1);
	take_nonce(&a);
	a.nc = 1;
	assert_int_equal(say_register(1, "alice", credentials(&a, "Authorization", "REGISTER")),
			 200);
}

static void
what_was_overheard_is_worth_nothing(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_MD5);
	char line[1024];

	(void)state;
	assert_int_equal(register_with(&a, 1), 200);
	snprintf(line, sizeof(line), "%s", credentials(&a, "Authorization", "REGISTER"));
	/* on the same connection in another message; on another connection; by its next owner */
	assert_int_equal(say_register(1, "alice", line), 401);
	assert_true(says_stale());
	assert_int_equal(r.stats.auth_replayed, 1);
	assert_int_equal(say_register(2, "alice", line), 401);
	assert_true(says_stale());
	routing_close(&r, 1);
	routing_open(&r, 1, "192.0.2.9", 999);
	assert_int_equal(say_register(1, "alice", line), 401);
	assert_int_equal(r.stats.auth_stale, 2);
	/* without the password no nonce is called stale */
	a.password = "guess";
	assert_int_equal(say_register(1, "alice", credentials(&a, "Authorization", "REGISTER")),
			 401);
	assert_false(says_stale());
}

/* The same octets get the same answer (P-12): that is a retransmission. */
static void
a_retransmission_is_no_replay(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_SHA_256);
	char first[4096];

	(void)state;
	assert_int_equal(register_with(&a, 1), 200);
	memcpy(first, r.out, r.out_len + 1);
	cseq--;
	assert_int_equal(say_register(1, "alice", credentials(&a, "Authorization", "REGISTER")),
			 200);
	assert_string_equal(r.out, first);
}

static void
credentials_that_cannot_be_used(void **state)
{
	static const char *const rows[] = {
		"Authorization: Digest username=\"alice\n",
		"Authorization: Digest username=\"alice\", realm=\"example.org\"\n",
		"Authorization: Digest username=\"alice\", realm=\"example.org\", nonce=\"x\", "
		"uri=\"sip:example.org\", response=\"00\"\n",
		"Authorization: Digest username=\"alice\", realm=\"example.org\", nonce=\"x\", "
		"uri=\"sip:example.org\", response=\"00\", qop=auth, nc=1, cnonce=\"a\"\n",
		"Authorization: Digest username=\"alice\", realm=\"example.org\", nonce=\"x\", "
		"uri=\"sip:example.com\", response=\"00\", qop=auth, nc=00000001, cnonce=\"a\"\n",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(say_register(1, "alice", rows[i]), 400);
	assert_int_equal(r.stats.auth_malformed, 5);
	/* of another realm or scheme: not for us */
	assert_int_equal(say_register(1, "alice",
				      "Authorization: Basic eDp5\n"
				      "Authorization: Digest realm=\"example.net\", nonce=\"x\"\n"),
			 401);
	assert_int_equal(r.stats.auth_challenged, 1);
}

/* Among several of them those of our realm count. */
static void
the_realm_chooses_the_credentials(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_SHA_512_256);
	char lines[2048];

	(void)state;
	assert_int_equal(say_register(1, "alice", ""), 401);
	take_nonce(&a);
	snprintf(lines, sizeof(lines),
		 "Authorization: Digest realm=\"example.net\", nonce=\"x\"\n%s",
		 credentials(&a, "Authorization", "REGISTER"));
	assert_int_equal(say_register(1, "alice", lines), 200);
}

static void
an_address_is_its_users_only(void **state)
{
	struct answer a = ALICE(SIP_DIGEST_MD5), carol = ALICE(SIP_DIGEST_MD5);

	(void)state;
	assert_int_equal(register_with(&a, 1), 200);
	a.nc = 2;
	assert_int_equal(say_register(1, "bob", credentials(&a, "Authorization", "REGISTER")), 403);
	assert_int_equal(r.stats.auth_forbidden, 1);
	assert_int_equal(r.stats.bindings, 1);
	a.nc = 3; /* the same user, spelled with an escape */
	assert_int_equal(say_register(1, "%61lice", credentials(&a, "Authorization", "REGISTER")),
			 200);
	carol.user = "carol@example.org";
	assert_int_equal(say_register(1, "carol", ""), 401);
	take_nonce(&carol);
	assert_int_equal(say_register(1, "carol", credentials(&carol, "Authorization", "REGISTER")),
			 200);
	carol.nc = 2;
	assert_int_equal(say_register(1, "alice", credentials(&carol, "Authorization", "REGISTER")),
			 403);
	/* nobody's realm, and a domain that is not ours */
	assert_int_equal(routing_status(&r), 403);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) ROUTING_TEST(f, setup)
		TEST(all_algorithms_in_their_order),
		TEST(the_setting_orders_and_the_file_limits),
		TEST(wrong_passwords_are_challenged_again),
		TEST(a_nonce_has_its_time),
		TEST(what_was_overheard_is_worth_nothing),
		TEST(a_retransmission_is_no_replay),
		TEST(credentials_that_cannot_be_used),
		TEST(the_realm_chooses_the_credentials),
		TEST(an_address_is_its_users_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
