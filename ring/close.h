/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_CLOSE_H
#define RING_CLOSE_H
/*
 * Closing: cancel what is in flight, wait until the kernel has said its last word about each, then
 * close the socket. Never earlier: a request holds the socket open without its
 * descriptor, whose number another connection could then get (IO_URING facts, 7.1).
 */
#include "ring/state.h"

/* Our FIN, as soon as the kernel hears of it: at most one SQE. */
void close_shut_write(struct ring *r, struct slot *s);
void close_shut_reconcile(struct ring *r, struct slot *s);
void close_shut_completed(struct ring *r, const struct uring_cqe *cqe);

void close_begin(struct ring *r, struct slot *s, bool abort);

/* Close if nothing is in flight any more: at most two SQEs. */
void close_reconcile(struct ring *r, struct slot *s);

void close_completed(struct ring *r, const struct uring_cqe *cqe);

#endif
