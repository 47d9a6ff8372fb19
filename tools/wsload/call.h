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

/* A response, w->msg, to the request with this number and these digits. */
struct call_answer {
	const struct exchange_id *id;
	const struct template_digits *digits; /* the request is in w->scratch */
	const char *wrong;                    /* the field that is; or NULL */
};

/* w->msg was found to be of this call. */
void call_take_response(struct worker *w, struct client *c, const struct call_answer *a);
void call_take_request(struct worker *w, struct client *c, struct op *op,
		       const struct template_digits *digits);

/* The INVITE has these: its ACK must have them too (RFC 3261 §13.2.2.4). False: no memory. */
bool call_keep_credentials(struct op *op, struct span credentials);

/* The operation is over. */
void call_forget(struct op *op);

#endif
