/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/live.h"

#include <inttypes.h>
#include <stdio.h>
#include "engine/clock.h"
#include "tools/wsload/plan.h"
#include "tools/wsload/series.h"

#define BAR 20

uint64_t
live_next_ns(const struct live *l)
{
	return l->series->last_ns + CLOCK_NS_PER_S;
}

static void
draw_bar(const struct live *l, uint64_t now_ns)
{
	uint64_t done_ns = l->start_ns && now_ns > l->start_ns ? now_ns - l->start_ns : 0;
	double part = l->total_ns ? (double)done_ns / (double)l->total_ns : 0;
	char bar[BAR + 1];

	for (int i = 0; i < BAR; i++)
		bar[i] = i < part * BAR ? '#' : '.';
	bar[BAR] = '\0';
	fprintf(stderr, "[%s] ", bar);
}

static void
say(const struct live *l, const struct sample *s, uint64_t now_ns)
{
	draw_bar(l, now_ns);
	fprintf(stderr, "%4.0f s  %" PRIu64 " connected  %.0f/s sent  %.0f/s received", s->at_s,
		s->connected, s->sent, s->received);
	if (s->max_us > 0)
		fprintf(stderr, "  p50 %.0f us  p99 %.0f us", s->p50_us, s->p99_us);
	fprintf(stderr, "  %" PRIu64 " errors\n", s->errors);
}

void
live_tick(struct live *l, uint64_t now_ns)
{
	const struct sample *s;

	if (now_ns < live_next_ns(l))
		return;
	s = series_take(l->series, now_ns);
	if (s && !l->plan->options.quiet)
		say(l, s, now_ns);
}

void
live_end(struct live *l, uint64_t now_ns)
{
	series_take(l->series, now_ns);
}
