/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_MESSAGE_H
#define WSLOAD_MESSAGE_H
/* A whole message came: whose is it, and is it right? */
#include "codec/span.h"

struct worker;
struct client;
struct sip_reply;

void message_take(struct worker *w, struct client *c, struct span bytes);

/* Answer the request w->msg. */
void message_answer(struct worker *w, struct client *c, const struct sip_reply *reply);

#endif
