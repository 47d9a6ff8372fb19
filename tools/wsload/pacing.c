/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/pacing.h"

#include "tools/wsload/operation.h"
#include "tools/wsload/worker.h"

static struct client *
take_ready(struct worker *w)
{
	struct client *c = w->ready;

	if (!c)
		return NULL;
	w->ready = c->next_ready;
	if (!w->ready)
		w->ready_tail = &w->ready;
	c->ready = false;
	return c;
}

static bool
can_start(const struct worker *w, const struct client *c)
{
	return c->free != CLIENT_OP_NONE &&
	       (c->state == CLIENT_OPEN || (w->plan->options.scenario->churns &&
					    (c->state == CLIENT_NEW || c->state == CLIENT_GONE)));
}

/* A connection that could not be begun is tried again, but not in the same turn. */
static bool
start_at(struct worker *w, struct client *c, uint64_t start_ns)
{
	operation_begin(w, c, start_ns);
	if (can_start(w, c))
		worker_put_ready(w, c);
	return c->state != CLIENT_GONE;
}

static void
note_due(struct worker *w)
{
	uint64_t at;

	for (; (at = schedule_at(&w->schedule, w->due)) <= w->now_ns && at < w->end_ns; w->due++)
		if (at >= w->measure_ns)
			tally_time(&w->tally, TALLY_TIME_lag, w->now_ns - at);
}

static void
start_due(struct worker *w)
{
	note_due(w);
	while (w->ready && w->schedule.next < w->due) {
		struct client *c = take_ready(w);

		if (can_start(w, c) &&
		    !start_at(w, c, schedule_at(&w->schedule, w->schedule.next++)))
			break;
	}
}

/* Closed loop: what is ready now is begun now; later ones begin where others end. */
static void
start_ready(struct worker *w)
{
	struct client *last = NULL, *c;

	while ((c = take_ready(w)) && c != last) {
		while (can_start(w, c))
			if (!start_at(w, c, w->now_ns)) {
				last = c;
				break;
			}
	}
	if (c)
		worker_put_ready(w, c);
}

void
pacing_start(struct worker *w)
{
	if (w->plan->options.rate > 0)
		start_due(w);
	else if (w->now_ns >= w->schedule.start_ns && w->now_ns < w->end_ns)
		start_ready(w);
}

uint64_t
pacing_wait_ns(const struct worker *w)
{
	uint64_t next_ns;

	if (w->plan->options.rate <= 0 || !w->ready)
		return UINT64_MAX;
	next_ns = schedule_next_ns(&w->schedule);
	return next_ns > w->now_ns ? next_ns - w->now_ns : 0;
}
