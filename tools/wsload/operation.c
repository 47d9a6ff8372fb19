/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/operation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "tools/wsload/call.h"
#include "tools/wsload/session.h"
#include "tools/wsload/worker.h"

#define CSEQ_FIRST UINT64_C(1000000000) /* ten digits, and 10^9 more are below 2^31 */

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

	return !s->idles && (s->mixes || !(s->pairs && c->number % 2));
}

/* ---- sending ---- */

struct template_digits
operation_digits(const struct worker *w, const struct client *c, const struct exchange *x,
		 const struct exchange_id *id)
{
	struct template_digits d;

	template_digits_client(d.client, c->number);
	template_digits_client(d.peer, c->number ^ 1);
	template_digits_op(d.op, id->entry, id->serial);
	d.attempt = (char)('0' + id->attempt);
	if (x->request.has_tokens) {
		template_digits_token(d.token, w->plan->token_key, c->number);
		if (x->from_peer)
			template_digits_token(d.peer_token, w->plan->token_key, c->number ^ 1);
	}
	if (x->request.counts)
		template_digits_cseq(d.cseq, CSEQ_FIRST + (id->entry == CLIENT_REGISTER_ENTRY ?
								   id->serial :
								   c->ops[id->entry].cseq));
	return d;
}

/* The template's text, with another start line or more fields behind it. */
static size_t
insert_fields(char *out, struct span text, const struct operation_request *r)
{
	size_t start = (size_t)((const char *)memchr(text.at, '\n', text.len) - text.at) + 1;
	struct span first = r->start_line.len ? r->start_line : span_of(text.at, start);
	struct writer w =
		writer_over(out, text.len + r->start_line.len + r->fields.len + r->more_fields.len);

	writer_put(&w, first);
	writer_put(&w, r->fields);
	writer_put(&w, r->more_fields);
	writer_put(&w, span_of(text.at + start, text.len - start));
	return w.len;
}

bool
operation_send(struct worker *w, struct client *c, const struct operation_request *r)
{
	const struct template *t = &r->exchange->request;
	uint32_t more = (uint32_t)(r->start_line.len + r->fields.len + r->more_fields.len);
	uint32_t len = t->len + more;
	char *out = client_begin_message(w, c, len);

	if (!out) {
		client_abandon(w, c);
		return false;
	}
	if (!more) {
		template_write(t, &r->digits, out);
	} else {
		template_write(t, &r->digits, w->scratch);
		len = (uint32_t)insert_fields(out, span_of(w->scratch, t->len), r);
	}
	client_end_message(w, c, t->len + more, len, WS_OP_TEXT);
	return true;
}

/* With what the client has learned from the server. */
static void
send_learned(struct worker *w, struct client *c, struct op *op, struct operation_request *r)
{
	struct session_fields learned;

	template_write(&r->exchange->request, &r->digits, w->scratch);
	session_put(w, c, (enum sip_method)r->exchange->method, w->scratch, &learned);
	r->fields = learned.routes;
	r->more_fields = learned.credentials;
	if (op->kind != SCENARIO_CALL || call_keep_credentials(op, learned.credentials))
		operation_send(w, c, r);
	else
		client_abandon(w, c);
}

static void
start_request(struct worker *w, struct client *c, uint16_t entry)
{
	struct op *op = &c->ops[entry];
	const struct exchange *x = &w->plan->requests[op->kind];
	struct operation_request r = { .exchange = x };

	if (x->request.counts)
		op->cseq = ++c->cseq;
	r.digits = operation_digits(
		w, c, x, &(struct exchange_id){ c->number, entry, op->serial, op->attempt });
	if (c->session)
		send_learned(w, c, op, &r);
	else
		operation_send(w, c, &r);
}

bool
operation_is_retried(struct worker *w, struct client *c, const struct exchange_id *id)
{
	struct op *op = &c->ops[id->entry];

	if (id->attempt != op->attempt || id->attempt == SESSION_ATTEMPTS ||
	    !session_challenged(w, c))
		return false;
	op->attempt++;
	start_request(w, c, id->entry);
	return true;
}

/* By the weights of the mix. */
static enum scenario_kind
kind_of_next(struct worker *w)
{
	const struct options *o = &w->plan->options;
	uint64_t n, sum = 0;
	int kind = 0;

	if (!o->scenario->mixes)
		return o->scenario->kind;
	for (int i = 0; i < SCENARIO_KINDS; i++)
		sum += o->mix[i];
	for (n = random_below(&w->random, sum); n >= o->mix[kind]; kind++)
		n -= o->mix[kind];
	return (enum scenario_kind)kind;
}

void
operation_begin(struct worker *w, struct client *c, uint64_t start_ns)
{
	uint16_t entry = c->free;
	struct op *op = &c->ops[entry];

	assert(entry != CLIENT_OP_NONE);
	c->free = op->next_free;
	op->busy = true;
	op->step = 0;
	op->attempt = op->bye_attempt = 1;
	op->kind = (uint8_t)kind_of_next(w);
	op->serial++;
	op->start_ns = start_ns;
	c->busy++;
	w->busy++;
	if (op->kind == SCENARIO_CALL && start_ns >= w->measure_ns && start_ns < w->end_ns)
		tally_count(&w->tally, TALLY_sessions_attempted, 1);
	if (w->plan->options.scenario->storms)
		client_break(w, c);
	else if (!w->plan->options.scenario->churns)
		start_request(w, c, entry);
	else if (!client_open(w, c))
		operation_expire(w, c, true);
}

void
operation_opened(struct worker *w, struct client *c)
{
	start_request(w, c, 0);
}

/* ---- ending ---- */

bool
operation_is_measured(const struct worker *w, const struct op *op)
{
	const struct options *o = &w->plan->options;
	uint64_t at = o->rate > 0 || o->scenario->storms ? op->start_ns : w->now_ns;

	return at >= w->measure_ns && at < w->end_ns;
}

static void
release(struct worker *w, struct client *c, uint16_t entry)
{
	struct op *op = &c->ops[entry];

	call_forget(op);
	op->busy = false;
	op->next_free = c->free;
	c->free = entry;
	c->busy--;
	w->busy--;
}

static enum tally_time
time_of(enum scenario_kind kind)
{
	static const enum tally_time times[] = {
		[SCENARIO_OPTIONS] = TALLY_TIME_options,
		[SCENARIO_REGISTER] = TALLY_TIME_refresh,
		[SCENARIO_MESSAGE] = TALLY_TIME_message,
		[SCENARIO_CALL] = TALLY_TIME_call,
	};

	return times[kind];
}

/* And, in a closed loop, start the next. */
void
operation_finish(struct worker *w, struct client *c, uint16_t entry)
{
	struct op *op = &c->ops[entry];

	const struct scenario *s = w->plan->options.scenario;

	if (operation_is_measured(w, op)) {
		tally_time(&w->tally, TALLY_TIME_operation, w->now_ns - op->start_ns);
		if (s->mixes)
			tally_time(&w->tally, time_of((enum scenario_kind)op->kind),
				   w->now_ns - op->start_ns);
		tally_count(&w->tally, TALLY_operations, 1);
	}
	release(w, c, entry);
	if (s->churns || s->storms || s->once)
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
		operation_finish(w, c, 0);
}

static void
remember_lost(struct worker *w, const struct client *c, uint16_t entry)
{
	if (w->lost_len < WORKER_LOST_MAX)
		w->lost[w->lost_len++] =
			(struct exchange_id){ c->number, entry, c->ops[entry].serial, 1 };
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
		if (all || o->scenario->churns || o->scenario->once)
			continue;
		if (o->rate > 0)
			worker_put_ready(w, c);
		else if (w->now_ns < w->end_ns)
			operation_begin(w, c, w->now_ns);
	}
}

/* ---- what came ---- */

/* The number names an operation of this client that is under way; otherwise count what it is. */
bool
operation_is_awaited(struct worker *w, const struct client *c, const struct exchange_id *id)
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
void
operation_note(struct worker *w, const char *field)
{
	if (!w->note[0])
		snprintf(w->note, sizeof(w->note), "wrong %s in:\n%.*s", field, (int)w->msg.len,
			 w->msg.base);
}

void
operation_count_wrong(struct worker *w, const char *field)
{
	operation_note(w, field);
	tally_count(&w->tally, strcmp(field, "status") == 0 ? TALLY_refused : TALLY_wrong, 1);
}
