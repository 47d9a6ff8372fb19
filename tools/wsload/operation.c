/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/operation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "codec/sip_reply.h"
#include "tools/wsload/worker.h"

#define REPLY_MORE 256u /* bytes that a reply has beyond what it copies of the request */
#define CSEQ_FIRST UINT64_C(1000000000)

void
operation_init(struct worker *w, struct client *c)
{
	uint32_t depth = w->plan->options.depth;

	for (uint32_t i = 0; i < depth; i++)
		c->ops[i].next_free = i + 1 < depth ? (uint16_t)(i + 1) : CLIENT_OP_NONE;
	c->free = operation_starts(w, c) ? 0 : CLIENT_OP_NONE;
}

bool
operation_starts(const struct worker *w, const struct client *c)
{
	const struct scenario *s = w->plan->options.scenario;

	return !s->idles && !(s->pairs && c->number % 2);
}

/* ---- sending ---- */

static struct template_digits
digits_of(const struct client *c, const struct exchange *x, uint16_t entry, uint32_t serial)
{
	struct template_digits d;

	template_digits_client(d.client, c->number);
	template_digits_client(d.peer, c->number ^ 1);
	template_digits_op(d.op, entry, serial);
	if (x->request.counts)
		template_digits_cseq(d.cseq, CSEQ_FIRST + serial);
	return d;
}

static bool
send_request(struct worker *w, struct client *c, const struct exchange *x,
	     const struct template_digits *digits)
{
	char *out = client_begin_message(w, c, x->request.len);

	if (!out)
		return false;
	template_write(&x->request, digits, out);
	client_end_message(w, c, x->request.len, x->request.len, WS_OP_TEXT);
	return true;
}

static void
start_request(struct worker *w, struct client *c, uint16_t entry)
{
	struct template_digits digits =
		digits_of(c, &w->plan->request, entry, c->ops[entry].serial);

	if (!send_request(w, c, &w->plan->request, &digits))
		client_abandon(w, c);
}

void
operation_begin(struct worker *w, struct client *c, uint64_t start_ns)
{
	uint16_t entry = c->free;
	struct op *op = &c->ops[entry];

	assert(entry != CLIENT_OP_NONE);
	c->free = op->next_free;
	op->busy = true;
	op->serial++;
	op->start_ns = start_ns;
	c->busy++;
	w->busy++;
	if (!w->plan->options.scenario->churns)
		start_request(w, c, entry);
	else if (!client_open(w, c))
		operation_expire(w, c, true);
}

void
operation_register(struct worker *w, struct client *c)
{
	struct template_digits digits =
		digits_of(c, &w->plan->registration, CLIENT_REGISTER_ENTRY, 0);

	if (!send_request(w, c, &w->plan->registration, &digits))
		client_abandon(w, c);
}

void
operation_opened(struct worker *w, struct client *c)
{
	start_request(w, c, 0);
}

/* ---- ending ---- */

static bool
is_measured(const struct worker *w, const struct op *op)
{
	uint64_t at = w->plan->options.rate > 0 ? op->start_ns : w->now_ns;

	return at >= w->measure_ns && at < w->end_ns;
}

static void
release(struct worker *w, struct client *c, uint16_t entry)
{
	struct op *op = &c->ops[entry];

	op->busy = false;
	op->next_free = c->free;
	c->free = entry;
	c->busy--;
	w->busy--;
}

/* And, in a closed loop, start the next. */
static void
finish(struct worker *w, struct client *c, uint16_t entry)
{
	struct op *op = &c->ops[entry];

	if (is_measured(w, op)) {
		tally_time(&w->tally, TALLY_TIME_operation, w->now_ns - op->start_ns);
		tally_count(&w->tally, TALLY_operations, 1);
	}
	release(w, c, entry);
	if (w->plan->options.scenario->churns)
		return;
	if (w->plan->options.rate > 0)
		worker_put_ready(w, c);
	else if (w->now_ns < w->end_ns)
		operation_begin(w, c, w->now_ns);
}

void
operation_closed(struct worker *w, struct client *c)
{
	if (c->busy && w->plan->options.scenario->churns)
		finish(w, c, 0);
}

static void
remember_lost(struct worker *w, const struct client *c, uint16_t entry)
{
	if (w->lost_len < WORKER_LOST_MAX)
		w->lost[w->lost_len++] =
			(struct exchange_id){ c->number, entry, c->ops[entry].serial };
}

static bool
was_lost(const struct worker *w, const struct exchange_id *id)
{
	for (uint32_t i = 0; i < w->lost_len; i++)
		if (w->lost[i].client == id->client && w->lost[i].entry == id->entry &&
		    w->lost[i].serial == id->serial)
			return true;
	return false;
}

void
operation_expire(struct worker *w, struct client *c, bool all)
{
	const struct options *o = &w->plan->options;

	for (uint32_t i = 0; c->busy && i < o->depth; i++) {
		struct op *op = &c->ops[i];

		if (!op->busy || (!all && w->now_ns - op->start_ns < o->timeout_ns))
			continue;
		tally_count(&w->tally, TALLY_lost, 1);
		remember_lost(w, c, (uint16_t)i);
		release(w, c, (uint16_t)i);
		if (all || o->scenario->churns)
			continue;
		if (o->rate > 0)
			worker_put_ready(w, c);
		else if (w->now_ns < w->end_ns)
			operation_begin(w, c, w->now_ns);
	}
}

/* ---- messages ---- */

/* The number names an operation of this client that is under way; otherwise count what it is. */
static bool
is_awaited(struct worker *w, const struct client *c, const struct exchange_id *id)
{
	const struct op *op;

	if (id->client != c->number || id->entry >= w->plan->options.depth) {
		tally_count(&w->tally, TALLY_misrouted, 1);
		return false;
	}
	op = &c->ops[id->entry];
	if (op->busy && op->serial == id->serial)
		return true;
	tally_count(&w->tally, was_lost(w, id) ? TALLY_late : TALLY_duplicates, 1);
	return false;
}

/* The first one is kept as it came, so that it can be looked at. */
static void
note_wrong(struct worker *w, const char *field)
{
	if (!w->note[0])
		snprintf(w->note, sizeof(w->note), "%s of:\n%.*s", field, (int)w->msg.len,
			 w->msg.base);
}

static void
count_wrong(struct worker *w, const char *field)
{
	note_wrong(w, field);
	tally_count(&w->tally, strcmp(field, "status") == 0 ? TALLY_refused : TALLY_wrong, 1);
}

static void
take_registration(struct worker *w, struct client *c)
{
	const struct exchange *x = &w->plan->registration;
	struct template_digits digits =
		digits_of(c, &w->plan->registration, CLIENT_REGISTER_ENTRY, 0);
	const char *wrong;

	template_write(&x->request, &digits, w->scratch);
	if (w->msg.status < 200)
		return;
	wrong = exchange_check_response(x, &w->msg, w->scratch, &digits);
	if (wrong) {
		note_wrong(w, wrong);
		tally_count(&w->tally, TALLY_register_failed, 1);
		client_abandon(w, c);
		return;
	}
	tally_time(&w->tally, TALLY_TIME_register, w->now_ns - c->since_ns);
	tally_count(&w->tally, TALLY_registered, 1);
	c->state = CLIENT_OPEN;
	worker_opened(w, c);
}

static void
take_response(struct worker *w, struct client *c)
{
	const struct exchange *x = &w->plan->request;
	struct template_digits digits;
	struct exchange_id id;
	const char *wrong;

	if (!exchange_identify_response(x, &w->msg, &id)) {
		tally_count(&w->tally, TALLY_wrong, 1);
		return;
	}
	if (id.entry == CLIENT_REGISTER_ENTRY && id.client == c->number) {
		if (c->state == CLIENT_REGISTERING)
			take_registration(w, c);
		else
			tally_count(&w->tally, TALLY_duplicates, 1);
		return;
	}
	if (!is_awaited(w, c, &id) || w->msg.status < 200)
		return;
	digits = digits_of(c, x, id.entry, id.serial);
	template_write(&x->request, &digits, w->scratch);
	wrong = exchange_check_response(x, &w->msg, w->scratch, &digits);
	if (wrong)
		count_wrong(w, wrong);
	if (w->plan->options.scenario->churns)
		client_close(w, c);
	else
		finish(w, c, id.entry);
}

static void
answer(struct worker *w, struct client *c, const struct template_digits *digits)
{
	struct sip_reply reply = { .status = 200 };
	uint32_t max = w->msg.len + REPLY_MORE;
	char *at = client_begin_message(w, c, max);
	struct writer out = writer_over(at, max);

	reply.to_tag = span_of(digits->peer, sizeof(digits->peer));
	if (at && sip_reply_write(&out, &w->msg, &reply))
		client_end_message(w, c, max, (uint32_t)out.len, WS_OP_TEXT);
	else
		client_abandon(w, c);
}

static void
take_request(struct worker *w, struct client *c)
{
	const struct exchange *x = &w->plan->request;
	struct template_digits digits;
	struct exchange_id id;
	struct client *from;
	const char *wrong;

	if (!exchange_identify_request(x, &w->msg, &id) || (id.client ^ 1) != c->number) {
		tally_count(&w->tally, TALLY_misrouted, 1);
		return;
	}
	from = worker_client(w, id.client);
	if (!from || !is_awaited(w, from, &id))
		return;
	digits = digits_of(from, x, id.entry, id.serial);
	template_write(&x->request, &digits, w->scratch);
	wrong = exchange_check_request(x, &w->msg, w->scratch, &digits);
	if (wrong)
		count_wrong(w, wrong);
	if (is_measured(w, &from->ops[id.entry]))
		tally_time(&w->tally, TALLY_TIME_delivery,
			   w->now_ns - from->ops[id.entry].start_ns);
	answer(w, c, &digits);
}

/* What is behind the number is the same in every message. */
static void
take_raw(struct worker *w, struct client *c, struct span bytes)
{
	const struct template *t = &w->plan->request.request;
	struct exchange_id id;

	if (!exchange_identify_raw(bytes, &id)) {
		tally_count(&w->tally, TALLY_wrong, 1);
		return;
	}
	if (!is_awaited(w, c, &id))
		return;
	if (bytes.len != t->len ||
	    memcmp(bytes.at + EXCHANGE_RAW_ID_LEN, t->bytes + EXCHANGE_RAW_ID_LEN,
		   t->len - EXCHANGE_RAW_ID_LEN) != 0)
		tally_count(&w->tally, TALLY_wrong, 1);
	finish(w, c, id.entry);
}

void
operation_message(struct worker *w, struct client *c, struct span bytes)
{
	tally_count(&w->tally, TALLY_messages_received, 1);
	if (!w->plan->options.scenario->head) {
		take_raw(w, c, bytes);
		return;
	}
	if (sip_keepalive((const uint8_t *)bytes.at, bytes.len) != SIP_KEEPALIVE_NOT)
		return;
	if (sip_msg_parse(&w->msg, bytes.at, bytes.len) != SIP_OK)
		tally_count(&w->tally, TALLY_wrong, 1);
	else if (w->msg.request)
		take_request(w, c);
	else
		take_response(w, c);
}
