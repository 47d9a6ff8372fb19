/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/edge.h"

#include <assert.h>
#include "codec/sip_addr.h"
#include "engine/admission.h"
#include "engine/answer.h"
#include "engine/proxy.h"

#define OWN_VALUES_MAX 8 /* of ours in one request; more is nobody's good intention */

/* What the Route values say. Ours, on top, are removed as they are read. */
struct way {
	const struct flows_entry *client; /* by token; NULL: there was none */
	struct flows_entry found;         /* room for it */
	struct sip_uri next;              /* first value that is not ours, if has_next */
	bool has_next;
};

/* ---- Route ---- */

/*
 * A token in a Route value of ours. The first one in a request of a client names its own side,
 * and also when that flow is another one by now, open or not: its dialogs go on after it has come
 * back. What comes after it, and the first one of the core, is where the request goes.
 */
static int
token_take(const struct inbound *in, struct way *way, struct span *first, struct span token)
{
	struct flows_entry open;
	enum flows_verdict verdict = flows_verify(in->stage->flows, token, &open);
	bool again = first->at && span_equal(token, *first);

	if (verdict == FLOWS_TOKEN_NONE || verdict == FLOWS_TOKEN_FORGED || token_is_core(token.at))
		return 403; /* O-05 */
	if (again || (!first->at && !in->m->peer.core)) {
		*first = token;
		return 0;
	}
	if (!first->at)
		*first = token;
	if (verdict == FLOWS_TOKEN_STALE)
		return 430; /* O-06 */
	way->found = open;
	way->client = &way->found;
	return 0;
}

/* On one machine only the port may tell us from the core. */
static bool
is_ours(const struct stage *s, const struct sip_uri *uri)
{
	return (uri->kind == SIP_SCHEME_SIP || uri->kind == SIP_SCHEME_SIPS) &&
	       names_is_self(&s->names, uri) && group_find(s->group, uri->host, uri->port) < 0;
}

/* Our values on top of Route: removed (O-07, P-10), and read. 0 or a status. */
static int
way_read(struct inbound *in, struct way *way, struct sip_edit *e)
{
	struct sip_value_iter it = { 0 };
	struct span first = { NULL, 0 };
	struct sip_addr addr;
	uint32_t values = 0;
	int status = 0;

	*way = (struct way){ 0 };
	while (!status && sip_value_next(&in->m->sip, SIP_FIELD_ROUTE, &it)) {
		if (sip_addr_read(&in->m->sip, it.value, &addr) != SIP_OK)
			return 400;
		way->next = addr.uri;
		if (!is_ours(in->stage, &addr.uri)) {
			way->has_next = true;
			break;
		}
		if (++values > OWN_VALUES_MAX)
			return 400;
		sip_edit_remove_value(e, &it);
		if (addr.uri.has_user) /* else it was set by hand: sip:edge;lr */
			status = token_take(in, way, &first, addr.uri.user);
	}
	return !status && it.bad ? 400 : status;
}

/* ---- edits ---- */

static void
token_uri_write(struct writer *w, const char *before, const struct flows_entry *client,
		struct span tail)
{
	writer_put(w, span_of(before, strlen(before)));
	writer_put(w, flows_token(client));
	writer_put(w, tail);
}

/*
 * RFC 5658: the transports of the two sides differ, so each finds a URI of its own. On top the one
 * for the side that the request goes to.
 */
static void
record_route_write(const struct inbound *in, const struct flows_entry *client, bool to_core,
		   enum flow_transport core, struct writer *w)
{
	for (int i = 0; i < 2; i++) {
		bool core_side = to_core == (i == 0);

		token_uri_write(w, "Record-Route: <sip:", client,
				core_side ? in->stage->core_tail[core] : in->stage->route_tail);
		writer_put(w, core_side ? SPAN(">\r\n") : SPAN("\r\n"));
	}
}

/* O-02, O-03: ob where the client says reg-id and nobody was in between. */
static void
path_write(const struct inbound *in, enum flow_transport core, struct writer *w)
{
	const struct sip_msg *sip = &in->m->sip;
	struct sip_value_iter contact = { 0 }, via = inbound_top_via(in);
	struct sip_addr addr;
	struct span ignored;
	bool outbound = false;

	while (sip_value_next(sip, SIP_FIELD_CONTACT, &contact))
		outbound |= sip_addr_read(sip, contact.value, &addr) == SIP_OK &&
			    sip_param(addr.params, SPAN("reg-id"), &ignored);
	outbound = outbound && !sip_value_next(sip, SIP_FIELD_VIA, &via);
	token_uri_write(w, "Path: <sip:", in->from, in->stage->core_tail[core]);
	writer_put(w, outbound ? SPAN(";ob>\r\n") : SPAN(">\r\n"));
}

/* P-04, P-11: a branch that only depends on the request, and the way back. */
static void
via_write(const struct inbound *in, struct span head, struct writer *w)
{
	char branch[INBOUND_TAG_LEN];

	inbound_branch(in, branch);
	writer_put(w, head);
	writer_put(w, span_of(branch, sizeof(branch)));
	writer_put(w, SPAN(";flow="));
	writer_put(w, flows_token(in->from));
	writer_put(w, SPAN("\r\n"));
}

/* Lines that go above those of the same field, or in front of the topmost Via with the others. */
struct lines {
	enum sip_field_id id;
	struct span text;
};

static void
lines_edit(const struct inbound *in, struct span via, const struct lines *own, struct sip_edit *e)
{
	const struct sip_msg *sip = &in->m->sip;
	const struct sip_field *above = own->text.len ? sip_msg_field(sip, own->id) : NULL;
	size_t begin;

	if (above)
		sip_edit_insert_before(e, above, own->text);
	begin = sip_edit_text_begin(e);
	via_write(in, via, &e->text);
	sip_edit_insert_before(e, sip_msg_field(sip, SIP_FIELD_VIA), sip_edit_text_end(e, begin));
	if (own->text.len && !above)
		sip_edit_insert_before(e, sip_msg_field(sip, SIP_FIELD_VIA), own->text);
	if (sip->first[SIP_FIELD_MAX_FORWARDS] != SIP_NONE) {
		proxy_max_forwards_edit(in, e);
		return;
	}
	begin = sip_edit_text_begin(e);
	writer_put(&e->text, SPAN("Max-Forwards: "));
	writer_put_decimal(&e->text, in->stage->settings->max_forwards);
	writer_put(&e->text, SPAN("\r\n"));
	sip_edit_insert_before(e, sip_msg_field(sip, SIP_FIELD_VIA), sip_edit_text_end(e, begin));
}

/* T-10: a stream has no other end of a message. */
static void
content_length_edit(const struct sip_msg *sip, struct sip_edit *e)
{
	size_t begin = sip_edit_text_begin(e);

	if (sip->first[SIP_FIELD_CONTENT_LENGTH] != SIP_NONE)
		return;
	writer_put(&e->text, SPAN("Content-Length: "));
	writer_put_decimal(&e->text, sip->body.len);
	writer_put(&e->text, SPAN("\r\n"));
	sip_edit_append(e, sip_edit_text_end(e, begin));
}

/* ---- to the core ---- */

/*
 * The server that the next Route value names, or one for its Call-ID (P-03: a CANCEL and an ACK
 * come to the same). A value that names no upstream is for the core to follow.
 */
static int
member_pick(const struct inbound *in, const struct way *way)
{
	const struct group *g = in->stage->group;
	int member = way->has_next ? group_find(g, way->next.host, way->next.port) : -1;
	struct span call_id = sip_msg_value(&in->m->sip, SIP_FIELD_CALL_ID);

	if (member >= 0 && group_in_use(g, in->m->loop, (uint32_t)member))
		return member;
	return group_pick(g, in->m->loop, siphash(&in->stage->tag_key, call_id));
}

/*
 * T-01: what does not fit a datagram, and all of an INVITE transaction, for its small CANCEL and
 * ACK must take the way of the INVITE (§9.1).
 */
static bool
wants_stream(const struct inbound *in)
{
	const struct stage *s = in->stage;
	size_t growth = s->core_via[FLOW_UDP].len + s->core_tail[FLOW_UDP].len + s->route_tail.len +
			3 * TOKEN_LEN + 160;

	return in->m->sip.method == SIP_METHOD_INVITE || in->m->sip.method == SIP_METHOD_ACK ||
	       in->m->sip.method == SIP_METHOD_CANCEL ||
	       in->m->sip.len + growth > s->settings->edge_datagram_max;
}

static void
to_core(struct inbound *in, const struct way *way, struct sip_edit *e)
{
	const struct group *g = in->stage->group;
	struct lines own = { .id = SIP_FIELD_RECORD_ROUTE };
	enum flow_transport main, transport;
	struct flow flow, stream;
	int member = member_pick(in, way);
	size_t begin = sip_edit_text_begin(e);

	if (member < 0) {
		answer_later(in);
		return;
	}
	transport = main = g->settings->upstreams[member].transport;
	flow = group_flow(g, in->m->loop, (uint32_t)member, GROUP_MAIN);
	stream = main == FLOW_UDP ? group_flow(g, in->m->loop, (uint32_t)member, GROUP_TCP) :
				    FLOW_NONE;
	if (!flow_is_none(stream) && (flow_is_none(flow) || wants_stream(in))) {
		flow = stream;
		transport = FLOW_TCP;
	}
	if (in->m->sip.method == SIP_METHOD_REGISTER) {
		own.id = SIP_FIELD_PATH;
		path_write(in, main, &e->text);
	} else if (proxy_forms_dialog(in)) {
		record_route_write(in, in->from, true, main, &e->text);
	}
	own.text = sip_edit_text_end(e, begin);
	lines_edit(in, in->stage->core_via[transport], &own, e);
	proxy_via_params_edit(in, e);
	content_length_edit(&in->m->sip, e);
	if (!proxy_send(in->m, flow))
		answer_refuse(in, 500, NULL);
}

/* ---- to a client ---- */

static void
to_client(struct inbound *in, const struct way *way, struct sip_edit *e)
{
	struct lines own = { .id = SIP_FIELD_RECORD_ROUTE };
	size_t begin = sip_edit_text_begin(e);

	if (proxy_forms_dialog(in))
		record_route_write(in, way->client, false,
				   in->m->peer.core ? in->m->peer.transport : FLOW_TCP, &e->text);
	own.text = sip_edit_text_end(e, begin);
	lines_edit(in, in->stage->via_head[way->client->secure], &own, e);
	proxy_via_params_edit(in, e);
	if (!proxy_send(in->m, way->client->flow))
		answer_refuse(in, 500, NULL);
}

/* A request of the core without a token: for us, or for nobody. */
static void
serve_core(struct inbound *in)
{
	bool ours = names_is_self(&in->stage->names, in->uri) && !in->uri->has_user;

	if (ours && in->m->sip.method == SIP_METHOD_OPTIONS)
		answer_options(in);
	else
		answer_refuse(in, 404, "No Flow Token");
}

/* What came in goes on, or is refused. */
static void
go_on(struct inbound *in)
{
	struct sip_edit *e = &in->m->edit;
	struct way way;
	int status;

	sip_edit_init(e, &in->m->sip);
	status = way_read(in, &way, e);
	if (!status && in->m->peer.core && !way.client) {
		serve_core(in);
		return;
	}
	if (in->head->hops == 0) {
		answer_refuse(in, 483, NULL);
		return;
	}
	if (answer_bad_extension(in, SIP_FIELD_PROXY_REQUIRE))
		return;
	if (status)
		answer_refuse(in, status, status == 403 ? "Flow Token Not Ours" : NULL);
	else if (way.client && in->uri->kind == SIP_SCHEME_SIPS && !way.client->secure)
		answer_refuse(in, 480, "Not Reachable over TLS");
	else if (way.client)
		to_client(in, &way, e);
	else
		to_core(in, &way, e);
}

void
edge_request(struct inbound *in)
{
	/* S-17 */
	if (!in->m->peer.core && in->uri->kind == SIP_SCHEME_SIPS && !in->from->secure)
		answer_refuse(in, 416, NULL);
	else if (in->m->peer.core || !admission_refuses(in))
		go_on(in);
}

/* ---- responses ---- */

/* RFC 5626 §5.4: keep-alives are wanted of who registered with outbound. */
static void
flow_timer_edit(const struct inbound *in, struct sip_edit *e)
{
	const struct sip_msg *sip = &in->m->sip;
	size_t begin = sip_edit_text_begin(e);

	if (sip->method != SIP_METHOD_REGISTER || sip->status != 200 ||
	    !in->stage->settings->edge_flow_timer_s ||
	    !sip_msg_has_token(sip, SIP_FIELD_REQUIRE, SPAN("outbound")) ||
	    sip->first[SIP_FIELD_FLOW_TIMER] != SIP_NONE)
		return;
	writer_put(&e->text, SPAN("Flow-Timer: "));
	writer_put_decimal(&e->text, in->stage->settings->edge_flow_timer_s);
	writer_put(&e->text, SPAN("\r\n"));
	sip_edit_append(e, sip_edit_text_end(e, begin));
}

/*
 * Where a response goes by the token of our Via; the connection of the core that the request came
 * over may be gone: then by one of ours to the server that the next Via names (T-09).
 */
static struct flow
response_flow(const struct inbound *in, struct span token, const struct sip_via *next,
	      enum stats_fate *fate)
{
	const struct group *g = in->stage->group;
	struct flow flow = FLOW_NONE;
	struct flows_entry open;
	int member;

	switch (flows_verify(in->stage->flows, token, &open)) {
	case FLOWS_TOKEN_OPEN:
		return open.flow;
	case FLOWS_TOKEN_NONE:
	case FLOWS_TOKEN_FORGED:
		*fate = FATE_dropped_response_forged;
		return FLOW_NONE;
	case FLOWS_TOKEN_STALE:
		break;
	}
	*fate = FATE_dropped_flow_gone;
	if (in->m->peer.core || !token_is_core(token.at))
		return FLOW_NONE;
	member = group_find(g, next->host, next->port);
	if (member >= 0)
		flow = group_flow(g, in->m->loop, (uint32_t)member, GROUP_TCP);
	if (member >= 0 && flow_is_none(flow))
		flow = group_flow(g, in->m->loop, (uint32_t)member, GROUP_MAIN);
	return flow;
}

void
edge_response(struct inbound *in)
{
	struct message *m = in->m;
	struct sip_value_iter top, next;
	struct span own = m->peer.core ? in->stage->core_host : in->stage->host, token;
	enum stats_fate fate = FATE_dropped_response_unknown;
	struct sip_via via;
	struct flow to;

	/* P-08, T-06 */
	next = top = inbound_top_via(in);
	if (!span_equal_nocase(in->head->via.sent_by, own) ||
	    !sip_param(in->head->via.params, SPAN("flow"), &token) ||
	    !sip_value_next(&m->sip, SIP_FIELD_VIA, &next) ||
	    sip_via_read(&m->sip, next.value, &via) != SIP_OK) {
		answer_drop(m, fate);
		return;
	}
	to = response_flow(in, token, &via, &fate);
	if (flow_is_none(to)) {
		answer_drop(m, fate);
		return;
	}
	sip_edit_init(&m->edit, &m->sip);
	sip_edit_remove_value(&m->edit, &top);
	if (m->peer.core)
		flow_timer_edit(in, &m->edit);
	else
		content_length_edit(&m->sip, &m->edit);
	if (!proxy_send(m, to))
		answer_drop(m, FATE_dropped_internal);
}

/*
 * The target was gone, or could not take it. A client: 430 (O-06). A server of the core: the next
 * one, if there is one.
 */
void
edge_undeliverable(struct stage *s, struct message *m, uint64_t now_ns)
{
	struct flow before = m->to;
	struct flows_entry entry;
	struct inbound in;
	bool core;

	if (!m->has_sip || m->action != MESSAGE_FORWARD || !m->sip.request) {
		answer_drop(m, m->action == MESSAGE_FORWARD ? FATE_dropped_flow_gone :
							      FATE_dropped_sender_closed);
		return;
	}
	/* it was forwarded, so there is no fault in it */
	(void)inbound_init(&in, s, m, now_ns, m->sip_error);
	if (!in.from) {
		answer_drop(m, FATE_dropped_sender_closed);
		return;
	}
	core = !m->peer.core && !(flows_get(s->flows, before, &entry) && !flows_is_core(&entry));
	if (!core) {
		answer_refuse(&in, 430, NULL);
		return;
	}
	go_on(&in); /* it has come in already */
	if (m->action == MESSAGE_FORWARD && flow_equal(m->to, before))
		answer_later(&in);
}
