/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/doorbell.h"
#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "engine/clock.h"

enum doorbell_state { DOORBELL_QUIET, DOORBELL_RUNG, DOORBELL_ASLEEP };

_Static_assert(sizeof(_Atomic uint32_t) == 4, "a futex word has 32 bits");

static uint64_t
deadline_after(uint64_t timeout_ns)
{
	uint64_t now_ns;

	if (timeout_ns == UINT64_MAX)
		return UINT64_MAX;
	now_ns = clock_now_ns();
	return timeout_ns < UINT64_MAX - now_ns ? now_ns + timeout_ns : UINT64_MAX;
}

/* Returns 0 or errno: ETIMEDOUT, EAGAIN (the word was not `asleep` any more), EINTR. */
static int
sleep_while_asleep(struct doorbell *d, uint64_t deadline_ns)
{
	struct timespec until = clock_timespec(deadline_ns);
	const struct timespec *timeout = deadline_ns == UINT64_MAX ? NULL : &until;

	/* FUTEX_WAIT_BITSET: its timeout is absolute, on CLOCK_MONOTONIC */
	if (syscall(SYS_futex, &d->state, FUTEX_WAIT_BITSET_PRIVATE, DOORBELL_ASLEEP, timeout, NULL,
		    FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	return errno;
}

bool
doorbell_wait(struct doorbell *d, uint64_t timeout_ns)
{
	uint32_t state = DOORBELL_QUIET;
	uint64_t deadline_ns;
	int error;

	/*
	 * Either the ring came first and this fails, or the ringer's exchange finds "asleep" and
	 * wakes: both are read-modify-writes of one word, so one of them sees the other.
	 */
	if (timeout_ns != 0 &&
	    atomic_compare_exchange_strong_explicit(&d->state, &state, DOORBELL_ASLEEP,
						    memory_order_relaxed, memory_order_relaxed)) {
		deadline_ns = deadline_after(timeout_ns);
		do {
			error = sleep_while_asleep(d, deadline_ns);
			assert(error == 0 || error == EAGAIN || error == EINTR ||
			       error == ETIMEDOUT);
			/* relaxed: the exchange below is what takes the ring in */
			state = atomic_load_explicit(&d->state, memory_order_relaxed);
		} while (state == DOORBELL_ASLEEP && error != ETIMEDOUT);
	}
	/* acquire: pairs with the release in doorbell_ring() */
	return atomic_exchange_explicit(&d->state, DOORBELL_QUIET, memory_order_acquire) ==
	       DOORBELL_RUNG;
}

void
doorbell_ring(struct doorbell *d)
{
	int saved = errno;

	/* release: pairs with the acquire in doorbell_wait() */
	if (atomic_exchange_explicit(&d->state, DOORBELL_RUNG, memory_order_release) ==
	    DOORBELL_ASLEEP)
		syscall(SYS_futex, &d->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}
