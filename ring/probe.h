/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_PROBE_H
#define RING_PROBE_H
/*
 * Does this kernel do what the ring needs? And if not: why, and what helps.
 */
#include "ring/state.h"

/*
 * Receive one byte over a pair of sockets with a multishot receive into a buffer of the pool,
 * if it can be with a byte credit. 0 or -errno; -EINVAL: the kernel does not know how.
 */
int probe_receive(struct ring *r);

/* What -errno of setting up a ring means; static or thread-local text. */
const char *probe_explain(int result);

#endif
