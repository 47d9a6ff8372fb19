/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TLS_CONTEXT_H
#define ENGINE_TLS_CONTEXT_H
/*
 * A TLS domain made ready: an SSL_CTX with what RFC 9325 asks for and what the domain's settings
 * say. Made on any thread (it reads files), then only read, by any number of them.
 */
#include <stdbool.h>
#include <openssl/ssl.h>
#include "codec/span.h"
#include "engine/settings.h"
#include "engine/tls_cert.h"
#include "engine/tls_ticket.h"

struct tls_context {
	SSL_CTX *ssl; /* NULL: a server domain without certificate */
	const struct settings_domain *settings;
	struct tls_cert cert;
	int verify; /* SSL_VERIFY_* */
};

/* False: `error` says which setting or file is wrong; then there is nothing to free. */
bool tls_context_init(struct tls_context *c, const struct settings_domain *d,
		      struct tls_ticket_keys *tickets, char error[SETTINGS_ERROR_MAX]);
void tls_context_fini(struct tls_context *c);

/*
 * In the ClientHello callback: a handshake that began with another domain goes on with this one, in
 * all its settings. False: no memory.
 */
bool tls_context_adopt(const struct tls_context *c, SSL *ssl);

/*
 * Of a new outgoing connection: SNI, and what the certificate must say: `name`, or the numeric
 * `address` where there is none (RFC 6125, not the SIP domain certificates of RFC 5922). False: no
 * memory.
 */
bool tls_context_expect(SSL *ssl, const char *name, const char *address);

/*
 * Would an outgoing connection that is open be made like this again: with the same certificate of
 * ours, and with the peer's still good by the CAs and CRLs of now? `reason`: a static text.
 * Verifies signatures: some 0.2 ms.
 */
bool tls_context_would_make(const struct tls_context *c, SSL *ssl, const char **reason);

/* Is the domain for this address and port (text and number of a listener or an upstream)? */
bool tls_context_serves_address(const struct tls_context *c, const char *address, uint16_t port);

/* How well is it for this server name? */
enum tls_context_match {
	TLS_CONTEXT_NO,
	TLS_CONTEXT_ANY, /* "*" */
	TLS_CONTEXT_WILDCARD,
	TLS_CONTEXT_EXACT, /* the name itself; or "none", and no name */
};
enum tls_context_match tls_context_serves_name(const struct tls_context *c, struct span name);

#endif
