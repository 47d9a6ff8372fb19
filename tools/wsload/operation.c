/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/operation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "tools/wsload/registration.h"
#include "tools/wsload/worker.h"

#define CSEQ_FIRST UINT64_C(1000000000) /* ten digits, and 10^9 more are below 2^31 */
#define CSEQ_ATTEMPTS 16u               /* those of the first REGISTER come before all refreshes */

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

struct template_digits
operation_digits(const struct client *c, const struct exchange *x, uint16_t entry, uint32_t serial)
{
	struct template_digits d;

	template_digits_client(d.client, c->number);
	template_digits_client(d.peer, c->number ^ 1);
	template_digits_op(d.op, entry, serial);
	if (x->request.counts)
		template_digits_cseq(d.cseq,
				     CSEQ_FIRST + serial +
					     (entry == CLIENT_REGISTER_ENTRY ? 0 : CSEQ_ATTEMPTS));
	return d;
}

/* The template's text, with another start line or more fields behind it. */
static size_t
insert_fields(char *out, struct span text, size_t start, const struct operation_request *r)
{
	struct span first = r->start_line.len ? r->start_line : span_of(text.at, start);
	struct writer w = writer_over(out, text.len + r->start_line.len + r->fields.len);

	writer_put(&w, first);
	writer_put(&w, r->fields);
	writer_put(&w, span_of(text.at + start, text.len - start));
	return w.len;
}

bool
operation_send(struct worker *w, struct client *c, const struct operation_request *r)
{
	const struct template *t = &r->exchange->request;
	struct span rest = span_of(t->bytes, 0);
	uint32_t len = t->len + (uint32_t)(r->start_line.len + r->fields.len), start = 0;
	char *out = client_begin_message(w, c, len);

	if (!out) {
		client_abandon(w, c);
		return false;
	}
	if (!r->start_line.len && !r->fields.len) {
		template_write(t, &r->digits, out);
	} else {
		template_write(t, &r->digits, w->scratch);
		rest = span_of(w->scratch, t->len);
		start = (uint32_t)((const char *)memchr(rest.at, '\n', rest.len) - rest.at) + 1;
		len = (uint32_t)insert_fields(out, rest, start, r);
	}
	client_end_message(w, c, t->len + (uint32_t)(r->start_line.len + r->fields.len), len,
			   WS_OP_TEXT);
	return true;
}

static void
start_request(struct worker *w, struct client *c, uint16_t entry)
{
	const struct exchange *x = &w->plan->request;
	struct operation_request r = {
		.exchange = x,
		.digits = operation_digits(c, x, entry, c->ops[entry].serial),
	};

	if (x->method == SIP_METHOD_REGISTER)
		registration_refresh(w, c, &r);
	else
		operation_send(w, c, &r);
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
operation_opened(struct worker *w, struct client *c)
{
	start_request(w, c, 0);
}

/* ---- ending ---- */

bool
operation_is_measured(const struct worker *w, const struct op *op)
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
void
operation_finish(struct worker *w, struct client *c, uint16_t entry)
{
	struct op *op = &c->ops[entry];

	if (operation_is_measured(w, op)) {
		tally_time(&w->tally, TALLY_TIME_operation, w->now_ns - op->start_ns);
		tally_count(&w->tally, TALLY_operations, 1);
	}
	release(w, c, entry);
	if (w->plan->options.scenario->churns || w->plan->options.scenario->once)
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
