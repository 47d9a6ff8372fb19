/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_ticket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

static uint64_t
now_s(void)
{
	return (uint64_t)time(NULL);
}

static bool
fail(char error[SETTINGS_ERROR_MAX], const char *file, const char *why)
{
	snprintf(error, SETTINGS_ERROR_MAX, "tls.ticket_keys '%.120s': %s", file, why);
	return false;
}

_Static_assert(sizeof(struct tls_ticket_key) == 80, "the file's layout");

static bool
from_file(struct tls_ticket_keys *k, const char *name, char error[SETTINGS_ERROR_MAX])
{
	FILE *file = fopen(name, "rbe");
	size_t bytes;
	bool whole;

	if (!file)
		return fail(error, name, strerror(errno));
	setvbuf(file, NULL, _IONBF, 0); /* no copy of the keys stays behind */
	bytes = fread(k->keys, 1, sizeof(k->keys), file);
	whole = fgetc(file) == EOF;
	fclose(file);
	if (bytes == 0 || bytes % sizeof(k->keys[0]) || !whole)
		return fail(error, name, "must be 1 to 8 keys of 80 bytes each");
	k->len = (uint32_t)(bytes / sizeof(k->keys[0]));
	return true;
}

bool
tls_ticket_is_old(const struct tls_ticket_keys *k, const struct settings *s)
{
	return k->made_s && now_s() - k->made_s >= s->tls_ticket_lifetime_s;
}

/* What an older key made must be good for its lifetime: so the last one is kept for as long. */
static bool
our_own(struct tls_ticket_keys *k, const struct settings *s, const struct tls_ticket_keys *old,
	char error[SETTINGS_ERROR_MAX])
{
	if (old && old->made_s) {
		*k = *old;
		k->cipher = NULL;
		if (!tls_ticket_is_old(old, s))
			return true;
		k->keys[1] = k->keys[0];
		k->len = 2;
	} else {
		k->len = 1;
	}
	k->made_s = now_s();
	return RAND_bytes((uint8_t *)&k->keys[0], sizeof(k->keys[0])) == 1 ||
	       fail(error, "", "no random bytes");
}

bool
tls_ticket_init(struct tls_ticket_keys *k, const struct settings *s,
		const struct tls_ticket_keys *old, char error[SETTINGS_ERROR_MAX])
{
	memset(k, 0, sizeof(*k));
	if (s->tls_ticket_lifetime_s == 0)
		return true;
	if (*s->tls_ticket_keys ? !from_file(k, s->tls_ticket_keys, error) :
				  !our_own(k, s, old, error))
		return false;
	k->lifetime_s = s->tls_ticket_lifetime_s;
	k->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	return k->cipher || fail(error, s->tls_ticket_keys, "no AES-256-CBC in this OpenSSL");
}

void
tls_ticket_fini(struct tls_ticket_keys *k)
{
	EVP_CIPHER_free(k->cipher);
	OPENSSL_cleanse(k, sizeof(*k));
}

static const struct tls_ticket_key *
find(const struct tls_ticket_keys *k, const uint8_t *name)
{
	for (uint32_t i = 0; i < k->len; i++)
		if (CRYPTO_memcmp(k->keys[i].name, name, TLS_TICKET_NAME) == 0)
			return &k->keys[i];
	return NULL;
}

static bool
set_mac(EVP_MAC_CTX *mac, const struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->hmac,
						  sizeof(key->hmac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL asks: -1 failed, 0 not known, 1 go on, 2 go on and give a new ticket. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	  EVP_MAC_CTX *mac, int making)
{
	const struct tls_ticket_keys *k = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const struct tls_ticket_key *key = making ? &k->keys[0] : find(k, name);

	if (!key)
		return 0;
	if (making) {
		memcpy(name, key->name, TLS_TICKET_NAME);
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(k->cipher)) != 1)
			return -1;
	}
	if (EVP_CipherInit_ex(cipher, k->cipher, NULL, key->aes, iv, making) != 1 ||
	    !set_mac(mac, key))
		return -1;
	if (making)
		return 1;
	/* a client of TLS 1.3 uses a ticket once (RFC 8446 §C.4), and wants another */
	return key == &k->keys[0] && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

bool
tls_ticket_use(struct tls_ticket_keys *k, SSL_CTX *context)
{
	SSL_CTX_set_timeout(context, (long)k->lifetime_s);
	if (k->len == 0) {
		SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
		return SSL_CTX_set_num_tickets(context, 0) == 1;
	}
	return SSL_CTX_set_app_data(context, k) == 1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1 &&
	       SSL_CTX_set_num_tickets(context, 1) == 1;
}
