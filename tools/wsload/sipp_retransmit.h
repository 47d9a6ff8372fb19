/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_RETRANSMIT_H
#define WSLOAD_SIPP_RETRANSMIT_H
/*
 * What UDP loses: messages that wait for an answer go out again (RFC 3261 §17.1), and what comes
 * again is answered again, by the scenario's last word on it.
 */
#include "tools/wsload/sipp_call.h"

/* A message was sent: remember it as the reply to what came last, and arm the timer if the step
 * has retrans. False: no memory. */
bool sipp_retransmit_sent(struct sipp_call *c, const struct sipp_step *s, struct span message);

/* Something that was awaited came: nothing is sent again any more. */
void sipp_retransmit_stop(struct sipp_call *c);

/* The timer. */
void sipp_retransmit_expired(struct sipp_call *c);

/* Did this message come before? Then it is counted and answered. */
bool sipp_retransmit_is(struct sipp_call *c, struct span message);

/* Remember a message that came. */
void sipp_retransmit_received(struct sipp_call *c, struct span message);

void sipp_retransmit_free(struct sipp_call *c);

#endif
