/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_CALL_H
#define WSLOAD_CALL_H
/*
 * Calls between partners: INVITE, 180, 200 with SDP, ACK, then BYE and its 200. In a dialog the
 * remote target is the partner's Contact and the route set its Record-Route (RFC 3261 §12). Both
 * ends are clients of one worker: what one sent and the other got is noted in the same operation.
 */
#include "tools/wsload/exchange.h"

struct worker;
struct client;
struct op;

/* The message w->msg, which was found to be of this call. */
void call_take_response(struct worker *w, struct client *c, const struct exchange_id *id,
			const struct template_digits *digits);
void call_take_request(struct worker *w, struct client *c, struct op *op,
		       const struct template_digits *digits);

#endif
