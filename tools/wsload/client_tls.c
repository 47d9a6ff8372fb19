/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/client_tls.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include "tools/wsload/worker.h"

static bool
trust(SSL_CTX *context, const struct options *o)
{
	SSL_CTX_set_verify(context, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (o->insecure)
		return true;
	return o->ca ? SSL_CTX_load_verify_locations(context, o->ca, NULL) == 1 :
		       SSL_CTX_set_default_verify_paths(context) == 1;
}

const char *
client_tls_context(const struct options *o, SSL_CTX **out)
{
	static const unsigned char alpn[] = "\x08http/1.1";

	*out = tls_conn_setup() ? SSL_CTX_new(TLS_client_method()) : NULL;
	if (!*out)
		return "out of memory";
	if (!trust(*out, o))
		return "no certificates could be read: give --ca a file in PEM format";
	SSL_CTX_set_mode(*out, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(*out, 1);
	SSL_CTX_set_alpn_protos(*out, alpn, sizeof(alpn) - 1);
	SSL_CTX_set_session_cache_mode(*out, SSL_SESS_CACHE_OFF);
	return NULL;
}

static bool
put(void *arg, struct span bytes)
{
	struct worker *w = arg;

	worker_put_dirty(w, w->tls_client);
	return client_put(w, &w->tls_client->wire, bytes);
}

bool
client_tls_init(struct worker *w)
{
	w->tls = (struct tls_io){ .put = put, .arg = w };
	if (!w->plan->tls)
		return true;
	w->tls_scratch = malloc(CLIENT_RECORD_MAX);
	return w->tls_scratch != NULL;
}

static void
begin_operation(struct worker *w, struct client *c, struct span in)
{
	w->tls.in = in;
	w->tls_client = c;
}

/* The name that is asked for (SNI), and that the certificate has to be good for. */
static bool
name_server(SSL *ssl, const struct options *o)
{
	char address[OPTIONS_TEXT_MAX];
	size_t len = strlen(o->host);
	bool bracketed = o->host[0] == '[';

	if (!bracketed && o->host[strspn(o->host, "0123456789.")])
		return SSL_set_tlsext_host_name(ssl, o->host) == 1 &&
		       SSL_set1_host(ssl, o->host) == 1;
	memcpy(address, o->host + bracketed, len + 1 - bracketed);
	if (bracketed)
		address[len - 2] = '\0';
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address) == 1;
}

bool
client_tls_begin(struct worker *w, struct client *c)
{
	c->tls = tls_conn_new(w->plan->tls, &w->tls, true);
	if (!c->tls || !name_server(tls_conn_ssl(c->tls), &w->plan->options))
		return false;
	if (c->tls_session)
		SSL_set_session(tls_conn_ssl(c->tls), c->tls_session);
	begin_operation(w, c, SPAN(""));
	return tls_conn_handshake(c->tls) == TLS_MORE;
}

void
client_tls_failed(struct worker *w, struct client *c)
{
	long verified = SSL_get_verify_result(tls_conn_ssl(c->tls));

	if (!w->note[0] && verified != X509_V_OK && !w->plan->options.insecure)
		snprintf(w->note, sizeof(w->note),
			 "the server's certificate: %s; give --ca FILE or --insecure",
			 X509_verify_cert_error_string(verified));
	client_fault(w, c, TALLY_tls_failed);
}

/* In place: see engine/tls_conn.h. */
static enum tls_result
read_records(struct worker *w, struct client *c, uint8_t *area, size_t len)
{
	enum tls_result result = TLS_DONE;
	size_t n;

	if (tls_conn_has_part(c->tls)) {
		result = tls_conn_read(c->tls, w->tls_scratch, CLIENT_RECORD_MAX, &n);
		if (n)
			client_take(w, c, w->tls_scratch, n);
	}
	while (result == TLS_DONE && c->state < CLIENT_CLOSED) {
		result = tls_conn_read(c->tls, area, len, &n);
		if (n)
			client_take(w, c, area, n);
		area += n;
		len -= n;
	}
	return result;
}

bool
client_tls_received(struct worker *w, struct client *c, const struct ring_lease *lease)
{
	enum tls_result result = TLS_DONE;

	begin_operation(w, c, span_of(lease->bytes, lease->len));
	if (c->state == CLIENT_SECURING) {
		result = tls_conn_handshake(c->tls);
		if (result == TLS_DONE)
			client_ask(w, c);
	}
	if (result == TLS_DONE && c->state < CLIENT_CLOSED)
		result = read_records(w, c, lease->bytes, lease->len);
	return result == TLS_MORE || result == TLS_DONE;
}

/*
 * Who connects again resumes the session. Without a close_notify OpenSSL would take it for
 * compromised.
 */
void
client_tls_end(struct worker *w, struct client *c)
{
	const struct options *o = &w->plan->options;
	SSL *ssl;

	if (!c->tls)
		return;
	ssl = tls_conn_ssl(c->tls);
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	if ((o->scenario->churns || o->scenario->storms) && !o->no_resume &&
	    tls_conn_is_secure(c->tls)) {
		SSL_SESSION_free(c->tls_session);
		c->tls_session = SSL_get1_session(ssl);
	}
	tls_conn_free(c->tls);
	c->tls = NULL;
}

bool
client_tls_seal(struct worker *w, struct client *c)
{
	begin_operation(w, c, SPAN(""));
	if (c->out.len == 0 || c->state < CLIENT_UPGRADING || tls_conn_is_over(c->tls))
		return true;
	if (!tls_conn_write(c->tls, span_of(c->out.at, c->out.len)))
		return false;
	c->out.len = 0;
	return true;
}
