/* SPDX-License-Identifier: Apache-2.0 */
/* What is checked before certificates are used, what is stapled beside them, and when they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <openssl/ocsp.h>
#include "engine/log.h"
#include "engine/tls_store.h"
#include "tests/unit/tls_files.h"
#include "tests/unit/tls_pair.h"

#define DAY_S 86400

static struct tls_files ca, leaf, other;
static struct settings settings;

static int
setup(void **state)
{
	(void)state;
	tls_files_make(&ca, &(struct tls_files_wish){ .name = "ca" });
	tls_files_make(&leaf, &(struct tls_files_wish){
				      .name = "leaf", .names = "DNS:localhost", .issuer = &ca });
	tls_files_make(&other, &(struct tls_files_wish){ .name = "other", .names = "DNS:other" });
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tls_files_free(&ca);
	tls_files_free(&leaf);
	tls_files_free(&other);
	return 0;
}

static void
files(const char *certificate, const char *key, const char *more)
{
	const char *lines[] = { tls_pair_line("tls.certificate", certificate),
				tls_pair_line("tls.private_key", key), more, NULL };

	tls_pair_settings(&settings, lines);
}

static void
refused(const char *certificate, const char *key, const char *more, const char *words)
{
	char error[SETTINGS_ERROR_MAX] = "";

	files(certificate, key, more);
	assert_null(tls_set_new(&settings, NULL, error));
	if (!strstr(error, words))
		fail_msg("'%s', not '%s'", error, words);
}

static void
bad_certificates(void **state)
{
	struct tls_files expired, early, stolen;
	char path[256];

	(void)state;
	tls_files_make(&expired, &(struct tls_files_wish){ .name = "expired",
							   .names = "DNS:a",
							   .from_days = -9,
							   .to_days = -1 });
	tls_files_make(&early,
		       &(struct tls_files_wish){
			       .name = "early", .names = "DNS:a", .from_days = 2, .to_days = 9 });
	/* says that the CA has signed it, and is signed by its own key */
	tls_files_make(&stolen, &(struct tls_files_wish){
					.name = "stolen", .names = "DNS:a", .issuer = &ca });
	assert_true(X509_sign(stolen.x, stolen.pkey, EVP_sha256()) > 0);
	tls_files_chain(&stolen, &ca);
	refused(expired.certificate, expired.key, NULL, "certificate has expired:");
	refused(early.certificate, early.key, NULL, "certificate is not valid yet:");
	refused(stolen.certificate, stolen.key, NULL, "must be signed by the next in");
	refused(leaf.certificate, other.key, NULL, "key values mismatch");
	tls_files_path(path, "none.pem");
	refused(path, leaf.key, NULL, "No such file");
	refused(leaf.certificate, path, NULL, "No such file");
	tls_files_path(path, "garbage.pem");
	tls_files_write(path, "garbage", 7);
	refused(path, leaf.key, NULL, "no start line");
	/* the wrong issuer behind it */
	tls_files_chain(&leaf, &other);
	refused(leaf.certificate, leaf.key, NULL, "must be signed by the next in");
	tls_files_chain(&leaf, &ca);
	tls_files_free(&expired);
	tls_files_free(&early);
	tls_files_free(&stolen);
}

/* ---- stapling ---- */

static void
ask_for_status(SSL *ssl)
{
	SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
}

static size_t
response(char path[256])
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf.x, ca.x);
	ASN1_TIME *now = X509_gmtime_adj(NULL, 0);
	OCSP_RESPONSE *whole;
	uint8_t *der = NULL;
	int len;

	OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, now, NULL);
	assert_int_equal(OCSP_basic_sign(basic, ca.x, ca.pkey, EVP_sha256(), NULL, 0), 1);
	whole = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	len = i2d_OCSP_RESPONSE(whole, &der);
	assert_true(len > 0);
	tls_files_path(path, "leaf.ocsp");
	tls_files_write(path, der, (size_t)len);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(whole);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(now);
	return (size_t)len;
}

/* How many bytes were stapled. */
static long
stapled(struct tls_set *set)
{
	SSL_CTX *client = tls_pair_client(NULL);
	const unsigned char *bytes;
	struct tls_pair p;
	long len;

	assert_true(tls_pair_shake(&p, set, client, ask_for_status));
	len = SSL_get_tlsext_status_ocsp_resp(p.client, &bytes);
	tls_pair_free(&p);
	SSL_CTX_free(client);
	return len;
}

static void
stapling(void **state)
{
	char path[256], text[600], error[SETTINGS_ERROR_MAX];
	struct tls_set *set;
	size_t len;

	(void)state;
	len = response(path);
	snprintf(text, sizeof(text), "tls.ocsp_response=%s", path);
	files(leaf.certificate, leaf.key, text);
	set = tls_set_new(&settings, NULL, error);
	assert_non_null(set);
	assert_int_equal(stapled(set), len);
	tls_set_drop(set);
	/* it may be absent for a time */
	remove(path);
	set = tls_set_new(&settings, NULL, error);
	assert_non_null(set);
	assert_int_equal(stapled(set), -1);
	tls_set_drop(set);
	tls_files_write(path, "\x30\x03\x0a\x01\x06", 5); /* "unauthorized" */
	refused(leaf.certificate, leaf.key, text, "none that says success");
	tls_files_write(path, "rubbish", 7);
	refused(leaf.certificate, leaf.key, text, "none that says success");
}

/* ---- the end of a certificate ---- */

static void
expiry(void **state)
{
	struct tls_files soon;
	struct stats stats = { 0 };
	struct tls_store store;
	char error[SETTINGS_ERROR_MAX], both[600], keys[600];
	int64_t expires_s, now_s = (int64_t)time(NULL);

	(void)state;
	tls_files_make(&soon, &(struct tls_files_wish){ .name = "soon",
							.names = "DNS:a",
							.rsa = true,
							.from_days = -1,
							.to_days = 5 });
	/* the first of all that ends counts */
	snprintf(both, sizeof(both), "%s,%s", leaf.certificate, soon.certificate);
	snprintf(keys, sizeof(keys), "%s,%s", leaf.key, soon.key);
	files(both, keys, "tls.expiry_warning=6");
	assert_true(tls_store_init(&store, &settings, &stats, error));
	expires_s = (int64_t)stats.tls_certificate_expires;
	assert_in_range(expires_s, now_s + 5 * DAY_S - 60, now_s + 5 * DAY_S + 60);
	assert_in_range(store.warned_s, now_s - 60, now_s + 60);
	assert_false(tls_store_is_stale(&store));
	tls_store_fini(&store);
	files(both, keys, "tls.expiry_warning=4");
	assert_true(tls_store_init(&store, &settings, &stats, error));
	assert_int_equal(store.warned_s, 0);
	tls_store_fini(&store);
	tls_files_free(&soon);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_certificates),
		cmocka_unit_test(stapling),
		cmocka_unit_test(expiry),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
