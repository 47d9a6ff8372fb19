/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/client_tls.h"

#include "tools/wsload/worker.h"

SSL_CTX *
client_tls_context(void)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	SSL_CTX *context = tls_conn_setup() ? SSL_CTX_new(TLS_client_method()) : NULL;

	if (!context)
		return NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1);
	return context;
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

bool
client_tls_begin(struct worker *w, struct client *c)
{
	const char *host = w->plan->options.host;

	c->tls = tls_conn_new(w->plan->tls, &w->tls, true);
	if (!c->tls)
		return false;
	if (host[strspn(host, "0123456789.")] && host[0] != '[')
		SSL_set_tlsext_host_name(tls_conn_ssl(c->tls), host);
	begin_operation(w, c, SPAN(""));
	return tls_conn_handshake(c->tls) == TLS_MORE;
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
