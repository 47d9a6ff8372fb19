/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_REPORT_H
#define WSLOAD_REPORT_H
/* What came of a run, for people and for programs. */
#include <stdio.h>
#include "tools/wsload/run.h"

/*
 * All that was asked for: text, --json, files. True: they were written, and the run was good.
 */
bool report_all(const struct plan *plan, const struct result *r);

void report_text(const struct plan *plan, const struct result *r, FILE *out);

/* One object on one line. */
void report_json(const struct plan *plan, const struct result *r, FILE *out);

/* A page that needs nothing else: tables and charts, for light and dark screens. */
void report_html(const struct plan *plan, const struct result *r, FILE *out);

/* A row per second. */
void report_csv(const struct plan *plan, const struct result *r, FILE *out);

/* Percentiles of the operation, in us, in the format of HdrHistogram's own tools. */
void report_hgrm(const struct plan *plan, const struct result *r, FILE *out);

/* A test case per objective, and one for the faults. */
void report_junit(const struct plan *plan, const struct result *r, FILE *out);

#endif
