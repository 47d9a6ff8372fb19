/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_call.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "codec/sip_cseq.h"
#include "engine/clock.h"
#include "tools/wsload/sipp_action.h"
#include "tools/wsload/sipp_expand.h"
#include "tools/wsload/sipp_hash.h"
#include "tools/wsload/sipp_header.h"
#include "tools/wsload/sipp_retransmit.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

#define STEPS_MAX 100000 /* without a wait: it is a loop that never ends */
#define PAUSE_MS_MAX 1e12

static void expired(struct sipp_call *c);

/* ---- life ---- */

static char *
make_id(const struct sipp_run *run, uint64_t number)
{
	char text[96];
	int len =
		snprintf(text, sizeof(text), "%" PRIu64 "-%d@%s", number, getpid(), run->local_ip);

	return sipp_text_copy(span_of(text, (size_t)len));
}

struct sipp_call *
sipp_call_new(struct sipp_run *run, uint64_t number, uint32_t user, struct span id)
{
	const struct sipp_scenario *s = run->scenario;
	struct sipp_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->run = run;
	c->program = &s->main;
	c->number = number;
	c->user = user;
	c->cseq = run->options->cseq;
	c->start_ns = run->worker->now_ns;
	c->id = id.at ? sipp_text_copy(id) : make_id(run, number);
	c->values = calloc(s->variables.len + 1, sizeof(*c->values));
	c->branches = calloc(s->transactions.len + 1, sizeof(*c->branches));
	if (!c->id || !c->values || !c->branches) {
		sipp_call_free(c);
		return NULL;
	}
	c->timer = (struct sipp_timer){ .call = c, .expired = expired };
	c->again = (struct sipp_timer){ .call = c, .expired = sipp_retransmit_expired };
	c->id_hash = sipp_hash(span_of(c->id, strlen(c->id)));
	for (int i = 0; i < SIPP_TIMERS_MAX; i++)
		c->rtd_ns[i] = c->start_ns;
	for (uint32_t i = 0; i < s->injections_len; i++)
		c->lines[i] = sipp_injection_take(&run->scenario->injections[i], user,
						  &run->worker->random);
	return c;
}

void
sipp_call_free(struct sipp_call *c)
{
	const struct sipp_scenario *s = c->run->scenario;

	for (uint32_t i = 0; c->values && i < s->variables.len; i++)
		sipp_value_clear(&c->values[i]);
	for (uint32_t i = 0; c->branches && i < s->transactions.len; i++)
		free(c->branches[i]);
	sipp_retransmit_free(c);
	sipp_text_free(&c->received);
	free(c->values);
	free(c->branches);
	free(c->id);
	free(c->peer_tag);
	free(c->routes);
	free(c->next_url);
	free(c->challenge);
	free(c);
}

struct sipp_value *
sipp_call_value(struct sipp_call *c, uint32_t variable)
{
	const struct sipp_variables *v = &c->run->scenario->variables;

	switch (v->at[variable].scope) {
	case SIPP_OF_ALL:
		return &c->run->globals[variable];
	case SIPP_OF_USER:
		return &c->run->user_values[(size_t)c->user * v->len + variable];
	case SIPP_OF_CALL:
		break;
	}
	return &c->values[variable];
}

/* ---- sending ---- */

bool
sipp_call_put(struct sipp_call *c, struct span message)
{
	if (sipp_transport_send(c->run->worker, &c->peer, message))
		return true;
	sipp_call_fail(c, TALLY_call_disconnected, "the connection is gone", true);
	return false;
}

/* Requests are remembered: responses have to be to one of them. */
static void
note_request(struct sipp_call *c, struct span message)
{
	struct sip_cseq cseq;
	struct sipp_sent sent;
	struct span value = sipp_header_value(message, SPAN("CSeq"));

	if ((message.len > 8 && memcmp(message.at, "SIP/2.0 ", 8) == 0) ||
	    sip_cseq_parse(value, &cseq) != SIP_OK)
		return;
	sent = (struct sipp_sent){ cseq.number, (uint8_t)sip_method_lookup(cseq.method) };
	if (sent.method == SIP_METHOD_INVITE) {
		c->invited = true;
		c->answered = false;
	}
	c->sent[c->sent_len++ % SIPP_CSEQS_MAX] = sent;
}

static bool
note_branch(struct sipp_call *c, uint32_t transaction, struct span message)
{
	struct span via = sipp_header_value(message, SPAN("Via"));
	const char *at = via.len ? memmem(via.at, via.len, "branch=", 7) : NULL;
	size_t len = 0;

	free(c->branches[transaction]);
	while (at && at + 7 + len < span_end(via) && !memchr(";, \t", at[7 + len], 4))
		len++;
	c->branches[transaction] = sipp_text_copy(span_of(at ? at + 7 : "", len));
	return c->branches[transaction] != NULL;
}

bool
sipp_call_is_lost(struct sipp_call *c, const struct sipp_step *s)
{
	if (s->lost <= 0 ||
	    (double)random_below(&c->run->worker->random, 1000000) >= s->lost * 10000)
		return false;
	tally_count(&c->run->worker->tally, TALLY_dropped, 1);
	return true;
}

static bool
send_step(struct sipp_call *c, const struct sipp_step *s)
{
	struct sipp_text *out = &c->run->out;
	struct span message;

	sipp_text_cut(out, 0);
	if (!sipp_expand_message(c, &s->message, out))
		return false;
	message = sipp_text_span(out);
	if (out->failed || (s->start_txn != SIPP_NONE && !note_branch(c, s->start_txn, message)) ||
	    !sipp_retransmit_sent(c, s, message)) {
		sipp_call_fail(c, TALLY_call_failed, "out of memory", true);
		return false;
	}
	note_request(c, message);
	return sipp_call_is_lost(c, s) || sipp_call_put(c, message);
}

/* ---- time ---- */

void
sipp_call_time(struct sipp_call *c, const struct sipp_step *s)
{
	struct worker *w = c->run->worker;

	for (uint32_t i = 0; (s->rtd | s->start_rtd) >> i; i++) {
		if (s->rtd >> i & 1 && !(c->rtd_taken >> i & 1)) {
			if (c->start_ns >= w->measure_ns)
				tally_time(&w->tally, (enum tally_time)(TALLY_TIME_rtd1 + i),
					   w->now_ns - c->rtd_ns[i]);
			c->rtd_taken |= s->repeat_rtd ? 0 : 1u << i;
		}
		if (s->start_rtd >> i & 1)
			c->rtd_ns[i] = w->now_ns;
	}
}

static double
pause_ms(struct sipp_call *c, const struct sipp_step *s)
{
	double ms = 0;

	if (s->default_pause)
		return (double)c->run->options->pause_ns / CLOCK_NS_PER_MS;
	if (s->pause_variable == SIPP_NONE)
		ms = sipp_distribution_take(&s->pause, &c->run->worker->random);
	else if (!sipp_value_to_number(sipp_call_value(c, s->pause_variable), &ms))
		ms = 0;
	return ms > 0 ? fmin(ms, PAUSE_MS_MAX) : 0;
}

static void
wait_ns(struct sipp_call *c, uint64_t ns)
{
	c->state = SIPP_CALL_WAITS;
	if (ns)
		wheel_arm(&c->run->wheel, &c->timer.wheel, c->run->worker->now_ns + ns);
}

static uint64_t
receive_ns(struct sipp_call *c, const struct sipp_step *s)
{
	double ms;

	if (s->timeout_variable == SIPP_NONE)
		return s->timeout_ns;
	if (!sipp_value_to_number(sipp_call_value(c, s->timeout_variable), &ms) || !(ms >= 1))
		return 0;
	return (uint64_t)(fmin(ms, PAUSE_MS_MAX) * CLOCK_NS_PER_MS);
}

/* ---- stepping ---- */

static bool
is_skipped(struct sipp_call *c, const struct sipp_step *s)
{
	return s->condexec != SIPP_NONE &&
	       sipp_value_is_set(sipp_call_value(c, s->condexec)) == s->condexec_inverse;
}

void
sipp_call_advance(struct sipp_call *c, const struct sipp_step *s)
{
	bool branches = s->next != SIPP_NONE;

	if (branches && s->test != SIPP_NONE)
		branches = sipp_value_is_set(sipp_call_value(c, s->test));
	if (branches && s->chance < 1)
		branches = (double)random_below(&c->run->worker->random, 1000000) <
			   s->chance * 1000000;
	c->step = branches ? s->next : (uint32_t)(s - c->program->steps) + 1;
}

static void
leave(struct sipp_call *c, double ms)
{
	sipp_retransmit_stop(c);
	sipp_run_succeed(c->run, c);
	if (ms <= 0 || sipp_transport_is_reliable(c->run->worker)) {
		sipp_run_end(c->run, c);
		return;
	}
	sipp_run_leave(c->run, c);
	wheel_arm(&c->run->wheel, &c->timer.wheel,
		  c->run->worker->now_ns + (uint64_t)(ms * CLOCK_NS_PER_MS));
}

/* One step; the call waits, is over, or stands at another one. */
static void
take_step(struct sipp_call *c, const struct sipp_step *s)
{
	bool jumped = false;

	if (is_skipped(c, s)) {
		c->step++;
		return;
	}
	switch (s->kind) {
	case SIPP_RECEIVE:
		wait_ns(c, receive_ns(c, s));
		return;
	case SIPP_PAUSE:
		sipp_call_time(c, s);
		wait_ns(c, (uint64_t)(pause_ms(c, s) * CLOCK_NS_PER_MS) + 1);
		return;
	case SIPP_TIMEWAIT:
		leave(c, pause_ms(c, s));
		return;
	case SIPP_SEND:
		if (!send_step(c, s))
			return;
		break;
	case SIPP_NOP:
		break;
	}
	sipp_call_time(c, s);
	if (sipp_action_run(c, s, &jumped) && !jumped)
		sipp_call_advance(c, s);
}

void
sipp_call_run(struct sipp_call *c)
{
	const struct sipp_step *s;

	wheel_cancel(&c->run->wheel, &c->timer.wheel);
	c->state = SIPP_CALL_RUNS;
	for (int i = 0; c->state == SIPP_CALL_RUNS; i++) {
		s = sipp_call_step(c);
		if (!s)
			leave(c, 0);
		else if (i == STEPS_MAX)
			sipp_call_fail(c, TALLY_call_failed, "a loop without an end", false);
		else
			take_step(c, s);
	}
}

/* The pause is over; or what it waited for did not come. */
static void
expired(struct sipp_call *c)
{
	const struct sipp_step *s = sipp_call_step(c);
	bool jumped;

	if (c->state == SIPP_CALL_LEAVES) {
		sipp_run_end(c->run, c);
		return;
	}
	if (s->kind == SIPP_RECEIVE && s->timeout_next == SIPP_NONE) {
		sipp_call_fail(c, TALLY_call_timeout, "nothing came in time", false);
		return;
	}
	if (s->kind == SIPP_RECEIVE) {
		c->step = s->timeout_next;
	} else {
		if (!sipp_action_run(c, s, &jumped))
			return;
		if (!jumped)
			sipp_call_advance(c, s);
	}
	sipp_call_run(c);
}

/* ---- failing ---- */

/* The dialog is given up: BYE for one that was answered, CANCEL for an INVITE that was not. */
static void
give_up(struct sipp_call *c)
{
	const struct sipp_scenario *s = c->run->scenario;
	struct sipp_text *out = &c->run->out;

	if (!c->invited || !c->received.len || memcmp(c->received.at, "SIP/2.0 ", 8) != 0)
		return;
	sipp_text_cut(out, 0);
	if (sipp_expand_message(c, c->answered ? &s->bye : &s->cancel, out) && !out->failed)
		sipp_transport_send(c->run->worker, &c->peer, sipp_text_span(out));
}

void
sipp_call_fail(struct sipp_call *c, enum tally_count why, const char *words, bool quiet)
{
	struct worker *w = c->run->worker;
	const struct sipp_step *s = sipp_call_step(c);

	if (c->state >= SIPP_CALL_LEAVES) {
		if (c->state == SIPP_CALL_LEAVES)
			sipp_run_end(c->run, c);
		return;
	}
	tally_count(&w->tally, why, 1);
	if (!w->note[0])
		snprintf(w->note, sizeof(w->note), "call %" PRIu64 ", line %u: %s\n%.*s", c->number,
			 s ? s->line : 0, words,
			 (int)(c->received.len < 700 ? c->received.len : 700),
			 c->received.at ? c->received.at : "");
	c->state = SIPP_CALL_OVER;
	if (!quiet && !c->run->options->no_defaults)
		give_up(c);
	sipp_run_end(c->run, c);
}
