/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_AUTHENTICATION_H
#define WSLOAD_SIPP_AUTHENTICATION_H
/* Digest authentication of calls: the answer to a challenge. */
#include "tools/wsload/sipp_call.h"

/* Keep the first challenge in the message that can be answered. False: there is none. */
bool sipp_authentication_take(struct sipp_call *c, struct span message, bool proxy);

/*
 * The whole line of Authorization or Proxy-Authorization, without its end, for the request that
 * `out` begins with. NULL: the user and password of the options. False: nobody has asked for it.
 */
bool sipp_authentication_put(struct sipp_call *c, struct sipp_text *out, const char *user,
			     const char *password);

#endif
