/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* nftw() */
#include "tests/unit/tls_files.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static char directory[64];
static struct tls_files usual;

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void
remove_all(void)
{
	tls_files_free(&usual);
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void
tls_files_path(char out[256], const char *name)
{
	if (!*directory) {
		memcpy(directory, "/tmp/sipring-tls-XXXXXX", 24);
		if (!mkdtemp(directory))
			abort();
		atexit(remove_all);
	}
	snprintf(out, 256, "%s/%.180s", directory, name);
}

void
tls_files_write(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file))
		abort();
}

void
tls_files_directory(char out[256], const char *name)
{
	tls_files_path(out, name);
	if (mkdir(out, 0700))
		abort();
}

static void
write_certificate(const char *path, X509 *first, X509 *second)
{
	FILE *file = fopen(path, "w");

	assert(file);
	PEM_write_X509(file, first);
	if (second)
		PEM_write_X509(file, second);
	fclose(file);
}

void
tls_files_place(const char *name, const struct tls_files *f)
{
	char path[256];

	tls_files_path(path, name);
	write_certificate(path, f->x, NULL);
}

void
tls_files_chain(const struct tls_files *f, const struct tls_files *issuer)
{
	write_certificate(f->certificate, f->x, issuer->x);
}

static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (!extension || X509_add_ext(x, extension, -1) != 1)
		abort();
	X509_EXTENSION_free(extension);
}

static X509 *
certificate(const struct tls_files *f, const struct tls_files_wish *w)
{
	static long serial;
	X509 *x = X509_new(), *issuer = w->issuer ? w->issuer->x : x;
	X509_NAME *name = X509_get_subject_name(x);
	bool usual_time = !w->from_days && !w->to_days;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)w->name, -1, -1,
				   0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer));
	X509_time_adj_ex(X509_getm_notBefore(x), usual_time ? -1 : w->from_days, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(x), usual_time ? 30 : w->to_days, 0, NULL);
	X509_set_pubkey(x, f->pkey);
	extend(x, issuer, NID_basic_constraints, w->names ? "CA:FALSE" : "critical,CA:TRUE");
	extend(x, issuer, NID_subject_key_identifier, "hash");
	if (w->names)
		extend(x, issuer, NID_subject_alt_name, w->names);
	if (!X509_sign(x, w->issuer ? w->issuer->pkey : f->pkey, EVP_sha256()))
		abort();
	return x;
}

void
tls_files_make(struct tls_files *f, const struct tls_files_wish *w)
{
	char name[200];
	FILE *file;

	snprintf(name, sizeof(name), "%s.pem", w->name);
	tls_files_path(f->certificate, name);
	snprintf(name, sizeof(name), "%s.key", w->name);
	tls_files_path(f->key, name);
	f->pkey = w->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	f->x = certificate(f, w);
	write_certificate(f->certificate, f->x, w->issuer ? w->issuer->x : NULL);
	file = fopen(f->key, "w");
	assert(file);
	PEM_write_PrivateKey(file, f->pkey, NULL, NULL, 0, NULL, NULL);
	fclose(file);
}

void
tls_files_free(struct tls_files *f)
{
	X509_free(f->x);
	EVP_PKEY_free(f->pkey);
	f->x = NULL;
	f->pkey = NULL;
}

const struct tls_files *
tls_files_usual(void)
{
	if (!usual.x)
		tls_files_make(&usual,
			       &(struct tls_files_wish){ .name = "usual",
							 .names = "DNS:sim.example,IP:127.0.0.1" });
	return &usual;
}
