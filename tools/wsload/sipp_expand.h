/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_EXPAND_H
#define WSLOAD_SIPP_EXPAND_H
/* Templates to text, with what a call knows. */
#include "tools/wsload/sipp_call.h"

/* Appended to `out`, which has failed set when there was no memory. False: a keyword had nothing
 * that it could stand for, and the call has failed. */
bool sipp_expand_text(struct sipp_call *c, const struct sipp_template *t, struct sipp_text *out);

/* The same for a message: [len] is the length of what stands behind the first empty line. */
bool sipp_expand_message(struct sipp_call *c, const struct sipp_template *t, struct sipp_text *out);

#endif
