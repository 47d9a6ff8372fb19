/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SCHEDULE_H
#define WSLOAD_SCHEDULE_H
/*
 * The time line of an open-loop run: when the n-th operation is meant to start, whatever became
 * of those before it. Stages follow each other; in each the rate goes evenly from one value to
 * another. Threads take turns on the line.
 */
#include <stdint.h>

#define SCHEDULE_STAGES_MAX 32
#define SCHEDULE_FOR_EVER 1e9 /* seconds */

struct schedule_stage {
	double seconds;
	double from, to; /* operations per second at its beginning and its end */
};

struct schedule {
	const struct schedule_stage *stages;
	uint32_t stages_len;
	uint32_t thread, threads;
	uint64_t start_ns;
	uint64_t next; /* the operation of this thread that is started next */
};

/* When this thread's n-th operation starts; UINT64_MAX: the last stage is over before. */
uint64_t schedule_at(const struct schedule *s, uint64_t n);

static inline uint64_t
schedule_next_ns(const struct schedule *s)
{
	return schedule_at(s, s->next);
}

#endif
