/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TLS_PAIR_H
#define TESTS_UNIT_TLS_PAIR_H
/*
 * A server of ours and a client of plain OpenSSL, in memory; settings by lines, each "name=value".
 * Failures are cmocka's.
 */
#include <stdbool.h>
#include <stddef.h>
#include "engine/settings.h"
#include "engine/tls_conn.h"
#include "engine/tls_set.h"

/* Settings out of these lines, NULL at the end, and a listener wss:127.0.0.1:443. */
void tls_pair_settings(struct settings *s, const char *const *lines);

/* "name=value" with a path of a test's file, in a static text; eight at a time. */
const char *tls_pair_line(const char *name, const char *value);

struct tls_pair {
	struct tls_conn *server;
	SSL *client;
	struct tls_io io;
	char words[256]; /* why the server failed */
	bool failed;
};

/*
 * A handshake with this set. `prepare` (or NULL) sees the client before it begins. True: both sides
 * are done.
 */
bool tls_pair_shake(struct tls_pair *p, struct tls_set *set, SSL_CTX *client,
		    void (*prepare)(SSL *client));
void tls_pair_free(struct tls_pair *p);

/* A client that trusts this file's certificate (NULL: anybody). */
SSL_CTX *tls_pair_client(const char *ca);

#endif
