/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/call.h"

#include <stdio.h>
#include <string.h>
#include "codec/sip_addr.h"
#include "codec/sip_reply.h"
#include "tools/wsload/message.h"
#include "tools/wsload/operation.h"
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

static bool
send_in_dialog(struct worker *w, struct client *c, const struct exchange *x,
	       const struct template_digits *digits)
{
	char text[2 * FIELDS_MAX];
	struct writer start = writer_over(text, FIELDS_MAX);
	struct writer fields = writer_over(text + FIELDS_MAX, FIELDS_MAX);

	writer_put(&start, sip_method_name((enum sip_method)x->method));
	writer_put(&start, SPAN(" "));
	writer_put(&start, remote_target(&w->msg));
	writer_put(&start, SPAN(" SIP/2.0\r\n"));
	put_routes(&fields, &w->msg);
	return !start.full && !fields.full &&
	       operation_send(w, c,
			      &(struct operation_request){ .exchange = x,
							   .digits = *digits,
							   .start_line = writer_text(&start),
							   .fields = writer_text(&fields) });
}

static void
answered(struct worker *w, struct client *c, struct op *op, const struct template_digits *digits)
{
	note_time(w, op, TALLY_TIME_answer);
	op->bye_ns = w->now_ns;
	if (!remote_target(&w->msg).len)
		operation_count_wrong(w, "Contact");
	else if (send_in_dialog(w, c, &w->plan->ack, digits))
		send_in_dialog(w, c, &w->plan->bye, digits);
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
call_take_response(struct worker *w, struct client *c, const struct exchange_id *id,
		   const struct template_digits *digits)
{
	struct op *op = &c->ops[id->entry];
	bool invite = w->msg.method == SIP_METHOD_INVITE;

	if (w->msg.status >= 300) {
		operation_finish(w, c, id->entry);
	} else if (!invite) {
		if (w->msg.status >= 200)
			ended(w, c, id->entry);
	} else if (w->msg.status >= 200) {
		if (reach(w, op, CALL_ANSWERED))
			answered(w, c, op, digits);
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
			 "Contact: <sip:w%.8s@c%.8s.invalid;transport=ws>\r\n", digits->peer,
			 digits->peer);

	put_record_routes(&fields, &w->msg);
	writer_put(&fields, span_of(contact, (size_t)n));
	reply.fields = writer_text(&fields);
	message_answer(w, c, &reply);
	writer_put(&fields, SPAN("Content-Type: application/sdp\r\n"));
	reply.status = 200;
	reply.fields = writer_text(&fields);
	reply.body = w->plan->request.answer_body;
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
