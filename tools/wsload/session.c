/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/digest.h"
#include "tools/wsload/worker.h"

#define ROUTES_MAX 1024u

/* A challenge, and how often its nonce was used. */
struct credentials {
	struct digest_challenge challenge;
	uint32_t nc;
};

static const struct {
	int status;
	enum sip_field_id challenge;
	struct span answer;
} kinds[] = {
	{ 401, SIP_FIELD_WWW_AUTHENTICATE, { "Authorization: ", 15 } },
	{ 407, SIP_FIELD_PROXY_AUTHENTICATE, { "Proxy-Authorization: ", 21 } },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

struct client_session {
	struct credentials *credentials[KINDS]; /* owned; NULL: was never challenged so */
	uint32_t routes_len;
	char *routes; /* owned: Route lines */
};

static struct client_session *
session_of(struct client *c)
{
	if (!c->session)
		c->session = calloc(1, sizeof(*c->session));
	return c->session;
}

/* ---- learning ---- */

/* The first that can be answered: a server lists what it likes best first (RFC 8760 §2.4). */
static bool
read_challenge(const struct sip_msg *m, enum sip_field_id id, struct digest_challenge *out)
{
	const struct sip_field *f = sip_msg_field(m, id);

	while (f && !digest_read(out, sip_field_value(m, f)))
		f = sip_msg_next(m, f);
	return f != NULL;
}

bool
session_challenged(struct worker *w, struct client *c)
{
	struct credentials got = { 0 };
	struct client_session *s;
	size_t i = 0;

	while (i < KINDS && kinds[i].status != w->msg.status)
		i++;
	if (i == KINDS || !w->plan->options.password[0] ||
	    !read_challenge(&w->msg, kinds[i].challenge, &got.challenge))
		return false;
	s = session_of(c);
	if (s && !s->credentials[i])
		s->credentials[i] = malloc(sizeof(got));
	if (!s || !s->credentials[i])
		return false;
	*s->credentials[i] = got;
	tally_count(&w->tally, TALLY_challenges, 1);
	return true;
}

void
session_registered(struct worker *w, struct client *c)
{
	struct sip_value_iter it = { 0 };
	char text[ROUTES_MAX];
	struct writer out = writer_over(text, sizeof(text));
	struct client_session *s = c->session;
	char *routes = NULL;

	while (sip_value_next(&w->msg, SIP_FIELD_SERVICE_ROUTE, &it)) {
		writer_put(&out, SPAN("Route: "));
		writer_put(&out, it.value);
		writer_put(&out, SPAN("\r\n"));
	}
	if (!out.len && !(s && s->routes))
		return;
	s = session_of(c);
	if (s && out.len && !out.full)
		routes = malloc(out.len);
	if (!s)
		return;
	if (routes)
		memcpy(routes, text, out.len);
	free(s->routes);
	s->routes = routes;
	s->routes_len = routes ? (uint32_t)out.len : 0;
}

/* ---- using ---- */

/* The Request-URI of a request that is ours. */
static struct span
uri_of(const char *request)
{
	const char *uri = strchr(request, ' ') + 1;

	return span_of(uri, (size_t)(strchr(uri, ' ') - uri));
}

static void
put_credentials(struct worker *w, const struct client *c, struct digest_use *use,
		struct writer *out)
{
	const struct options *o = &w->plan->options;
	char user[16];
	uint64_t random;

	snprintf(user, sizeof(user), "w%08x", c->number);
	use->user = o->user[0] ? span_of(o->user, strlen(o->user)) : span_of(user, strlen(user));
	use->password = span_of(o->password, strlen(o->password));
	for (size_t i = 0; i < KINDS; i++) {
		struct credentials *k = c->session->credentials[i];

		if (!k)
			continue;
		random_take(&w->random, &random, sizeof(random));
		snprintf(use->cnonce, sizeof(use->cnonce), "%016llx", (unsigned long long)random);
		use->nc = ++k->nc;
		writer_put(out, kinds[i].answer);
		if (!digest_write(out, &k->challenge, use))
			out->full = true;
		writer_put(out, SPAN("\r\n"));
	}
}

/* Service-Route is for requests that begin something, but not for REGISTER (RFC 3608 §6.1). */
static bool
is_routed(enum sip_method method)
{
	return method != SIP_METHOD_REGISTER && method != SIP_METHOD_BYE;
}

void
session_put(struct worker *w, struct client *c, enum sip_method method, const char *request,
	    struct session_fields *out)
{
	const struct client_session *s = c->session;
	struct digest_use use = { .method = sip_method_name(method) };
	struct writer text = writer_over(out->text, sizeof(out->text));

	out->routes = out->credentials = span_of(NULL, 0);
	if (!s)
		return;
	if (s->routes && is_routed(method)) {
		out->routes = span_of(out->text, s->routes_len);
		writer_put(&text, span_of(s->routes, s->routes_len));
	}
	use.uri = uri_of(request);
	put_credentials(w, c, &use, &text);
	assert(!text.full); /* digest.h bounds what a server can say, options.c what a user can */
	out->credentials = span_of(out->text + out->routes.len, text.len - out->routes.len);
}

void
session_free(struct client *c)
{
	struct client_session *s = c->session;

	if (!s)
		return;
	for (size_t i = 0; i < KINDS; i++)
		free(s->credentials[i]);
	free(s->routes);
	free(s);
	c->session = NULL;
}
