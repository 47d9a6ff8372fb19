/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_VARIABLE_H
#define WSLOAD_SIPP_VARIABLE_H
/* Variables of a scenario: their names, and the values that calls, users or all have for them. */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "tools/wsload/sipp_error.h"
#include "tools/wsload/sipp_text.h"

#define SIPP_NONE UINT32_MAX /* no variable, no step */

enum sipp_scope { SIPP_OF_CALL, SIPP_OF_USER, SIPP_OF_ALL };

struct sipp_variable {
	char *name;
	enum sipp_scope scope;
	unsigned read_line; /* the first line that reads it; 0: none */
	bool written;       /* by an action */
};

struct sipp_variables {
	struct sipp_variable *at;
	uint32_t len, cap;
};

/* The number of the variable, which is made if there is none of this name. SIPP_NONE: no memory. */
uint32_t sipp_variables_name(struct sipp_variables *v, struct span name);
uint32_t sipp_variables_find(const struct sipp_variables *v, struct span name);
void sipp_variables_free(struct sipp_variables *v);

enum sipp_value_kind { SIPP_UNSET, SIPP_NUMBER, SIPP_TRUTH, SIPP_STRING, SIPP_MATCH };

struct sipp_value {
	enum sipp_value_kind kind;
	double number; /* SIPP_NUMBER; SIPP_TRUTH: 0 or 1 */
	char *text;    /* owned: SIPP_STRING; SIPP_MATCH, NULL: it did not match */
};

void sipp_value_clear(struct sipp_value *v);
void sipp_value_number(struct sipp_value *v, double number);
void sipp_value_truth(struct sipp_value *v, bool truth);

/* SIPP_STRING or SIPP_MATCH. False: no memory. */
bool sipp_value_text(struct sipp_value *v, enum sipp_value_kind kind, struct span text);

/* What `test` and `condexec` ask: is it set, true, did the expression match? */
bool sipp_value_is_set(const struct sipp_value *v);

/* As it stands in a message; a number has six decimals, as SIPp prints it. */
void sipp_value_put(const struct sipp_value *v, struct sipp_text *out);

/* False: it is no number. */
bool sipp_value_to_number(const struct sipp_value *v, double *out);

#endif
