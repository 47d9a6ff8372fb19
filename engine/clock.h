/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CLOCK_H
#define ENGINE_CLOCK_H
/*
 * The only place that reads the clock. Whoever can is given the time as an argument instead.
 */
#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_MS UINT64_C(1000000)
#define CLOCK_NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC in ns: the same clock as ring_now_ns() and futex and io_uring timeouts. */
static inline uint64_t
clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* For timeouts of system calls. */
static inline struct timespec
clock_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / CLOCK_NS_PER_S),
				  .tv_nsec = (long)(ns % CLOCK_NS_PER_S) };
}

#endif
