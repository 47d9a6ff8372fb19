/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/auth_check.h"

#include "engine/answer.h"
#include "engine/auth.h"
#include "engine/log.h"
#include "engine/rcu.h"

#define SECOND_NS UINT64_C(1000000000)
#define REALM_MAX 256
#define CHALLENGES_MAX (SETTINGS_ALGORITHMS_MAX * (REALM_MAX + 192))

/* What is asked of one request. */
struct demand {
	struct inbound *in;
	const struct users *users;
	const struct sip_uri *identity; /* the address that must be the user's */
	struct span realm;
	bool registers;
	char realm_text[REALM_MAX];
};

/* ---- whom, and by which name ---- */

static bool
is_asked(const struct inbound *in, const struct proxy_route *route, bool for_server)
{
	uint8_t method = in->m->sip.method;

	if (method == SIP_METHOD_ACK || method == SIP_METHOD_CANCEL)
		return false;
	if (for_server || method == SIP_METHOD_REGISTER)
		return for_server && method == SIP_METHOD_REGISTER;
	return !route->by_token || sip_addr_tag(&in->head->to).len == 0;
}

/* False: a domain with so long a name has no users. */
static bool
realm_read(struct demand *d)
{
	const char *fixed = d->in->stage->settings->auth_realm;
	struct span host = d->identity->host;

	if (fixed[0]) {
		d->realm = span_of(fixed, strlen(fixed));
		return true;
	}
	if (host.len > sizeof(d->realm_text))
		return false;
	for (size_t i = 0; i < host.len; i++)
		d->realm_text[i] = span_lower(host.at[i]);
	d->realm = span_of(d->realm_text, host.len);
	return true;
}

/*
 * "alice" is alice in every domain that has this realm, "alice@example.org" is one address.
 */
static bool
is_owner(struct span username, const struct sip_uri *uri)
{
	struct span user = username, host;

	for (size_t i = username.len; i > 0; i--) {
		if (username.at[i - 1] != '@')
			continue;
		host = span_of(username.at + i, username.len - i);
		user.len = i - 1;
		if (span_equal_nocase(host, uri->host) &&
		    sip_unescape_equal(user, uri->user, false))
			return true;
		break;
	}
	return sip_unescape_equal(username, uri->user, false);
}

/* ---- answers ---- */

static enum sip_field_id
field_of(const struct demand *d)
{
	return d->registers ? SIP_FIELD_AUTHORIZATION : SIP_FIELD_PROXY_AUTHORIZATION;
}

static void
forbid(struct inbound *in, const char *reason)
{
	stats_add(&in->stage->stats->auth_forbidden, 1);
	log_line(LOG_INFO, "auth_forbidden", "peer=%s port=%u reason=\"%s\"", in->m->peer.address,
		 in->m->peer.port, reason);
	answer_refuse(in, 403, reason);
}

static void
malformed(struct inbound *in, const char *reason)
{
	stats_add(&in->stage->stats->auth_malformed, 1);
	answer_refuse(in, 400, reason);
}

/* D-02: one field per algorithm, the most preferred first. False: there is none to offer. */
static bool
challenges_write(const struct demand *d, struct span nonce, bool stale, struct writer *w)
{
	const struct settings *settings = d->in->stage->settings;
	struct sip_challenge c = {
		.field = d->registers ? SPAN("WWW-Authenticate") : SPAN("Proxy-Authenticate"),
		.realm = d->realm,
		.nonce = nonce,
		.qop = settings->auth_qop == SETTINGS_QOP_AUTH_INT ? SPAN("auth,auth-int") :
								     SPAN("auth"),
		.stale = stale,
	};

	for (uint32_t i = 0; i < settings->auth_order_len; i++) {
		c.algorithm = (enum sip_digest_algorithm)settings->auth_order[i];
		if (users_offer(d->users, d->realm, c.algorithm))
			sip_digest_challenge(w, &c);
	}
	return w->len > 0 && !w->full;
}

static void
challenge(const struct demand *d, bool stale)
{
	struct inbound *in = d->in;
	struct auth *a = in->stage->auth;
	uint64_t serial = in->from->serial;
	struct auth_nonce nonce = {
		.made_s = (uint32_t)(in->now_ns / SECOND_NS),
		.number = auth_nonce_next(auth_flow_of(a, in->from->flow), serial),
	};
	char text[AUTH_NONCE_LEN], fields[CHALLENGES_MAX];
	struct writer w = writer_over(fields, sizeof(fields));

	if (!auth_nonce_make(&a->key, nonce, serial, text))
		answer_overload(in);
	else if (!challenges_write(d, span_of(text, sizeof(text)), stale, &w))
		forbid(in, "Nobody Can Authenticate Here");
	else
		answer_send(in, d->registers ? 401 : 407, SPAN(""), writer_text(&w));
}

/* ---- credentials ---- */

enum verdict { NONE, GOOD, ANSWERED };

/* The first of our realm. NONE: there is none. */
static enum verdict
credentials_find(const struct demand *d, struct sip_credentials *c)
{
	const struct sip_msg *sip = &d->in->m->sip;

	for (const struct sip_field *f = sip_msg_field(sip, field_of(d)); f;
	     f = sip_msg_next(sip, f)) {
		switch (sip_credentials_parse(sip_field_value(sip, f), c)) {
		case SIP_CREDENTIALS_BAD:
			malformed(d->in, "Malformed Credentials");
			return ANSWERED;
		case SIP_CREDENTIALS_DIGEST:
			if (span_equal(c->realm, d->realm))
				return GOOD;
			break;
		case SIP_CREDENTIALS_OTHER:
			break;
		}
	}
	return NONE;
}

/*
 * D-05. A proxy between the client and us may have changed the Request-URI; where there is none,
 * it is what the client signed.
 */
static bool
uri_is_meant(const struct inbound *in, struct span text)
{
	const struct sip_msg *sip = &in->m->sip;
	struct span request = sip_msg_span(sip, sip->uri);
	struct sip_value_iter via = inbound_top_via(in);
	struct sip_uri a, b;

	if (span_equal(text, request) || sip_value_next(sip, SIP_FIELD_VIA, &via))
		return true;
	return sip_uri_parse(text, &a) == SIP_OK && sip_uri_parse(request, &b) == SIP_OK &&
	       sip_uri_equal(&a, &b);
}

/*
 * Is the response right? The work is the same for a user that there is not, whose answer is that
 * of a wrong password.
 */
static bool
is_right(const struct demand *d, const struct sip_credentials *c,
	 enum sip_digest_algorithm algorithm)
{
	static const char nobody[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	const struct sip_msg *sip = &d->in->m->sip;
	struct span ha1 = users_find(d->users, c->username, d->realm, algorithm);
	size_t len = sip_digest_hex_len(algorithm);
	char right[SIP_DIGEST_HEX_MAX];
	bool known = ha1.at != NULL, equal;

	if (!sip_digest_response(algorithm, known ? ha1 : span_of(nobody, len), c,
				 sip_msg_span(sip, sip->method_name), sip_msg_span(sip, sip->body),
				 right))
		return false;
	equal = sip_digest_equal(c->response, right, len);
	return known & equal;
}

static void
failed(const struct demand *d, const struct sip_credentials *c)
{
	const struct message_peer *peer = &d->in->m->peer;

	stats_add(&d->in->stage->stats->auth_failed, 1);
	log_line(LOG_WARN, "auth_failed", "peer=%s port=%u user=%s", peer->address, peer->port,
		 LOG_TEXT(c->username.at, c->username.len));
	challenge(d, false);
}

/* D-04, D-07: is the nonce one that may still be used, and this use of it new? */
static bool
is_fresh(const struct demand *d, const struct sip_credentials *c, uint32_t nc)
{
	struct inbound *in = d->in;
	struct stage *s = in->stage;
	uint32_t now_s = (uint32_t)(in->now_ns / SECOND_NS), octets;
	struct auth_nonce nonce;

	if (!auth_nonce_read(&s->auth->key, c->nonce, in->from->serial, &nonce) ||
	    now_s - nonce.made_s >= s->settings->auth_nonce_lifetime_s) {
		stats_add(&s->stats->auth_stale, 1);
		return false;
	}
	octets = (uint32_t)siphash(&s->tag_key, span_of(in->m->bytes, in->m->len));
	if (auth_nonce_use(auth_flow_of(s->auth, in->from->flow), in->from->serial, nonce.number,
			   nc, octets))
		return true;
	stats_add(&s->stats->auth_replayed, 1);
	return false;
}

/* GOOD, or ANSWERED. */
static enum verdict
credentials_judge(const struct demand *d, const struct sip_credentials *c)
{
	enum sip_digest_algorithm algorithm;
	uint32_t nc;

	if (!c->username.at || !c->cnonce.len || !sip_credentials_count(c, &nc) ||
	    !(SPAN_IS_NOCASE(c->qop, "auth") || SPAN_IS_NOCASE(c->qop, "auth-int"))) {
		malformed(d->in, "Credentials Without qop, nc, cnonce or username");
		return ANSWERED;
	}
	if (!uri_is_meant(d->in, c->uri)) {
		malformed(d->in, "Credentials for Another Request-URI");
		return ANSWERED;
	}
	if (!sip_digest_lookup(c->algorithm, &algorithm) ||
	    !users_offer(d->users, d->realm, algorithm) || !is_right(d, c, algorithm))
		failed(d, c);
	else if (!is_fresh(d, c, nc))
		challenge(d, true);
	else
		return GOOD;
	return ANSWERED;
}

/* GOOD, or ANSWERED. */
static enum verdict
authenticate(const struct demand *d)
{
	struct sip_credentials c;
	enum verdict found = credentials_find(d, &c);

	if (found == NONE) {
		stats_add(&d->in->stage->stats->auth_challenged, 1);
		challenge(d, false);
		return ANSWERED;
	}
	if (found == GOOD)
		found = credentials_judge(d, &c);
	if (found == GOOD && !is_owner(c.username, d->identity)) {
		forbid(d->in, "Not Your Address");
		return ANSWERED;
	}
	return found;
}

bool
auth_check_refuses(struct inbound *in, const struct proxy_route *route, bool for_server)
{
	struct stage *s = in->stage;
	struct demand d = {
		.in = in,
		.registers = in->m->sip.method == SIP_METHOD_REGISTER,
	};
	bool sip;

	if (!is_asked(in, route, for_server))
		return false;
	d.identity = d.registers ? &in->head->to.uri : &in->head->from.uri;
	sip = d.identity->kind == SIP_SCHEME_SIP || d.identity->kind == SIP_SCHEME_SIPS;
	if (!sip || !names_is_ours(&s->names, d.identity)) {
		/* the registrar has a word of its own for that */
		if (d.registers || s->settings->auth_foreign == SETTINGS_FOREIGN_ALLOW)
			return false;
		forbid(in, "Not From a Domain of Ours");
		return true;
	}
	/* acquire: pairs with auth_publish() */
	d.users = atomic_load_explicit(&s->auth->users, memory_order_acquire);
	if (!d.users || !realm_read(&d) || !users_has_realm(d.users, d.realm)) {
		forbid(in, "Nobody Can Authenticate Here");
		return true;
	}
	if (authenticate(&d) != GOOD)
		return true;
	stats_add(&s->stats->auth_accepted, 1);
	return false;
}

void
auth_check_consume(const struct inbound *in, struct sip_edit *e)
{
	const struct sip_msg *sip = &in->m->sip;
	/* acquire: pairs with auth_publish() */
	const struct users *users =
		atomic_load_explicit(&in->stage->auth->users, memory_order_acquire);
	struct sip_credentials c;

	for (const struct sip_field *f = sip_msg_field(sip, SIP_FIELD_PROXY_AUTHORIZATION);
	     f && users; f = sip_msg_next(sip, f))
		if (sip_credentials_parse(sip_field_value(sip, f), &c) == SIP_CREDENTIALS_DIGEST &&
		    users_has_realm(users, c.realm))
			sip_edit_remove_field(e, f);
}
