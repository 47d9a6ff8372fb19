/* SPDX-License-Identifier: Apache-2.0 */
/* Server domains as a client meets them: names, versions, ciphers, curves, whom they verify. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include "tests/unit/tls_files.h"
#include "tests/unit/tls_pair.h"

static struct tls_files ca, leaf, user, revoked, stranger;
static SSL_CTX *client;
static struct settings settings;

static int
setup(void **state)
{
	(void)state;
	tls_files_make(&ca, &(struct tls_files_wish){ .name = "ca" });
	tls_files_make(&leaf, &(struct tls_files_wish){
				      .name = "leaf", .names = "DNS:localhost", .issuer = &ca });
	tls_files_make(&user, &(struct tls_files_wish){
				      .name = "user", .names = "DNS:user", .issuer = &ca });
	tls_files_make(&revoked, &(struct tls_files_wish){ .name = "revoked",
							   .names = "DNS:revoked",
							   .issuer = &ca });
	tls_files_make(&stranger,
		       &(struct tls_files_wish){ .name = "stranger", .names = "DNS:user" });
	client = tls_pair_client(NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	SSL_CTX_free(client);
	tls_files_free(&ca);
	tls_files_free(&leaf);
	tls_files_free(&user);
	tls_files_free(&revoked);
	tls_files_free(&stranger);
	return 0;
}

/* A set whose default domain serves `leaf`, with these settings more. */
static struct tls_set *
serving(const char *const *more)
{
	const char *lines[16] = { tls_pair_line("tls.certificate", leaf.certificate),
				  tls_pair_line("tls.private_key", leaf.key) };
	char error[SETTINGS_ERROR_MAX] = "";
	struct tls_set *set;

	for (int i = 0; more && more[i]; i++)
		lines[2 + i] = more[i];
	tls_pair_settings(&settings, lines);
	set = tls_set_new(&settings, NULL, error);
	if (!set)
		fail_msg("%s", error);
	return set;
}

/* NULL: done; else why the server did not. */
static const char *
try(struct tls_set *set, void (*prepare)(SSL *))
{
	static struct tls_pair p;
	bool done = tls_pair_shake(&p, set, client, prepare);

	tls_pair_free(&p);
	return done ? NULL : p.words;
}

static void
refused(struct tls_set *set, void (*prepare)(SSL *), const char *words)
{
	const char *said = try(set, prepare);

	if (!said || !strstr(said, words))
		fail_msg("'%s', not '%s'", said ? said : "(done)", words);
}

/* ---- what is spoken ---- */

static void
old_curve(SSL *ssl)
{
	SSL_set1_groups_list(ssl, "P-521");
}

static void
p384(SSL *ssl)
{
	SSL_set1_groups_list(ssl, "P-384");
}

static void
cbc(SSL *ssl)
{
	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-SHA256");
}

static void
aes256(SSL *ssl)
{
	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES256-GCM-SHA384");
}

static void
tls12(SSL *ssl)
{
	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
}

static void
ciphers_and_curves(void **state)
{
	static const char *const more[] = { "tls.ciphers_list=ECDHE-ECDSA-AES256-GCM-SHA384",
					    "tls.ec_curve=P-521:P-384", NULL };
	static const char *const wrong[] = { "tls.ciphers_list=NONSENSE", "tls.ciphersuites=TLS_X",
					     "tls.ec_curve=P-999", "tls.tls_method=TLSv1_1" };
	char error[SETTINGS_ERROR_MAX];
	struct tls_set *set = serving(NULL);

	(void)state;
	assert_null(try(set, NULL));
	assert_null(try(set, p384));
	assert_null(try(set, aes256));
	refused(set, old_curve, "no suitable key share");
	refused(set, cbc, "no shared cipher");
	tls_set_drop(set);
	set = serving(more);
	assert_null(try(set, old_curve));
	assert_null(try(set, aes256));
	assert_null(try(set, p384));
	tls_set_drop(set);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *lines[] = { tls_pair_line("tls.certificate", leaf.certificate),
					tls_pair_line("tls.private_key", leaf.key), wrong[i],
					NULL };

		tls_pair_settings(&settings, lines);
		assert_null(tls_set_new(&settings, NULL, error));
		assert_memory_equal(error, wrong[i], strcspn(wrong[i], "="));
	}
}

static void
versions(void **state)
{
	static const char *const only_13[] = { "tls.tls_method=TLSv1_3", NULL };
	struct tls_set *set = serving(only_13);

	(void)state;
	assert_null(try(set, NULL));
	refused(set, tls12, "unsupported protocol");
	tls_set_drop(set);
}

/* ---- names ---- */

static const char *wanted; /* by the client */

static void
with_name(SSL *ssl)
{
	if (*wanted)
		SSL_set_tlsext_host_name(ssl, wanted);
}

static void
names(void **state)
{
	static const struct {
		const char *name;
		bool served;
	} rows[] = {
		{ "one.example", true },
		{ "ONE.EXAMPLE", true },
		{ "a.wild.example", true },
		{ "wild.example", false },
		{ ".wild.example", false },
		{ "a.b.wild.example", false },
		{ "other.example", false },
		{ "one.example.", false },
		{ "", false },
	};
	static const char *const more[] = { "tls.match_sip_domain=one.example, *.wild.example",
					    NULL };
	static const char *const none[] = { "tls.match_sip_domain=none", NULL };
	struct tls_set *set = serving(more);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		wanted = rows[i].name;
		if (!try(set, with_name) != rows[i].served)
			fail_msg("'%s'", wanted);
	}
	tls_set_drop(set);
	set = serving(none);
	wanted = "";
	assert_null(try(set, with_name));
	wanted = "one.example";
	assert_non_null(try(set, with_name));
	tls_set_drop(set);
}

/* ---- whom it verifies ---- */

static const struct tls_files *shown; /* the client's certificate */

static void
with_certificate(SSL *ssl)
{
	SSL_use_certificate(ssl, shown->x);
	SSL_use_PrivateKey(ssl, shown->pkey);
}

static void
verification(void **state)
{
	const char *more[] = { tls_pair_line("tls.ca_list", ca.certificate), "tls.verify_cert=1",
			       "tls.require_cert=1", NULL };
	struct tls_set *set = serving(NULL);

	(void)state;
	shown = &stranger; /* by default nobody looks: browsers work */
	assert_null(try(set, with_certificate));
	tls_set_drop(set);
	set = serving(more);
	shown = &user;
	assert_null(try(set, with_certificate));
	refused(set, NULL, "peer did not return a certificate");
	shown = &stranger;
	refused(set, with_certificate, "self-signed certificate");
	tls_set_drop(set);
	more[2] = NULL; /* not required, but verified where there is one */
	set = serving(more);
	assert_null(try(set, NULL));
	refused(set, with_certificate, "self-signed certificate");
	tls_set_drop(set);
}

static void
write_crl(void)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *one = X509_REVOKED_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *next = X509_gmtime_adj(NULL, 86400);
	char path[256];
	FILE *file;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca.x));
	X509_CRL_set1_lastUpdate(crl, now);
	X509_CRL_set1_nextUpdate(crl, next);
	X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(revoked.x));
	X509_REVOKED_set_revocationDate(one, now);
	X509_CRL_add0_revoked(crl, one);
	assert_true(X509_CRL_sign(crl, ca.pkey, EVP_sha256()) > 0);
	tls_files_path(path, "crls/ca.crl");
	file = fopen(path, "w");
	assert_non_null(file);
	PEM_write_X509_CRL(file, crl);
	fclose(file);
	X509_CRL_free(crl);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
}

/* The CA out of a directory; what it has revoked is refused once there is its list. */
static void
directories(void **state)
{
	char cas[256], crls[256];
	const char *more[] = { NULL, "tls.verify_cert=1", NULL, NULL };
	struct tls_set *set;

	(void)state;
	tls_files_directory(cas, "cas");
	tls_files_directory(crls, "crls");
	tls_files_place("cas/one", &ca);
	tls_files_path(crls, "cas/README");
	tls_files_write(crls, "not a certificate", 17);
	tls_files_path(crls, "crls");
	more[0] = tls_pair_line("tls.ca_dir", cas);
	set = serving(more);
	shown = &revoked;
	assert_null(try(set, with_certificate));
	shown = &stranger;
	refused(set, with_certificate, "self-signed certificate");
	tls_set_drop(set);
	write_crl();
	more[0] = tls_pair_line("tls.ca_dir", cas);
	more[2] = tls_pair_line("tls.crl_dir", crls);
	set = serving(more);
	shown = &user;
	assert_null(try(set, with_certificate));
	shown = &revoked;
	refused(set, with_certificate, "certificate revoked");
	tls_set_drop(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ciphers_and_curves),
		cmocka_unit_test(versions),
		cmocka_unit_test(names),
		cmocka_unit_test(verification),
		cmocka_unit_test(directories),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
