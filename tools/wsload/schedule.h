/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SCHEDULE_H
#define WSLOAD_SCHEDULE_H
/*
 * The time line of an open-loop run: when the n-th operation is meant to start, whatever became
 * of those before it.
 */
#include <stdint.h>

struct schedule {
	uint64_t start_ns;
	double rate;   /* operations per second */
	double offset; /* of the first one, in operations: threads take turns */
	uint64_t next; /* the operation that is started next */
};

static inline uint64_t
schedule_at(const struct schedule *s, uint64_t n)
{
	return s->start_ns + (uint64_t)(((double)n + s->offset) * 1e9 / s->rate);
}

static inline uint64_t
schedule_next_ns(const struct schedule *s)
{
	return schedule_at(s, s->next);
}

#endif
