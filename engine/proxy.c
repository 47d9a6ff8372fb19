/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/proxy.h"

#include <assert.h>
#include "codec/utf8.h"
#include "codec/ws_frame.h"
#include "engine/answer.h"
#include "engine/auth_check.h"
#include "engine/gruu.h"

/* The parameter of our Via that says where a response goes, behind its branch. */
#define FLOW ";flow="
#define FLOW_LEN ((ptrdiff_t)sizeof(FLOW) - 1)

struct target {
	const struct flows_entry *flow;
	struct flows_entry found; /* room for it */
	struct span uri;          /* new Request-URI; empty: as it is */
	struct span path;         /* values for Route */
};

/* ---- target ---- */

/* S-17: is it for a secure flow only? */
static bool
wants_tls(const struct inbound *in)
{
	return in->uri->kind == SIP_SCHEME_SIPS;
}

static int
target_by_contact(const struct inbound *in, const struct location_key *key, struct target *t)
{
	const struct location *l = in->stage->location;
	const struct location_binding *b = location_find_contact(l, key, in->uri, in->now_ns);

	if (!b)
		return 404;
	t->flow = flows_by_serial(in->stage->flows, b->slot, b->serial, &t->found);
	t->path = location_path(b);
	/* S-20: there is no other way to it than its own flow */
	return t->flow && (t->flow->secure || !wants_tls(in)) ? 0 : 480;
}

static int
target_by_aor(const struct inbound *in, const struct location_key *key, struct target *t)
{
	const struct location_aor *aor = location_aor_find(in->stage->location, key, in->now_ns);
	const struct location_binding *b;

	if (!aor)
		return 404;
	b = location_pick(aor, in->stage->flows, wants_tls(in), in->now_ns, &t->found);
	if (!b)
		return 480;
	t->flow = &t->found;
	t->uri = location_target(b);
	t->path = location_path(b);
	return 0;
}

static int
target_by_gruu(const struct inbound *in, const struct location_key *key, struct span gr,
	       struct target *t)
{
	const struct location_binding *b;
	int status = gruu_find(in, key, gr, &b, &t->found);

	if (status)
		return status;
	t->flow = &t->found;
	t->uri = location_target(b);
	t->path = location_path(b);
	return 0;
}

/* §16.5: exactly one target (P-03). Returns 0 or the status that says why there is none. */
static int
target_find(const struct inbound *in, const struct proxy_route *route, struct target *t)
{
	struct location_key key;
	struct span gr;
	bool has_key;
	int status = 404;

	*t = (struct target){ .flow = route->flow };
	if (route->flow)
		return route->flow->secure || !wants_tls(in) ? 0 : 480;
	has_key = location_key_of(in->stage->location, in->uri, &key);
	if (route->by_token) {
		/* its client may be back on another flow, with the same contact */
		return has_key && target_by_contact(in, &key, t) == 0 ? 0 : 430; /* O-06 */
	}
	if (has_key && gruu_read(in->uri, &gr) && names_is_ours(&in->stage->names, in->uri))
		return target_by_gruu(in, &key, gr, t);
	if (has_key && names_is_ours(&in->stage->names, in->uri))
		status = target_by_aor(in, &key, t);
	/* in a listed domain nobody is found by what another one registered as contact */
	if (has_key && status == 404 && !names_is_listed(&in->stage->names, in->uri))
		status = target_by_contact(in, &key, t);
	/* S-18: the contact of a client that was here, and that may come back with it */
	return status == 404 && names_is_invalid(in->uri) ? 480 : status;
}

/* ---- edits ---- */

/* All Route lines go: what was not ours was refused. Lines in a row are one edit. */
static void
routes_remove(struct sip_edit *e, const struct sip_msg *sip)
{
	const struct sip_field *f = sip_msg_field(sip, SIP_FIELD_ROUTE);

	while (f) {
		uint32_t from = f->name_off, end = f->end;

		for (f = sip_msg_next(sip, f); f && f->name_off == end; f = sip_msg_next(sip, f))
			end = f->end;
		sip_edit_splice(e, from, end - from, SPAN(""));
	}
}

/* The value of a received that is there (§18.2.1: by whom ever), or one behind the others. */
static void
received_edit(const struct inbound *in, struct sip_edit *e)
{
	struct span old = in->head->via.received, after = in->head->via_text;
	size_t begin = sip_edit_text_begin(e);

	if (!old.len) {
		writer_put(&e->text, SPAN(";received="));
		old = span_of(after.at + after.len, 0);
	}
	writer_put(&e->text, span_of(in->m->peer.address, strlen(in->m->peer.address)));
	sip_edit_splice(e, (uint32_t)(old.at - in->m->sip.base), (uint32_t)old.len,
			sip_edit_text_end(e, begin));
}

/* T-07, R-01: complete the client's Via with where it really is. */
void
proxy_via_params_edit(const struct inbound *in, struct sip_edit *e)
{
	struct inbound_via_params p = inbound_via_params(in);
	struct span rest = in->head->via.params, name, value;
	size_t begin;

	if (p.rport) {
		while (sip_param_next(&rest, &name, &value))
			if (span_equal_nocase(name, SPAN("rport")))
				break;
		begin = sip_edit_text_begin(e);
		writer_put_byte(&e->text, '=');
		writer_put_decimal(&e->text, in->m->peer.port);
		sip_edit_splice(e, (uint32_t)(name.at + name.len - in->m->sip.base), 0,
				sip_edit_text_end(e, begin));
	}
	if (p.received)
		received_edit(in, e);
}

/*
 * Must requests inside the dialog that this may form come back through here (P-09)? INVITE (RFC
 * 3261), SUBSCRIBE (RFC 6665 §4.3) and REFER (RFC 3515) without To tag; and every NOTIFY: one
 * that comes before the 200 to its SUBSCRIBE forms the dialog though its To has a tag (RFC 6665
 * §4.4.1).
 */
bool
proxy_forms_dialog(const struct inbound *in)
{
	switch (in->m->sip.method) {
	case SIP_METHOD_NOTIFY:
		return true;
	case SIP_METHOD_INVITE:
	case SIP_METHOD_SUBSCRIBE:
	case SIP_METHOD_REFER:
		return sip_addr_tag(&in->head->to).len == 0;
	default:
		return false;
	}
}

/*
 * Both ends' tokens, the callee's on top: a request from either side then comes in with the token
 * of its own flow first and that of the other side after it (O-07). The parameter says ws for both
 * transports (S-09); a sips: request gets sips: (§16.6, 4).
 */
static void
record_route_write(const struct inbound *in, const struct target *t, struct writer *w)
{
	const struct flows_entry *ends[] = { t->flow, in->from };

	for (int i = 0; i < 2; i++) {
		writer_put(w, wants_tls(in) ? SPAN("Record-Route: <sips:") :
					      SPAN("Record-Route: <sip:"));
		writer_put(w, flows_token(ends[i]));
		writer_put(w, in->stage->route_tail);
		writer_put(w, SPAN("\r\n"));
	}
}

/*
 * Our Via: the transport of the flow it goes out on (S-08), a branch that only depends on the
 * request (P-04), and the way back (P-11).
 */
static void
via_write(const struct inbound *in, const struct target *t, struct writer *w)
{
	char branch[INBOUND_TAG_LEN];

	inbound_branch(in, branch);
	writer_put(w, in->stage->via_head[t->flow->secure]);
	writer_put(w, span_of(branch, sizeof(branch)));
	writer_put(w, SPAN(FLOW));
	writer_put(w, flows_token(in->from));
	writer_put(w, SPAN("\r\n"));
}

/* §16.6(3). route.c has refused what came with 0. */
void
proxy_max_forwards_edit(const struct inbound *in, struct sip_edit *e)
{
	const struct sip_field *f = sip_msg_field(&in->m->sip, SIP_FIELD_MAX_FORWARDS);
	uint32_t hops = in->head->hops - 1, limit = in->stage->settings->routing_max_forwards_limit;
	size_t begin = sip_edit_text_begin(e);

	assert(in->head->hops > 0);
	writer_put_decimal(&e->text, hops < limit ? hops : limit);
	sip_edit_splice(e, f->value_off, f->value_len, sip_edit_text_end(e, begin));
}

/* The new header lines, in front of the topmost Via; Record-Route above any that is there. */
static void
lines_edit(const struct inbound *in, const struct target *t, struct sip_edit *e)
{
	const struct sip_msg *sip = &in->m->sip;
	const struct sip_field *record = sip_msg_field(sip, SIP_FIELD_RECORD_ROUTE);
	bool dialog = proxy_forms_dialog(in);
	size_t begin;

	if (dialog && record) {
		begin = sip_edit_text_begin(e);
		record_route_write(in, t, &e->text);
		sip_edit_insert_before(e, record, sip_edit_text_end(e, begin));
	}
	begin = sip_edit_text_begin(e);
	via_write(in, t, &e->text);
	if (dialog && !record)
		record_route_write(in, t, &e->text);
	if (t->path.len) { /* Pa-04 */
		writer_put(&e->text, SPAN("Route: "));
		writer_put(&e->text, t->path);
		writer_put(&e->text, SPAN("\r\n"));
	}
	if (sip->first[SIP_FIELD_MAX_FORWARDS] == SIP_NONE) {
		writer_put(&e->text, SPAN("Max-Forwards: "));
		writer_put_decimal(&e->text, in->stage->settings->max_forwards);
		writer_put(&e->text, SPAN("\r\n"));
	}
	sip_edit_insert_before(e, sip_msg_field(sip, SIP_FIELD_VIA), sip_edit_text_end(e, begin));
}

/* ---- out ---- */

/*
 * S-04: UTF-8 goes as TEXT. What came as TEXT is UTF-8, and what we insert is ASCII; only octets
 * cut off behind the body may have broken it. What came as BINARY is looked at: a browser likes
 * TEXT better.
 */
static uint8_t
opcode_out(const struct message *m)
{
	struct utf8 u;

	if (m->opcode == WS_OP_TEXT && m->sip.surplus == 0)
		return WS_OP_TEXT;
	utf8_reset(&u);
	for (uint32_t i = 0; i < m->pieces_len; i++)
		if (!utf8_feed(&u, (const uint8_t *)m->pieces[i].at, m->pieces[i].len))
			return WS_OP_BINARY;
	return utf8_complete(&u) ? WS_OP_TEXT : WS_OP_BINARY;
}

bool
proxy_send(struct message *m, struct flow to)
{
	size_t len;
	int n = m->edit.text.full ? -1 : sip_edit_gather(&m->edit, m->pieces, &len);

	if (n < 0)
		return false;
	m->pieces_len = (uint32_t)n;
	m->out_len = (uint32_t)len;
	m->to = to;
	m->action = MESSAGE_FORWARD;
	m->out_opcode = opcode_out(m);
	return true;
}

/* A sip: request stays one, also to who is registered with sips: (RFC 5630 §5.3). */
static void
uri_write(const struct inbound *in, struct span uri, struct writer *w)
{
	struct span sips = SPAN("sips");

	if (!wants_tls(in) && span_equal_nocase(span_of(uri.at, sips.len), sips)) {
		writer_put(w, SPAN("sip"));
		uri = span_of(uri.at + sips.len, uri.len - sips.len);
	}
	writer_put(w, uri);
}

/* Text of the table goes through the scratch: it may change before another thread sends this. */
static void
request_uri_edit(const struct inbound *in, const struct proxy_route *route, const struct target *t,
		 struct sip_edit *e)
{
	struct sip_view old = in->m->sip.uri;
	size_t begin = sip_edit_text_begin(e);

	if (t->uri.len) {
		uri_write(in, t->uri, &e->text);
		sip_edit_splice(e, old.off, old.len, sip_edit_text_end(e, begin));
	} else if (route->rewritten) {
		sip_edit_splice(e, old.off, old.len, in->uri->text);
	}
}

static void
refuse(struct inbound *in, int status)
{
	bool foreign = status == 404 && !names_is_ours(&in->stage->names, in->uri);

	if (status == 480 && wants_tls(in))
		answer_refuse(in, status, "Not Reachable over TLS");
	else
		answer_refuse(in, status, foreign ? "Domain Not Served Here" : NULL);
}

void
proxy_request(struct inbound *in, const struct proxy_route *route)
{
	struct message *m = in->m;
	struct sip_edit *e = &m->edit;
	struct target t;
	int status = target_find(in, route, &t);

	if (status) {
		refuse(in, status);
		return;
	}
	sip_edit_init(e, &m->sip);
	request_uri_edit(in, route, &t, e);
	lines_edit(in, &t, e);
	proxy_via_params_edit(in, e);
	if (m->sip.first[SIP_FIELD_MAX_FORWARDS] != SIP_NONE)
		proxy_max_forwards_edit(in, e);
	routes_remove(e, &m->sip);
	if (in->stage->auth)
		auth_check_consume(in, e);
	if (!proxy_send(m, t.flow->flow))
		answer_refuse(in, 500, NULL);
}

/* The flow parameter of our Via. It nearly always stands where via_write() put it. */
static bool
flow_param(const struct sip_via *via, struct span *token)
{
	const char *at = span_end(via->branch);

	if (at && span_end(via->params) - at == FLOW_LEN + TOKEN_LEN &&
	    memcmp(at, FLOW, FLOW_LEN) == 0) {
		*token = span_of(at + FLOW_LEN, TOKEN_LEN);
		return true;
	}
	return sip_param(via->params, SPAN("flow"), token);
}

/* Take the topmost Via out. False: there is no other below it. */
static bool
top_via_remove(struct inbound *in)
{
	const struct sip_msg *sip = &in->m->sip;
	const struct sip_field *f = sip_msg_field(sip, SIP_FIELD_VIA), *below;
	struct sip_value_iter next, top;

	below = sip_msg_next(sip, f);
	if (below && f->value_len == in->head->via_text.len && below->value_len &&
	    sip->base[below->value_off] != ',') { /* each has its line */
		sip_edit_remove_field(&in->m->edit, f);
		return true;
	}
	next = top = inbound_top_via(in);
	if (!sip_value_next(sip, SIP_FIELD_VIA, &next))
		return false;
	sip_edit_remove_value(&in->m->edit, &top);
	return true;
}

void
proxy_response(struct inbound *in)
{
	struct message *m = in->m;
	struct flows_entry flow;
	struct span token;

	/* P-08, T-06: not our Via, not our response; never answered, whatever is wrong with it */
	if (!in->has_via || !span_equal_nocase(in->head->via.sent_by, in->stage->host) ||
	    !flow_param(&in->head->via, &token)) {
		answer_drop(m, FATE_dropped_response_unknown);
		return;
	}
	switch (flows_verify(in->stage->flows, token, &flow)) {
	case FLOWS_TOKEN_NONE:
	case FLOWS_TOKEN_FORGED:
		answer_drop(m, FATE_dropped_response_forged);
		return;
	case FLOWS_TOKEN_STALE:
		answer_drop(m, FATE_dropped_flow_gone); /* T-09: a client cannot be called back */
		return;
	case FLOWS_TOKEN_OPEN:
		break;
	}
	sip_edit_init(&m->edit, &m->sip);
	if (!top_via_remove(in)) {
		/* it would be meant for us, and we ask nobody */
		answer_drop(m, FATE_dropped_response_unknown);
		return;
	}
	if (!proxy_send(m, flow.flow))
		answer_drop(m, FATE_dropped_internal);
}
