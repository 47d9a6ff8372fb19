/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that move from ring to ring, and wakes between rings: on one thread on both kernels,
 * on two threads on the real one.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { SLOTS = 64, PING = 4 };

/* A ring that echoes pings, after it has handed over what it accepted if it is told to. */
struct server {
	struct ring *ring;
	struct ring *_Atomic to; /* hand over there */
	int results[2];          /* of the first and the second attempt for the connection */
	uint32_t attempts;
	uint32_t accepted, closed, woken;
	uint8_t bytes[SLOTS][PING];
	bool refuses; /* closes what it gets */
	_Atomic bool ends;
};

static void
on_accepted(void *arg, uint32_t slot, uint32_t listener, const struct sockaddr_storage *peer)
{
	struct server *s = arg;
	struct ring *to = atomic_load(&s->to);

	assert_int_equal(listener, 0);
	assert_int_equal(peer->ss_family, AF_INET);
	assert_true(((const struct sockaddr_in *)peer)->sin_port != 0);
	if (to != NULL) {
		int result = ring_hand_over(s->ring, slot, to);

		if (s->attempts < 2)
			s->results[s->attempts++] = result;
		if (result == 0)
			return;
	}
	s->accepted++;
	if (s->refuses)
		ring_close(s->ring, slot, false);
}

static void
on_received(void *arg, uint32_t slot, const struct ring_lease *lease)
{
	struct server *s = arg;

	assert_int_equal(lease->len, PING);
	memcpy(s->bytes[slot], lease->bytes, PING);
	ring_send(s->ring, slot, s->bytes[slot], PING, 1000000);
}

static void
on_ended(void *arg, uint32_t slot, int result)
{
	const struct server *s = arg;

	(void)result;
	ring_close(s->ring, slot, false);
}

static void
on_sent(void *arg, uint32_t slot, int result)
{
	(void)arg;
	(void)slot;
	(void)result; /* a peer that is gone shows itself by its end */
}

static void
on_closed(void *arg, uint32_t slot)
{
	struct server *s = arg;

	(void)slot;
	s->closed++;
}

static void
on_woken(void *arg)
{
	struct server *s = arg;

	s->woken++;
}

static const struct ring_handlers handlers = {
	.accepted = on_accepted,
	.received = on_received,
	.ended = on_ended,
	.sent = on_sent,
	.closed = on_closed,
	.woken = on_woken,
};

static void
server_open(struct server *s, uint32_t slots, uint32_t disable)
{
	struct ring_config config = bed_config();
	const char *error;

	*s = (struct server){ .ring = NULL };
	config.slots_max = slots;
	config.disable |= disable;
	assert_int_equal(ring_open(&s->ring, &config, &handlers, s, &error), 0);
}

static void
server_drain(struct server *s)
{
	ring_listen_stop(s->ring);
	s->refuses = true;
	while (ring_slots_used(s->ring) > 0)
		assert_int_equal(ring_turn(s->ring, BED_MS), 0);
	assert_int_equal(ring_requests_out(s->ring), 0);
	assert_int_equal(ring_buffers_out(s->ring), 0);
}

static void
server_end(struct server *s)
{
	server_drain(s);
	ring_fini(s->ring);
}

/* -- on one thread -- */

struct pair {
	struct server from, to;
	int listener;
};

static void
pair_open(struct pair *p, uint32_t to_slots, uint32_t to_disable)
{
	peer_begin(1);
	server_open(&p->from, SLOTS, 0);
	server_open(&p->to, to_slots, to_disable);
	p->from.to = p->to.ring;
	p->listener = peer_listen(false);
	assert_int_equal(ring_listen(p->from.ring, p->listener), 0);
}

static void
pair_turn(struct pair *p)
{
	assert_int_equal(ring_turn(p->from.ring, BED_MS / 10), 0);
	assert_int_equal(ring_turn(p->to.ring, BED_MS / 10), 0);
}

static void
pair_end(struct pair *p)
{
	server_end(&p->from);
	server_end(&p->to);
	peer_unlisten(p->listener);
	peer_end();
}

static int
answer(struct pair *p, int peer)
{
	char back[PING];
	int n = -EAGAIN;

	for (int turn = 0; n == -EAGAIN && turn < 10000; turn++) {
		pair_turn(p);
		n = peer_read(peer, back, sizeof(back));
	}
	return n;
}

static int
ping(struct pair *p, int peer)
{
	assert_int_equal(peer_write(peer, "ping", PING), PING);
	return answer(p, peer);
}

static void
moves_and_lives_on(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, SLOTS, 0);
	for (uint32_t i = 1; i <= 200; i++) {
		int peer = peer_connect(p.listener, false);

		assert_int_equal(ping(&p, peer), PING);
		assert_int_equal(ring_slots_used(p.to.ring), 1);
		assert_int_equal(p.to.accepted, i);
		peer_close(peer);
		while (p.to.closed < i)
			pair_turn(&p);
	}
	while (ring_slots_used(p.from.ring) > 0)
		pair_turn(&p);
	assert_int_equal(p.from.accepted, 0);
	assert_int_equal(p.from.closed, 0); /* nobody there knew of them */
	assert_int_equal(ring_counters(p.from.ring)->handed_over, 200);
	assert_int_equal(ring_counters(p.to.ring)->handed_in, 200);
	pair_end(&p);
}

/* What was moved stays: two rings that both find the other one emptier do not play ball. */
static void
moves_once(void **state)
{
	struct pair p;
	int peer;

	(void)state;
	pair_open(&p, SLOTS, 0);
	atomic_store(&p.to.to, p.from.ring);
	peer = peer_connect(p.listener, false);
	assert_int_equal(ping(&p, peer), PING);
	assert_int_equal(p.to.accepted, 1);
	assert_int_equal(p.to.attempts, 1);
	assert_int_equal(p.to.results[0], -EALREADY);
	assert_int_equal(ring_guests(p.to.ring), 0);
	peer_close(peer);
	pair_end(&p);
}

static void
full_ring_closes_it(void **state)
{
	struct pair p;
	int first, second;

	(void)state;
	pair_open(&p, 1, 0);
	first = peer_connect(p.listener, false);
	assert_int_equal(ping(&p, first), PING);
	second = peer_connect(p.listener, false);
	assert_int_equal(answer(&p, second), 0);
	assert_int_equal(ring_counters(p.to.ring)->accept_shed, 1);
	assert_int_equal(ping(&p, first), PING);
	peer_close(first);
	peer_close(second);
	pair_end(&p);
}

static void
ending_ring_takes_none(void **state)
{
	struct pair p;
	int peer;

	(void)state;
	pair_open(&p, SLOTS, 0);
	ring_listen_stop(p.to.ring);
	peer = peer_connect(p.listener, false);
	assert_int_equal(ping(&p, peer), PING);
	assert_int_equal(p.from.results[0], -EBUSY);
	assert_int_equal(ring_slots_used(p.from.ring), 1);
	peer_close(peer);
	pair_end(&p);
}

/* It set out before the other began to end: there it is still taken in, and closed. */
static void
on_its_way_while_the_ring_ends(void **state)
{
	struct pair p;
	int peer;

	(void)state;
	pair_open(&p, SLOTS, 0);
	peer = peer_connect(p.listener, false);
	while (p.from.attempts == 0)
		assert_int_equal(ring_turn(p.from.ring, BED_MS), 0);
	assert_int_equal(p.from.results[0], 0);
	assert_int_equal(ring_slots_used(p.to.ring), 1);
	ring_listen_stop(p.to.ring);
	p.to.refuses = true;
	while (ring_slots_used(p.to.ring) > 0)
		pair_turn(&p);
	assert_int_equal(p.to.accepted, 1);
	assert_int_equal(answer(&p, peer), 0);
	peer_close(peer);
	pair_end(&p);
}

static void
direct_needs_direct(void **state)
{
	struct pair p;
	int peer;

	(void)state;
	pair_open(&p, SLOTS, 1u << RING_FEATURE_DIRECT);
	peer = peer_connect(p.listener, false);
	assert_int_equal(ping(&p, peer), PING);
	if (ring_features(p.from.ring) & 1u << RING_FEATURE_DIRECT)
		assert_int_equal(p.from.results[0], -EOPNOTSUPP);
	else
		assert_int_equal(p.from.results[0], 0);
	peer_close(peer);
	pair_end(&p);
}

static void
wakes_the_other(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, SLOTS, 0);
	ring_wake_peer(p.from.ring, p.to.ring);
	while (p.to.woken == 0)
		pair_turn(&p);
	for (int i = 0; i < 500; i++) /* more than the SQ has room for */
		ring_wake_peer(p.from.ring, p.to.ring);
	pair_turn(&p);
	pair_turn(&p);
	assert_in_range(p.to.woken, 2, 1000);
	pair_end(&p);
}

/* -- on two threads -- */

static void *
serve(void *arg)
{
	struct server *s = arg;

	while (!atomic_load(&s->ends))
		assert_int_equal(ring_turn(s->ring, UINT64_MAX), 0);
	return NULL;
}

struct far_server {
	struct server server;
	uint32_t disable;
	pthread_barrier_t in_step; /* opened; nobody hands over to it any more */
};

static void *
far_main(void *arg)
{
	struct far_server *f = arg;

	server_open(&f->server, SLOTS, f->disable);
	pthread_barrier_wait(&f->in_step);
	serve(&f->server);
	server_drain(&f->server);
	pthread_barrier_wait(&f->in_step);
	ring_fini(f->server.ring);
	return NULL;
}

static void
peers_come_and_go(struct pair *p, struct server *to)
{
	for (uint32_t i = 0; i < 1500; i++) {
		int peer = peer_connect(p->listener, false);
		char back[PING];

		assert_true(peer >= 0);
		peer_write(peer, "ping", PING);
		/* Every third leaves at once; every other waits for its answer. */
		while (i % 3 != 0 && peer_read(peer, back, sizeof(back)) != PING)
			assert_int_equal(ring_turn(p->from.ring, BED_MS / 10), 0);
		ring_wake_peer(p->from.ring, to->ring);
		peer_close(peer);
		assert_int_equal(ring_turn(p->from.ring, 0), 0);
	}
}

static void
between_threads(void **state)
{
	(void)state;
	for (uint32_t direct = 0; direct < 2; direct++) {
		uint32_t disable = direct ? 0 : 1u << RING_FEATURE_DIRECT;
		struct far_server far = { .disable = disable };
		struct pair p;
		pthread_t thread;

		peer_begin(1);
		assert_int_equal(pthread_barrier_init(&far.in_step, NULL, 2), 0);
		assert_int_equal(pthread_create(&thread, NULL, far_main, &far), 0);
		pthread_barrier_wait(&far.in_step);
		server_open(&p.from, SLOTS, disable);
		p.from.to = far.server.ring;
		p.listener = peer_listen(false);
		assert_int_equal(ring_listen(p.from.ring, p.listener), 0);
		peers_come_and_go(&p, &far.server);
		/* It ends while we go on to hand over. */
		atomic_store(&far.server.ends, true);
		ring_wake_peer(p.from.ring, far.server.ring);
		for (int i = 0; i < 200; i++) {
			peer_close(peer_connect(p.listener, false));
			assert_int_equal(ring_turn(p.from.ring, 0), 0);
		}
		p.from.to = NULL;
		server_end(&p.from);
		pthread_barrier_wait(&far.in_step);
		pthread_join(thread, NULL);
		pthread_barrier_destroy(&far.in_step);
		peer_unlisten(p.listener);
		peer_end();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_and_lives_on),
		cmocka_unit_test(moves_once),
		cmocka_unit_test(full_ring_closes_it),
		cmocka_unit_test(ending_ring_takes_none),
		cmocka_unit_test(on_its_way_while_the_ring_ends),
		cmocka_unit_test(direct_needs_direct),
		cmocka_unit_test(wakes_the_other),
	};
	const struct CMUnitTest of_the_real_kernel[] = {
		/* the simulated one has a single thread */
		cmocka_unit_test(between_threads),
	};
	int skips = bed_skips();

	if (skips)
		return skips;
	if (cmocka_run_group_tests(tests, NULL, NULL))
		return 1;
	return strcmp(peer_kernel, "real") == 0 &&
	       cmocka_run_group_tests(of_the_real_kernel, NULL, NULL);
}
