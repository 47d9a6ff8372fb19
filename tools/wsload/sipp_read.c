/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_read.h"

#include <stdlib.h>
#include <string.h>
#include "tools/wsload/sipp_read_step.h"
#include "tools/wsload/sipp_xml.h"

static bool
is(const struct sipp_element *e, const char *name)
{
	return strcmp(e->name, name) == 0;
}

/* ---- steps ---- */

static bool
add_step(struct sipp_reader *r, struct sipp_element *e, struct sipp_program *p)
{
	uint32_t cap = p->cap ? 2 * p->cap : 16;
	struct sipp_step *more;

	if (p->len == p->cap) {
		more = realloc(p->steps, cap * sizeof(*more));
		if (!more)
			return sipp_error(r->error, e->line, "out of memory");
		p->steps = more;
		p->cap = cap;
	}
	p->steps[p->len] = (struct sipp_step){
		.line = e->line,
		.start_txn = SIPP_NONE,
		.timeout_variable = SIPP_NONE,
		.timeout_next = SIPP_NONE,
		.response_txn = SIPP_NONE,
		.pause_variable = SIPP_NONE,
	};
	return sipp_read_step(r, e, &p->steps[p->len++]);
}

/* After optional ones comes one that has to come, or the call would wait for nothing. */
static bool
check_optional(struct sipp_reader *r, const struct sipp_program *p)
{
	for (uint32_t i = 0; i < p->len; i++) {
		const struct sipp_step *s = &p->steps[i];

		if (s->kind != SIPP_RECEIVE || s->optional == SIPP_MANDATORY)
			continue;
		if (i + 1 == p->len || p->steps[i + 1].kind != SIPP_RECEIVE)
			return sipp_error(r->error, s->line,
					  "<recv>: what follows an optional one has to be another "
					  "<recv>, the last of them not optional");
	}
	return true;
}

static bool
read_label(struct sipp_reader *r, struct sipp_element *e, uint32_t step)
{
	const char *id = sipp_xml_get(e, "id");

	if (!id)
		return sipp_error(r->error, e->line, "<label>: it needs id");
	for (struct sipp_element *at = r->program->first; at != e; at = at->next) {
		const char *other = is(at, "label") ? sipp_xml_get(at, "id") : NULL;

		if (other && strcmp(other, id) == 0)
			return sipp_error(r->error, e->line, "<label>: id=\"%.64s\" is there twice",
					  id);
	}
	if (strcmp(id, "_unexp.main") == 0) {
		r->scenario->unexpected = step;
		r->scenario->unexpected_from =
			sipp_variables_name(&r->scenario->variables, SPAN("_unexp.retaddr"));
		if (r->scenario->unexpected_from == SIPP_NONE)
			return sipp_error(r->error, e->line, "out of memory");
		r->scenario->variables.at[r->scenario->unexpected_from].written = true;
	}
	return sipp_read_unused(r, e);
}

/* ---- what is no step ---- */

static bool
read_table(struct sipp_reader *r, struct sipp_element *e, struct sipp_table *out)
{
	const char *text = sipp_xml_get(e, "value");
	char *end;

	out->len = 0;
	while (text && out->len < SIPP_TABLE_MAX) {
		double limit = strtod(text, &end);

		if (end == text || limit <= 0 ||
		    (out->len && limit <= out->limits_ms[out->len - 1]))
			break;
		out->limits_ms[out->len++] = limit;
		end += strspn(end, " \t");
		if (!*end)
			return sipp_read_unused(r, e);
		if (*end != ',')
			break;
		text = end + 1;
	}
	return sipp_error(r->error, e->line, "<%s>: value is a list of rising limits, at most %d",
			  e->name, SIPP_TABLE_MAX);
}

static bool
read_names(struct sipp_reader *r, struct sipp_element *e, enum sipp_scope scope)
{
	struct sipp_variables *v = &r->scenario->variables;
	const char *text = sipp_xml_get(e, "variables");

	if (!text)
		return sipp_error(r->error, e->line, "<%s>: it needs variables", e->name);
	for (;;) {
		size_t len = strcspn(text, ",");
		struct span name = span_trim(span_of(text, len));
		uint32_t n = name.len ? sipp_variables_name(v, name) : SIPP_NONE;

		if (n == SIPP_NONE)
			return sipp_error(r->error, e->line, "<%s>: a variable without a name",
					  e->name);
		if (scope != SIPP_OF_CALL)
			v->at[n].scope = scope;
		text += len;
		if (!*text++)
			return sipp_read_unused(r, e);
	}
}

static bool read_program(struct sipp_reader *r, struct sipp_element *e, struct sipp_program *p);

static bool
read_init(struct sipp_reader *r, struct sipp_element *e)
{
	struct sipp_program *p = &r->scenario->init;
	struct sipp_element *outer = r->program;
	bool ok = sipp_read_unused(r, e) && read_program(r, e, p);

	r->program = outer;
	for (uint32_t i = 0; ok && i < p->len; i++)
		if (p->steps[i].kind != SIPP_NOP)
			ok = sipp_error(r->error, p->steps[i].line,
					"<init> holds <nop> and <label> only");
	return ok;
}

static bool
read_element(struct sipp_reader *r, struct sipp_element *e, struct sipp_program *p)
{
	if (sipp_read_is_step(e))
		return add_step(r, e, p);
	if (e->text)
		return sipp_error(r->error, e->text_line, "<%s>: text in it", e->name);
	if (is(e, "label"))
		return read_label(r, e, p->len);
	if (p == &r->scenario->main) {
		if (is(e, "ResponseTimeRepartition"))
			return read_table(r, e, &r->scenario->response_times);
		if (is(e, "CallLengthRepartition"))
			return read_table(r, e, &r->scenario->call_lengths);
		if (is(e, "Global"))
			return read_names(r, e, SIPP_OF_ALL);
		if (is(e, "User"))
			return read_names(r, e, SIPP_OF_USER);
		if (is(e, "Reference"))
			return read_names(r, e, SIPP_OF_CALL);
		if (is(e, "init"))
			return read_init(r, e);
	}
	return sipp_error(r->error, e->line, "<%.64s> is not supported", e->name);
}

static bool
read_program(struct sipp_reader *r, struct sipp_element *e, struct sipp_program *p)
{
	r->program = e;
	if (e->text)
		return sipp_error(r->error, e->text_line, "<%s>: text between its elements",
				  e->name);
	for (struct sipp_element *at = e->first; at; at = at->next)
		if (!read_element(r, at, p))
			return false;
	return check_optional(r, p);
}

static bool
begins_with_receive(const struct sipp_program *p)
{
	for (uint32_t i = 0; i < p->len; i++)
		if (p->steps[i].kind == SIPP_SEND || p->steps[i].kind == SIPP_RECEIVE)
			return p->steps[i].kind == SIPP_RECEIVE;
	return false;
}

bool
sipp_read_scenario(struct sipp_reader *r, struct sipp_element *root)
{
	const char *name = sipp_xml_get(root, "name");
	struct sipp_scenario *s = r->scenario;

	if (!is(root, "scenario"))
		return sipp_error(r->error, root->line,
				  "<%.64s>: a scenario begins with <scenario>", root->name);
	s->name = sipp_text_copy(name ? span_of(name, strlen(name)) : SPAN(""));
	if (!s->name)
		return sipp_error(r->error, root->line, "out of memory");
	if (!sipp_read_unused(r, root) || !read_program(r, root, &s->main))
		return false;
	s->answers = begins_with_receive(&s->main);
	return s->main.len || sipp_error(r->error, root->line, "<scenario>: no command in it");
}
