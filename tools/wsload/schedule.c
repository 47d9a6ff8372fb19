/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/schedule.h"

#include <math.h>

/*
 * Seconds from the beginning of a stage until its n-th operation: after t seconds there were
 * from * t + slope / 2 * t^2 of them. Written so that a slope of 0 is no special case.
 */
static double
seconds_until(const struct schedule_stage *s, double n)
{
	double slope = (s->to - s->from) / s->seconds;

	return n > 0 ? 2 * n / (s->from + sqrt(fmax(0, s->from * s->from + 2 * slope * n))) : 0;
}

uint64_t
schedule_at(const struct schedule *s, uint64_t n)
{
	double left = (double)n * s->threads + s->thread, begun = 0;

	for (uint32_t i = 0; i < s->stages_len; i++) {
		const struct schedule_stage *stage = &s->stages[i];
		double operations = stage->seconds * (stage->from + stage->to) / 2;

		if (left < operations)
			return s->start_ns + (uint64_t)((begun + seconds_until(stage, left)) * 1e9);
		left -= operations;
		begun += stage->seconds;
	}
	return UINT64_MAX;
}
