/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registration.h"

#include "codec/sip_addr.h"

#define SECOND_NS UINT64_C(1000000000)
#define HOUR_S 3600
#define CONTACTS_SEEN_MAX 255 /* in one request, removals included: the work is their square */

int
registration_fault(struct registration *r, int status, const char *reason)
{
	r->reason = reason;
	return status;
}

/* What a contact's parameters say; the first one of a name counts. */
struct contact_params {
	bool has_q, has_expires, has_reg_id;
	struct span expires, reg_id;
	struct span instance; /* a view into what was written */
};

static void
note_param(struct contact_params *p, struct span name, struct span value)
{
	if (SPAN_IS_NOCASE(name, "q")) {
		p->has_q = true;
	} else if (!p->has_reg_id && SPAN_IS_NOCASE(name, "reg-id")) {
		p->has_reg_id = true;
		p->reg_id = value;
	}
}

/* Write parameters but `expires`, which the answer gives anew. */
static struct contact_params
params_write(struct writer *w, struct span params)
{
	struct contact_params found = { 0 };
	struct span rest = params, name, value;

	while (sip_param_next(&rest, &name, &value)) {
		if (SPAN_IS_NOCASE(name, "expires")) {
			if (!found.has_expires)
				found.expires = value;
			found.has_expires = true;
			continue;
		}
		/* RFC 5627 §5.3: ours to give */
		if (SPAN_IS_NOCASE(name, "pub-gruu") || SPAN_IS_NOCASE(name, "temp-gruu"))
			continue;
		note_param(&found, name, value);
		writer_put(w, SPAN(";"));
		writer_put(w, name);
		if (value.len == 0)
			continue;
		writer_put(w, SPAN("="));
		writer_put(w, value);
		if (!w->full && SPAN_IS_NOCASE(name, "+sip.instance"))
			found.instance = span_of(w->at + w->len - value.len, value.len);
	}
	return found;
}

/* To is the address-of-record (§10.3, 3 and 5). */
static int
aor_read(struct registration *r)
{
	struct stage *s = r->in->stage;
	const struct sip_addr *to = &r->in->head->to;

	if (to->uri.kind != SIP_SCHEME_SIP && to->uri.kind != SIP_SCHEME_SIPS)
		return registration_fault(r, 400, "To Is Not a SIP Address");
	/* §10.3, 1 and 5: there is nobody else to ask about a domain that is not ours */
	if (!names_is_ours(&s->names, &to->uri))
		return registration_fault(r, 404, "Domain Not Served Here");
	if (to->uri.user.len == 0)
		return registration_fault(r, 404, "No User in To");
	if (!location_key_of(s->location, &to->uri, &r->key))
		return registration_fault(r, 400, "Address Too Long");
	r->aor = location_aor_find(s->location, &r->key, r->in->now_ns);
	return 0;
}

/* Order (Call-ID, CSeq) and Expires. A malformed Expires counts as none (§20.19). */
static void
order_read(struct registration *r)
{
	const struct sip_msg *sip = &r->in->m->sip;

	r->cseq = r->in->head->cseq.number;
	r->call_id = siphash_1_3(&r->in->stage->tag_key, sip_msg_value(sip, SIP_FIELD_CALL_ID));
	r->has_expires = sip_msg_field(sip, SIP_FIELD_EXPIRES) &&
			 sip_delta_seconds(sip_msg_value(sip, SIP_FIELD_EXPIRES), &r->expires_s);
	if (!r->has_expires)
		r->expires_s = r->in->stage->settings->expires_default_s;
}

/* Pa-03: the values of Path in order, without those that name us. */
static int
path_read(struct registration *r)
{
	struct writer w = writer_over(r->path, sizeof(r->path));
	struct sip_value_iter it = { 0 };
	struct sip_addr addr;

	while (sip_value_next(&r->in->m->sip, SIP_FIELD_PATH, &it)) {
		if (sip_addr_read(&r->in->m->sip, it.value, &addr) != SIP_OK || !addr.bracketed ||
		    addr.uri.kind == SIP_SCHEME_OTHER)
			return registration_fault(r, 400, "Malformed Path");
		if (names_is_self(&r->in->stage->names, &addr.uri))
			continue;
		writer_put(&w, w.len ? SPAN(", <") : SPAN("<"));
		writer_put(&w, addr.uri_text);
		writer_put(&w, SPAN(">"));
		params_write(&w, addr.params);
	}
	if (it.bad)
		return registration_fault(r, 400, "Malformed Path");
	r->path_text = writer_text(&w);
	/* params are rare there, and must be ASCII too: they become a Route */
	for (size_t i = 0; i < r->path_text.len; i++)
		if (r->path_text.at[i] < ' ' || r->path_text.at[i] > '~')
			return registration_fault(r, 400, "Malformed Path");
	return w.full || r->path_text.len > r->in->stage->target_max ?
		       registration_fault(r, 400, "Path Too Long") :
		       0;
}

/*
 * §10.3, 7: the contact's expires, else Expires, else our default. 0 removes. An hour or more is
 * never too brief, whatever the setting. Malformed: as if it were not there.
 */
static int
expiry_read(struct registration *r, const struct contact_params *p, uint64_t *expires_ns)
{
	const struct settings *settings = r->in->stage->settings;
	uint32_t seconds = r->expires_s;

	if (p->has_expires && !(p->expires.len && sip_delta_seconds(p->expires, &seconds)))
		seconds = settings->expires_default_s;
	if (seconds > settings->expires_max_s)
		seconds = settings->expires_max_s;
	*expires_ns = seconds ? r->in->now_ns + seconds * SECOND_NS : 0;
	if (seconds && seconds < settings->expires_min_s && seconds < HOUR_S)
		return registration_fault(r, 423, NULL);
	return 0;
}

/* What makes a contact one that we could ever send to. */
static int
contact_check(struct registration *r, const struct sip_addr *addr)
{
	const struct sip_uri *uri = &addr->uri;

	/*
	 * §10.2.1 lets any URI be registered. We could do nothing with others than sip: no
	 * redirection here, and a sips: contact cannot be reached over ws: (S-17). A URI that
	 * was read is ASCII, and may go out again as TEXT.
	 */
	if (uri->kind == SIP_SCHEME_SIPS && !r->in->from->secure)
		return registration_fault(r, 400, "A sips: Contact Needs TLS");
	if (uri->kind != SIP_SCHEME_SIP && uri->kind != SIP_SCHEME_SIPS)
		return registration_fault(r, 400, "Contact Is Not a SIP URI");
	/* §20.10: with a question mark (or comma, semicolon) the brackets are needed */
	if (!addr->bracketed && uri->headers.len)
		return registration_fault(r, 400, "Malformed Contact");
	if (addr->uri_text.len + r->path_text.len > r->in->stage->target_max ||
	    uri->user.len + uri->host.len + 1 > LOCATION_KEY_MAX)
		return registration_fault(r, 400, "Contact Too Long");
	return 0;
}

static uint32_t
reg_id_read(const struct contact_params *p)
{
	uint32_t reg_id = 0;

	/* RFC 5626 §4.2.1: 1 to 2^31-1; anything else is none */
	if (!p->reg_id.len || !sip_delta_seconds(p->reg_id, &reg_id))
		return 0;
	return reg_id <= INT32_MAX ? reg_id : 0;
}

/* name-addr and parameters, as they are given back. */
static struct contact_params
contact_write(struct writer *w, const struct sip_addr *addr, struct location_contact *c)
{
	struct contact_params params;

	if (addr->display.len) {
		writer_put(w, addr->display);
		writer_put(w, SPAN(" "));
	}
	writer_put(w, SPAN("<"));
	c->uri = span_of(w->at + w->len, addr->uri_text.len);
	c->parsed = &addr->uri;
	writer_put(w, addr->uri_text);
	writer_put(w, SPAN(">"));
	params = params_write(w, addr->params);
	c->contact = writer_text(w);
	c->instance = params.instance;
	return params;
}

static int
contact_read(struct registration *r, const struct sip_addr *addr, struct location_binding **out)
{
	char text[LOCATION_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	int status = contact_check(r, addr), q = 1000;
	struct location_contact c = {
		.path = r->path_text,
		.cseq = r->cseq,
		.call_id = r->call_id,
		.flow = r->in->from,
	};
	struct contact_params params;

	if (status)
		return status;
	params = contact_write(&w, addr, &c);
	status = expiry_read(r, &params, &c.expires_ns);
	if (params.has_q)
		q = sip_addr_q(addr);
	if (!status && q < 0)
		status = registration_fault(r, 400, "Malformed q");
	if (!status && w.full)
		status = registration_fault(r, 400, "Contact Too Long");
	if (status)
		return status;
	c.q = (uint16_t)q;
	c.reg_id = reg_id_read(&params);
	r->outbound = r->outbound || (c.reg_id && c.instance.len);
	*out = location_binding_new(r->in->stage->location, &c);
	return *out ? 0 : registration_fault(r, 503, NULL);
}

static int
contacts_read(struct registration *r)
{
	struct location_binding **end = &r->wanted;
	struct sip_value_iter it = { 0 };
	struct sip_addr addr;
	int status = 0;

	while (!status && sip_value_next(&r->in->m->sip, SIP_FIELD_CONTACT, &it)) {
		if (r->wildcard || r->wanted_len == CONTACTS_SEEN_MAX)
			return r->wildcard ? registration_fault(r, 400, "Contact * Must Be Alone") :
					     registration_fault(r, 403, "Too Many Contacts");
		if (sip_addr_read(&r->in->m->sip, it.value, &addr) != SIP_OK)
			return registration_fault(r, 400, "Malformed Contact");
		if (addr.star) {
			/* §10.3, 6 */
			if (r->wanted_len || !r->has_expires || r->expires_s != 0)
				return registration_fault(
					r, 400, "Contact * Needs Expires: 0 and Nothing Else");
			r->wildcard = true;
			continue;
		}
		status = contact_read(r, &addr, end);
		if (!status) {
			end = &(*end)->wanted_next;
			r->wanted_len++;
		}
	}
	if (!status && it.bad)
		status = registration_fault(r, 400, "Malformed Contact");
	return status;
}

/*
 * RFC 5626 §6, O-09: flows are only what they seem if the first hop supports them. That is us,
 * unless there is another Via: then it must have put ;ob into its Path, which is the last one.
 */
static int
first_hop_check(struct registration *r)
{
	const struct sip_msg *sip = &r->in->m->sip;
	struct sip_value_iter via, path = { 0 };
	struct span last = { NULL, 0 }, ignored;
	struct sip_addr addr;

	r->outbound = r->outbound && sip_msg_has_token(sip, SIP_FIELD_SUPPORTED, SPAN("outbound"));
	if (!r->outbound)
		return 0;
	via = inbound_top_via(r->in);
	if (!sip_value_next(sip, SIP_FIELD_VIA, &via))
		return 0;
	while (sip_value_next(sip, SIP_FIELD_PATH, &path))
		last = path.value;
	if (last.at && sip_addr_read(sip, last, &addr) == SIP_OK &&
	    sip_uri_param(&addr.uri, SPAN("ob"), &ignored))
		return 0;
	return registration_fault(r, 439, NULL);
}

int
registration_read(struct registration *r, struct inbound *in)
{
	int status;

	r->in = in;
	r->aor = NULL;
	r->wanted = NULL;
	r->wanted_len = 0;
	r->wildcard = r->outbound = false;
	r->reason = NULL;
	r->gruu = sip_msg_has_token(&in->m->sip, SIP_FIELD_SUPPORTED, SPAN("gruu")) ||
		  sip_msg_has_token(&in->m->sip, SIP_FIELD_REQUIRE, SPAN("gruu"));
	order_read(r);
	status = aor_read(r);
	if (!status)
		status = path_read(r);
	if (!status)
		status = contacts_read(r);
	return status ? status : first_hop_check(r);
}

void
registration_fini(struct registration *r)
{
	while (r->wanted) {
		struct location_binding *b = r->wanted;

		r->wanted = b->wanted_next;
		location_binding_free(b);
	}
}
