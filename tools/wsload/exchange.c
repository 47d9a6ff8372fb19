/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/exchange.h"

#include <errno.h>
#include <string.h>

/* ---- making ---- */

static struct sip_view
view_of(const struct sip_msg *m, enum sip_field_id id)
{
	const struct sip_field *f = sip_msg_field(m, id);

	return f ? (struct sip_view){ f->value_off, f->value_len } : (struct sip_view){ 0, 0 };
}

/* Where in the value are these digits? UINT32_MAX: nowhere. */
static uint32_t
place_in(const struct template *t, struct sip_view value, size_t from)
{
	for (uint32_t i = 0; i < t->marks_len; i++) {
		const struct template_mark *m = &t->marks[i];

		if (m->from == from && m->off >= value.off &&
		    m->off + m->len <= value.off + value.len)
			return m->off - value.off;
	}
	return UINT32_MAX;
}

/* The parameters of a Via may come back in any order, with others among them. */
static struct span
branch_of(struct span via)
{
	static const char name[] = ";branch=";
	const char *at = via.len ? memmem(via.at, via.len, name, sizeof(name) - 1) : NULL;
	size_t len = at ? (size_t)(span_end(via) - at) : 0;
	const char *end = at ? memchr(at + 1, ';', len - 1) : NULL;

	return span_of(at, end ? (size_t)(end - at) : len);
}

/* The same where it was sent: next to sent-by, nothing behind it but another parameter. */
static struct span
our_branch_of(const struct exchange *x, struct span via)
{
	const char *at = via.at + x->via.len;
	size_t left = via.len > x->via.len ? via.len - x->via.len : 0;

	if (left < x->branch.len || memcmp(at, ";branch=", 8) != 0 ||
	    (left > x->branch.len && at[x->branch.len] != ';'))
		return branch_of(via);
	return span_of(at, x->branch.len);
}

static void
read_via(struct exchange *x, const struct sip_msg *m)
{
	struct span branch = branch_of(sip_msg_value(m, SIP_FIELD_VIA));

	x->via = view_of(m, SIP_FIELD_VIA);
	x->branch = (struct sip_view){ branch.at ? (uint32_t)(branch.at - m->base) : 0,
				       (uint32_t)branch.len };
	x->via.len = x->branch.off - x->via.off;
	x->branch_client =
		place_in(&x->request, x->branch, offsetof(struct template_digits, client));
	x->branch_op = place_in(&x->request, x->branch, offsetof(struct template_digits, op));
}

static struct sip_view
contact_of(const struct sip_msg *m)
{
	struct sip_view v = view_of(m, SIP_FIELD_CONTACT);

	for (uint32_t i = 0; i < v.len; i++) {
		char c = m->base[v.off + i];

		if (c == ';' || c == '>')
			v.len = i;
	}
	return v;
}

static const char *
read_fields(struct exchange *x, const struct sip_msg *m)
{
	x->method = m->method;
	read_via(x, m);
	x->from = view_of(m, SIP_FIELD_FROM);
	x->to = view_of(m, SIP_FIELD_TO);
	x->call_id = view_of(m, SIP_FIELD_CALL_ID);
	x->cseq = view_of(m, SIP_FIELD_CSEQ);
	x->contact = contact_of(m);
	x->body = m->body;
	x->contact_returns = m->method == SIP_METHOD_REGISTER;
	x->in_dialog = memmem(m->base + x->to.off, x->to.len, ";tag=", 5) != NULL;
	x->call_id_client =
		place_in(&x->request, x->call_id, offsetof(struct template_digits, client));
	x->call_id_op = place_in(&x->request, x->call_id, offsetof(struct template_digits, op));
	x->branch_try = place_in(&x->request, x->branch, offsetof(struct template_digits, attempt));
	return x->branch_client == UINT32_MAX || x->branch_op == UINT32_MAX ?
		       "the branch must hold {client} and {op}" :
		       NULL;
}

const char *
exchange_init(struct exchange *x, const char *head, const char *body,
	      const struct template_word *words)
{
	static struct sip_msg m; /* only while nothing runs yet */
	const char *wrong = NULL;
	enum sip_error error;

	*x = (struct exchange){ 0 };
	if (!template_compile(&x->request, head, body, words))
		return errno == ENOMEM ? "out of memory" : "a {NAME} that is not known";
	error = sip_msg_parse(&m, x->request.bytes, x->request.len);
	if (error == SIP_OK)
		error = sip_msg_check(&m);
	if (error != SIP_OK)
		wrong = sip_error_words(error);
	else if (x->request.len > EXCHANGE_BYTES_MAX)
		wrong = "longer than 65536 bytes";
	else
		wrong = read_fields(x, &m);
	if (wrong)
		exchange_fini(x);
	return wrong;
}

const char *
exchange_init_raw(struct exchange *x, const char *text, const struct template_word *words)
{
	*x = (struct exchange){ 0 };
	return template_compile(&x->request, text, "", words) ? NULL : "out of memory";
}

void
exchange_fini(struct exchange *x)
{
	template_free(&x->request);
}

/* ---- whose is it? ---- */

static bool
read_id(struct span value, uint32_t client_off, uint32_t op_off, struct exchange_id *id)
{
	char entry_digits[8] = "0000";
	uint32_t entry;

	if (client_off == UINT32_MAX || op_off == UINT32_MAX || client_off + 8 > value.len ||
	    op_off + TEMPLATE_OP_LEN > value.len)
		return false;
	memcpy(entry_digits + 4, value.at + op_off, 4);
	if (!template_read_hex(value.at + client_off, &id->client) ||
	    !template_read_hex(entry_digits, &entry) ||
	    !template_read_hex(value.at + op_off + 4, &id->serial))
		return false;
	id->entry = (uint16_t)entry;
	id->attempt = 1;
	return true;
}

bool
exchange_identify_response(const struct exchange *x, const struct sip_msg *m,
			   struct exchange_id *id)
{
	struct span branch = our_branch_of(x, sip_msg_value(m, SIP_FIELD_VIA));

	if (!read_id(branch, x->branch_client, x->branch_op, id))
		return false;
	if (x->branch_try < branch.len)
		id->attempt = (uint8_t)(branch.at[x->branch_try] - '0');
	return true;
}

bool
exchange_identify_request(const struct exchange *x, const struct sip_msg *m, struct exchange_id *id)
{
	return read_id(sip_msg_value(m, SIP_FIELD_CALL_ID), x->call_id_client, x->call_id_op, id);
}

bool
exchange_identify_raw(struct span bytes, struct exchange_id *id)
{
	return read_id(bytes, 0, 8, id);
}

/* ---- is it right? ---- */

static bool
same(struct span value, const char *request, struct sip_view v)
{
	return span_equal(value, span_of(request + v.off, v.len));
}

/* Our Via: transport and sent-by first, and somewhere behind them our branch. */
static bool
is_our_via(struct span value, const char *request, const struct exchange *x)
{
	return value.len > x->via.len && value.at[x->via.len] == ';' &&
	       memcmp(value.at, request + x->via.off, x->via.len) == 0 &&
	       same(our_branch_of(x, value), request, x->branch);
}

/* To comes back with a tag: any, or the partner's. */
static bool
tagged(struct span value, const char *request, struct sip_view v, const char *tag)
{
	static const char begin[] = ";tag=";
	const size_t begin_len = sizeof(begin) - 1;

	if (value.len <= v.len + begin_len || memcmp(value.at, request + v.off, v.len) != 0 ||
	    memcmp(value.at + v.len, begin, begin_len) != 0)
		return false;
	return !tag || (value.len == v.len + begin_len + 8 &&
			memcmp(value.at + v.len + begin_len, tag, 8) == 0);
}

static bool
lists_contact(const struct sip_msg *m, struct span contact)
{
	const struct sip_field *f = sip_msg_field(m, SIP_FIELD_CONTACT);

	for (; f; f = sip_msg_next(m, f)) {
		struct span value = sip_field_value(m, f);

		if (memmem(value.at, value.len, contact.at, contact.len))
			return true;
	}
	return false;
}

static const char *
check_dialog(const struct exchange *x, const struct sip_msg *m, const char *request)
{
	if (!same(sip_msg_value(m, SIP_FIELD_FROM), request, x->from))
		return "From";
	if (!same(sip_msg_value(m, SIP_FIELD_CALL_ID), request, x->call_id))
		return "Call-ID";
	if (!same(sip_msg_value(m, SIP_FIELD_CSEQ), request, x->cseq))
		return "CSeq";
	return m->surplus ? "Content-Length" : NULL;
}

const char *
exchange_check_response(const struct exchange *x, const struct sip_msg *m, const char *request,
			const struct template_digits *digits)
{
	const char *wrong = check_dialog(x, m, request);
	struct span to = sip_msg_value(m, SIP_FIELD_TO);

	if (wrong)
		return wrong;
	if (m->first[SIP_FIELD_VIA] != m->last[SIP_FIELD_VIA] ||
	    !is_our_via(sip_msg_value(m, SIP_FIELD_VIA), request, x))
		return "Via";
	if (m->status < 200)
		return NULL;
	if (x->in_dialog ? !same(to, request, x->to) :
			   !tagged(to, request, x->to,
				   x->from_peer && m->status < 300 ? digits->peer : NULL))
		return "To";
	if (m->status >= 300)
		return "status";
	if (x->from_peer && !span_equal(sip_msg_span(m, m->body), x->answer_body))
		return "body";
	if (x->contact_returns &&
	    !lists_contact(m, span_of(request + x->contact.off, x->contact.len)))
		return "Contact";
	return NULL;
}

/* Our Via is the lowest: those that came later stand above it. */
static struct span
lowest_via(const struct sip_msg *m)
{
	struct sip_value_iter it = { 0 };
	struct span value = { NULL, 0 };

	while (sip_value_next(m, SIP_FIELD_VIA, &it))
		value = it.value;
	return value;
}

/* The partner's Contact, whatever parameters follow: "sip:w<peer>@<peer_token>.invalid". */
static bool
is_for(struct span uri, const struct template_digits *digits)
{
	return uri.len >= 14 + TEMPLATE_TOKEN_LEN + 8 && memcmp(uri.at, "sip:w", 5) == 0 &&
	       memcmp(uri.at + 5, digits->peer, 8) == 0 && uri.at[13] == '@' &&
	       memcmp(uri.at + 14, digits->peer_token, TEMPLATE_TOKEN_LEN) == 0 &&
	       memcmp(uri.at + 14 + TEMPLATE_TOKEN_LEN, ".invalid", 8) == 0;
}

const char *
exchange_check_request(const struct exchange *x, const struct sip_msg *m, const char *request,
		       const struct template_digits *digits)
{
	const char *wrong = check_dialog(x, m, request);

	if (wrong)
		return wrong;
	if (m->method != x->method)
		return "method";
	if (!is_for(sip_msg_span(m, m->uri), digits))
		return "Request-URI";
	if (!same(sip_msg_value(m, SIP_FIELD_TO), request, x->to))
		return "To";
	if (!is_our_via(lowest_via(m), request, x))
		return "Via";
	if (!same(sip_msg_span(m, m->body), request, x->body))
		return "body";
	return NULL;
}
