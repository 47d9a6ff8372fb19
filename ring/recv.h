/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_RECV_H
#define RING_RECV_H
/*
 * Receiving: one multishot receive per slot on the buffer pool.
 *
 * Nobody gets more than his share. A slot whose bytes are in ring.share buffers that somebody holds
 * is not received from until half of them are back; where the kernel can (6.17), one receive takes
 * no more either. Who finds the pool empty waits in line, and so does everybody who wants to
 * receive while there is a line; each gets one buffer before anybody gets a second.
 */
#include "ring/state.h"

/* Make the request that is missing, if one is: at most one SQE. */
void recv_reconcile(struct ring *r, struct slot *s);

/* As many starved slots as there are buffers may try again, the longest waiting first. */
void recv_feed(struct ring *r);

/* When recv_feed() has something to do; UINT64_MAX: when a buffer comes back. */
uint64_t recv_feed_due_ns(const struct ring *r);

/* One user of the buffer less. */
void recv_lease_drop(struct ring *r, uint16_t buffer);

void recv_completed(struct ring *r, const struct uring_cqe *cqe);

#endif
