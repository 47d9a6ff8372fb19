/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_action.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tools/wsload/sipp_ereg.h"
#include "tools/wsload/sipp_expand.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

static bool
no_memory(struct sipp_call *c)
{
	sipp_call_fail(c, TALLY_call_failed, "out of memory", true);
	return false;
}

/* ---- numbers ---- */

/* A variable that holds none counts as 0, as it does in SIPp. */
static double
number_of(struct sipp_call *c, uint32_t variable)
{
	double n;

	return sipp_value_to_number(sipp_call_value(c, variable), &n) ? n : 0;
}

static double
operand(struct sipp_call *c, const struct sipp_action *a)
{
	return a->variable == SIPP_NONE ? a->number : number_of(c, a->variable);
}

static bool
arithmetic(struct sipp_call *c, const struct sipp_action *a)
{
	double left = number_of(c, a->target), right = operand(c, a);

	if (a->kind == SIPP_ACTION_ADD)
		left += right;
	else if (a->kind == SIPP_ACTION_SUBTRACT)
		left -= right;
	else if (a->kind == SIPP_ACTION_MULTIPLY)
		left *= right;
	else if (a->kind == SIPP_ACTION_DIVIDE && (right < 0 || right > 0))
		left /= right;
	else if (a->kind == SIPP_ACTION_DIVIDE) {
		sipp_call_fail(c, TALLY_call_failed, "<divide> by 0", false);
		return false;
	} else {
		left = right;
	}
	sipp_value_number(sipp_call_value(c, a->target), left);
	return true;
}

static bool
compare(struct sipp_call *c, const struct sipp_action *a)
{
	double left = number_of(c, a->variable);
	double right = a->target2 == SIPP_NONE ? a->number : number_of(c, a->target2);
	bool less = left<right, greater = left> right;
	bool truth[] = {
		[SIPP_EQUAL] = !less && !greater, [SIPP_NOT_EQUAL] = less || greater,
		[SIPP_GREATER] = greater,         [SIPP_LESS] = less,
		[SIPP_GREATER_EQUAL] = !less,     [SIPP_LESS_EQUAL] = !greater,
	};

	sipp_value_truth(sipp_call_value(c, a->target), truth[a->relation]);
	return true;
}

static bool
to_double(struct sipp_call *c, const struct sipp_action *a)
{
	double n;

	if (!sipp_value_to_number(sipp_call_value(c, a->variable), &n)) {
		sipp_call_fail(c, TALLY_call_failed, "<todouble>: not a number", false);
		return false;
	}
	sipp_value_number(sipp_call_value(c, a->target), n);
	return true;
}

static bool
take_time(struct sipp_call *c, const struct sipp_action *a)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	sipp_value_number(sipp_call_value(c, a->target), (double)now.tv_sec);
	sipp_value_number(sipp_call_value(c, a->target2), (double)(now.tv_nsec / 1000));
	return true;
}

/* ---- texts ---- */

static bool
expand(struct sipp_call *c, const struct sipp_template *t, struct sipp_text *out)
{
	sipp_text_put(out, SPAN(""));
	return sipp_expand_text(c, t, out) && (!out->failed || no_memory(c));
}

static bool
assign_text(struct sipp_call *c, const struct sipp_action *a, struct sipp_text *text)
{
	return sipp_value_text(sipp_call_value(c, a->target), SIPP_STRING, sipp_text_span(text)) ||
	       no_memory(c);
}

static bool
compare_text(struct sipp_call *c, const struct sipp_action *a, struct sipp_text *text)
{
	struct sipp_text value = { 0 };
	bool ok;

	sipp_text_put(&value, SPAN(""));
	sipp_value_put(sipp_call_value(c, a->variable), &value);
	ok = !value.failed;
	if (ok)
		sipp_value_number(sipp_call_value(c, a->target), strcmp(value.at, text->at));
	sipp_text_free(&value);
	return ok || no_memory(c);
}

static bool
trim(struct sipp_call *c, const struct sipp_action *a)
{
	struct sipp_value *v = sipp_call_value(c, a->target);

	return !v->text ||
	       sipp_value_text(v, v->kind, span_trim(span_of(v->text, strlen(v->text)))) ||
	       no_memory(c);
}

static bool
say(struct sipp_call *c, const struct sipp_action *a, struct sipp_text *text)
{
	if (a->kind == SIPP_ACTION_LOG && !c->run->options->logs)
		return true;
	fprintf(stderr, "%s: %s\n", a->kind == SIPP_ACTION_LOG ? "log" : "warning", text->at);
	return true;
}

static bool
stop_with(struct sipp_call *c, struct sipp_text *text)
{
	sipp_call_fail(c, TALLY_call_failed, text->at, false);
	c->run->stopping = true;
	return false;
}

/* ---- injection files ---- */

static bool
look_up(struct sipp_call *c, const struct sipp_action *a, struct sipp_text *text)
{
	int64_t line = sipp_injection_find(&c->run->scenario->injections[a->file], 0,
					   sipp_text_span(text));

	sipp_value_number(sipp_call_value(c, a->target), (double)line);
	return true;
}

static bool
change(struct sipp_call *c, const struct sipp_action *a, struct sipp_text *text)
{
	struct sipp_injection *in = &c->run->scenario->injections[a->file];
	struct sipp_text line = { 0 };
	bool ok;

	if (a->kind == SIPP_ACTION_INSERT)
		return sipp_injection_insert(in, sipp_text_span(text)) || no_memory(c);
	ok = expand(c, &a->text2, &line);
	if (ok && !sipp_injection_replace(in, (uint32_t)strtoul(line.at, NULL, 10),
					  sipp_text_span(text))) {
		sipp_call_fail(c, TALLY_call_failed, "<replace>: no such line", false);
		ok = false;
	}
	sipp_text_free(&line);
	return ok;
}

/* ---- the course of the call ---- */

static bool
jump(struct sipp_call *c, const struct sipp_action *a)
{
	double to = operand(c, a);

	if (!(to >= 0 && to < c->program->len)) {
		sipp_call_fail(c, TALLY_call_failed, "<jump>: no such step", false);
		return false;
	}
	c->step = (uint32_t)to;
	return true;
}

static bool
execute(struct sipp_call *c, const struct sipp_action *a)
{
	if (a->command == SIPP_STOP_CALL) {
		sipp_call_fail(c, TALLY_call_failed, "stop_call", false);
		return false;
	}
	c->run->stopping = true;
	if (a->command == SIPP_STOP_NOW)
		atomic_store(&c->run->worker->times->end_ns, c->run->worker->now_ns);
	return true;
}

/* Actions that need no text of their own. */
static bool
run_plain(struct sipp_call *c, const struct sipp_action *a)
{
	switch (a->kind) {
	case SIPP_ACTION_EREG:
		return sipp_ereg_run(c, a);
	case SIPP_ACTION_SAMPLE:
		sipp_value_number(sipp_call_value(c, a->target),
				  sipp_distribution_take(&a->sample, &c->run->worker->random));
		return true;
	case SIPP_ACTION_TODOUBLE:
		return to_double(c, a);
	case SIPP_ACTION_TEST:
		return compare(c, a);
	case SIPP_ACTION_TRIM:
		return trim(c, a);
	case SIPP_ACTION_JUMP:
		return jump(c, a);
	case SIPP_ACTION_GETTIMEOFDAY:
		return take_time(c, a);
	case SIPP_ACTION_EXEC:
		return execute(c, a);
	default:
		return arithmetic(c, a);
	}
}

static bool
run_text(struct sipp_call *c, const struct sipp_action *a, struct sipp_text *text)
{
	switch (a->kind) {
	case SIPP_ACTION_LOG:
	case SIPP_ACTION_WARNING:
		return say(c, a, text);
	case SIPP_ACTION_ERROR:
		return stop_with(c, text);
	case SIPP_ACTION_STRCMP:
		return compare_text(c, a, text);
	case SIPP_ACTION_LOOKUP:
		return look_up(c, a, text);
	case SIPP_ACTION_INSERT:
	case SIPP_ACTION_REPLACE:
		return change(c, a, text);
	default:
		return assign_text(c, a, text);
	}
}

static bool
has_text(const struct sipp_action *a)
{
	static const uint32_t kinds = 1u << SIPP_ACTION_LOG | 1u << SIPP_ACTION_WARNING |
				      1u << SIPP_ACTION_ERROR | 1u << SIPP_ACTION_ASSIGNSTR |
				      1u << SIPP_ACTION_STRCMP | 1u << SIPP_ACTION_LOOKUP |
				      1u << SIPP_ACTION_INSERT | 1u << SIPP_ACTION_REPLACE;

	return kinds >> a->kind & 1;
}

bool
sipp_action_run(struct sipp_call *c, const struct sipp_step *s, bool *jumped)
{
	bool ok = true;

	*jumped = false;
	for (uint32_t i = 0; ok && i < s->actions_len; i++) {
		const struct sipp_action *a = &s->actions[i];
		struct sipp_text text = { 0 };

		if (has_text(a))
			ok = expand(c, &a->text, &text) && run_text(c, a, &text);
		else
			ok = run_plain(c, a);
		*jumped |= a->kind == SIPP_ACTION_JUMP;
		sipp_text_free(&text);
	}
	return ok && c->state != SIPP_CALL_OVER;
}
