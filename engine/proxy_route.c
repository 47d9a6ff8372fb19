/* SPDX-License-Identifier: Apache-2.0 */
/* What the Route fields of a request say (RFC 3261 §16.4). */
#include "codec/sip_addr.h"
#include "engine/proxy.h"

static void
token_note(const struct inbound *in, struct proxy_route *route, struct span token,
	   const struct flows_entry *open)
{
	if (span_equal(token, flows_token(in->from))) {
		route->own_tokens++;
		return;
	}
	route->by_token = true;
	route->flow = NULL;
	if (open) {
		route->found = *open;
		route->flow = &route->found;
	}
}

/* The user part of one of our own URIs. */
static int
own_user_read(const struct inbound *in, struct proxy_route *route, const struct sip_uri *uri)
{
	struct flows_entry open;

	switch (flows_verify(in->stage->flows, uri->user, &open)) {
	case FLOWS_TOKEN_NONE:
		/* what has our name we wrote, with a token as user: this one was altered */
		return names_is_self(&in->stage->names, uri) ? 403 : 0;
	case FLOWS_TOKEN_FORGED:
		return 403; /* O-05 */
	case FLOWS_TOKEN_STALE:
		token_note(in, route, uri->user, NULL);
		break;
	case FLOWS_TOKEN_OPEN:
		token_note(in, route, uri->user, &open);
		break;
	}
	return 0;
}

/*
 * One Route value. There is nowhere to follow a value that is not ours: this mode has no upstream,
 * and nobody is looked up in the DNS for a client. 403: understood and refused.
 */
static int
value_read(const struct inbound *in, struct proxy_route *route, struct span value)
{
	struct sip_addr addr;
	struct span ignored;
	bool lr;

	if (sip_addr_read(&in->m->sip, value, &addr) != SIP_OK)
		return 400;
	if (addr.uri.kind != SIP_SCHEME_SIP && addr.uri.kind != SIP_SCHEME_SIPS)
		return 403;
	if (!names_is_ours(&in->stage->names, &addr.uri))
		return 403;
	lr = sip_uri_param(&addr.uri, SPAN("lr"), &ignored);
	if (addr.uri.has_user && (lr || addr.uri.user.len == TOKEN_LEN))
		return own_user_read(in, route, &addr.uri);
	return lr ? 0 : 403;
}

/* Did a strict router put a URI of our Record-Route into the request line? */
static bool
request_uri_is_ours(const struct inbound *in)
{
	struct flow ignored;

	return in->uri->kind != SIP_SCHEME_OTHER && in->uri->has_user &&
	       names_is_self(&in->stage->names, in->uri) && token_read(in->uri->user, &ignored);
}

/* RFC 3261 §16.4: then the last Route value is the Request-URI that was meant. */
static int
request_uri_restore(struct inbound *in, struct proxy_route *route, struct span last)
{
	struct sip_addr addr;

	if (sip_addr_read(&in->m->sip, last, &addr) != SIP_OK || addr.uri.headers.len)
		return 400;
	in->restored = addr.uri;
	in->uri = &in->restored;
	route->rewritten = true;
	return 0;
}

/*
 * Clients send each request outside of a dialog with the same Route, which names us and nothing
 * else. Whether a value does depends on its octets only, so the last one that did is remembered.
 */
static bool
is_known(const struct inbound *in)
{
	const struct stage_route *known = &in->stage->route_known;
	const struct sip_field *f = sip_msg_field(&in->m->sip, SIP_FIELD_ROUTE);

	return f->next == SIP_NONE && f->value_len == known->len &&
	       memcmp(in->m->sip.base + f->value_off, known->text, known->len) == 0;
}

/* There was no token among the values: those of the first line name us. */
static void
note_known(struct inbound *in)
{
	struct stage_route *known = &in->stage->route_known;
	struct span text = sip_msg_value(&in->m->sip, SIP_FIELD_ROUTE);

	if (text.len > sizeof(known->text))
		return;
	memcpy(known->text, text.at, text.len);
	known->len = (uint32_t)text.len;
}

int
proxy_route_read(struct inbound *in, struct proxy_route *route)
{
	struct sip_value_iter it = { 0 };
	struct span held = { NULL, 0 }; /* strict: the last value so far, which is no Route */
	bool strict;
	int status = 0;

	*route = (struct proxy_route){ 0 };
	if (in->m->sip.first[SIP_FIELD_ROUTE] == SIP_NONE)
		return 0;
	strict = request_uri_is_ours(in);
	if (!strict && is_known(in))
		return 0;
	if (strict)
		status = own_user_read(in, route, in->uri);
	while (!status && sip_value_next(&in->m->sip, SIP_FIELD_ROUTE, &it)) {
		if (!strict || held.at)
			status = value_read(in, route, strict ? held : it.value);
		held = it.value;
	}
	if (!status && it.bad)
		status = 400;
	if (!status && strict && held.at)
		status = request_uri_restore(in, route, held);
	if (!status && !strict && !route->by_token && !route->own_tokens)
		note_known(in);
	/* both ends of the dialog are on this one connection */
	if (!route->by_token && route->own_tokens >= 2) {
		route->by_token = true;
		route->flow = in->from;
	}
	return status;
}
