/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/call.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "codec/sip_addr.h"
#include "codec/sip_reply.h"
#include "tools/wsload/message.h"
#include "tools/wsload/operation.h"
#include "tools/wsload/session.h"
#include "tools/wsload/worker.h"

#define ROUTES_MAX 16
#define FIELDS_MAX 4096u

/* Bits of op->step: what has happened in a call. */
enum call_step {
	CALL_RINGING = 1 << 0,  /* the caller got 180 */
	CALL_ANSWERED = 1 << 1, /* ... and 200; ACK and BYE are sent */
	CALL_INVITED = 1 << 2,  /* the callee got INVITE */
	CALL_ACKED = 1 << 3,
	CALL_BYE = 1 << 4,
};

/* The step happens for the first time; a second time it is a duplicate. */
static bool
reach(struct worker *w, struct op *op, enum call_step step)
{
	if (op->step & step) {
		tally_count(&w->tally, TALLY_duplicates, 1);
		return false;
	}
	op->step |= (uint8_t)step;
	return true;
}

static void
note_time(struct worker *w, const struct op *op, enum tally_time time)
{
	if (operation_is_measured(w, op))
		tally_time(&w->tally, time, w->now_ns - op->start_ns);
}

/* ---- the caller ---- */

/* The route set of a caller: Record-Route from the last to the first. */
static void
put_routes(struct writer *out, const struct sip_msg *m)
{
	struct sip_value_iter it = { 0 };
	struct span routes[ROUTES_MAX];
	uint32_t n = 0;

	while (sip_value_next(m, SIP_FIELD_RECORD_ROUTE, &it) && n < ROUTES_MAX)
		routes[n++] = it.value;
	while (n--) {
		writer_put(out, SPAN("Route: "));
		writer_put(out, routes[n]);
		writer_put(out, SPAN("\r\n"));
	}
}

/* The URI in the Contact of the 200; empty: there is none. */
static struct span
remote_target(const struct sip_msg *m)
{
	struct span value = sip_msg_value(m, SIP_FIELD_CONTACT);
	const char *open = value.len ? memchr(value.at, '<', value.len) : NULL;
	const char *close = open ? memchr(open, '>', (size_t)(span_end(value) - open)) : NULL;

	return close ? span_of(open + 1, (size_t)(close - open - 1)) : span_of(NULL, 0);
}

/* ---- what a call keeps ---- */

/*
 * Until the answer: the credentials of the INVITE. From then on, where challenges are answered at
 * all: the remote target and the Route lines, for a BYE that has to be sent again.
 */
struct call_kept {
	uint32_t target_len, fields_len;
	char text[];
};

static bool
keep(struct op *op, struct span target, struct span fields)
{
	struct call_kept *k = malloc(sizeof(*k) + target.len + fields.len);

	call_forget(op);
	if (!k)
		return false;
	k->target_len = (uint32_t)target.len;
	k->fields_len = (uint32_t)fields.len;
	if (target.len)
		memcpy(k->text, target.at, target.len);
	if (fields.len)
		memcpy(k->text + target.len, fields.at, fields.len);
	op->kept = k;
	return true;
}

static struct span
kept_target(const struct op *op)
{
	return span_of(op->kept->text, op->kept->target_len);
}

static struct span
kept_fields(const struct op *op)
{
	return op->kept ? span_of(op->kept->text + op->kept->target_len, op->kept->fields_len) :
			  span_of(NULL, 0);
}

bool
call_keep_credentials(struct op *op, struct span credentials)
{
	call_forget(op);
	return !credentials.len || keep(op, span_of(NULL, 0), credentials);
}

void
call_forget(struct op *op)
{
	free(op->kept);
	op->kept = NULL;
}

/* ---- the caller's requests ---- */

/* In the dialog: to the remote target, by its routes. `more` are other fields. */
static bool
send_in_dialog(struct worker *w, struct client *c, struct operation_request *r, struct span target)
{
	char text[FIELDS_MAX];
	struct writer start = writer_over(text, sizeof(text));
	enum sip_method method = (enum sip_method)r->exchange->method;
	struct session_fields learned = { .credentials = { NULL, 0 } };

	writer_put(&start, sip_method_name(method));
	writer_put(&start, SPAN(" "));
	writer_put(&start, target);
	writer_put(&start, SPAN(" SIP/2.0\r\n"));
	if (start.full)
		return false;
	r->start_line = writer_text(&start);
	if (method != SIP_METHOD_ACK && c->session) {
		session_put(w, c, method, text, &learned);
		r->more_fields = learned.credentials;
	}
	return operation_send(w, c, r);
}

static bool
send_bye(struct worker *w, struct client *c, const struct exchange_id *id, struct span target,
	 struct span routes)
{
	const struct exchange *x = &w->plan->bye;
	struct operation_request r = { .exchange = x,
				       .digits = operation_digits(w, c, x, id),
				       .fields = routes };

	return send_in_dialog(w, c, &r, target);
}

static void
answered(struct worker *w, struct client *c, const struct call_answer *a)
{
	struct op *op = &c->ops[a->id->entry];
	struct span target = remote_target(&w->msg);
	struct exchange_id id = *a->id;
	char text[FIELDS_MAX];
	struct writer routes = writer_over(text, sizeof(text));
	struct operation_request ack = { .exchange = &w->plan->ack,
					 .digits = *a->digits,
					 .more_fields = kept_fields(op) };

	note_time(w, op, TALLY_TIME_answer);
	op->bye_ns = w->now_ns;
	put_routes(&routes, &w->msg);
	if (!target.len || routes.full) {
		operation_count_wrong(w, target.len ? "Record-Route" : "Contact");
		return;
	}
	ack.fields = writer_text(&routes);
	id.attempt = op->bye_attempt;
	if (!send_in_dialog(w, c, &ack, target))
		return;
	if (w->plan->options.password[0] && !keep(op, target, writer_text(&routes)))
		client_abandon(w, c);
	else
		send_bye(w, c, &id, target, writer_text(&routes));
}

/*
 * Whoever refuses an INVITE gets an ACK, which belongs to the INVITE's transaction (RFC 3261
 * §17.1.1.3): its Request-URI, Via, From, Call-ID and routes, and the response's To.
 */
static void
acknowledge_refusal(struct worker *w, struct client *c, const struct template_digits *digits)
{
	const struct exchange *x = &w->plan->requests[SCENARIO_CALL];
	const char *invite = w->scratch, *uri = strchr(invite, ' ');
	struct span to = sip_msg_value(&w->msg, SIP_FIELD_TO);
	uint32_t max = x->request.len + (uint32_t)to.len + SESSION_TEXT_MAX;
	char *at = client_begin_message(w, c, max);
	struct writer out = writer_over(at, max);
	struct session_fields learned;

	if (!at) {
		client_abandon(w, c);
		return;
	}
	session_put(w, c, SIP_METHOD_ACK, invite, &learned);
	writer_put(&out, SPAN("ACK"));
	writer_put(&out, span_of(uri, (size_t)(strchr(uri, '\n') + 1 - uri)));
	writer_put(&out, learned.routes);
	writer_put(&out, SPAN("Via: "));
	writer_put(&out, span_of(invite + x->via.off, x->branch.off + x->branch.len - x->via.off));
	writer_put(&out, SPAN("\r\nMax-Forwards: 70\r\nTo: "));
	writer_put(&out, to);
	writer_put(&out, SPAN("\r\nFrom: "));
	writer_put(&out, span_of(invite + x->from.off, x->from.len));
	writer_put(&out, SPAN("\r\nCall-ID: "));
	writer_put(&out, span_of(invite + x->call_id.off, x->call_id.len));
	writer_put(&out, SPAN("\r\nCSeq: "));
	writer_put_byte(&out, digits->attempt);
	writer_put(&out, SPAN(" ACK\r\nContent-Length: 0\r\n\r\n"));
	assert(!out.full);
	client_end_message(w, c, max, (uint32_t)out.len, WS_OP_TEXT);
}

/* ---- the caller's answers ---- */

static bool
is_bye_retried(struct worker *w, struct client *c, const struct exchange_id *id)
{
	struct op *op = &c->ops[id->entry];
	struct exchange_id again = *id;

	if (!op->kept || op->bye_attempt == SESSION_ATTEMPTS || !session_challenged(w, c))
		return false;
	again.attempt = ++op->bye_attempt;
	return send_bye(w, c, &again, kept_target(op), kept_fields(op));
}

static void
refused(struct worker *w, struct client *c, const struct call_answer *a)
{
	if (w->msg.method == SIP_METHOD_INVITE) {
		acknowledge_refusal(w, c, a->digits);
		if (operation_is_retried(w, c, a->id))
			return;
	} else if (is_bye_retried(w, c, a->id)) {
		return;
	}
	operation_count_wrong(w, a->wrong ? a->wrong : "status");
	operation_finish(w, c, a->id->entry);
}

static void
ended(struct worker *w, struct client *c, uint16_t entry)
{
	struct op *op = &c->ops[entry];
	uint8_t all = CALL_ANSWERED | CALL_INVITED | CALL_ACKED | CALL_BYE;

	if (operation_is_measured(w, op))
		tally_time(&w->tally, TALLY_TIME_bye, w->now_ns - op->bye_ns);
	if ((op->step & all) != all)
		operation_count_wrong(w, "a step that was left out");
	operation_finish(w, c, entry);
}

void
call_take_response(struct worker *w, struct client *c, const struct call_answer *a)
{
	struct op *op = &c->ops[a->id->entry];

	if (w->msg.status >= 300) {
		refused(w, c, a);
		return;
	}
	if (a->wrong)
		operation_count_wrong(w, a->wrong);
	if (w->msg.method == SIP_METHOD_BYE) {
		if (w->msg.status >= 200)
			ended(w, c, a->id->entry);
	} else if (w->msg.status >= 200) {
		if (reach(w, op, CALL_ANSWERED))
			answered(w, c, a);
	} else if (w->msg.status == 180 && reach(w, op, CALL_RINGING)) {
		note_time(w, op, TALLY_TIME_pdd);
	}
}

/* ---- the callee ---- */

/* Record-Route goes into the dialog as it came (RFC 3261 §12.1.1). */
static void
put_record_routes(struct writer *out, const struct sip_msg *m)
{
	const struct sip_field *f = sip_msg_field(m, SIP_FIELD_RECORD_ROUTE);

	for (; f; f = sip_msg_next(m, f))
		writer_put(out, span_of(m->base + f->name_off, f->end - f->name_off));
}

static void
answer(struct worker *w, struct client *c, const struct template_digits *digits)
{
	struct sip_reply reply = { .status = 180, .to_tag = span_of(digits->peer, 8) };
	char text[FIELDS_MAX], contact[128];
	struct writer fields = writer_over(text, sizeof(text));
	int n = snprintf(contact, sizeof(contact),
			 "Contact: <sip:w%.8s@%.16s.invalid;transport=ws>\r\n", digits->peer,
			 digits->peer_token);

	put_record_routes(&fields, &w->msg);
	writer_put(&fields, span_of(contact, (size_t)n));
	reply.fields = writer_text(&fields);
	message_answer(w, c, &reply);
	writer_put(&fields, SPAN("Content-Type: application/sdp\r\n"));
	reply.status = 200;
	reply.fields = writer_text(&fields);
	reply.body = w->plan->requests[SCENARIO_CALL].answer_body;
	if (fields.full)
		client_abandon(w, c);
	else if (c->state == CLIENT_OPEN)
		message_answer(w, c, &reply);
}

void
call_take_request(struct worker *w, struct client *c, struct op *op,
		  const struct template_digits *digits)
{
	switch (w->msg.method) {
	case SIP_METHOD_INVITE:
		if (reach(w, op, CALL_INVITED))
			answer(w, c, digits);
		break;
	case SIP_METHOD_ACK:
		reach(w, op, CALL_ACKED);
		break;
	default: /* BYE: plan_exchange() knows no more */
		if (reach(w, op, CALL_BYE))
			message_answer(w, c,
				       &(struct sip_reply){ .status = 200,
							    .to_tag = span_of(digits->peer, 8) });
	}
}
