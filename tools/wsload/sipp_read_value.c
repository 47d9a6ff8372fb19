/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and what they stand for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/options_value.h"
#include "tools/wsload/sipp_read.h"
#include "tools/wsload/sipp_xml.h"

bool
sipp_read_unused(struct sipp_reader *r, const struct sipp_element *e)
{
	const struct sipp_attribute *a = sipp_xml_unused(e);

	return !a || sipp_error(r->error, e->line, "<%s>: the attribute %.64s is not supported",
				e->name, a->name);
}

bool
sipp_read_truth(struct sipp_reader *r, struct sipp_element *e, const char *name, bool *out)
{
	const char *text = sipp_xml_get(e, name);

	*out = text &&
	       (strcmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcmp(text, "yes") == 0);
	if (!text || *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0 ||
	    strcmp(text, "no") == 0)
		return true;
	return sipp_error(r->error, e->line, "<%s>: %s=\"%.64s\": give true or false", e->name,
			  name, text);
}

bool
sipp_read_number(struct sipp_reader *r, struct sipp_element *e, const char *name, double *out)
{
	const char *text = sipp_xml_get(e, name);
	char *end;

	if (!text)
		return true;
	*out = strtod(text, &end);
	return (end != text && !*end && isfinite(*out)) ||
	       sipp_error(r->error, e->line, "<%s>: %s=\"%.64s\" is not a number", e->name, name,
			  text);
}

bool
sipp_read_time(struct sipp_reader *r, struct sipp_element *e, const char *name, uint64_t *ns)
{
	const char *text = sipp_xml_get(e, name);
	char copy[32], *end;

	if (!text)
		return true;
	strtod(text, &end);
	if (end != text && !*end && strlen(text) + sizeof("ms") <= sizeof(copy)) {
		memcpy(copy, text, strlen(text));
		memcpy(copy + strlen(text), "ms", sizeof("ms"));
		text = copy;
	}
	return options_duration(text, ns) ||
	       sipp_error(r->error, e->line, "<%s>: %s=\"%.64s\" is not a time in milliseconds",
			  e->name, name, text);
}

static uint32_t
name_variable(struct sipp_reader *r, struct sipp_element *e, struct span name)
{
	uint32_t n = name.len ? sipp_variables_name(&r->scenario->variables, name) : SIPP_NONE;

	if (n == SIPP_NONE)
		sipp_error(r->error, e->line, "<%s>: a variable without a name", e->name);
	return n;
}

bool
sipp_read_variable(struct sipp_reader *r, struct sipp_element *e, const char *name, uint32_t *out)
{
	const char *text = sipp_xml_get(e, name);
	struct sipp_variable *v;

	*out = SIPP_NONE;
	if (!text)
		return true;
	*out = name_variable(r, e, span_of(text, strlen(text)));
	if (*out == SIPP_NONE)
		return false;
	v = &r->scenario->variables.at[*out];
	if (!v->read_line)
		v->read_line = e->line;
	return true;
}

bool
sipp_read_targets(struct sipp_reader *r, struct sipp_element *e, uint32_t *out, uint32_t max,
		  uint32_t *len)
{
	const char *text = sipp_xml_get(e, "assign_to");

	if (!text)
		return sipp_error(r->error, e->line, "<%s>: it needs assign_to", e->name);
	for (*len = 0;; text++) {
		size_t n = strcspn(text, ",");
		uint32_t variable;

		if (*len == max)
			return sipp_error(r->error, e->line,
					  "<%s>: assign_to: at most %u variables", e->name, max);
		variable = name_variable(r, e, span_trim(span_of(text, n)));
		if (variable == SIPP_NONE)
			return false;
		r->scenario->variables.at[variable].written = true;
		out[(*len)++] = variable;
		text += n;
		if (!*text)
			return true;
	}
}

bool
sipp_read_is_step(const struct sipp_element *e)
{
	static const char *const names[] = { "send", "recv", "pause", "nop", "timewait" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(e->name, names[i]) == 0)
			return true;
	return false;
}

bool
sipp_read_label(struct sipp_reader *r, struct sipp_element *e, const char *name, uint32_t *out)
{
	const char *text = sipp_xml_get(e, name), *id;
	uint32_t step = 0;

	*out = SIPP_NONE;
	if (!text)
		return true;
	for (struct sipp_element *at = r->program->first; at; at = at->next) {
		id = strcmp(at->name, "label") == 0 ? sipp_xml_get(at, "id") : NULL;
		if (id && strcmp(id, text) == 0) {
			*out = step;
			return true;
		}
		step += sipp_read_is_step(at);
	}
	return sipp_error(r->error, e->line, "<%s>: %s=\"%.64s\": there is no such label", e->name,
			  name, text);
}
