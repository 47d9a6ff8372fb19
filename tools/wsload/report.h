/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_REPORT_H
#define WSLOAD_REPORT_H
/* What came of a run, for people and for programs. */
#include <stdio.h>
#include "tools/wsload/run.h"

void report_text(const struct plan *plan, const struct result *r, FILE *out);

/* One object on one line. */
void report_json(const struct plan *plan, const struct result *r, FILE *out);

#endif
