/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_RECEIVE_H
#define WSLOAD_SIPP_RECEIVE_H
#include "codec/sip_msg.h"
#include "tools/wsload/sipp_call.h"

/* A message for this call came, as `m` has read it. */
void sipp_receive(struct sipp_call *c, const struct sip_msg *m);

/* 200 to a request, whatever the scenario says. */
void sipp_receive_answer(struct sipp_run *run, const struct sip_msg *m,
			 const struct sipp_peer *peer);

/* Is it one of those that -aa answers? */
bool sipp_receive_is_automatic(const struct sipp_run *run, const struct sip_msg *m);

#endif
