/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_REPORT_H
#define WSLOAD_SIPP_REPORT_H
#include <stdio.h>
#include "tools/wsload/run.h"

/* ResponseTimeRepartition and CallLengthRepartition, a line each; nothing without a scenario. */
void sipp_report_tables(const struct plan *plan, const struct result *r, FILE *out);

#endif
