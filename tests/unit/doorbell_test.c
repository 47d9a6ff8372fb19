/* SPDX-License-Identifier: Apache-2.0 */
/* The doorbell: rings are kept, joined, never lost; timeouts; also from a signal handler. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "engine/clock.h"
#include "engine/doorbell.h"

#define LONG_NS (UINT64_C(20) * CLOCK_NS_PER_S) /* a ring that takes so long is a lost one */

static void
nobody_rings(void **state)
{
	struct doorbell d = { 0 };
	uint64_t begin = clock_now_ns();

	(void)state;
	doorbell_init(&d);
	assert_false(doorbell_wait(&d, 0));
	assert_false(doorbell_wait(&d, 1));
	assert_false(doorbell_wait(&d, 20 * CLOCK_NS_PER_MS));
	assert_true(clock_now_ns() - begin >= 20 * CLOCK_NS_PER_MS);
}

static void
a_ring_is_kept_and_several_are_one(void **state)
{
	struct doorbell d;

	(void)state;
	doorbell_init(&d);
	doorbell_ring(&d);
	assert_true(doorbell_wait(&d, 0));
	assert_false(doorbell_wait(&d, 0));
	doorbell_ring(&d);
	doorbell_ring(&d);
	doorbell_ring(&d);
	assert_true(doorbell_wait(&d, UINT64_MAX));
	assert_false(doorbell_wait(&d, 0));
	/* a wait that timed out leaves nothing behind */
	assert_false(doorbell_wait(&d, 1));
	doorbell_ring(&d);
	assert_true(doorbell_wait(&d, UINT64_MAX - 1));
}

struct pair {
	struct doorbell there, back;
	uint64_t value; /* plain: the doorbell is what makes it visible */
	uint64_t rounds;
	uint64_t wrong;
};

static void *
answer(void *arg)
{
	struct pair *p = arg;

	for (uint64_t i = 1; i <= p->rounds; i++) {
		if (!doorbell_wait(&p->there, LONG_NS) || p->value != 2 * i - 1)
			p->wrong++;
		p->value++;
		doorbell_ring(&p->back);
	}
	return NULL;
}

static void
ping_pong(void **state)
{
	static struct pair p = { .rounds = 20000 };
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, answer, &p), 0);
	for (uint64_t i = 1; i <= p.rounds; i++) {
		p.value++;
		doorbell_ring(&p.there);
		assert_true(doorbell_wait(&p.back, LONG_NS));
		assert_true(p.value == 2 * i);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(p.wrong, 0);
}

/* Several ringers, and a waiter whose waits also time out. */
#define RINGERS 3
#define RINGS 20000u

struct crowd {
	struct doorbell bell;
	_Atomic uint32_t rings;
};

static void *
ring_often(void *arg)
{
	struct crowd *c = arg;

	for (uint32_t i = 0; i < RINGS; i++) {
		atomic_fetch_add_explicit(&c->rings, 1, memory_order_relaxed);
		doorbell_ring(&c->bell);
	}
	return NULL;
}

static void
the_last_ring_is_heard(void **state)
{
	static struct crowd c;
	pthread_t threads[RINGERS];
	uint32_t seen = 0, waits = 0;

	(void)state;
	for (int i = 0; i < RINGERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ring_often, &c), 0);
	while (seen < RINGERS * RINGS) {
		if (!doorbell_wait(&c.bell, waits++ % 2 ? LONG_NS : 1) && waits % 2 == 0)
			fail_msg("lost: %u of %u", seen, RINGERS * RINGS);
		seen = atomic_load_explicit(&c.rings, memory_order_relaxed);
	}
	for (int i = 0; i < RINGERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static struct doorbell signal_bell;

static void
on_signal(int number)
{
	int saved = errno;

	(void)number;
	errno = EPIPE; /* to see that the ring keeps it */
	doorbell_ring(&signal_bell);
	if (errno != EPIPE)
		raise(SIGABRT);
	errno = saved;
}

static void *
send_signal(void *arg)
{
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void
rings_from_a_signal_handler(void **state)
{
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), thread;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pthread_create(&thread, NULL, send_signal, &self), 0);
		assert_true(doorbell_wait(&signal_bell, LONG_NS));
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_rings),
		cmocka_unit_test(a_ring_is_kept_and_several_are_one),
		cmocka_unit_test(ping_pong),
		cmocka_unit_test(the_last_ring_is_heard),
		cmocka_unit_test(rings_from_a_signal_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
