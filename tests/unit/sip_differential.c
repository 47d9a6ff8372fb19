/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sip_differential.h"

#include "codec/sip_addr.h"
#include "codec/sip_cseq.h"
#include "codec/sip_msg.h"
#include "codec/sip_uri.h"
#include "codec/sip_via.h"
#include "tests/unit/sip_reference.h"

/* The same octets at the same place; empty views have no place. */
static bool
same(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || a.at == b.at);
}

/* Parameters: what stands behind the last one does not matter. */
static bool
same_params(struct span a, struct span b)
{
	return same(span_trim(a), span_trim(b));
}

static bool
same_uri(const struct sip_uri *u, const struct reference_uri *r)
{
	bool sip = u->kind == SIP_SCHEME_SIP || u->kind == SIP_SCHEME_SIPS;

	return same(u->scheme, r->scheme) && sip == r->sip && u->has_user == r->has_user &&
	       same(u->user, r->user) && same(u->password, r->password) &&
	       (u->password.at != NULL) == r->has_password && same(u->host, r->host) &&
	       same(u->params, r->params) && same(u->headers, r->headers) && u->port == r->port;
}

static const char *
compare_uri(struct span text)
{
	struct sip_uri u;
	struct reference_uri r;
	bool good = sip_reference_uri(text, &r);

	if ((sip_uri_parse(text, &u) == SIP_OK) != good)
		return good ? "URI refused" : "URI accepted";
	return good && !same_uri(&u, &r) ? "URI parts" : NULL;
}

static const char *
compare_addr(struct span text)
{
	struct sip_addr a;
	struct reference_addr r;
	bool good = sip_reference_addr(text, &r);

	if ((sip_addr_parse(text, &a) == SIP_OK) != good)
		return good ? "address refused" : "address accepted";
	if (!good)
		return NULL;
	if (a.star != r.star || a.bracketed != r.bracketed)
		return "address form";
	if (!same(a.display, r.display) || !same(a.uri_text, r.uri_text) ||
	    !same_params(a.params, r.params))
		return "address parts";
	return a.star || same_uri(&a.uri, &r.uri) ? NULL : "address URI";
}

static const char *
compare_via(struct span text)
{
	struct sip_via v;
	struct reference_via r;
	bool good = sip_reference_via(text, &r);

	if ((sip_via_parse(text, &v) == SIP_OK) != good)
		return good ? "Via refused" : "Via accepted";
	if (!good)
		return NULL;
	if (!same(v.protocol, r.protocol) || !same(v.version, r.version) ||
	    !same(v.transport, r.transport) || !same(v.host, r.host) || v.port != r.port)
		return "Via parts";
	if (!same_params(v.params, r.params) || !same(v.branch, r.branch) ||
	    !same(v.received, r.received) || !same(v.rport, r.rport) || v.has_rport != r.has_rport)
		return "Via parameters";
	return NULL;
}

static const char *
compare_cseq(struct span text)
{
	struct sip_cseq c;
	struct reference_cseq r;
	bool good = sip_reference_cseq(text, &r);

	if ((sip_cseq_parse(text, &c) == SIP_OK) != good)
		return good ? "CSeq refused" : "CSeq accepted";
	return good && (c.number != r.number || !same(c.method, r.method)) ? "CSeq parts" : NULL;
}

const char *
sip_differential_value(struct span text)
{
	const char *what = compare_uri(text);

	what = what ? what : compare_addr(text);
	what = what ? what : compare_via(text);
	return what ? what : compare_cseq(text);
}

/* The values of one list field, over all its lines. */
static const char *
compare_list(const struct sip_msg *m, const struct reference_msg *r, int id)
{
	struct sip_value_iter it = { 0 };
	struct span value;
	const char *what;

	for (size_t i = 0; i < r->fields_len; i++) {
		struct span rest = r->fields[i].value;
		int got;

		if (r->fields[i].id != id)
			continue;
		while ((got = sip_reference_value(&rest, &value)) == 1) {
			if (!sip_value_next(m, (enum sip_field_id)id, &it))
				return "a list value is missing";
			if (!same(it.value, value))
				return "list values";
			what = sip_differential_value(value);
			if (what)
				return what;
		}
		if (got < 0)
			return sip_value_next(m, (enum sip_field_id)id, &it) || !it.bad
				       ? "an open quote in a list"
				       : NULL;
	}
	return sip_value_next(m, (enum sip_field_id)id, &it) || it.bad ? "one list value more"
								       : NULL;
}

static const char *
compare_start(const struct sip_msg *m, const struct reference_msg *r)
{
	if (m->request != r->request || m->status != r->status)
		return "kind";
	if (m->request) {
		if (!same(sip_msg_span(m, m->method_name), r->method) ||
		    !same(sip_msg_span(m, m->uri), r->uri))
			return "request line";
		return compare_uri(r->uri);
	}
	return same(sip_msg_span(m, m->reason), r->reason) ? NULL : "reason";
}

static const char *
compare_fields(const struct sip_msg *m, const struct reference_msg *r)
{
	const char *what = NULL;

	if (m->fields_len != r->fields_len)
		return "number of fields";
	for (size_t i = 0; i < r->fields_len && !what; i++) {
		const struct sip_field *f = &m->fields[i];

		if (f->id != r->fields[i].id)
			return "field id";
		if (!same(span_of(m->base + f->name_off, f->name_len), r->fields[i].name) ||
		    !same(sip_field_value(m, f), r->fields[i].value))
			return "field parts";
		what = sip_differential_value(r->fields[i].value);
	}
	for (int id = 1; id < SIP_FIELD_COUNT && !what; id++)
		if (sip_field_is_list((enum sip_field_id)id))
			what = compare_list(m, r, id);
	return what;
}

static bool accepted, checked;

bool
sip_differential_accepted(void)
{
	return accepted;
}

bool
sip_differential_checked(void)
{
	return checked;
}

const char *
sip_differential(struct span text)
{
	static struct sip_msg m;
	static struct reference_msg r;
	bool good = sip_reference_msg(text, &r);
	const char *what;

	accepted = sip_msg_parse(&m, text.at, text.len) == SIP_OK;
	checked = accepted && sip_msg_check(&m) == SIP_OK;
	if (accepted != good)
		return good ? "message refused" : "message accepted";
	if (!good)
		return NULL;
	what = compare_start(&m, &r);
	what = what ? what : compare_fields(&m, &r);
	if (what)
		return what;
	if (!same(sip_msg_span(&m, m.body), r.body) || m.surplus != r.surplus)
		return "body";
	if (checked != sip_reference_check(&r))
		return checked ? "check passed" : "check failed";
	return NULL;
}
