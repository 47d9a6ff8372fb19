/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/message.h"

#include <string.h>
#include "codec/sip_reply.h"
#include "tools/wsload/call.h"
#include "tools/wsload/keepalive.h"
#include "tools/wsload/operation.h"
#include "tools/wsload/registration.h"
#include "tools/wsload/session.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

#define REPLY_MORE 256u /* bytes that a reply has beyond what it copies of the request */

/* ---- responses ---- */

/* Is this exchange one of such an operation? */
static bool
belongs(const struct plan *p, const struct exchange *x, const struct op *op)
{
	return x == &p->requests[op->kind] || (op->kind == SCENARIO_CALL && x == &p->bye);
}

static uint8_t
attempt_of(const struct op *op, const struct sip_msg *m)
{
	return m->method == SIP_METHOD_BYE ? op->bye_attempt : op->attempt;
}

/* Of anything but a call. */
static void
take_answer(struct worker *w, struct client *c, const struct exchange_id *id, const char *wrong)
{
	if (w->msg.status < 200)
		return;
	if (wrong && strcmp(wrong, "status") == 0 && operation_is_retried(w, c, id))
		return;
	if (wrong)
		operation_count_wrong(w, wrong);
	else if (w->msg.method == SIP_METHOD_REGISTER)
		session_registered(w, c);
	if (w->plan->options.scenario->churns)
		client_close(w, c);
	else
		operation_finish(w, c, id->entry);
}

static void
take_response(struct worker *w, struct client *c)
{
	const struct exchange *x = plan_exchange(w->plan, w->msg.method);
	struct template_digits digits;
	struct exchange_id id;
	const struct op *op;
	const char *wrong;

	if (!x || !exchange_identify_response(x, &w->msg, &id)) {
		operation_count_wrong(w, "branch");
		return;
	}
	if (id.entry == CLIENT_REGISTER_ENTRY && id.client == c->number) {
		registration_take(w, c, id.serial);
		return;
	}
	if (!operation_is_awaited(w, c, &id))
		return;
	op = &c->ops[id.entry];
	if (!belongs(w->plan, x, op)) {
		operation_count_wrong(w, "CSeq");
		return;
	}
	if (id.attempt != attempt_of(op, &w->msg)) {
		tally_count(&w->tally, TALLY_duplicates, 1);
		return;
	}
	digits = operation_digits(w, c, x, &id);
	template_write(&x->request, &digits, w->scratch);
	wrong = exchange_check_response(x, &w->msg, w->scratch, &digits);
	if (op->kind == SCENARIO_CALL)
		call_take_response(w, c, &(struct call_answer){ &id, &digits, wrong });
	else
		take_answer(w, c, &id, wrong);
}

/* ---- requests ---- */

void
message_answer(struct worker *w, struct client *c, const struct sip_reply *reply)
{
	uint32_t max = w->msg.len + REPLY_MORE + (uint32_t)(reply->fields.len + reply->body.len);
	char *at = client_begin_message(w, c, max);
	struct writer out = writer_over(at, max);

	if (at && sip_reply_write(&out, &w->msg, reply))
		client_end_message(w, c, max, (uint32_t)out.len, WS_OP_TEXT);
	else
		client_abandon(w, c);
}

static void
take_request(struct worker *w, struct client *c)
{
	const struct exchange *x = plan_exchange(w->plan, w->msg.method);
	struct template_digits digits;
	struct exchange_id id;
	struct client *from;
	const char *wrong;
	struct op *op;

	if (!x || !exchange_identify_request(x, &w->msg, &id) || (id.client ^ 1) != c->number) {
		tally_count(&w->tally, TALLY_misrouted, 1);
		return;
	}
	from = worker_client(w, id.client);
	if (!from || !operation_is_awaited(w, from, &id))
		return;
	op = &from->ops[id.entry];
	id.attempt = attempt_of(op, &w->msg);
	digits = operation_digits(w, from, x, &id);
	template_write(&x->request, &digits, w->scratch);
	wrong = exchange_check_request(x, &w->msg, w->scratch, &digits);
	if (wrong)
		operation_count_wrong(w, wrong);
	if (x != &w->plan->requests[SCENARIO_MESSAGE]) {
		call_take_request(w, c, op, &digits);
		return;
	}
	if (operation_is_measured(w, op))
		tally_time(&w->tally, TALLY_TIME_delivery, w->now_ns - op->start_ns);
	message_answer(w, c,
		       &(struct sip_reply){ .status = 200, .to_tag = span_of(digits.peer, 8) });
}

/* ---- anything else ---- */

/* What is behind the number is the same in every message. */
static void
take_raw(struct worker *w, struct client *c, struct span bytes)
{
	const struct template *t = &w->plan->requests[SCENARIO_ECHO].request;
	struct exchange_id id;

	if (!exchange_identify_raw(bytes, &id)) {
		tally_count(&w->tally, TALLY_wrong, 1);
		return;
	}
	if (!operation_is_awaited(w, c, &id))
		return;
	if (bytes.len != t->len ||
	    memcmp(bytes.at + EXCHANGE_RAW_ID_LEN, t->bytes + EXCHANGE_RAW_ID_LEN,
		   t->len - EXCHANGE_RAW_ID_LEN) != 0)
		tally_count(&w->tally, TALLY_wrong, 1);
	operation_finish(w, c, id.entry);
}

void
message_take(struct worker *w, struct client *c, struct span bytes)
{
	tally_count(&w->tally, TALLY_messages_received, 1);
	if (w->plan->options.scenario->kind == SCENARIO_ECHO) {
		take_raw(w, c, bytes);
		return;
	}
	if (sip_keepalive((const uint8_t *)bytes.at, bytes.len) != SIP_KEEPALIVE_NOT) {
		keepalive_take_crlf(w, c);
		return;
	}
	if (w->sipp && c->state != CLIENT_REGISTERING) {
		sipp_run_take(w->sipp, bytes,
			      &(struct sipp_peer){ .client = c, .local_port = c->local_port });
		return;
	}
	if (sip_msg_parse(&w->msg, bytes.at, bytes.len) != SIP_OK)
		operation_count_wrong(w, "syntax");
	else if (w->msg.request)
		take_request(w, c);
	else
		take_response(w, c);
}
