/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "bench/bench.h"
#include "engine/spsc.h"

#define CAPACITY 4096
#define BATCH 16 /* messages of one turn: one publish */

/* In and out on one thread: the cost with routing_threads 0. */
BENCH(spsc_one_thread)
{
	struct spsc q;
	int item;

	if (!spsc_init(&q, CAPACITY))
		abort();
	while (bench_next(b)) {
		for (int i = 0; i < BATCH; i++)
			spsc_push(&q, &item);
		spsc_publish(&q);
		for (int i = 0; i < BATCH; i++)
			bench_use(spsc_pop(&q));
	}
	spsc_fini(&q);
	bench_items(b, BATCH);
}

struct handoff {
	struct spsc queue;
	uint64_t taken;
};

/* Takes until it gets the hand-off itself, which is the end mark. */
static void *
consume(void *arg)
{
	struct handoff *h = arg;

	for (;;) {
		void *item = spsc_pop(&h->queue);

		if (item == h)
			return NULL;
		if (item)
			h->taken++;
		else
			sched_yield();
	}
}

static void
push(struct spsc *q, void *item)
{
	while (!spsc_push(q, item)) {
		spsc_publish(q);
		sched_yield();
	}
}

/* To another thread, which never sleeps; the time is the producer's, held up by a full queue. */
BENCH(spsc_two_threads)
{
	struct handoff *h = aligned_alloc(SPSC_LINE, sizeof(*h));
	pthread_t consumer;
	uint64_t rounds = 0;
	int item;

	if (!h || !spsc_init(&h->queue, CAPACITY))
		abort();
	h->taken = 0;
	if (pthread_create(&consumer, NULL, consume, h) != 0)
		abort();
	while (bench_next(b)) {
		for (int i = 0; i < BATCH; i++)
			push(&h->queue, &item);
		spsc_publish(&h->queue);
		rounds++;
	}
	push(&h->queue, h);
	spsc_publish(&h->queue);
	pthread_join(consumer, NULL);
	if (h->taken != rounds * BATCH)
		bench_fail(b, "items got lost");
	spsc_fini(&h->queue);
	free(h);
	bench_items(b, BATCH);
}
