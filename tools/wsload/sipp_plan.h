/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_PLAN_H
#define WSLOAD_SIPP_PLAN_H
#include "tools/wsload/options.h"
#include "tools/wsload/scenario.h"

/*
 * What a scenario file means for the other options: its row of scenarios, rate, threads. NULL, or
 * what is wrong; static text. Does nothing without a scenario file but refuse what is only for one.
 */
const char *sipp_plan_settle(struct options *o);

/* The REGISTER of who answers over a WebSocket, for template_compile(), with {service}. */
struct scenario_text sipp_plan_register(void);

#endif
