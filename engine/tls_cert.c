/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_cert.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include "engine/tls_error.h"

#define OCSP_BYTES_MAX 16384u

static bool
fail(char error[SETTINGS_ERROR_MAX], const char *what, const char *which)
{
	return tls_error_fail(error, SETTINGS_ERROR_MAX, what, which);
}

bool
tls_cert_item(const char *list, uint32_t i, char out[SETTINGS_TEXT_MAX])
{
	size_t len;

	for (; i; i--) {
		list = strchr(list, ',');
		if (!list)
			return false;
		list++;
	}
	list += strspn(list, " \t");
	len = strcspn(list, ",");
	while (len && (list[len - 1] == ' ' || list[len - 1] == '\t'))
		len--;
	if (len == 0)
		return false;
	memcpy(out, list, len);
	out[len] = '\0';
	return true;
}

/* ---- certificates ---- */

/* A key that needs a passphrase: there is nobody to ask. */
static int
no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int64_t
seconds_of(const ASN1_TIME *time_)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time_, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool
check_dates(struct tls_cert *c, const X509 *x, const char *file, char error[SETTINGS_ERROR_MAX])
{
	int64_t now_s = (int64_t)time(NULL), until_s = seconds_of(X509_get0_notAfter(x));

	if (until_s <= now_s)
		return fail(error, "certificate has expired:", file);
	if (seconds_of(X509_get0_notBefore(x)) > now_s)
		return fail(error, "certificate is not valid yet:", file);
	if (until_s < c->expires_s)
		c->expires_s = until_s;
	return true;
}

/* Each is signed by the next; the last may be anybody's. */
static bool
check_chain(struct tls_cert *c, SSL_CTX *context, const char *file, char error[SETTINGS_ERROR_MAX])
{
	X509 *x = SSL_CTX_get0_certificate(context);
	STACK_OF(X509) *chain = NULL;
	int chain_len;

	if (SSL_CTX_get0_chain_certs(context, &chain) != 1)
		return fail(error, "tls.certificate", file);
	chain_len = chain ? sk_X509_num(chain) : 0;
	for (int i = 0; i <= chain_len; i++) {
		X509 *next = i < chain_len ? sk_X509_value(chain, i) : NULL;

		if (!check_dates(c, x, file, error))
			return false;
		if (next && (X509_check_issued(next, x) != X509_V_OK ||
			     X509_verify(x, X509_get0_pubkey(next)) != 1)) {
			ERR_clear_error();
			return fail(error, "each certificate must be signed by the next in", file);
		}
		x = next;
	}
	return true;
}

static bool
load_pair(struct tls_cert *c, SSL_CTX *context, const char *file, const char *key,
	  char error[SETTINGS_ERROR_MAX])
{
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(context, file) != 1)
		return fail(error, "tls.certificate", file);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return fail(error, "tls.private_key", key);
	if (SSL_CTX_check_private_key(context) != 1)
		return fail(error, "tls.private_key does not fit its certificate:", key);
	return check_chain(c, context, file, error);
}

/* ---- stapling ---- */

static bool
is_response(const uint8_t *bytes, size_t len)
{
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, (long)len);
	bool good = response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;

	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return good;
}

/* A file that is not there is no error: responses come and go, the certificate serves without. */
static bool
load_ocsp(struct tls_cert_ocsp *o, const char *name, char error[SETTINGS_ERROR_MAX])
{
	FILE *file = fopen(name, "rbe");
	uint8_t bytes[OCSP_BYTES_MAX];
	size_t len;

	if (!file)
		return errno == ENOENT || fail(error, strerror(errno), name);
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	if (!is_response(bytes, len))
		return fail(error, "tls.ocsp_response is none that says success:", name);
	o->bytes = malloc(len);
	if (!o->bytes)
		return fail(error, "no memory for", name);
	memcpy(o->bytes, bytes, len);
	o->len = (uint32_t)len;
	return true;
}

bool
tls_cert_load(struct tls_cert *c, SSL_CTX *context, const struct settings_domain *d,
	      char error[SETTINGS_ERROR_MAX])
{
	char file[SETTINGS_TEXT_MAX], key[SETTINGS_TEXT_MAX];

	*c = (struct tls_cert){ .expires_s = INT64_MAX };
	for (uint32_t i = 0; tls_cert_item(d->certificate, i, file); i++) {
		if (i == TLS_CERT_MAX)
			return fail(error, "too many files in tls.certificate from", file);
		if (!tls_cert_item(d->private_key, i, key))
			return fail(error, "no tls.private_key for", file);
		if (!load_pair(c, context, file, key, error))
			return false;
		c->ocsp[i].certificate = SSL_CTX_get0_certificate(context);
		c->ocsp_len = i + 1;
		if (tls_cert_item(d->ocsp_response, i, file) &&
		    !load_ocsp(&c->ocsp[i], file, error))
			return false;
	}
	return true;
}

void
tls_cert_free(struct tls_cert *c)
{
	for (uint32_t i = 0; i < c->ocsp_len; i++)
		free(c->ocsp[i].bytes);
}

/* ---- trust ---- */

/*
 * All files at once, here: OpenSSL's own directory look-up would open files in the middle of a
 * handshake.
 */
static bool
load_directory(X509_STORE *store, const char *name, char error[SETTINGS_ERROR_MAX])
{
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	DIR *directory = opendir(name);
	struct dirent *entry;
	char path[SETTINGS_TEXT_MAX + 256];
	int files = 0;

	if (!directory)
		return fail(error, strerror(errno), name);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		if (X509_load_cert_crl_file(lookup, path, X509_FILETYPE_PEM) > 0)
			files++;
		ERR_clear_error(); /* a README, or a certificate that is in already */
	}
	closedir(directory);
	return files > 0 || fail(error, "neither certificates nor CRLs are in", name);
}

static bool
load_system(SSL_CTX *context, X509_STORE *store, char error[SETTINGS_ERROR_MAX])
{
	const char *file = getenv(X509_get_default_cert_file_env());
	const char *directory = getenv(X509_get_default_cert_dir_env());

	if (file)
		return SSL_CTX_load_verify_file(context, file) == 1 ||
		       fail(error, "the system's CAs", file);
	return load_directory(store, directory ? directory : X509_get_default_cert_dir(), error);
}

bool
tls_cert_trust(SSL_CTX *context, const struct settings_domain *d, char error[SETTINGS_ERROR_MAX])
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);

	if (*d->ca_list && SSL_CTX_load_verify_file(context, d->ca_list) != 1)
		return fail(error, "tls.ca_list", d->ca_list);
	if (*d->ca_dir && !load_directory(store, d->ca_dir, error))
		return false;
	if (d->client && !*d->ca_list && !*d->ca_dir && !load_system(context, store, error))
		return false;
	if (!*d->crl_dir)
		return true;
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK |
					    (d->crl_check_all ? X509_V_FLAG_CRL_CHECK_ALL : 0ul));
	return load_directory(store, d->crl_dir, error);
}
