/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include "engine/tls_conn.h"

/* ---- the domain that a client asks for ---- */

/* The host_name of the extension (RFC 6066 §3); empty: none. */
static struct span
server_name(SSL *ssl)
{
	const unsigned char *at;
	size_t len;

	/* list length 2, type 1 (0: host_name), name length 2, name */
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &len) != 1 || len < 5 ||
	    at[2] != TLSEXT_NAMETYPE_host_name || (size_t)(at[3] << 8 | at[4]) > len - 5)
		return SPAN("");
	return span_of(at + 5, (size_t)(at[3] << 8 | at[4]));
}

/* Of equals the one that was named last, and so the default one last of all. */
static const struct tls_context *
best_for(const struct tls_set *set, const struct settings_listener *where, struct span name)
{
	const struct tls_context *best = NULL;
	enum tls_context_match best_match = TLS_CONTEXT_NO;

	for (uint32_t i = set->contexts_len; i--;) {
		const struct tls_context *c = &set->contexts[i];
		enum tls_context_match one;

		if (!c->ssl || c->settings->client ||
		    !tls_context_serves_address(c, where->address, where->port))
			continue;
		one = tls_context_serves_name(c, name);
		if (one > best_match) {
			best = c;
			best_match = one;
		}
	}
	return best;
}

/*
 * Here and not in the server-name callback: that one is called when a session is resumed already,
 * or was not because its domain is another.
 */
static int
on_client_hello(SSL *ssl, int *alert, void *arg)
{
	const struct tls_set *set = arg;
	const struct tls_context *c = best_for(set, tls_conn_io(ssl)->listener, server_name(ssl));

	if (!c) { /* W-S-14 */
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (c->ssl == SSL_get_SSL_CTX(ssl) || tls_context_adopt(c, ssl))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

/* ---- life ---- */

/* A client domain that no upstream is of need not be good: it would want the system's CAs. */
static bool
is_needed(const struct tls_set *set, const struct tls_context *c)
{
	const struct settings *s = set->settings;
	bool needed = !c->settings->client || settings_domain_dials(s);

	for (uint32_t i = 0; i < s->upstreams_len; i++)
		needed |= s->upstreams[i].tls && tls_set_client(set, &s->upstreams[i]) == c;
	return needed;
}

static bool
take_context(struct tls_set *set, struct tls_context *c, char error[SETTINGS_ERROR_MAX])
{
	if (!is_needed(set, c))
		return true;
	if (!tls_context_init(c, c->settings, &set->tickets, error))
		return false;
	if (c->cert.expires_s < set->expires_s)
		set->expires_s = c->cert.expires_s;
	if (c->ssl && !c->settings->client)
		SSL_CTX_set_client_hello_cb(c->ssl, on_client_hello, set);
	return true;
}

static bool
check_listeners(const struct tls_set *set, char error[SETTINGS_ERROR_MAX])
{
	for (uint32_t i = 0; i < set->settings->listeners_len; i++) {
		const struct settings_listener *where = &set->settings->listeners[i];

		if (!where->tls || tls_set_server(set, where))
			continue;
		snprintf(error, SETTINGS_ERROR_MAX,
			 "listen wss:%s: no TLS domain's tls.match_ip_address has it",
			 where->address);
		return false;
	}
	return true;
}

struct tls_set *
tls_set_new(const struct settings *s, const struct tls_set *old, char error[SETTINGS_ERROR_MAX])
{
	struct tls_set *set = calloc(1, sizeof(*set));
	bool good;

	if (!set || !tls_conn_setup()) {
		snprintf(error, SETTINGS_ERROR_MAX, "no memory for TLS");
		free(set);
		return NULL;
	}
	atomic_init(&set->references, 1);
	set->settings = s;
	set->expires_s = INT64_MAX;
	good = tls_ticket_init(&set->tickets, s, old ? &old->tickets : NULL, error);
	set->contexts_len = s->domains_len;
	for (uint32_t i = 0; i < set->contexts_len; i++)
		set->contexts[i].settings = &s->domains[i];
	for (uint32_t i = 0; good && i < set->contexts_len; i++)
		good = take_context(set, &set->contexts[i], error);
	if (good && check_listeners(set, error))
		return set;
	tls_set_drop(set);
	return NULL;
}

struct tls_set *
tls_set_hold(struct tls_set *set)
{
	atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
	return set;
}

/* acq_rel: who frees it sees all that the others did with it before. */
void
tls_set_drop(struct tls_set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
		return;
	for (uint32_t i = 0; i < set->contexts_len; i++)
		tls_context_fini(&set->contexts[i]);
	tls_ticket_fini(&set->tickets);
	free(set);
}

/* ---- choice ---- */

SSL_CTX *
tls_set_server(const struct tls_set *set, const struct settings_listener *where)
{
	for (uint32_t i = 0; i < set->contexts_len; i++) {
		const struct tls_context *c = &set->contexts[i];

		if (c->ssl && !c->settings->client &&
		    tls_context_serves_address(c, where->address, where->port))
			return c->ssl;
	}
	return NULL;
}

const struct tls_context *
tls_set_client(const struct tls_set *set, const struct settings_upstream *where)
{
	const struct tls_context *best = &set->contexts[SETTINGS_DOMAIN_CLIENT];
	struct span name = span_of(where->name, strlen(where->name));
	enum tls_context_match best_match = TLS_CONTEXT_NO;

	for (uint32_t i = set->contexts_len; i--;) {
		const struct tls_context *c = &set->contexts[i];
		enum tls_context_match one = TLS_CONTEXT_NO;

		if (c->settings->client &&
		    tls_context_serves_address(c, where->address, where->port))
			one = tls_context_serves_name(c, name);
		if (one > best_match) {
			best = c;
			best_match = one;
		}
	}
	return best;
}
