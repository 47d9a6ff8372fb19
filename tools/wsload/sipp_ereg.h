/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_EREG_H
#define WSLOAD_SIPP_EREG_H
#include "tools/wsload/sipp_call.h"

/* <ereg>: what it finds goes to its variables. False: the call is over. */
bool sipp_ereg_run(struct sipp_call *c, const struct sipp_action *a);

#endif
