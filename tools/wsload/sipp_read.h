/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_READ_H
#define WSLOAD_SIPP_READ_H
/*
 * From elements to steps. Whatever nobody asks for, an element, an attribute or a value, is an
 * error: nothing of a scenario is ignored that would change what it does.
 */
#include "tools/wsload/sipp_scenario.h"

struct sipp_reader {
	struct sipp_scenario *scenario;
	struct sipp_names names;
	struct sipp_error *error;
	struct sipp_element *program; /* whose labels are meant: <scenario> or <init> */
};

/* The whole of <scenario>. */
bool sipp_read_scenario(struct sipp_reader *r, struct sipp_element *root);

/* <action> into the step. */
bool sipp_read_actions(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *step);

/* -- attributes; what is wrong is said -- */

bool sipp_read_unused(struct sipp_reader *r, const struct sipp_element *e);
bool sipp_read_truth(struct sipp_reader *r, struct sipp_element *e, const char *name, bool *out);
bool sipp_read_number(struct sipp_reader *r, struct sipp_element *e, const char *name, double *out);

/* Milliseconds, or "30s" as SIPp takes it. */
bool sipp_read_time(struct sipp_reader *r, struct sipp_element *e, const char *name, uint64_t *ns);

/* A variable that is read; SIPP_NONE when there is no such attribute. */
bool sipp_read_variable(struct sipp_reader *r, struct sipp_element *e, const char *name,
			uint32_t *out);

/* One that is written, of the list; at most `max`, at least one. */
bool sipp_read_targets(struct sipp_reader *r, struct sipp_element *e, uint32_t *out, uint32_t max,
		       uint32_t *len);

/* The number of the step behind a label. */
bool sipp_read_label(struct sipp_reader *r, struct sipp_element *e, const char *name,
		     uint32_t *out);

/* Is it a command, one that becomes a step? */
bool sipp_read_is_step(const struct sipp_element *e);

#endif
