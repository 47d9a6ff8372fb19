/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_variable.h"

#include <stdlib.h>
#include <string.h>

uint32_t
sipp_variables_find(const struct sipp_variables *v, struct span name)
{
	for (uint32_t i = 0; i < v->len; i++)
		if (span_equal(name, span_of(v->at[i].name, strlen(v->at[i].name))))
			return i;
	return SIPP_NONE;
}

uint32_t
sipp_variables_name(struct sipp_variables *v, struct span name)
{
	uint32_t i = sipp_variables_find(v, name), cap = v->cap ? 2 * v->cap : 16;
	struct sipp_variable *more;

	if (i != SIPP_NONE)
		return i;
	if (v->len == v->cap) {
		more = realloc(v->at, cap * sizeof(*more));
		if (!more)
			return SIPP_NONE;
		v->at = more;
		v->cap = cap;
	}
	v->at[v->len] = (struct sipp_variable){ .name = sipp_text_copy(name) };
	return v->at[v->len].name ? v->len++ : SIPP_NONE;
}

void
sipp_variables_free(struct sipp_variables *v)
{
	for (uint32_t i = 0; i < v->len; i++)
		free(v->at[i].name);
	free(v->at);
	*v = (struct sipp_variables){ 0 };
}

void
sipp_value_clear(struct sipp_value *v)
{
	free(v->text);
	*v = (struct sipp_value){ 0 };
}

void
sipp_value_number(struct sipp_value *v, double number)
{
	sipp_value_clear(v);
	v->kind = SIPP_NUMBER;
	v->number = number;
}

void
sipp_value_truth(struct sipp_value *v, bool truth)
{
	sipp_value_clear(v);
	v->kind = SIPP_TRUTH;
	v->number = truth;
}

bool
sipp_value_text(struct sipp_value *v, enum sipp_value_kind kind, struct span text)
{
	char *copy = sipp_text_copy(text); /* first: it may be that of the value itself */

	sipp_value_clear(v);
	v->kind = kind;
	v->text = copy;
	return copy != NULL;
}

bool
sipp_value_is_set(const struct sipp_value *v)
{
	switch (v->kind) {
	case SIPP_TRUTH:
		return v->number > 0;
	case SIPP_MATCH:
		return v->text != NULL;
	case SIPP_UNSET:
		return false;
	case SIPP_NUMBER:
	case SIPP_STRING:
		break;
	}
	return true;
}

void
sipp_value_put(const struct sipp_value *v, struct sipp_text *out)
{
	switch (v->kind) {
	case SIPP_NUMBER:
		sipp_text_format(out, "%f", v->number);
		break;
	case SIPP_TRUTH:
		sipp_text_puts(out, v->number > 0 ? "true" : "false");
		break;
	case SIPP_UNSET:
	case SIPP_STRING:
	case SIPP_MATCH:
		if (v->text)
			sipp_text_puts(out, v->text);
	}
}

bool
sipp_value_to_number(const struct sipp_value *v, double *out)
{
	char *end;

	*out = v->number;
	if (v->kind == SIPP_NUMBER || v->kind == SIPP_TRUTH)
		return true;
	if (!v->text)
		return false;
	*out = strtod(v->text, &end);
	return end != v->text && *end == '\0';
}
