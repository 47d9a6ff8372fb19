/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tls_context.h"

#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include "engine/tls_error.h"

/* RFC 9325 §4.2: forward secrecy and AEAD; AES-128 first, for speed. */
#define CIPHERS                                                                                    \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define CIPHERSUITES "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
#define GROUPS "X25519:P-256:P-384"

#define OPTIONS                                                                                    \
	(SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |       \
	 SSL_OP_PRIORITIZE_CHACHA)

static bool
fail(char error[SETTINGS_ERROR_MAX], const char *what, const char *which)
{
	return tls_error_fail(error, SETTINGS_ERROR_MAX, what, which);
}

/* ---- versions ---- */

static int
version_of(struct span name)
{
	if (span_equal(name, SPAN("TLSv1_2")))
		return TLS1_2_VERSION;
	return span_equal(name, SPAN("TLSv1_3")) ? TLS1_3_VERSION : 0;
}

static bool
versions_of(const char *method, int *from, int *to)
{
	const char *dash = strchr(method, '-');
	struct span whole = span_of(method, strlen(method));

	if (whole.len == 0 || span_equal(whole, SPAN("SSLv23")) ||
	    span_equal(whole, SPAN("TLSany"))) {
		*from = TLS1_2_VERSION;
		*to = TLS1_3_VERSION;
		return true;
	}
	*from = version_of(dash ? span_of(method, (size_t)(dash - method)) : whole);
	*to = dash ? version_of(span_of(dash + 1, strlen(dash + 1))) : *from;
	return *from && *to && *from <= *to;
}

static const char *
or_default(const char *setting, const char *usual)
{
	return *setting ? setting : usual;
}

static bool
set_protocol(SSL_CTX *ssl, const struct settings_domain *d, char error[SETTINGS_ERROR_MAX])
{
	int from, to;

	SSL_CTX_set_options(ssl, OPTIONS);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ssl, 1);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	if (!versions_of(d->tls_method, &from, &to) ||
	    SSL_CTX_set_min_proto_version(ssl, from) != 1 ||
	    SSL_CTX_set_max_proto_version(ssl, to) != 1)
		return fail(error,
			    "tls.tls_method must be TLSv1_2, TLSv1_3 or a range of them, not",
			    d->tls_method);
	if (SSL_CTX_set_cipher_list(ssl, or_default(d->ciphers_list, CIPHERS)) != 1)
		return fail(error, "tls.ciphers_list", d->ciphers_list);
	if (SSL_CTX_set_ciphersuites(ssl, or_default(d->ciphersuites, CIPHERSUITES)) != 1)
		return fail(error, "tls.ciphersuites", d->ciphersuites);
	if (SSL_CTX_set1_groups_list(ssl, or_default(d->ec_curve, GROUPS)) != 1)
		return fail(error, "tls.ec_curve", d->ec_curve);
	return true;
}

/* ---- server ---- */

/* W-S-17: http/1.1 when it is offered; h2 would be another protocol (RFC 8441). */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
	unsigned int in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, ours, sizeof(ours) - 1,
				  in, in_len) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 §3.2 */
}

static int
on_status(SSL *ssl, void *arg)
{
	const struct tls_context *c = arg;
	const X509 *used = SSL_get_certificate(ssl);

	for (uint32_t i = 0; i < c->cert.ocsp_len; i++) {
		const struct tls_cert_ocsp *o = &c->cert.ocsp[i];
		uint8_t *copy;

		if (o->certificate != used || !o->bytes)
			continue;
		copy = OPENSSL_memdup(o->bytes, o->len);
		if (!copy)
			return SSL_TLSEXT_ERR_NOACK;
		SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)o->len); /* now OpenSSL's */
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static bool
set_server(struct tls_context *c, struct tls_ticket_keys *tickets, char error[SETTINGS_ERROR_MAX])
{
	const struct settings_domain *d = c->settings;
	uint8_t id[SSL_MAX_SSL_SESSION_ID_LENGTH] = { 0 };
	size_t len = strlen(d->name);

	/* A session of one domain is none of another's. */
	memcpy(id, d->name, len < sizeof(id) ? len : sizeof(id));
	SSL_CTX_set_alpn_select_cb(c->ssl, on_alpn, NULL);
	SSL_CTX_set_tlsext_status_cb(c->ssl, on_status);
	SSL_CTX_set_tlsext_status_arg(c->ssl, c);
	SSL_CTX_set_max_early_data(c->ssl, 0);
	if (SSL_CTX_set_session_id_context(c->ssl, id, sizeof(id)) != 1 ||
	    !tls_ticket_use(tickets, c->ssl))
		return fail(error, "no memory for TLS domain", d->name);
	if (d->verify_cert == SETTINGS_VERIFY_1)
		c->verify = SSL_VERIFY_PEER | (d->require_cert == SETTINGS_VERIFY_1 ?
						       SSL_VERIFY_FAIL_IF_NO_PEER_CERT :
						       0);
	return true;
}

static bool
set_client(struct tls_context *c, char error[SETTINGS_ERROR_MAX])
{
	static const unsigned char ours[] = "\x08http/1.1";

	c->verify =
		c->settings->verify_cert == SETTINGS_VERIFY_0 ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
	if (SSL_CTX_set_alpn_protos(c->ssl, ours, sizeof(ours) - 1) == 0)
		return true;
	return fail(error, "no memory for TLS domain", c->settings->name);
}

/* ---- life ---- */

bool
tls_context_init(struct tls_context *c, const struct settings_domain *d,
		 struct tls_ticket_keys *tickets, char error[SETTINGS_ERROR_MAX])
{
	bool good;

	*c = (struct tls_context){ .settings = d, .cert.expires_s = INT64_MAX };
	if (!d->client && !*d->certificate)
		return true;
	ERR_clear_error();
	c->ssl = SSL_CTX_new(d->client ? TLS_client_method() : TLS_server_method());
	if (!c->ssl)
		return fail(error, "no memory for TLS domain", d->name);
	good = set_protocol(c->ssl, d, error) && tls_cert_load(&c->cert, c->ssl, d, error) &&
	       (d->client ? set_client(c, error) : set_server(c, tickets, error)) &&
	       (!c->verify || tls_cert_trust(c->ssl, d, error));
	SSL_CTX_set_verify(c->ssl, c->verify, NULL);
	if (!good)
		tls_context_fini(c);
	return good;
}

void
tls_context_fini(struct tls_context *c)
{
	tls_cert_free(&c->cert);
	SSL_CTX_free(c->ssl);
	c->cert.ocsp_len = 0;
	c->ssl = NULL;
}

bool
tls_context_adopt(const struct tls_context *c, SSL *ssl)
{
	const struct settings_domain *d = c->settings;
	int from, to;

	/* OpenSSL takes over the certificates only; these strings were good before. */
	SSL_set_SSL_CTX(ssl, c->ssl);
	SSL_set_verify(ssl, c->verify, NULL);
	return versions_of(d->tls_method, &from, &to) &&
	       SSL_set_min_proto_version(ssl, from) == 1 &&
	       SSL_set_max_proto_version(ssl, to) == 1 &&
	       SSL_set_cipher_list(ssl, or_default(d->ciphers_list, CIPHERS)) == 1 &&
	       SSL_set_ciphersuites(ssl, or_default(d->ciphersuites, CIPHERSUITES)) == 1 &&
	       SSL_set1_groups_list(ssl, or_default(d->ec_curve, GROUPS)) == 1;
}

bool
tls_context_expect(SSL *ssl, const char *name, const char *address)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (!*name)
		return X509_VERIFY_PARAM_set1_ip_asc(param, address) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

static bool
peer_is_good(const struct tls_context *c, SSL *ssl, const char **reason)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	bool good = check && X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(c->ssl),
						 SSL_get0_peer_certificate(ssl),
						 SSL_get_peer_cert_chain(ssl)) == 1;

	*reason = "no memory";
	if (good) {
		X509_STORE_CTX_set_default(check, "ssl_server");
		X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(check), SSL_get0_param(ssl));
		good = X509_verify_cert(check) == 1;
		*reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
	}
	X509_STORE_CTX_free(check);
	ERR_clear_error();
	return good;
}

bool
tls_context_would_make(const struct tls_context *c, SSL *ssl, const char **reason)
{
	const X509 *was = SSL_get_certificate(ssl), *is = SSL_CTX_get0_certificate(c->ssl);

	*reason = "our certificate is another";
	if (!was != !is || (was && X509_cmp(was, is)))
		return false;
	return !c->verify || peer_is_good(c, ssl, reason);
}

/* ---- choice ---- */

bool
tls_context_serves_address(const struct tls_context *c, const char *address, uint16_t port)
{
	char item[SETTINGS_TEXT_MAX], both[80], brackets[80];

	snprintf(both, sizeof(both), "%.64s:%u", address, port);
	snprintf(brackets, sizeof(brackets), "[%.64s]:%u", address, port);
	for (uint32_t i = 0; tls_cert_item(c->settings->match_ip_address, i, item); i++)
		if (!strcmp(item, "*") || !strcmp(item, address) || !strcmp(item, both) ||
		    !strcmp(item, brackets))
			return true;
	return false;
}

/* "*.example.org" is for one label more (RFC 6125 §6.4.3). */
static bool
wildcard_matches(struct span pattern, struct span name)
{
	const char *dot = memchr(name.at, '.', name.len);

	if (pattern.len < 3 || pattern.at[0] != '*' || pattern.at[1] != '.' || !dot ||
	    dot == name.at)
		return false;
	return span_equal_nocase(span_of(pattern.at + 1, pattern.len - 1),
				 span_of(dot, name.len - (size_t)(dot - name.at)));
}

static enum tls_context_match
match(struct span pattern, struct span name)
{
	if (span_equal(pattern, SPAN("*")))
		return TLS_CONTEXT_ANY;
	if (name.len == 0)
		return span_equal(pattern, SPAN("none")) ? TLS_CONTEXT_EXACT : TLS_CONTEXT_NO;
	if (span_equal_nocase(pattern, name))
		return TLS_CONTEXT_EXACT;
	return wildcard_matches(pattern, name) ? TLS_CONTEXT_WILDCARD : TLS_CONTEXT_NO;
}

enum tls_context_match
tls_context_serves_name(const struct tls_context *c, struct span name)
{
	enum tls_context_match best = TLS_CONTEXT_NO;
	char item[SETTINGS_TEXT_MAX];

	for (uint32_t i = 0; tls_cert_item(c->settings->match_sip_domain, i, item); i++) {
		enum tls_context_match one = match(span_of(item, strlen(item)), name);

		if (one > best)
			best = one;
	}
	return best;
}
