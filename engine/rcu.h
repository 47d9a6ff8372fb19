/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_RCU_H
#define ENGINE_RCU_H
/*
 * Read-copy-update with liburcu (its flavour memb): readers take no lock and write to no shared
 * line; who takes something out of a shared structure frees it after all readers that may have
 * seen it have gone on.
 *
 * Pointers are published and followed with C11 atomics (release, acquire), which ThreadSanitizer
 * understands. What it cannot see, for liburcu is not compiled with it, is that a reader's last
 * look comes before the end of the block: rcu_leave() and the freeing thread tell it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <urcu/urcu-memb.h>

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *at);
void __tsan_release(void *at);
extern char rcu_reads_end; /* only its address counts */
#endif

/* Each thread that reads or retires, once at its begin and end. */
static inline void
rcu_thread_begin(void)
{
	urcu_memb_register_thread();
}

static inline void
rcu_thread_end(void)
{
	urcu_memb_unregister_thread();
}

/* What is found between the two stays there until the second. May be nested. */
static inline void
rcu_enter(void)
{
	urcu_memb_read_lock();
}

static inline void
rcu_leave(void)
{
#ifdef __SANITIZE_THREAD__
	__tsan_release(&rcu_reads_end);
#endif
	urcu_memb_read_unlock();
}

/*
 * Waits until all who had entered have left. Not between rcu_enter() and rcu_leave(), and not on a
 * thread that must not wait.
 */
void rcu_wait(void);

/*
 * The blocks that one thread takes out of use. They are freed in batches, on liburcu's own thread:
 * the owner never waits, and pays one atomic exchange per block.
 */
struct rcu_grave {
	struct rcu_head head; /* at most one callback is on its way */
	void *_Atomic fresh;  /* since that was sent; chained by their first word */
	void *old;            /* what it will free */
	pthread_mutex_t lock; /* for rcu_grave_fini() to wait; no other thread than liburcu's */
	pthread_cond_t idle;
};

/*
 * Can a thread be started? liburcu takes the process down when it cannot start its own: ask before
 * the first rcu_grave_init().
 */
bool rcu_can_begin(void);

/* Starts liburcu's thread when it is the first of the process. */
void rcu_grave_init(struct rcu_grave *g);

/* Waits until all is freed. Not between rcu_enter() and rcu_leave(); any thread. */
void rcu_grave_fini(struct rcu_grave *g);

/*
 * free(block) once no reader can hold it any more. The first word of the block must be one that
 * readers do not look at: it is written at once. The owner's thread only.
 */
void rcu_retire(struct rcu_grave *g, void *block);

#endif
