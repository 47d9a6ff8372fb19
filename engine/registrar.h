/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_REGISTRAR_H
#define ENGINE_REGISTRAR_H
/*
 * REGISTER: RFC 3261 §10.3, RFC 5626 §6, RFC 3327 §5.3. All changes of a request are made, or none.
 */
#include "engine/inbound.h"

/*
 * Carry out and answer a REGISTER for one of our domains. Only on the router whose home the
 * address-of-record is: see route_home().
 */
void registrar_serve(struct inbound *in);

#endif
