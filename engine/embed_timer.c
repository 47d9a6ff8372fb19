/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/embed_timer.h"

#include <stdlib.h>
#include "engine/clock.h"

static void
unlink_timer(struct sipring_timer *t)
{
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
}

static void
fired(void *arg, struct wheel_timer *timer)
{
	struct sipring_timer *t = wheel_owner(timer, struct sipring_timer, timer);
	void (*fn)(void *) = t->fn;
	void *fn_arg = t->arg;

	(void)arg;
	unlink_timer(t);
	free(t);
	fn(fn_arg);
}

void
embed_timer_run(struct embed *e)
{
	wheel_advance(&e->wheel, e->now_ns, fired, NULL);
}

void
embed_timer_end(struct embed *e)
{
	while (e->timers) {
		struct sipring_timer *t = e->timers;

		unlink_timer(t);
		free(t);
	}
}

struct sipring_timer *
embed_timer_new(struct embed *e, unsigned ms, void (*fn)(void *), void *arg)
{
	struct sipring_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->embed = e;
	t->fn = fn;
	t->arg = arg;
	t->next = e->timers;
	t->link = &e->timers;
	if (t->next)
		t->next->link = &t->next;
	e->timers = t;
	wheel_arm(&e->wheel, &t->timer, e->now_ns + ms * CLOCK_NS_PER_MS);
	return t;
}

void
embed_timer_cancel(struct sipring_timer *t)
{
	wheel_cancel(&t->embed->wheel, &t->timer);
	unlink_timer(t);
	free(t);
}
