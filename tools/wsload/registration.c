/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/registration.h"

#include <string.h>
#include "tools/wsload/operation.h"
#include "tools/wsload/session.h"
#include "tools/wsload/worker.h"

/* All of a client's have one Call-ID: CSeq is the number. */
static struct template_digits
digits_of(const struct worker *w, const struct client *c)
{
	return operation_digits(
		w, c, &w->plan->requests[SCENARIO_REGISTER],
		&(struct exchange_id){ c->number, CLIENT_REGISTER_ENTRY, c->cseq, c->attempt });
}

static void
send_one(struct worker *w, struct client *c)
{
	const struct exchange *x = &w->plan->requests[SCENARIO_REGISTER];
	struct session_fields learned;
	struct operation_request r = { .exchange = x };

	c->cseq++;
	r.digits = digits_of(w, c);
	template_write(&x->request, &r.digits, w->scratch);
	session_put(w, c, SIP_METHOD_REGISTER, w->scratch, &learned);
	r.fields = learned.credentials;
	operation_send(w, c, &r);
}

void
registration_begin(struct worker *w, struct client *c)
{
	c->attempt = 1;
	send_one(w, c);
}

static bool
is_retried(struct worker *w, struct client *c, const char *wrong)
{
	if (strcmp(wrong, "status") != 0 || c->attempt == SESSION_ATTEMPTS ||
	    !session_challenged(w, c))
		return false;
	c->attempt++;
	send_one(w, c);
	return true;
}

void
registration_take(struct worker *w, struct client *c, uint32_t serial)
{
	const struct exchange *x = &w->plan->requests[SCENARIO_REGISTER];
	struct template_digits digits;
	const char *wrong;

	if (c->state != CLIENT_REGISTERING || serial != c->cseq) {
		tally_count(&w->tally, TALLY_duplicates, 1);
		return;
	}
	if (w->msg.status < 200)
		return;
	digits = digits_of(w, c);
	template_write(&x->request, &digits, w->scratch);
	wrong = exchange_check_response(x, &w->msg, w->scratch, &digits);
	if (wrong && is_retried(w, c, wrong))
		return;
	if (wrong) {
		operation_note(w, wrong);
		client_fault(w, c, TALLY_register_failed);
		client_abandon(w, c);
		return;
	}
	session_registered(w, c);
	tally_time(&w->tally, TALLY_TIME_register, w->now_ns - c->since_ns);
	tally_count(&w->tally, TALLY_registered, 1);
	c->state = CLIENT_OPEN;
	worker_opened(w, c);
}
