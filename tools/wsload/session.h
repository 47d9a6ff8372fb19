/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SESSION_H
#define WSLOAD_SESSION_H
/*
 * What a client has learned from the server and puts into its requests: the challenges it answers
 * (401 with Authorization, 407 with Proxy-Authorization; RFC 8760: MD5, SHA-256, SHA-512-256) and
 * the Service-Route of its registration (RFC 3608). A nonce is used again, counted by nc, until the
 * server gives another. A client that learned nothing has none of it.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/sip_msg.h"

struct client;
struct worker;

#define SESSION_ATTEMPTS 3u /* without credentials, with, with a nonce that is not stale */
#define SESSION_TEXT_MAX 4096u

/* Header lines for a request: of `text`, or empty. */
struct session_fields {
	struct span routes, credentials;
	char text[SESSION_TEXT_MAX];
};

/* w->msg refuses a request. True: with a challenge that can be answered, which is kept. */
bool session_challenged(struct worker *w, struct client *c);

/* w->msg accepts a REGISTER: requests that begin something go by its Service-Route from now on. */
void session_registered(struct worker *w, struct client *c);

/* What this request needs, which begins at `request` with its method and Request-URI. */
void session_put(struct worker *w, struct client *c, enum sip_method method, const char *request,
		 struct session_fields *out);

void session_free(struct client *c);

#endif
