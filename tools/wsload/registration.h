/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_REGISTRATION_H
#define WSLOAD_REGISTRATION_H
/*
 * REGISTER: the one that opens a client, and those that refresh it; with digest authentication
 * (RFC 8760: MD5 and SHA-256) where the server asks for it. A nonce is used again, counted by nc,
 * until the server gives another.
 */
#include <stdbool.h>
#include <stdint.h>
#include "tools/wsload/operation.h"

/* Send the REGISTER that comes before all operations. */
void registration_begin(struct worker *w, struct client *c);

/* An answer to it came, in w->msg. */
void registration_take(struct worker *w, struct client *c, uint32_t serial);

/* Send one that refreshes. */
void registration_refresh(struct worker *w, struct client *c, struct operation_request *r);

/* The refresh was answered with a challenge, and is sent once more. */
bool registration_is_challenged(struct worker *w, struct client *c, uint16_t entry);

#endif
