/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/rcu.h"

#include <stddef.h>
#include <stdlib.h>
#include <urcu/call-rcu.h>

#define owner_of(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

#ifdef __SANITIZE_THREAD__
char rcu_reads_end;
#endif

/* Ends each chain, so that NULL in `fresh` can say that no callback is on its way. */
static char end_mark;
#define CHAIN_END ((void *)&end_mark)

static void *
do_nothing(void *arg)
{
	return arg;
}

bool
rcu_can_begin(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, do_nothing, NULL) == 0 &&
	       pthread_join(thread, NULL) == 0;
}

void
rcu_wait(void)
{
	urcu_memb_synchronize_rcu();
#ifdef __SANITIZE_THREAD__
	__tsan_acquire(&rcu_reads_end);
#endif
}

void
rcu_grave_init(struct rcu_grave *g)
{
	atomic_init(&g->fresh, NULL);
	g->old = CHAIN_END;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->idle, NULL);
	(void)urcu_memb_get_default_call_rcu_data();
}

void
rcu_grave_fini(struct rcu_grave *g)
{
	pthread_mutex_lock(&g->lock);
	while (atomic_load_explicit(&g->fresh, memory_order_acquire))
		pthread_cond_wait(&g->idle, &g->lock);
	pthread_mutex_unlock(&g->lock);
	pthread_cond_destroy(&g->idle);
	pthread_mutex_destroy(&g->lock);
}

static void
free_chain(void *block)
{
#ifdef __SANITIZE_THREAD__
	__tsan_acquire(&rcu_reads_end);
#endif
	while (block != CHAIN_END) {
		void *next = *(void **)block;

		free(block);
		block = next;
	}
}

/* True: nothing is fresh, and no callback is on its way any more. */
static bool
has_rest(struct rcu_grave *g)
{
	void *empty = CHAIN_END;
	bool rest;

	pthread_mutex_lock(&g->lock);
	/* release: who finds NULL must not touch head and old before us */
	rest = atomic_compare_exchange_strong_explicit(&g->fresh, &empty, NULL,
						       memory_order_release, memory_order_relaxed);
	if (rest)
		pthread_cond_signal(&g->idle);
	pthread_mutex_unlock(&g->lock);
	return rest;
}

/*
 * On liburcu's thread. All that `old` holds was retired before this callback was sent, so its
 * readers have gone; what is fresh has to wait for another round.
 */
static void
bury(struct rcu_head *head)
{
	struct rcu_grave *g = owner_of(head, struct rcu_grave, head);

	/* acquire: pairs with the release in rcu_retire() that sent us, and with those since */
	(void)atomic_load_explicit(&g->fresh, memory_order_acquire);
	free_chain(g->old);
	g->old = CHAIN_END;
	if (has_rest(g))
		return;
	/* acquire: as above */
	g->old = atomic_exchange_explicit(&g->fresh, CHAIN_END, memory_order_acquire);
	urcu_memb_call_rcu(head, bury);
}

void
rcu_retire(struct rcu_grave *g, void *block)
{
	/* acquire: NULL was left there by a callback that is done with `head` */
	void *before = atomic_load_explicit(&g->fresh, memory_order_acquire);

	do
		*(void **)block = before ? before : CHAIN_END;
	while (!atomic_compare_exchange_weak_explicit(&g->fresh, &before, block,
						      memory_order_acq_rel, memory_order_acquire));
	if (!before)
		urcu_memb_call_rcu(&g->head, bury);
}
