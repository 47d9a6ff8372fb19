/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full TLS handshake in memory, ECDSA P-256 and X25519: what the server's side alone costs, ours
 * and OpenSSL's own (its memory BIOs, its defaults). The argument is the version, 12 or 13. A round
 * is both sides; `server_us` is the server's processor time. To be set beside what wsload
 * --scenario churn costs a whole daemon.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "bench/bench.h"
#include "engine/tls_conn.h"
#include "engine/tls_set.h"

struct bed {
	char certificate[32], key[32];
	struct settings settings;
	struct settings_listener listener;
	struct tls_set *set;
	SSL_CTX *plain, *client;
	struct tls_io io;
	BIO *to_client;
	uint64_t server_ns;
};

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- certificate ---- */

static FILE *
temporary(char name[32])
{
	int fd;

	memcpy(name, "/tmp/bench-tls-XXXXXX", 22);
	fd = mkstemp(name);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool
make_certificate(struct bed *bed)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	FILE *certificate = temporary(bed->certificate), *keys = temporary(bed->key);
	bool good = key && x && certificate && keys;

	if (good) {
		X509_set_version(x, X509_VERSION_3);
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
					   (const unsigned char *)"bench", -1, -1, 0);
		X509_set_issuer_name(x, X509_get_subject_name(x));
		X509_gmtime_adj(X509_getm_notBefore(x), -60);
		X509_gmtime_adj(X509_getm_notAfter(x), 86400);
		X509_set_pubkey(x, key);
		good = X509_sign(x, key, EVP_sha256()) > 0 && PEM_write_X509(certificate, x) &&
		       PEM_write_PrivateKey(keys, key, NULL, NULL, 0, NULL, NULL);
	}
	if (certificate)
		fclose(certificate);
	if (keys)
		fclose(keys);
	X509_free(x);
	EVP_PKEY_free(key);
	return good;
}

/* ---- the two servers ---- */

static bool
put(void *arg, struct span bytes)
{
	struct bed *bed = arg;

	return BIO_write(bed->to_client, bytes.at, (int)bytes.len) == (int)bytes.len;
}

static bool
set(struct settings *s, const char *name, const char *value)
{
	char text[64], error[SETTINGS_ERROR_MAX];

	snprintf(text, sizeof(text), "%s=%s", name, value);
	return settings_set(s, text, error);
}

static bool
open_bed(struct bed *bed, int version)
{
	char error[SETTINGS_ERROR_MAX];

	*bed = (struct bed){ .io = { .put = put, .arg = bed, .listener = &bed->listener },
			     .listener = { .address = "127.0.0.1", .port = 443, .tls = true } };
	settings_init(&bed->settings);
	if (!make_certificate(bed) || !set(&bed->settings, "listen", "wss:127.0.0.1:443") ||
	    !set(&bed->settings, "tls.certificate", bed->certificate) ||
	    !set(&bed->settings, "tls.private_key", bed->key) ||
	    !settings_finish(&bed->settings, error))
		return false;
	bed->set = tls_set_new(&bed->settings, NULL, error);
	bed->plain = SSL_CTX_new(TLS_server_method());
	bed->client = SSL_CTX_new(TLS_client_method());
	if (!bed->set || !bed->plain || !bed->client)
		return false;
	SSL_CTX_set_session_cache_mode(bed->client, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_max_proto_version(bed->client, version) == 1 &&
	       SSL_CTX_use_certificate_file(bed->plain, bed->certificate, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_use_PrivateKey_file(bed->plain, bed->key, SSL_FILETYPE_PEM) == 1;
}

static void
close_bed(struct bed *bed)
{
	tls_set_drop(bed->set);
	SSL_CTX_free(bed->plain);
	SSL_CTX_free(bed->client);
	unlink(bed->certificate);
	unlink(bed->key);
}

static SSL *
client_of(struct bed *bed)
{
	SSL *client = SSL_new(bed->client);

	if (!client)
		abort();
	bed->to_client = BIO_new(BIO_s_mem());
	SSL_set_bio(client, bed->to_client, BIO_new(BIO_s_mem()));
	SSL_set_connect_state(client);
	return client;
}

/* Two answers are enough for each version. */
static bool
shake_ours(struct bed *bed)
{
	SSL *client = client_of(bed);
	struct tls_conn *server;
	uint64_t begun = cpu_ns();
	bool secure;

	server = tls_conn_new(tls_set_server(bed->set, &bed->listener), &bed->io, false);
	tls_conn_keep(server, bed->set);
	bed->server_ns += cpu_ns() - begun;
	for (int i = 0; i < 2; i++) {
		char bytes[16384];
		int len;

		SSL_do_handshake(client);
		len = BIO_read(SSL_get_wbio(client), bytes, sizeof(bytes));
		bed->io.in = span_of(bytes, len > 0 ? (size_t)len : 0);
		begun = cpu_ns();
		tls_conn_handshake(server);
		bed->server_ns += cpu_ns() - begun;
	}
	secure = tls_conn_is_secure(server);
	begun = cpu_ns();
	tls_conn_free(server);
	bed->server_ns += cpu_ns() - begun;
	SSL_free(client);
	return secure;
}

static bool
shake_openssl(struct bed *bed)
{
	SSL *client = client_of(bed), *server;
	BIO *from_client = SSL_get_wbio(client);
	uint64_t begun = cpu_ns();
	bool secure;

	server = SSL_new(bed->plain);
	BIO_up_ref(from_client);
	BIO_up_ref(bed->to_client);
	SSL_set_bio(server, from_client, bed->to_client);
	SSL_set_accept_state(server);
	bed->server_ns += cpu_ns() - begun;
	for (int i = 0; i < 2; i++) {
		SSL_do_handshake(client);
		begun = cpu_ns();
		SSL_do_handshake(server);
		bed->server_ns += cpu_ns() - begun;
	}
	secure = SSL_is_init_finished(server);
	begun = cpu_ns();
	SSL_free(server);
	bed->server_ns += cpu_ns() - begun;
	SSL_free(client);
	return secure;
}

static void
handshakes(struct bench *b, bool (*shake)(struct bed *bed))
{
	int version = bench_arg(b) == 12 ? TLS1_2_VERSION : TLS1_3_VERSION;
	struct bed *bed = malloc(sizeof(*bed));
	uint64_t rounds = 0, good = 0;

	if (!bed)
		abort();
	if (open_bed(bed, version)) {
		for (; bench_next(b); rounds++)
			good += shake(bed);
		bench_figure(b, "server_us", (double)bed->server_ns / 1000 / (double)rounds);
	}
	if (good == 0 || good < rounds)
		bench_fail(b, "a handshake that was not done");
	close_bed(bed);
	free(bed);
}

BENCH(tls_handshake, 12, 13)
{
	handshakes(b, shake_ours);
}

BENCH(tls_handshake_openssl, 12, 13)
{
	handshakes(b, shake_openssl);
}
