/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tls_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "engine/tls_error.h"

void
tls_pair_settings(struct settings *s, const char *const *lines)
{
	char error[SETTINGS_ERROR_MAX] = "";

	settings_init(s);
	assert_true(settings_listen(s, "wss:127.0.0.1:443", error));
	for (; *lines; lines++)
		if (!settings_set(s, *lines, error))
			fail_msg("%s", error);
	if (!settings_finish(s, error))
		fail_msg("%s", error);
}

const char *
tls_pair_line(const char *name, const char *value)
{
	static char texts[8][600];
	static unsigned next;
	char *text = texts[next++ % 8];

	snprintf(text, sizeof(texts[0]), "%s=%s", name, value);
	return text;
}

SSL_CTX *
tls_pair_client(const char *ca)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	assert_non_null(context);
	SSL_CTX_set_verify(context, ca ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
	if (ca)
		assert_int_equal(SSL_CTX_load_verify_file(context, ca), 1);
	return context;
}

/* What the server says goes where the client reads. */
static bool
put(void *arg, struct span bytes)
{
	struct tls_pair *p = arg;

	return BIO_write(SSL_get_rbio(p->client), bytes.at, (int)bytes.len) == (int)bytes.len;
}

static void
server_turn(struct tls_pair *p)
{
	char bytes[65536];
	uint8_t plain[16384];
	size_t n;
	int len = BIO_read(SSL_get_wbio(p->client), bytes, sizeof(bytes));
	enum tls_result result = TLS_DONE;

	if (len <= 0 || p->failed)
		return;
	p->io.in = span_of(bytes, (size_t)len);
	if (!tls_conn_is_secure(p->server))
		result = tls_conn_handshake(p->server);
	while (result == TLS_DONE)
		result = tls_conn_read(p->server, plain, sizeof(plain), &n);
	if (result != TLS_FAILED)
		return;
	p->failed = true;
	tls_error_of(tls_conn_ssl(p->server), p->words);
}

bool
tls_pair_shake(struct tls_pair *p, struct tls_set *set, SSL_CTX *client,
	       void (*prepare)(SSL *client))
{
	static const struct settings_listener where = { .address = "127.0.0.1", .port = 443 };
	bool done = false;
	char byte;

	memset(p, 0, sizeof(*p));
	p->io = (struct tls_io){ .put = put, .arg = p, .listener = &where };
	p->client = SSL_new(client);
	SSL_set_bio(p->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(p->client);
	if (prepare)
		prepare(p->client);
	p->server = tls_conn_new(tls_set_server(set, &where), &p->io, false);
	assert_non_null(p->server);
	tls_conn_keep(p->server, set);
	for (int i = 0; i < 6; i++) {
		done = SSL_do_handshake(p->client) == 1;
		server_turn(p);
		if (done) /* tickets of TLS 1.3 come behind it */
			SSL_read(p->client, &byte, 1);
	}
	return done && tls_conn_is_secure(p->server) && !p->failed;
}

void
tls_pair_free(struct tls_pair *p)
{
	tls_conn_free(p->server);
	SSL_set_quiet_shutdown(p->client, 1);
	SSL_shutdown(p->client);
	SSL_free(p->client);
}
