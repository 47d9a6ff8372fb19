/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_CLIENT_TLS_H
#define WSLOAD_CLIENT_TLS_H
/* wss: TLS below a client. On its worker's thread, but for the context. */
#include <stdbool.h>
#include <openssl/ssl.h>
#include "ring/ring.h"

struct client;
struct options;
struct worker;

/*
 * For all clients. The server's certificate has to be good for the host of the URL, unless that is
 * not asked for. NULL, or what is wrong; static text.
 */
const char *client_tls_context(const struct options *o, SSL_CTX **out);

/* What a worker needs; false: no memory. */
bool client_tls_init(struct worker *w);

/* Connected: say hello. False: no memory. */
bool client_tls_begin(struct worker *w, struct client *c);

/*
 * Bytes came: plaintext goes to client_take(), the end of the handshake to client_ask(). False: the
 * stream is over.
 */
bool client_tls_received(struct worker *w, struct client *c, const struct ring_lease *lease);

/* The stream ended in the handshake: count it, and say why. */
void client_tls_failed(struct worker *w, struct client *c);

/* The connection is gone. */
void client_tls_end(struct worker *w, struct client *c);

/* Encrypt what has gathered. False: no memory. */
bool client_tls_seal(struct worker *w, struct client *c);

#endif
