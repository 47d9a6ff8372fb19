/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_CLIENT_TLS_H
#define WSLOAD_CLIENT_TLS_H
/* wss: TLS below a client. On its worker's thread, but for the context. */
#include <stdbool.h>
#include <openssl/ssl.h>
#include "ring/ring.h"

struct client;
struct worker;

/*
 * For all clients. A generator asks whom it was told to ask: it does not verify certificates. NULL:
 * no memory.
 */
SSL_CTX *client_tls_context(void);

/* What a worker needs; false: no memory. */
bool client_tls_init(struct worker *w);

/* Connected: say hello. False: no memory. */
bool client_tls_begin(struct worker *w, struct client *c);

/*
 * Bytes came: plaintext goes to client_take(), the end of the handshake to client_ask(). False: the
 * stream is over.
 */
bool client_tls_received(struct worker *w, struct client *c, const struct ring_lease *lease);

/* Encrypt what has gathered. False: no memory. */
bool client_tls_seal(struct worker *w, struct client *c);

#endif
