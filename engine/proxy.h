/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_PROXY_H
#define ENGINE_PROXY_H
/*
 * The stateless proxy (RFC 3261 §16.11) between flows. Where a request goes depends on the
 * request, the location table and the open flows only; what is written into it on the request, the
 * keys and the flows only (P-03..P-05). Nothing is allocated.
 */
#include "engine/inbound.h"

/* What the Route fields say. */
struct proxy_route {
	bool by_token;                  /* a flow token names the way */
	bool rewritten;                 /* strict routing: in->uri is not what the request has */
	uint32_t own_tokens;            /* of the flow that the request came from */
	const struct flows_entry *flow; /* by_token: where to, NULL if that flow is gone */
	struct flows_entry found;       /* room for it */
};

/*
 * RFC 3261 §16.4: take our own values off the Route; see who is meant (P-10, O-07). Returns 0 or
 * the status to refuse with: 400, 403.
 */
int proxy_route_read(struct inbound *in, struct proxy_route *route);

/* Forward a request, or refuse it: 403, 404, 430, 480. */
void proxy_request(struct inbound *in, const struct proxy_route *route);

/* Forward a response, or drop it with its reason. */
void proxy_response(struct inbound *in);

/* ---- the parts that mode edge forwards with, too ---- */

/*
 * Must requests inside the dialog that this may form come back through here (P-09)? INVITE (RFC
 * 3261), SUBSCRIBE (RFC 6665 §4.3) and REFER (RFC 3515) without To tag; and every NOTIFY.
 */
bool proxy_forms_dialog(const struct inbound *in);

/* T-07, R-01: complete the sender's Via with where it really is. */
void proxy_via_params_edit(const struct inbound *in, struct sip_edit *e);

/* Of a request that has a Max-Forwards, more than 0. */
void proxy_max_forwards_edit(const struct inbound *in, struct sip_edit *e);

/* Out with it, as edited. False: the edits do not fit. */
bool proxy_send(struct message *m, struct flow to);

#endif
