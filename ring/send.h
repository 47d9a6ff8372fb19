/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_SEND_H
#define RING_SEND_H
/*
 * Sending: one send in flight per slot, resumed until all is taken or its time is over.
 */
#include "ring/state.h"

void send_begin(struct ring *r, struct slot *s, const uint8_t *bytes, uint32_t len,
		uint32_t timeout_us);

/* Make the request that is missing, if one is: at most two SQEs. */
void send_reconcile(struct ring *r, struct slot *s);

/* The slot will be closed: what was not submitted yet is over. Calls `sent`. */
void send_give_up(struct ring *r, struct slot *s);

void send_completed(struct ring *r, const struct uring_cqe *cqe);

/* The same of one without a copy; or its notification. */
void send_pinned_completed(struct ring *r, const struct uring_cqe *cqe);

#endif
