/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_CONNECT_H
#define RING_CONNECT_H
/* Connecting: a slot that begins with a connect request instead of an accepted socket. */
#include "ring/state.h"

void connect_begin(struct ring *r, struct slot *s, const struct sockaddr *address, socklen_t len);

/* Make the socket ready, make or cancel the request: at most one SQE. */
void connect_reconcile(struct ring *r, struct slot *s);

void connect_completed(struct ring *r, const struct uring_cqe *cqe);

#endif
