/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_EDGE_H
#define ENGINE_EDGE_H
/*
 * Mode edge: a stateless RFC 5626 edge proxy between WebSocket clients and a SIP core, the group of
 * upstreams. Requests of clients go to the core: REGISTER with a Path, those that form a dialog
 * with two Record-Route (RFC 5658), each with the flow token of the client. Requests of the core
 * go to clients by such a token and by nothing else. Responses go back by the token in our own
 * Via.
 *
 * Pure as proxy.h is; which upstreams are in use is part of the state it reads.
 */
#include "engine/inbound.h"

void edge_request(struct inbound *in);
void edge_response(struct inbound *in);

/* As route_undeliverable(). */
void edge_undeliverable(struct stage *s, struct message *m, uint64_t now_ns);

#endif
