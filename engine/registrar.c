/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registrar.h"

#include <stdlib.h>
#include "engine/answer.h"
#include "engine/gruu.h"
#include "engine/location_home.h"
#include "engine/registration.h"

#define SECOND_NS UINT64_C(1000000000)
#define RETRY_AFTER "Retry-After: 60\r\n"

static struct location_binding *
first_of(const struct registration *r)
{
	return r->aor ? location_first(r->aor) : NULL;
}

/* ---- judging ---- */

/*
 * §10.3, 7: within one Call-ID, a lower CSeq is an old request that was overtaken. An equal one
 * is this request once more; without a transaction layer that would absorb it, doing it again is
 * the same as not doing it.
 */
static bool
is_overtaken(const struct registration *r, const struct location_binding *old)
{
	return old->call_id == r->call_id && r->cseq < old->cseq;
}

static int
wanted_check(struct registration *r)
{
	const struct settings *settings = r->in->stage->settings;
	uint32_t before = r->aor ? r->aor->bindings : 0, more = 0;

	for (struct location_binding *b = r->wanted; b; b = b->wanted_next) {
		struct location_binding *old = r->aor ? location_match(r->aor, b) : NULL;

		if (old && is_overtaken(r, old))
			return registration_fault(r, 500, "Overtaken by a Later REGISTER");
		/* one contact twice in a request counts twice */
		more += !old && b->expires_ns;
	}
	if (more && before + more > settings->contacts_max)
		return registration_fault(r, 403, "Too Many Contacts");
	if (more && location_bindings(r->in->stage->location) + more > settings->bindings_max)
		return registration_fault(r, 503, NULL);
	return 0;
}

static int
wildcard_check(struct registration *r)
{
	for (struct location_binding *b = first_of(r); b; b = location_next(b))
		if (is_overtaken(r, b))
			return registration_fault(r, 500, "Overtaken by a Later REGISTER");
	return 0;
}

/* ---- doing ---- */

/* Bindings whose time is over but whose turn in the calendar has not come. */
static void
expired_remove(struct registration *r)
{
	struct location_binding *b = first_of(r), *next;

	for (; b; b = next) {
		next = location_next(b);
		if (b->expires_ns <= r->in->now_ns)
			location_home_unbind(r->in->stage->home, b);
	}
}

/* Cannot fail: all memory is there. */
static void
commit(struct registration *r)
{
	struct location_home *h = r->in->stage->home;

	while (r->wildcard && first_of(r))
		location_home_unbind(h, first_of(r));
	while (r->wanted) {
		struct location_binding *b = r->wanted;
		struct location_binding *old = r->aor ? location_match(r->aor, b) : NULL;

		r->wanted = b->wanted_next;
		if (b->expires_ns) {
			location_home_bind(h, r->aor, b, old);
			continue;
		}
		location_binding_free(b);
		if (old)
			location_home_unbind(h, old);
	}
}

static bool
aor_wanted(struct registration *r)
{
	struct location_home *h = r->in->stage->home;
	struct location_binding *b = r->wanted;

	while (b && !b->expires_ns)
		b = b->wanted_next;
	if (!b)
		return true;
	if (!r->aor)
		r->aor = location_home_take(h, &r->key);
	return r->aor && location_home_reserve(h, r->wanted_len);
}

/* ---- answering ---- */

static size_t
answer_room(const struct registration *r)
{
	const struct sip_msg *sip = &r->in->m->sip;
	size_t room = 256 + strlen(r->in->stage->settings->service_route);

	for (const struct location_binding *b = first_of(r); b; b = location_next(b))
		room += sizeof("Contact: ;expires=4294967295\r\n") + b->contact_len +
			(r->gruu ? GRUU_TEXT_MAX : 0);
	for (const struct sip_field *f = sip_msg_field(sip, SIP_FIELD_PATH); f;
	     f = sip_msg_next(sip, f))
		room += sizeof("Path: \r\n") + f->value_len;
	return room;
}

/*
 * §10.3, 8: all bindings that there are now, and how long each has left; Pa-03: the request's
 * Path.
 */
static void
answer_write(const struct registration *r, struct writer *w)
{
	const struct sip_msg *sip = &r->in->m->sip;
	const char *service_route = r->in->stage->settings->service_route;

	for (const struct location_binding *b = first_of(r); b; b = location_next(b)) {
		writer_put(w, SPAN("Contact: "));
		writer_put(w, location_contact_text(b));
		if (r->gruu)
			gruu_write(r->in, b, w);
		writer_put(w, SPAN(";expires="));
		writer_put_decimal(w, (b->expires_ns - r->in->now_ns + SECOND_NS - 1) / SECOND_NS);
		writer_put(w, SPAN("\r\n"));
	}
	for (const struct sip_field *f = sip_msg_field(sip, SIP_FIELD_PATH); f;
	     f = sip_msg_next(sip, f)) {
		writer_put(w, SPAN("Path: "));
		writer_put(w, sip_field_value(sip, f));
		writer_put(w, SPAN("\r\n"));
	}
	if (service_route[0]) { /* RFC 3608 §6.3 */
		writer_put(w, SPAN("Service-Route: "));
		writer_put(w, span_of(service_route, strlen(service_route)));
		writer_put(w, SPAN("\r\n"));
	}
	if (r->outbound)
		writer_put(w, SPAN("Require: outbound\r\n"));
	writer_put(w, SPAN(ANSWER_SUPPORTED));
}

static void
answer_bindings(struct registration *r)
{
	char small[2048], *large = NULL;
	size_t room = answer_room(r);
	struct writer w = writer_over(small, sizeof(small));

	if (room > sizeof(small)) {
		large = malloc(room);
		w = writer_over(large, large ? room : 0);
	}
	answer_write(r, &w);
	/* it was done, but cannot be told: the client asks again, and nothing changes by that */
	if (w.full)
		answer_send(r->in, 503, SPAN(""), SPAN(RETRY_AFTER));
	else
		answer_send(r->in, 200, SPAN(""), writer_text(&w));
	free(large);
}

static void
answer_fault(struct registration *r, int status)
{
	char text[40];
	struct writer w = writer_over(text, sizeof(text));
	struct span reason = r->reason ? span_of(r->reason, strlen(r->reason)) : SPAN("");

	if (status == 423) {
		writer_put(&w, SPAN("Min-Expires: "));
		writer_put_decimal(&w, r->in->stage->settings->expires_min_s);
		writer_put(&w, SPAN("\r\n"));
	} else if (status == 503) {
		writer_put(&w, SPAN(RETRY_AFTER));
	}
	answer_send(r->in, status, reason, writer_text(&w));
}

/* What the present bindings have against it; makes sure of the memory that commit() needs. */
static int
judge(struct registration *r)
{
	int status;

	expired_remove(r);
	status = r->wildcard ? wildcard_check(r) : wanted_check(r);
	if (!status && !aor_wanted(r))
		status = registration_fault(r, 503, NULL);
	return status;
}

void
registrar_serve(struct inbound *in)
{
	struct registration r;
	int status;

	if (answer_bad_extension(in, SIP_FIELD_REQUIRE))
		return;
	status = registration_read(&r, in);
	if (!status)
		status = judge(&r);
	if (status) {
		answer_fault(&r, status);
	} else {
		commit(&r);
		answer_bindings(&r);
	}
	registration_fini(&r);
	if (r.aor)
		location_home_settle(in->stage->home, r.aor, in->now_ns);
}
