/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_READ_STEP_H
#define WSLOAD_SIPP_READ_STEP_H
#include "tools/wsload/sipp_read.h"

/* One command. The step has SIPP_NONE where no other step, variable or transaction is named. */
bool sipp_read_step(struct sipp_reader *r, struct sipp_element *e, struct sipp_step *s);

#endif
