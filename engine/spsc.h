/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SPSC_H
#define ENGINE_SPSC_H
/*
 * Bounded queue of pointers between one producer and one consumer thread. Lock-free, wait-free.
 *
 * Indices run freely and are masked on use, so full is tail - head == capacity and no slot is
 * wasted. Each side keeps its private state (its cached copy of the other's index) in a cache
 * line that the other never touches, and publishes its own index in a line that only it
 * writes: in the common case a push writes private lines only, and a pop one of its own.
 *
 * Sleeping: the consumer that wants to sleep calls spsc_sleep_begin(); true means that the queue
 * is empty and the producer will ring; the producer calls spsc_publish() once per batch and
 * rings the consumer's doorbell when it says so. A consumer of several queues has one flag for all
 * of them (spsc_share_flag()): it raises it, looks at each queue with spsc_is_empty(), sleeps if
 * all are, and lowers it. What is in no hurry does not wake everybody: see enum spsc_sleep.
 *
 * Why no wake-up is lost: the producer stores tail and then loads sleeping, the consumer stores
 * sleeping and then loads tail. All four are seq_cst, so they have one order, and whichever store
 * comes second in it, the load after it sees the first one. (Operations, not fences:
 * ThreadSanitizer knows no fences, and on x86 an exchange costs the same.)
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPSC_LINE 64

/* What a consumer's flag says. */
enum spsc_sleep {
	SPSC_AWAKE,
	SPSC_ASLEEP, /* ring for what is urgent; what is not will be found some time */
	SPSC_EAGER,  /* asleep: ring for anything */
};

/* Aligned to a cache line: embed it, or allocate it with aligned_alloc(). */
struct spsc {
	/* private to the producer */
	alignas(SPSC_LINE) uint32_t tail_local; /* pushed, perhaps not yet published */
	uint32_t head_cached;
	/* written by the producer, read by the consumer */
	alignas(SPSC_LINE) _Atomic uint32_t tail;
	/* private to the consumer */
	alignas(SPSC_LINE) uint32_t tail_cached;
	/* written by the consumer, read by the producer when the queue looks full */
	alignas(SPSC_LINE) _Atomic uint32_t head;
	/* written by both, rarely; not used when the consumer has a flag of its own */
	alignas(SPSC_LINE) _Atomic uint32_t sleeping;
	/* constant */
	alignas(SPSC_LINE) uint32_t mask;
	void **slots;
	_Atomic uint32_t *flag; /* `sleeping`, or the consumer's own */
};

/* capacity: power of two, at most 2^31. False: out of memory. Not while another thread uses it. */
bool spsc_init(struct spsc *q, uint32_t capacity);

/* The same with indices that begin at `start`: so that tests reach their wrap-around. */
bool spsc_init_at(struct spsc *q, uint32_t capacity, uint32_t start);

/* The consumer sleeps on several queues: this flag says that it does. Before any thread uses it. */
static inline void
spsc_share_flag(struct spsc *q, _Atomic uint32_t *flag)
{
	q->flag = flag;
}

/* What is still in it is not touched: take it out first. */
void spsc_fini(struct spsc *q);

/* Producer: put one in; not visible before spsc_publish(). False: full. `item` is not NULL. */
static inline bool
spsc_push(struct spsc *q, void *item)
{
	if (q->tail_local - q->head_cached > q->mask) {
		/* acquire: pairs with the release in spsc_pop(): read before it is reused */
		q->head_cached = atomic_load_explicit(&q->head, memory_order_acquire);
		if (q->tail_local - q->head_cached > q->mask)
			return false;
	}
	q->slots[q->tail_local++ & q->mask] = item;
	return true;
}

/*
 * Producer: make all pushed items visible. True: the consumer sleeps at least as lightly as
 * `level` says, ring its doorbell (and only then; several publishes to one sleeper are one ring).
 */
static inline bool
spsc_publish_to(struct spsc *q, enum spsc_sleep level)
{
	/* relaxed: only this thread writes tail */
	if (q->tail_local == atomic_load_explicit(&q->tail, memory_order_relaxed))
		return false;
	/*
	 * As a release it pairs with the acquires in spsc_pop(): slots are filled before the
	 * index says so. Its seq_cst is for the load after it: see the top.
	 */
	atomic_store_explicit(&q->tail, q->tail_local, memory_order_seq_cst);
	if (atomic_load_explicit(q->flag, memory_order_seq_cst) < level)
		return false;
	/*
	 * Relaxed is enough: who finds 0 here lost against the consumer's spsc_sleep_end(),
	 * and the consumer looks at tail again before its next sleep.
	 */
	return atomic_exchange_explicit(q->flag, SPSC_AWAKE, memory_order_relaxed) != SPSC_AWAKE;
}

static inline bool
spsc_publish(struct spsc *q)
{
	return spsc_publish_to(q, SPSC_ASLEEP);
}

/* Consumer: take one out, or NULL. */
static inline void *
spsc_pop(struct spsc *q)
{
	/* relaxed: only this thread writes head */
	uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
	void *item;

	if (head == q->tail_cached) {
		/* acquire: pairs with the store of tail in spsc_publish() */
		q->tail_cached = atomic_load_explicit(&q->tail, memory_order_acquire);
		if (head == q->tail_cached)
			return NULL;
	}
	item = q->slots[head & q->mask];
	/* release: pairs with the acquire in spsc_push(): the slot may be reused from here on */
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return item;
}

/* Consumer, between raising its flag and sleeping: nothing is in it, as far as published. */
static inline bool
spsc_is_empty(const struct spsc *q)
{
	/* seq_cst: see the top; relaxed: only we write head */
	return atomic_load_explicit(&q->tail, memory_order_seq_cst) ==
	       atomic_load_explicit(&q->head, memory_order_relaxed);
}

/* Consumer: about to sleep, or not? See the top. */
static inline void
spsc_flag_raise(_Atomic uint32_t *flag, enum spsc_sleep level)
{
	atomic_store_explicit(flag, level, memory_order_seq_cst);
}

/* Consumer: awake again, whatever the reason. Relaxed: who misses it rings once in vain. */
static inline void
spsc_flag_lower(_Atomic uint32_t *flag)
{
	atomic_store_explicit(flag, SPSC_AWAKE, memory_order_relaxed);
}

/* Consumer of this queue only: about to sleep. False: something is in the queue, do not sleep. */
static inline bool
spsc_sleep_begin(struct spsc *q)
{
	spsc_flag_raise(q->flag, SPSC_EAGER);
	if (spsc_is_empty(q))
		return true;
	spsc_flag_lower(q->flag);
	return false;
}

/* Consumer of this queue only: awake again. */
static inline void
spsc_sleep_end(struct spsc *q)
{
	spsc_flag_lower(q->flag);
}

#endif
