/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H
/*
 * Answers of our own, statelessly (RFC 3261 §8.2.7, P-12): the same request gets the same bytes,
 * To tag included. They end the message: action is MESSAGE_REPLY, or MESSAGE_DROP with its fate.
 */
#include "engine/inbound.h"

/* Methods and extensions of the server itself. */
#define ANSWER_ALLOW "Allow: OPTIONS, REGISTER\r\n"
#define ANSWER_SUPPORTED "Supported: path, outbound, gruu\r\n"

void answer_drop(struct message *m, enum stats_fate fate);

/*
 * Answer with this status. `reason` may be empty; `fields` are whole header lines; both only have
 * to live during the call. An ACK is never answered but dropped, with a fate that goes with the
 * status.
 */
void answer_send(struct inbound *in, int status, struct span reason, struct span fields);

/* The same with a body; its Content-Type is among `fields`. */
void answer_send_body(struct inbound *in, int status, struct span reason, struct span fields,
		      struct span body);

/* Short form without fields; `reason` a string or NULL. */
void answer_refuse(struct inbound *in, int status, const char *reason);

/* 503, and when to come back. */
void answer_later(struct inbound *in);

/*
 * 503 to a request, anything else is dropped. There was no memory for what has to be known of its
 * connection; that it is open is certain, as nothing comes from a flow after its end.
 */
void answer_overload(struct inbound *in);

/* 480 to a request, anything else is dropped: it was forwarded to a flow that is gone. */
void answer_away(struct inbound *in);

/*
 * 420 if one of these fields (Require, Proxy-Require) names an extension that we do not have.
 * True: answered. Nearly always there is no such field.
 */
bool answer_unknown_extension(struct inbound *in, enum sip_field_id id);
static inline bool
answer_bad_extension(struct inbound *in, enum sip_field_id id)
{
	return in->m->sip.first[id] != SIP_NONE && answer_unknown_extension(in, id);
}

/* Our answer to OPTIONS (§11.2). */
void answer_options(struct inbound *in);

#endif
