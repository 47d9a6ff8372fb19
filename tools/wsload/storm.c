/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/storm.h"

#include "tools/wsload/operation.h"
#include "tools/wsload/worker.h"

static bool
blows(const struct worker *w)
{
	int phase = atomic_load_explicit(&w->phase, memory_order_relaxed);

	return w->plan->options.scenario->storms &&
	       (phase == WORKER_RUNNING || phase == WORKER_DRAINING);
}

bool
storm_takes(struct worker *w, struct client *c)
{
	if (!blows(w))
		return false;
	if (c->busy)
		tally_count(&w->tally, TALLY_retries, 1);
	else
		operation_begin(w, c, w->now_ns);
	return true;
}

bool
storm_gone(struct worker *w, struct client *c)
{
	if (!blows(w) || !c->busy)
		return false;
	wheel_arm(&w->wheel, &c->timer,
		  w->now_ns + backoff_ns(&w->plan->options.backoff, c->failures++, &w->random));
	return true;
}

void
storm_retry(struct worker *w, struct client *c)
{
	tally_count(&w->tally, TALLY_attempts, 1);
	if (!client_open(w, c))
		storm_gone(w, c);
}

void
storm_opened(struct worker *w, struct client *c)
{
	c->failures = 0;
	if (c->busy)
		operation_finish(w, c, 0);
}

bool
storm_gives_up(struct worker *w, struct client *c)
{
	if (c->state != CLIENT_GONE || !wheel_is_armed(&c->timer))
		return false;
	wheel_cancel(&w->wheel, &c->timer);
	return true;
}
