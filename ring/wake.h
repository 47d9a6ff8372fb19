/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_WAKE_H
#define RING_WAKE_H
/*
 * The doorbell: an eventfd that other threads write to, watched by a multishot poll of the ring.
 */
#include "ring/state.h"

/* 0 or -errno. */
int wake_open(struct ring *r);
void wake_close(struct ring *r);

/* Watch it, unless it is watched: at most one SQE. */
void wake_arm(struct ring *r);
void wake_completed(struct ring *r, const struct uring_cqe *cqe);

#endif
