/* SPDX-License-Identifier: Apache-2.0 */
/* Session tickets: keys out of a file, shared, rotated; keys of our own and their age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/tls_files.h"
#include "tests/unit/tls_pair.h"

#define KEY 80 /* bytes in the file */

static char file[256];
static SSL_CTX *client;
static SSL_SESSION *session;

/* Each ticket of TLS 1.3 that comes in. */
static int
on_session(SSL *ssl, SSL_SESSION *new)
{
	if (SSL_version(ssl) != TLS1_3_VERSION)
		return 0;
	SSL_SESSION_free(session);
	session = new;
	return 1;
}

static void
with_session(SSL *ssl)
{
	if (session)
		assert_int_equal(SSL_set_session(ssl, session), 1);
}

static void
write_keys(const char *fills)
{
	uint8_t bytes[8 * KEY];
	size_t len = strlen(fills);

	for (size_t i = 0; i < len; i++)
		memset(bytes + i * KEY, fills[i], KEY);
	tls_files_path(file, "tickets");
	tls_files_write(file, bytes, len * KEY);
}

/* A server of its own with the keys of now: what another machine of a fleet is. */
static struct tls_set *
server(struct settings *s, bool from_file)
{
	const struct tls_files *files = tls_files_usual();
	const char *lines[] = { tls_pair_line("tls.certificate", files->certificate),
				tls_pair_line("tls.private_key", files->key),
				from_file ? tls_pair_line("tls.ticket_keys", file) : NULL, NULL };
	char error[SETTINGS_ERROR_MAX] = "";
	struct tls_set *set;

	tls_pair_settings(s, lines);
	set = tls_set_new(s, NULL, error);
	if (!set)
		fail_msg("%s", error);
	return set;
}

/* With the last session; a ticket of TLS 1.3 serves once, so each handshake must bring another. */
static bool
resumes(struct tls_set *set)
{
	const SSL_SESSION *before = session;
	struct tls_pair p;
	bool reused;

	assert_true(tls_pair_shake(&p, set, client, with_session));
	reused = SSL_session_reused(p.client);
	assert_int_equal(reused, SSL_session_reused(tls_conn_ssl(p.server)));
	if (SSL_version(p.client) == TLS1_3_VERSION) {
		assert_ptr_not_equal(session, before);
	} else {
		SSL_SESSION_free(session);
		session = SSL_get1_session(p.client);
	}
	tls_pair_free(&p);
	return reused;
}

static void
each_version(void (*run)(void))
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		client = tls_pair_client(NULL);
		SSL_CTX_set_max_proto_version(client, version);
		SSL_CTX_sess_set_new_cb(client, on_session);
		run();
		SSL_SESSION_free(session);
		session = NULL;
		SSL_CTX_free(client);
	}
}

static void
fleet(void)
{
	struct settings one, other;
	struct tls_set *a, *b;

	write_keys("A");
	a = server(&one, true);
	assert_false(resumes(a));
	assert_true(resumes(a));
	b = server(&other, true);
	assert_true(resumes(b)); /* what a has given */
	tls_set_drop(b);
	/* the next key in front: what the old one made is still taken, and replaced */
	write_keys("BA");
	b = server(&other, true);
	assert_true(resumes(b));
	tls_set_drop(b);
	write_keys("B");
	b = server(&other, true);
	assert_true(resumes(b));
	assert_false(resumes(a)); /* it does not know B, and gives a new one */
	assert_false(resumes(b));
	tls_set_drop(b);
	tls_set_drop(a);
}

static void
keys_are_shared_and_rotated(void **state)
{
	(void)state;
	each_version(fleet);
}

static void
own(void)
{
	struct settings s;
	struct tls_set *first = server(&s, false), *second, *third;
	char error[SETTINGS_ERROR_MAX];

	assert_false(resumes(first));
	second = tls_set_new(&s, first, error); /* a reload */
	assert_non_null(second);
	assert_int_equal(second->tickets.len, 1);
	assert_true(resumes(second));
	/* the key is as old as a session may be: another in front, this one stays for as long */
	second->tickets.made_s -= s.tls_ticket_lifetime_s;
	assert_true(tls_ticket_is_old(&second->tickets, &s));
	third = tls_set_new(&s, second, error);
	assert_non_null(third);
	assert_false(tls_ticket_is_old(&third->tickets, &s));
	assert_int_equal(third->tickets.len, 2);
	assert_memory_equal(&third->tickets.keys[1], &second->tickets.keys[0], KEY);
	assert_memory_not_equal(&third->tickets.keys[0], &second->tickets.keys[0], KEY);
	assert_true(resumes(third));
	tls_set_drop(first);
	tls_set_drop(second);
	tls_set_drop(third);
	first = server(&s, false);
	assert_false(resumes(first)); /* another process has others */
	tls_set_drop(first);
}

static void
keys_of_our_own(void **state)
{
	(void)state;
	each_version(own);
}

static void
no_tickets(void **state)
{
	struct settings s;
	struct tls_set *set;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	write_keys("A");
	tls_set_drop(server(&s, true));
	s.tls_ticket_lifetime_s = 0;
	set = tls_set_new(&s, NULL, error);
	client = tls_pair_client(NULL);
	SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
	assert_false(resumes(set));
	assert_false(SSL_SESSION_has_ticket(session));
	SSL_SESSION_free(session);
	session = NULL;
	SSL_CTX_free(client);
	tls_set_drop(set);
}

static void
bad_files(void **state)
{
	static const size_t sizes[] = { 0, 1, KEY - 1, KEY + 1, 8 * KEY + 1, 9 * KEY };
	static const uint8_t bytes[9 * KEY];
	struct settings s;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	write_keys("A");
	tls_set_drop(server(&s, true));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		tls_files_write(file, bytes, sizes[i]);
		assert_null(tls_set_new(&s, NULL, error));
		assert_non_null(strstr(error, "must be 1 to 8 keys of 80 bytes each"));
	}
	remove(file);
	assert_null(tls_set_new(&s, NULL, error));
	assert_non_null(strstr(error, "No such file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_shared_and_rotated),
		cmocka_unit_test(keys_of_our_own),
		cmocka_unit_test(no_tickets),
		cmocka_unit_test(bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
