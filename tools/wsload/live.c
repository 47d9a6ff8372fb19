/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/live.h"

#include <inttypes.h>
#include <stdio.h>
#include "engine/clock.h"
#include "tools/wsload/worker.h"

void
live_init(struct live *l, const struct plan *plan, const struct worker *workers, uint64_t now_ns)
{
	*l = (struct live){ .plan = plan,
			    .workers = workers,
			    .begin_ns = now_ns,
			    .last_ns = now_ns,
			    .on = !plan->options.quiet };
}

uint64_t
live_next_ns(const struct live *l)
{
	return l->last_ns + CLOCK_NS_PER_S;
}

static uint64_t
sum(const struct live *l, enum tally_count count)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < l->plan->options.threads; i++)
		n += tally_read(&l->workers[i].tally, count);
	return n;
}

static uint64_t
faults(const struct live *l)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < l->plan->options.threads; i++)
		n += tally_faults(&l->workers[i].tally);
	return n;
}

void
live_tick(struct live *l, uint64_t now_ns)
{
	uint64_t sent, received;
	double second;

	if (now_ns < live_next_ns(l))
		return;
	second = (double)(now_ns - l->last_ns) / 1e9;
	sent = sum(l, TALLY_messages_sent);
	received = sum(l, TALLY_messages_received);
	if (l->on)
		fprintf(stderr,
			"%4.0f s  %" PRIu64 " connected  %.0f/s sent  %.0f/s received  %" PRIu64
			" errors\n",
			(double)(now_ns - l->begin_ns) / 1e9, sum(l, TALLY_connected),
			(double)(sent - l->sent_before) / second,
			(double)(received - l->received_before) / second, faults(l));
	l->sent_before = sent;
	l->received_before = received;
	l->last_ns = now_ns;
}

void
live_fini(struct live *l)
{
	fflush(stderr);
	l->on = false;
}
