/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue between two threads: every item arrives once, in order, with the contents that it was
 * pushed with; and no wake-up is lost (a thread that sleeps through one fails the test after
 * 20 s). Runs under ThreadSanitizer too.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "engine/clock.h"
#include "engine/doorbell.h"
#include "engine/spsc.h"

#define WAKE_NS (UINT64_C(20) * 1000000000) /* a wake-up that takes so long is a lost one */

struct item {
	uint64_t serial;
	uint64_t check; /* plain: the queue is what makes it visible */
};

struct run {
	struct spsc there; /* main -> consumer */
	struct spsc back;  /* consumer -> main: the blocks, to be used again */
	struct doorbell consumer_bell, main_bell;
	uint64_t total;
	uint32_t batch_max;
	/* what the consumer saw */
	uint64_t received, disorders, bad_checks, sleeps, lost_wakes;
	/* what the producer saw */
	uint64_t fulls;
};

static uint64_t
check_of(uint64_t serial)
{
	return (serial ^ (serial >> 29)) * UINT64_C(0x9E3779B97F4A7C15);
}

static uint32_t
random_batch(uint64_t *seed, uint32_t max)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return 1 + (uint32_t)(*seed >> 33) % max;
}

static void
consume(struct run *r, struct item *item)
{
	if (item->serial != r->received)
		r->disorders++;
	if (item->check != check_of(item->serial))
		r->bad_checks++;
	r->received++;
	item->check = 0; /* ours now: a producer that still wrote to it would be a race */
	if (!spsc_push(&r->back, item))
		r->disorders++; /* cannot be: as many blocks as slots */
}

static void *
consumer_main(void *arg)
{
	struct run *r = arg;

	while (r->received < r->total && r->lost_wakes == 0) {
		struct item *item = spsc_pop(&r->there);

		if (item) {
			consume(r, item);
			if (r->received % 7 && r->received < r->total)
				continue;
		}
		if (spsc_publish(&r->back))
			doorbell_ring(&r->main_bell);
		if (item || !spsc_sleep_begin(&r->there))
			continue;
		r->sleeps++;
		if (!doorbell_wait(&r->consumer_bell, WAKE_NS))
			r->lost_wakes++;
		spsc_sleep_end(&r->there);
	}
	return NULL;
}

static void
publish(struct run *r)
{
	if (spsc_publish(&r->there))
		doorbell_ring(&r->consumer_bell);
}

/* A free block, waiting for one if need be. */
static struct item *
take_back(struct run *r)
{
	struct item *item;

	while (!(item = spsc_pop(&r->back))) {
		publish(r);
		if (!spsc_sleep_begin(&r->back))
			continue;
		if (!doorbell_wait(&r->main_bell, WAKE_NS))
			fail_msg("lost wake-up of the producer");
		spsc_sleep_end(&r->back);
	}
	return item;
}

static void
run(uint32_t capacity, uint32_t batch_max, uint64_t total)
{
	static struct run r;
	/* more blocks than slots: the queue is full at times, and nothing else orders them */
	uint32_t blocks_len = 2 * capacity;
	struct item *blocks = calloc(blocks_len, sizeof(*blocks));
	uint64_t seed = capacity * 31 + batch_max;
	pthread_t consumer;
	uint64_t serial = 0;

	assert_non_null(blocks);
	r = (struct run){ .total = total, .batch_max = batch_max };
	/* both wrap on the way */
	assert_true(spsc_init_at(&r.there, capacity, UINT32_MAX - (uint32_t)total / 2));
	assert_true(spsc_init_at(&r.back, blocks_len, UINT32_MAX - (uint32_t)total / 3));
	for (uint32_t i = 0; i < blocks_len; i++)
		assert_true(spsc_push(&r.back, &blocks[i]));
	spsc_publish(&r.back);
	assert_int_equal(pthread_create(&consumer, NULL, consumer_main, &r), 0);
	while (serial < total) {
		for (uint32_t n = random_batch(&seed, batch_max); n && serial < total; n--) {
			struct item *item = take_back(&r);

			item->serial = serial;
			item->check = check_of(serial);
			serial++;
			while (!spsc_push(&r.there, item)) {
				publish(&r);
				r.fulls++;
				sched_yield();
			}
		}
		publish(&r);
	}
	assert_int_equal(pthread_join(consumer, NULL), 0);
	assert_int_equal(r.lost_wakes, 0);
	assert_int_equal(r.received, total);
	assert_int_equal(r.disorders, 0);
	assert_int_equal(r.bad_checks, 0);
	assert_null(spsc_pop(&r.there));
	print_message("capacity %u, batches to %u: slept %llu times, full %llu times\n", capacity,
		      batch_max, (unsigned long long)r.sleeps, (unsigned long long)r.fulls);
	spsc_fini(&r.there);
	spsc_fini(&r.back);
	free(blocks);
}

static void
one_at_a_time(void **state)
{
	(void)state;
	run(1, 1, 30000); /* every item sleeps and wakes */
}

static void
small_queue(void **state)
{
	(void)state;
	run(8, 3, 200000);
}

static void
large_queue(void **state)
{
	(void)state;
	run(1024, 64, 1000000);
}

/* ---- the sleeping protocol alone: both sides at the same moment, often ---- */

#define ROUNDS 500000u
#define ROUNDS_NS (UINT64_C(3) * 1000000000) /* enough rounds, on a busy machine */

struct litmus {
	struct spsc q;
	alignas(64) _Atomic uint32_t ready[2]; /* rounds that each side has begun */
	_Atomic bool over;
	bool slept;
};

/* Wait for the other side, then begin at about the same time. */
static bool
meet(struct litmus *l, int side, uint32_t round)
{
	uint32_t spins = 0;

	atomic_store(&l->ready[side], round);
	while (atomic_load(&l->ready[!side]) < round) {
		if (atomic_load(&l->over))
			return false;
		if (++spins % 4096 == 0)
			sched_yield();
	}
	return true;
}

/* So that the sides meet in all phases. */
static void
delay(uint32_t n)
{
	for (volatile uint32_t left = n; left; left--)
		;
}

static void *
sleeper_main(void *arg)
{
	struct litmus *l = arg;

	for (uint32_t round = 1; meet(l, 1, 2 * round - 1); round++) {
		delay(round / 32 % 32);
		l->slept = spsc_sleep_begin(&l->q);
		if (!meet(l, 1, 2 * round))
			break;
	}
	return NULL;
}

static void
one_side_sees_the_other(void **state)
{
	static struct litmus l;
	uint64_t until = clock_now_ns() + ROUNDS_NS;
	uint32_t outcomes[2][2] = { { 0 } }; /* [rung][slept] */
	struct item item;
	pthread_t sleeper;

	(void)state;
	assert_true(spsc_init(&l.q, 2));
	assert_int_equal(pthread_create(&sleeper, NULL, sleeper_main, &l), 0);
	for (uint32_t round = 1; round <= ROUNDS && clock_now_ns() < until; round++) {
		bool rung;

		assert_true(meet(&l, 0, 2 * round - 1));
		delay(round % 32);
		assert_true(spsc_push(&l.q, &item));
		rung = spsc_publish(&l.q);
		assert_true(meet(&l, 0, 2 * round));
		outcomes[rung][l.slept]++;
		/* the sleeper stands still until the next meeting: its side may be played here */
		spsc_sleep_end(&l.q);
		assert_ptr_equal(spsc_pop(&l.q), &item);
	}
	atomic_store(&l.over, true);
	assert_int_equal(pthread_join(sleeper, NULL), 0);
	print_message("rung and slept %u, not rung and awake %u, rung and awake %u\n",
		      outcomes[1][1], outcomes[0][0], outcomes[1][0]);
	assert_int_equal(outcomes[0][1], 0); /* asleep, and nobody rings */
	spsc_fini(&l.q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_side_sees_the_other),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(small_queue),
		cmocka_unit_test(large_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
