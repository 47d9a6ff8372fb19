/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_AUTH_CHECK_H
#define ENGINE_AUTH_CHECK_H
/*
 * Digest authentication of requests, RFC 3261 §22 with RFC 7616 and RFC 8760 (D-01..08).
 *
 * Asked are: a REGISTER in our domains (401), whose To must be the user's own address; and any
 * request that is to be forwarded (407), whose From must be. Not asked are ACK and CANCEL
 * (§22.1), requests to the server itself other than REGISTER, and those inside a dialog that a flow
 * token of ours leads: it came with a request that was asked.
 */
#include "engine/inbound.h"
#include "engine/proxy.h"

/* stage->auth is there. True: it is answered (401, 407, 400, 403). */
bool auth_check_refuses(struct inbound *in, const struct proxy_route *route, bool for_server);

/*
 * RFC 3261 §22.3: take the Proxy-Authorization fields of our realms out of a request that is
 * forwarded; those of others stay as they are (D-08).
 */
void auth_check_consume(const struct inbound *in, struct sip_edit *e);

#endif
