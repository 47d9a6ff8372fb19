/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_RECV_H
#define RING_RECV_H
/*
 * Receiving: one multishot receive per slot on the buffer pool.
 */
#include "ring/state.h"

/* Make the request that is missing, if one is: at most one SQE. */
void recv_reconcile(struct ring *r, struct slot *s);

/* As many starved slots as there are buffers may try again, the longest waiting first. */
void recv_feed(struct ring *r);

/* When recv_feed() has something to do; UINT64_MAX: when a buffer comes back. */
uint64_t recv_feed_due_ns(const struct ring *r);

void recv_completed(struct ring *r, const struct uring_cqe *cqe);

#endif
