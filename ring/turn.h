/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_TURN_H
#define RING_TURN_H
/*
 * One turn: requests out, wait, completions in, handlers.
 */
#include "ring/state.h"

/* The longest wait that is averaged, in multiples of the longest spin. */
#define TURN_GAP_CAP 8u

/* 0, or -errno when the ring is unusable. */
int turn_run(struct ring *r, uint64_t wait_ns);

#endif
