/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_DOORBELL_H
#define ENGINE_DOORBELL_H
/*
 * Wakes a thread that sleeps on no ring (the router, the log's writer). Any number of
 * threads ring, one waits. Rings that come while the thread is awake are one ring, and it
 * is not lost: the next doorbell_wait() returns at once.
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct doorbell {
	alignas(64) _Atomic uint32_t state; /* all zero: not rung; the futex word */
};

static inline void
doorbell_init(struct doorbell *d)
{
	atomic_init(&d->state, 0);
}

/*
 * Sleep until somebody rings, at most timeout_ns (UINT64_MAX: for ever; 0: only look). True: it was
 * rung. What the ringer wrote before doorbell_ring() is visible after it.
 */
bool doorbell_wait(struct doorbell *d, uint64_t timeout_ns);

/* A system call only when the thread sleeps. Any thread; async-signal-safe. */
void doorbell_ring(struct doorbell *d);

#endif
