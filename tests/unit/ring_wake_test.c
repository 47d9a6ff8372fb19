/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doorbell, from other threads and from a signal handler. Real kernel only.
 */
#include "tests/unit/ring_bed.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

static void
wakes_before_and_after(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	bed_open(&b, &config, false);
	ring_wake(b.ring);
	bed_until(&b, b.woken == 1);
	/* Many are one, or at least not more than there were. */
	for (int i = 0; i < 1000; i++)
		ring_wake(b.ring);
	bed_until(&b, b.woken >= 2);
	bed_turn(&b);
	bed_turn(&b);
	assert_in_range(b.woken, 2, 10);
	bed_finish(&b);
}

struct ringer {
	struct ring *ring;
	_Atomic uint32_t asked, seen;
	uint32_t rounds;
};

static void *
ring_and_wait(void *arg)
{
	struct ringer *ringer = arg;

	for (uint32_t i = 0; i < ringer->rounds; i++) {
		atomic_fetch_add(&ringer->asked, 1);
		ring_wake(ringer->ring);
		/* Each ring has to be answered before the next: none may get lost. */
		while (atomic_load(&ringer->seen) <= i)
			sched_yield();
	}
	return NULL;
}

static void
none_is_lost(void **state)
{
	struct ring_config config = bed_config();
	struct ringer ringer = { .rounds = 2000 };
	struct bed b;
	pthread_t thread;

	(void)state;
	bed_open(&b, &config, false);
	ringer.ring = b.ring;
	assert_int_equal(pthread_create(&thread, NULL, ring_and_wait, &ringer), 0);
	while (atomic_load(&ringer.seen) < ringer.rounds) {
		uint32_t woken = b.woken;

		/* For ever: only the bell can end this wait. */
		assert_int_equal(ring_turn(b.ring, UINT64_MAX), 0);
		if (b.woken > woken)
			atomic_store(&ringer.seen, atomic_load(&ringer.asked));
	}
	pthread_join(thread, NULL);
	bed_finish(&b);
}

static void *
just_ring(void *arg)
{
	for (int i = 0; i < 20000; i++)
		ring_wake(arg);
	return NULL;
}

static void
from_two_threads_under_load(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	pthread_t threads[2];
	int peer;

	(void)state;
	bed_open(&b, &config, false);
	b.echo = true;
	peer = bed_connect(&b);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, just_ring, b.ring), 0);
	bed_round_trip(&b, peer, 1, 1000000);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	bed_until(&b, b.woken > 0);
	peer_close(peer);
	bed_finish(&b);
}

static struct ring *signaled;

static void
on_signal(int number)
{
	(void)number;
	ring_wake(signaled);
}

static void
from_a_signal_handler(void **state)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	bed_open(&b, &config, false);
	signaled = b.ring;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	bed_until(&b, b.woken == 1);
	signal(SIGUSR1, SIG_DFL);
	bed_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wakes_before_and_after),
		cmocka_unit_test(none_is_lost),
		cmocka_unit_test(from_two_threads_under_load),
		cmocka_unit_test(from_a_signal_handler),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
