/* SPDX-License-Identifier: Apache-2.0 */
/* <action> and what is in it. */
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/sipp_read.h"
#include "tools/wsload/sipp_xml.h"

typedef bool (*read_fn)(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a);

static bool
needs(struct sipp_reader *r, struct sipp_element *e, const char *name)
{
	return sipp_error(r->error, e->line, "<%s>: it needs %s", e->name, name);
}

static bool
read_target(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	uint32_t len;

	return sipp_read_targets(r, e, &a->target, 1, &len);
}

static bool
read_text(struct sipp_reader *r, struct sipp_element *e, const char *name,
	  struct sipp_template *out)
{
	const char *text = sipp_xml_get(e, name);

	if (!text)
		return needs(r, e, name);
	return sipp_template_text(out, text, e->line, &r->names);
}

static bool
read_message(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_text(r, e, "message", &a->text);
}

static bool
read_assignstr(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_target(r, e, a) && read_text(r, e, "value", &a->text);
}

/* value="N" or variable="NAME". */
static bool
read_operand(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	bool value = sipp_xml_get(e, "value") != NULL;

	if (!sipp_read_variable(r, e, "variable", &a->variable) ||
	    !sipp_read_number(r, e, "value", &a->number))
		return false;
	return value != (a->variable != SIPP_NONE) || needs(r, e, "value or variable, not both");
}

static bool
read_assign(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_target(r, e, a) && read_operand(r, e, a);
}

static bool
read_divide(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	if (!read_assign(r, e, a))
		return false;
	return a->variable != SIPP_NONE || a->number < 0 || a->number > 0 ||
	       sipp_error(r->error, e->line, "<divide>: by 0");
}

static bool
read_sample(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_target(r, e, a) && sipp_distribution_read(&a->sample, e, r->error);
}

static bool
read_source(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	if (!sipp_read_variable(r, e, "variable", &a->variable))
		return false;
	return a->variable != SIPP_NONE || needs(r, e, "variable");
}

static bool
read_todouble(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_target(r, e, a) && read_source(r, e, a);
}

static bool
read_relation(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	static const char *const names[] = {
		[SIPP_EQUAL] = "equal",
		[SIPP_NOT_EQUAL] = "not_equal",
		[SIPP_GREATER] = "greater_than",
		[SIPP_LESS] = "less_than",
		[SIPP_GREATER_EQUAL] = "greater_than_equal",
		[SIPP_LESS_EQUAL] = "less_than_equal",
	};
	const char *text = sipp_xml_get(e, "compare");

	for (size_t i = 0; text && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], text) == 0) {
			a->relation = (enum sipp_relation)i;
			return true;
		}
	return needs(r, e,
		     "compare: equal, not_equal, greater_than, less_than, greater_than_equal or "
		     "less_than_equal");
}

/* The second operand is value, or variable2. */
static bool
read_test(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	bool value = sipp_xml_get(e, "value") != NULL;

	if (!read_todouble(r, e, a) || !read_relation(r, e, a) ||
	    !sipp_read_variable(r, e, "variable2", &a->target2) ||
	    !sipp_read_number(r, e, "value", &a->number))
		return false;
	return value != (a->target2 != SIPP_NONE) || needs(r, e, "value or variable2, not both");
}

static bool
read_strcmp(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_todouble(r, e, a) && read_text(r, e, "value", &a->text);
}

static bool
read_trim(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_target(r, e, a);
}

static bool
read_jump(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_operand(r, e, a);
}

static bool
read_gettimeofday(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	uint32_t targets[2], len;

	if (!sipp_read_targets(r, e, targets, 2, &len))
		return false;
	if (len != 2)
		return needs(r, e, "assign_to with two variables");
	a->target = targets[0];
	a->target2 = targets[1];
	return true;
}

static bool
read_file(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	const char *name = sipp_xml_get(e, "file");

	if (!name)
		return needs(r, e, "file");
	for (a->file = 0; a->file < r->names.injections_len; a->file++)
		if (sipp_injection_is(&r->names.injections[a->file], span_of(name, strlen(name))))
			return true;
	return sipp_error(r->error, e->line, "<%s>: file=\"%.64s\" is not given with -inf", e->name,
			  name);
}

static bool
read_lookup(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_target(r, e, a) && read_file(r, e, a) && read_text(r, e, "key", &a->text);
}

static bool
read_insert(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	if (!read_file(r, e, a) || !read_text(r, e, "value", &a->text))
		return false;
	return !r->names.injections[a->file].virtual_len ||
	       sipp_error(r->error, e->line, "<%s>: a file with PRINTF cannot change", e->name);
}

static bool
read_replace(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	return read_insert(r, e, a) && read_text(r, e, "line", &a->text2);
}

static bool
read_exec(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	static const char *const names[] = { [SIPP_STOP_CALL] = "stop_call",
					     [SIPP_STOP_GRACEFULLY] = "stop_gracefully",
					     [SIPP_STOP_NOW] = "stop_now" };
	const char *text = sipp_xml_get(e, "int_cmd");

	if (!text)
		return sipp_read_unused(r, e) && needs(r, e, "int_cmd");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], text) == 0) {
			a->command = (enum sipp_command)i;
			return true;
		}
	return sipp_error(r->error, e->line,
			  "<exec>: int_cmd=\"%.64s\": give stop_call, stop_gracefully or stop_now",
			  text);
}

/* ---- ereg ---- */

static bool
read_search(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	static const char *const names[] = { [SIPP_IN_MESSAGE] = "msg",
					     [SIPP_IN_HEADER] = "hdr",
					     [SIPP_IN_BODY] = "body",
					     [SIPP_IN_VARIABLE] = "var" };
	const char *text = sipp_xml_get(e, "search_in"), *header = sipp_xml_get(e, "header");
	size_t i = 0;

	while (text && i < sizeof(names) / sizeof(*names) && strcmp(names[i], text) != 0)
		i++;
	if (i == sizeof(names) / sizeof(*names))
		return sipp_error(r->error, e->line,
				  "<ereg>: search_in=\"%.64s\": give msg, hdr, body or var", text);
	a->ereg->search = (enum sipp_search)i;
	if (a->ereg->search == SIPP_IN_VARIABLE && !read_source(r, e, a))
		return false;
	if (a->ereg->search != SIPP_IN_HEADER)
		return !header ||
		       sipp_error(r->error, e->line, "<ereg>: header is for search_in=\"hdr\"");
	if (!header || !*header)
		return needs(r, e, "header");
	a->ereg->header = sipp_text_copy(span_of(header, strlen(header)));
	return a->ereg->header || sipp_error(r->error, e->line, "out of memory");
}

static bool
read_ereg_flags(struct sipp_reader *r, struct sipp_element *e, struct sipp_ereg *x)
{
	double occurrence = 1;

	if (!sipp_read_truth(r, e, "case_indep", &x->any_case) ||
	    !sipp_read_truth(r, e, "start_line", &x->start_line) ||
	    !sipp_read_truth(r, e, "check_it", &x->check) ||
	    !sipp_read_truth(r, e, "check_it_inverse", &x->check_inverse) ||
	    !sipp_read_number(r, e, sipp_xml_get(e, "occurence") ? "occurence" : "occurrence",
			      &occurrence))
		return false;
	if (occurrence < 1 || occurrence > 1000)
		return needs(r, e, "occurrence from 1 to 1000");
	x->occurrence = (uint32_t)occurrence;
	return !(x->check && x->check_inverse) || needs(r, e, "check_it or check_it_inverse");
}

static bool
read_ereg(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	const char *text = sipp_xml_get(e, "regexp");
	struct sipp_ereg *x = a->ereg = calloc(1, sizeof(*a->ereg));
	char why[128];
	int error;

	if (!x)
		return sipp_error(r->error, e->line, "out of memory");
	if (!text)
		return needs(r, e, "regexp");
	error = regcomp(&x->regex, text, REG_EXTENDED);
	if (error) {
		regerror(error, &x->regex, why, sizeof(why));
		return sipp_error(r->error, e->line, "<ereg>: regexp=\"%.64s\": %s", text, why);
	}
	x->compiled = true;
	return read_search(r, e, a) && read_ereg_flags(r, e, x) &&
	       sipp_read_targets(r, e, x->targets, SIPP_EREG_VARIABLES, &x->targets_len);
}

/* ---- the list ---- */

static const struct {
	const char *name;
	enum sipp_action_kind kind;
	read_fn read;
} kinds[] = {
	{ "ereg", SIPP_ACTION_EREG, read_ereg },
	{ "log", SIPP_ACTION_LOG, read_message },
	{ "warning", SIPP_ACTION_WARNING, read_message },
	{ "error", SIPP_ACTION_ERROR, read_message },
	{ "assign", SIPP_ACTION_ASSIGN, read_assign },
	{ "assignstr", SIPP_ACTION_ASSIGNSTR, read_assignstr },
	{ "sample", SIPP_ACTION_SAMPLE, read_sample },
	{ "todouble", SIPP_ACTION_TODOUBLE, read_todouble },
	{ "add", SIPP_ACTION_ADD, read_assign },
	{ "subtract", SIPP_ACTION_SUBTRACT, read_assign },
	{ "multiply", SIPP_ACTION_MULTIPLY, read_assign },
	{ "divide", SIPP_ACTION_DIVIDE, read_divide },
	{ "test", SIPP_ACTION_TEST, read_test },
	{ "strcmp", SIPP_ACTION_STRCMP, read_strcmp },
	{ "trim", SIPP_ACTION_TRIM, read_trim },
	{ "jump", SIPP_ACTION_JUMP, read_jump },
	{ "gettimeofday", SIPP_ACTION_GETTIMEOFDAY, read_gettimeofday },
	{ "lookup", SIPP_ACTION_LOOKUP, read_lookup },
	{ "insert", SIPP_ACTION_INSERT, read_insert },
	{ "replace", SIPP_ACTION_REPLACE, read_replace },
	{ "exec", SIPP_ACTION_EXEC, read_exec },
};

static bool
read_action(struct sipp_reader *r, struct sipp_element *e, struct sipp_action *a)
{
	*a = (struct sipp_action){
		.line = e->line,
		.target = SIPP_NONE,
		.target2 = SIPP_NONE,
		.variable = SIPP_NONE,
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, e->name) != 0)
			continue;
		a->kind = kinds[i].kind;
		return kinds[i].read(r, e, a) && sipp_read_unused(r, e);
	}
	return sipp_error(r->error, e->line, "the action <%.64s> is not supported", e->name);
}

bool
sipp_read_actions(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *step)
{
	struct sipp_action *more;

	if (!sipp_read_unused(r, e))
		return false;
	if (e->text)
		return sipp_error(r->error, e->text_line, "<action>: text where actions should be");
	for (struct sipp_element *at = e->first; at; at = at->next) {
		more = realloc(step->actions, (step->actions_len + 1) * sizeof(*more));
		if (!more)
			return sipp_error(r->error, e->line, "out of memory");
		step->actions = more;
		if (!read_action(r, at, &more[step->actions_len++]))
			return false;
	}
	return true;
}
