/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TLS_TICKET_H
#define ENGINE_TLS_TICKET_H
/*
 * Keys of session tickets (RFC 5077 §4, RFC 8446 §4.6.1): the first makes tickets, all are
 * accepted. From a file that a fleet shares, or our own, which are replaced when they are old.
 * Not changed once a context uses them.
 */
#include <stdbool.h>
#include <stdint.h>
#include <openssl/ssl.h>
#include "engine/settings.h"

#define TLS_TICKET_NAME 16u
#define TLS_TICKET_KEYS_MAX 8u

struct tls_ticket_key {
	uint8_t name[TLS_TICKET_NAME];
	uint8_t hmac[32];
	uint8_t aes[32];
};

struct tls_ticket_keys {
	uint32_t len;        /* 0: no tickets */
	uint32_t lifetime_s; /* of a session */
	uint64_t made_s;     /* the first one of our own, in s since 1970 */
	EVP_CIPHER *cipher;
	struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX];
};

/*
 * The keys that the settings ask for. Our own are taken over from `old` (or NULL), and one is added
 * in front when `old`'s first is older than tls.ticket_lifetime. False: `error` says why.
 */
bool tls_ticket_init(struct tls_ticket_keys *k, const struct settings *s,
		     const struct tls_ticket_keys *old, char error[SETTINGS_ERROR_MAX]);
void tls_ticket_fini(struct tls_ticket_keys *k);

/* Are they our own, and is it time to replace the first? */
bool tls_ticket_is_old(const struct tls_ticket_keys *k, const struct settings *s);

/* Use them for what this context serves; they must outlive every handshake with it. */
bool tls_ticket_use(struct tls_ticket_keys *k, SSL_CTX *context);

#endif
