/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_HANDOVER_H
#define RING_HANDOVER_H
/*
 * Messages between rings of one process: a wake, and a connection that moves.
 *
 * A connection moves with one message: for a direct descriptor the kernel puts the socket into the
 * other ring's table, for an ordinary one its number is enough. What the message has no room for
 * (the peer's address) waits in a block of memory whose pointer it carries.
 *
 * Who counts whom: ring.guests is one atomic word of the receiving ring, twice the number of
 * connections on their way to it, plus 1 when it takes no more. So it can neither end while one is
 * on its way, nor can one set out after it has refused.
 */
#include "ring/state.h"

/* At once on their way to one ring; their table entries are spare ones. */
#define HANDOVER_GUESTS_MAX 32u

void handover_wake(struct ring *from, struct ring *to);

/* 0 or -errno: see ring_hand_over(). */
int handover_begin(struct ring *from, uint32_t slot, struct ring *to);

/* Nobody may set out to this ring any more. */
void handover_refuse(struct ring *r);

/* Connections on their way to this ring. */
uint32_t handover_guests(const struct ring *r);

/* The message that is missing: at most one SQE. */
void handover_reconcile(struct ring *r, struct slot *s);

/* On the ring that sent: the message is gone, or it failed. */
void handover_sent(struct ring *r, const struct uring_cqe *cqe);
void handover_wake_failed(const struct uring_cqe *cqe);

/* On the ring that gets it. */
void handover_arrived(struct ring *r, const struct uring_cqe *cqe);

#endif
