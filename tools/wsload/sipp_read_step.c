/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a scenario. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "engine/clock.h"
#include "tools/wsload/sipp_read_step.h"
#include "tools/wsload/sipp_xml.h"

static bool
is(const struct sipp_element *e, const char *name)
{
	return strcmp(e->name, name) == 0;
}

/* ---- what all have ---- */

/* "true" is the first one, as it is in SIPp. */
static bool
read_timers(struct sipp_reader *r, struct sipp_element *e, const char *name, uint32_t *out)
{
	const char *text = sipp_xml_get(e, name);

	for (*out = 0; text; text++) {
		struct span word = span_trim(span_of(text, strcspn(text, ",")));
		uint32_t n;

		if (span_equal(word, SPAN("false")))
			return true;
		if (span_equal(word, SPAN("true")))
			word = SPAN("1");
		n = word.len ? sipp_variables_name(&r->scenario->timers, word) : SIPP_NONE;
		if (n >= SIPP_TIMERS_MAX)
			return sipp_error(r->error, e->line,
					  "<%s>: %s: at most %d names of response times", e->name,
					  name, SIPP_TIMERS_MAX);
		*out |= 1u << n;
		text += strcspn(text, ",");
		if (!*text)
			return true;
	}
	return true;
}

static bool
read_flow(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	s->chance = 1;
	/* What SIPp shows on its screen. */
	sipp_xml_get(e, "crlf");
	sipp_xml_get(e, "hide");
	sipp_xml_get(e, "display");
	if (!sipp_read_label(r, e, "next", &s->next) ||
	    !sipp_read_variable(r, e, "test", &s->test) ||
	    !sipp_read_number(r, e, "chance", &s->chance) ||
	    !sipp_read_variable(r, e, "condexec", &s->condexec) ||
	    !sipp_read_truth(r, e, "condexec_inverse", &s->condexec_inverse) ||
	    !read_timers(r, e, "start_rtd", &s->start_rtd) || !read_timers(r, e, "rtd", &s->rtd) ||
	    !sipp_read_truth(r, e, "repeat_rtd", &s->repeat_rtd))
		return false;
	if (s->chance < 0 || s->chance > 1)
		return sipp_error(r->error, e->line, "<%s>: chance is from 0 to 1", e->name);
	if (s->next == SIPP_NONE && (s->test != SIPP_NONE || s->chance < 1))
		return sipp_error(r->error, e->line, "<%s>: test and chance are for next", e->name);
	return true;
}

static bool
read_children(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	for (struct sipp_element *at = e->first; at; at = at->next) {
		if (!is(at, "action"))
			return sipp_error(r->error, at->line, "<%.64s> in <%s> is not supported",
					  at->name, e->name);
		if (!sipp_read_actions(r, at, s))
			return false;
	}
	return true;
}

static bool
no_text(struct sipp_reader *r, const struct sipp_element *e)
{
	return !e->text || sipp_error(r->error, e->text_line, "<%s>: text '%.32s' in it", e->name,
				      span_trim(span_of(e->text, strlen(e->text))).at);
}

static bool
read_lost(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	if (!sipp_read_number(r, e, "lost", &s->lost))
		return false;
	return (s->lost >= 0 && s->lost <= 100) ||
	       sipp_error(r->error, e->line, "<%s>: lost is from 0 to 100", e->name);
}

/* ---- transactions ---- */

static bool
read_txn(struct sipp_reader *r, struct sipp_element *e, const char *name, uint32_t *out)
{
	const char *text = sipp_xml_get(e, name);
	struct sipp_variables *names = &r->scenario->transactions;

	*out = SIPP_NONE;
	if (!text)
		return true;
	if (strcmp(name, "start_txn") != 0) {
		*out = sipp_variables_find(names, span_of(text, strlen(text)));
		return *out != SIPP_NONE ||
		       sipp_error(r->error, e->line, "<%s>: %s=\"%.64s\": no start_txn before it",
				  e->name, name, text);
	}
	*out = sipp_variables_name(names, span_of(text, strlen(text)));
	return *out != SIPP_NONE || sipp_error(r->error, e->line, "out of memory");
}

/* ---- send ---- */

static bool
read_send(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	uint32_t acknowledged;

	if (!sipp_read_time(r, e, "retrans", &s->retrans_ns) || !read_lost(r, e, s) ||
	    !read_txn(r, e, "start_txn", &s->start_txn) ||
	    !read_txn(r, e, "ack_txn", &acknowledged))
		return false;
	if (!e->text)
		return sipp_error(r->error, e->line, "<send>: no message");
	return sipp_template_message(&s->message, e->text, e->text_line, &r->names);
}

/* ---- recv ---- */

static bool
read_optional(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	const char *text = sipp_xml_get(e, "optional");
	bool optional;

	if (text && strcmp(text, "global") == 0) {
		s->optional = SIPP_OPTIONAL_EVER;
		return true;
	}
	if (!sipp_read_truth(r, e, "optional", &optional))
		return false;
	s->optional = optional ? SIPP_OPTIONAL : SIPP_MANDATORY;
	return true;
}

static bool
read_request(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	const char *text = sipp_xml_get(e, "request");
	bool matches;

	if (!sipp_read_truth(r, e, "regexp_match", &matches))
		return false;
	if (matches && !text)
		return sipp_error(r->error, e->line, "<recv>: regexp_match is for request");
	if (!text)
		return true;
	s->request = sipp_text_copy(span_of(text, strlen(text)));
	s->request_regex = matches ? calloc(1, sizeof(*s->request_regex)) : NULL;
	if (!s->request || (matches && !s->request_regex))
		return sipp_error(r->error, e->line, "out of memory");
	if (matches && regcomp(s->request_regex, text, REG_EXTENDED | REG_NOSUB) != 0) {
		free(s->request_regex);
		s->request_regex = NULL;
		return sipp_error(r->error, e->line, "<recv>: request=\"%.64s\": no expression",
				  text);
	}
	return true;
}

static bool
read_what(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	double response = 0;

	if (!read_request(r, e, s) || !sipp_read_number(r, e, "response", &response))
		return false;
	if ((s->request != NULL) == (sipp_xml_get(e, "response") != NULL))
		return sipp_error(r->error, e->line, "<recv>: it needs either request or response");
	if (s->request)
		return true;
	if (response < 100 || response > 699 || floor(response) < response)
		return sipp_error(r->error, e->line, "<recv>: response is from 100 to 699");
	s->response = (uint16_t)response;
	return true;
}

static bool
read_receive(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	s->timeout_ns = r->names.options->receive_ns;
	sipp_xml_get(e, "ignoresdp"); /* there is no media that it could keep */
	if (!read_what(r, e, s) || !read_optional(r, e, s) || !read_lost(r, e, s) ||
	    !sipp_read_truth(r, e, "rrs", &s->route_set) ||
	    !sipp_read_truth(r, e, "auth", &s->authenticates) ||
	    !sipp_read_time(r, e, "timeout", &s->timeout_ns) ||
	    !sipp_read_variable(r, e, "timeout_variable", &s->timeout_variable) ||
	    !sipp_read_label(r, e, "ontimeout", &s->timeout_next) ||
	    !read_txn(r, e, "response_txn", &s->response_txn))
		return false;
	if (s->response_txn != SIPP_NONE && s->request)
		return sipp_error(r->error, e->line, "<recv>: response_txn is for response");
	return no_text(r, e);
}

/* ---- pause, timewait, nop ---- */

static bool
read_pause(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	uint64_t ns = 0;
	bool fixed = sipp_xml_get(e, "milliseconds") != NULL;
	bool distributed = sipp_xml_get(e, "distribution") != NULL;

	if (!sipp_read_time(r, e, "milliseconds", &ns) ||
	    !sipp_read_variable(r, e, "variable", &s->pause_variable))
		return false;
	if (fixed + distributed + (s->pause_variable != SIPP_NONE) > 1)
		return sipp_error(r->error, e->line,
				  "<%s>: milliseconds, variable or distribution: one of them",
				  e->name);
	s->default_pause = !fixed && !distributed && s->pause_variable == SIPP_NONE;
	s->pause = (struct sipp_distribution){ SIPP_FIXED, (double)ns / CLOCK_NS_PER_MS, 0 };
	if (distributed && !sipp_distribution_read(&s->pause, e, r->error))
		return false;
	return no_text(r, e);
}

static bool
read_nop(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	(void)s;
	return no_text(r, e);
}

bool
sipp_read_step(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s)
{
	static const struct {
		const char *name;
		enum sipp_step_kind kind;
		bool (*read)(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s);
	} kinds[] = {
		{ "send", SIPP_SEND, read_send },    { "recv", SIPP_RECEIVE, read_receive },
		{ "pause", SIPP_PAUSE, read_pause }, { "timewait", SIPP_TIMEWAIT, read_pause },
		{ "nop", SIPP_NOP, read_nop },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!is(e, kinds[i].name))
			continue;
		s->kind = kinds[i].kind;
		return read_flow(r, e, s) && kinds[i].read(r, e, s) && sipp_read_unused(r, e) &&
		       read_children(r, e, s);
	}
	return sipp_error(r->error, e->line, "<%.64s> is not supported", e->name);
}
