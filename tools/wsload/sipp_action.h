/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_ACTION_H
#define WSLOAD_SIPP_ACTION_H
#include "tools/wsload/sipp_call.h"

/*
 * Do what <action> of the step says. *jumped: an action has set the step of the call. False: the
 * call is over.
 */
bool sipp_action_run(struct sipp_call *c, const struct sipp_step *s, bool *jumped);

#endif
