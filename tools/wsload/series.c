/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/series.h"

#include <stdlib.h>
#include "tools/wsload/worker.h"

bool
series_init(struct series *s, const struct worker *workers, uint32_t n, uint64_t now_ns)
{
	s->workers = workers;
	s->workers_len = n;
	s->begin_ns = s->last_ns = now_ns;
	s->operations = s->sent = s->received = 0;
	s->samples = NULL;
	s->len = s->cap = 0;
	s->seen = calloc(n, sizeof(*s->seen));
	return s->seen != NULL;
}

void
series_fini(struct series *s)
{
	free(s->seen);
	free(s->samples);
	s->seen = NULL;
	s->samples = NULL;
}

static struct sample *
next_sample(struct series *s)
{
	if (s->len == s->cap) {
		uint32_t cap = s->cap ? 2 * s->cap : 64;
		struct sample *more = realloc(s->samples, cap * sizeof(*more));

		if (!more)
			return NULL;
		s->samples = more;
		s->cap = cap;
	}
	return &s->samples[s->len++];
}

/* A second's worth of a counter; *before catches up. */
static double
rate(uint64_t now, uint64_t *before, double seconds)
{
	double n = (double)(now - *before);

	*before = now;
	return n / seconds;
}

const struct sample *
series_take(struct series *s, uint64_t now_ns)
{
	struct sample *sample = next_sample(s);
	uint64_t operations = 0, sent = 0, received = 0;

	if (!sample || now_ns <= s->last_ns)
		return NULL;
	*sample = (struct sample){ .at_s = (double)(now_ns - s->begin_ns) / 1e9,
				   .seconds = (double)(now_ns - s->last_ns) / 1e9 };
	histogram_init(&s->sum);
	for (uint32_t i = 0; i < s->workers_len; i++) {
		const struct tally *t = &s->workers[i].tally;

		operations += tally_read(t, TALLY_operations);
		sent += tally_read(t, TALLY_messages_sent);
		received += tally_read(t, TALLY_messages_received);
		sample->connected += tally_read(t, TALLY_connected);
		sample->errors += tally_faults(t);
		histogram_since(&t->times[TALLY_TIME_operation], s->seen[i], &s->part);
		histogram_merge(&s->sum, &s->part);
	}
	sample->operations = rate(operations, &s->operations, sample->seconds);
	sample->sent = rate(sent, &s->sent, sample->seconds);
	sample->received = rate(received, &s->received, sample->seconds);
	sample->p50_us = (double)histogram_percentile(&s->sum, 50) / 1e3;
	sample->p99_us = (double)histogram_percentile(&s->sum, 99) / 1e3;
	sample->max_us = (double)s->sum.max / 1e3;
	s->last_ns = now_ns;
	return sample;
}

double
series_peak(const struct series *s)
{
	double peak = 0;

	for (uint32_t i = 0; i < s->len; i++)
		if (s->samples[i].operations > peak)
			peak = s->samples[i].operations;
	return peak;
}
