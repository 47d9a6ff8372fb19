/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TLS_SET_H
#define ENGINE_TLS_SET_H
/*
 * All TLS domains, as they were when their files were read last. Never changed: a reload makes
 * another set. Every loop holds one reference and every handshake under way another, so the old set
 * goes when the last of them does; connections that are open keep what they need without it.
 *
 * tls_set_new() reads files: not on a loop's thread. Everything else may be called on any.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "engine/settings.h"
#include "engine/tls_context.h"

struct tls_set {
	_Atomic uint32_t references;
	const struct settings *settings;
	struct tls_ticket_keys tickets;
	int64_t expires_s; /* of all certificates the first, s since 1970; INT64_MAX: none */
	uint32_t contexts_len;
	struct tls_context contexts[SETTINGS_DOMAINS_MAX];
};

/*
 * With one reference, the caller's. `old` (or NULL) is the set before. NULL: `error` says which
 * file or setting is wrong.
 */
struct tls_set *tls_set_new(const struct settings *s, const struct tls_set *old,
			    char error[SETTINGS_ERROR_MAX]);

struct tls_set *tls_set_hold(struct tls_set *set);
void tls_set_drop(struct tls_set *set); /* NULL is harmless */

/* Where a handshake on this listener begins; SNI may lead it elsewhere. NULL: nowhere. */
SSL_CTX *tls_set_server(const struct tls_set *set, const struct settings_listener *where);

/* The domain of an outgoing connection; there is always one. */
const struct tls_context *tls_set_client(const struct tls_set *set,
					 const struct settings_upstream *where);

#endif
