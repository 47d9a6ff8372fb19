/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepting: many, more than there are slots or descriptors, and the end of it.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
wrong_listeners_are_refused(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	bed_open(&b, &config, false);
	assert_true(ring_listen(b.ring, 999999) < 0); /* no such descriptor */
	bed_finish(&b);
}

static void
two_thousand_connections(void **state)
{
	enum { PEERS = 2000 };
	static int peers[PEERS];
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	config.slots_max = PEERS + 1;
	bed_open(&b, &config, false);
	b.echo = true;
	for (int i = 0; i < PEERS; i++)
		assert_true((peers[i] = peer_connect(b.listener, false)) >= 0);
	bed_until(&b, b.opened == PEERS);
	assert_int_equal(ring_slots_used(b.ring), PEERS);
	for (int i = 0; i < PEERS; i++)
		assert_int_equal(peer_write(peers[i], "ping", 4), 4);
	for (int i = 0; i < PEERS; i++) {
		char back[8];
		int n;

		bed_until(&b, (n = peer_read(peers[i], back, sizeof(back))) != -EAGAIN);
		assert_int_equal(n, 4);
		assert_memory_equal(back, "ping", 4);
		peer_close(peers[i]);
	}
	bed_until(&b, b.closed == PEERS);
	assert_int_equal(ring_counters(b.ring)->accept_shed, 0);
	bed_finish(&b);
}

/*
 * More peers than slots: they wait in the backlog, none is sent away, and all are served in the
 * end.
 */
static void
full_table_keeps_them_waiting(void **state)
{
	enum { PEERS = 40, SLOTS = 8 };
	struct ring_config config = bed_config();
	struct bed b;
	int peers[PEERS];
	uint32_t served = 0;

	(void)state;
	config.slots_max = SLOTS;
	bed_open(&b, &config, false);
	for (int i = 0; i < PEERS; i++)
		assert_true((peers[i] = peer_connect(b.listener, false)) >= 0);
	while (served < PEERS) {
		bed_until(&b, b.opened == served + SLOTS);
		for (int i = 0; i < 5; i++) {
			bed_turn(&b);
			assert_int_equal(b.opened, served + SLOTS);
		}
		for (uint32_t slot = 0; slot < SLOTS; slot++)
			if (b.conns[slot].open)
				bed_close(&b, slot, false);
		served += SLOTS;
	}
	bed_until(&b, b.closed == PEERS);
	assert_int_equal(ring_counters(b.ring)->accepts, PEERS);
	assert_int_equal(ring_counters(b.ring)->accept_shed, 0);
	for (int i = 0; i < PEERS; i++)
		peer_close(peers[i]);
	bed_finish(&b);
}

/* The table fills up while a multishot accept is in flight: it is given up in time. */
static void
nearly_full_table_takes_one_by_one(void **state)
{
	enum { SLOTS = 1100, BEFORE = 1000, AFTER = 300 };
	static int peers[BEFORE + AFTER];
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	config.slots_max = SLOTS;
	bed_open(&b, &config, false);
	for (int i = 0; i < BEFORE; i++)
		peers[i] = bed_connect(&b);
	for (int i = BEFORE; i < BEFORE + AFTER; i++)
		assert_true((peers[i] = peer_connect(b.listener, false)) >= 0);
	bed_until(&b, b.opened == SLOTS);
	for (int i = 0; i < 3; i++)
		bed_turn(&b);
	assert_int_equal(ring_counters(b.ring)->accept_shed, 0);
	for (int i = 0; i < BEFORE + AFTER; i++)
		peer_close(peers[i]);
	bed_until(&b, b.closed == BEFORE + AFTER);
	bed_finish(&b);
}

/*
 * Out of descriptors: one is shed with the reserve, nothing spins, and it goes on when there are
 * some again.
 */
static void
out_of_descriptors(void **state)
{
	enum { PEERS = 12, MORE = 4 };
	struct ring_config config = bed_config();
	struct bed b;
	int peers[PEERS];
	char byte;
	uint64_t errors;
	int ended = 0;

	(void)state;
	config.disable |= 1u << RING_FEATURE_DIRECT;
	bed_open_deaf(&b, &config, false);
	for (int i = 0; i < PEERS; i++)
		assert_true((peers[i] = peer_connect(b.listener, false)) >= 0);
	peer_limit_descriptors(MORE);
	bed_accept(&b);
	bed_until(&b, b.opened + ring_counters(b.ring)->accept_shed == PEERS);
	assert_int_equal(b.opened, MORE);
	for (int i = 0; i < 20; i++)
		bed_turn(&b);
	errors = ring_counters(b.ring)->accept_errors;
	for (int i = 0; i < 20; i++)
		bed_turn(&b);
	assert_int_equal(ring_counters(b.ring)->accept_errors, errors); /* no spin */
	for (int i = 0; i < PEERS; i++) {
		if (peer_read(peers[i], &byte, 1) != -EAGAIN)
			ended++;
		peer_close(peers[i]);
	}
	assert_int_equal(ended, PEERS - MORE);
	bed_until(&b, b.closed == MORE);
	peer_limit_descriptors(INT32_MAX);
	b.echo = true;
	peers[0] = bed_connect(&b);
	bed_round_trip(&b, peers[0], 3, 5000);
	peer_close(peers[0]);
	bed_finish(&b);
}

/* Not even the reserve helps: the ring pauses, tries again every 100 ms, and does not spin. */
static void
pauses_when_the_reserve_is_gone(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint64_t since_ns;
	int peer;

	(void)state;
	config.disable |= 1u << RING_FEATURE_DIRECT;
	bed_open_deaf(&b, &config, false);
	peer = peer_connect(b.listener, false);
	assert_true(peer >= 0);
	peer_limit_descriptors(-1);
	bed_accept(&b);
	since_ns = ring_now_ns(b.ring);
	bed_until(&b, ring_now_ns(b.ring) - since_ns > 350 * BED_MS);
	assert_in_range(ring_counters(b.ring)->accept_pauses, 2, 5);
	assert_in_range(ring_counters(b.ring)->accept_errors, 3, 10);
	assert_int_equal(b.opened, 0);
	peer_limit_descriptors(INT32_MAX);
	bed_until(&b, b.opened == 1);
	assert_int_equal(ring_counters(b.ring)->accept_shed, 0);
	peer_close(peer);
	bed_finish(&b);
}

/* A turn that may sleep for long wakes up for the end of the pause. */
static void
the_pause_ends_by_itself(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint64_t since_ns;
	int peer;

	(void)state;
	config.disable |= 1u << RING_FEATURE_DIRECT;
	bed_open_deaf(&b, &config, false);
	peer = peer_connect(b.listener, false);
	peer_limit_descriptors(-1);
	bed_accept(&b);
	bed_until(&b, ring_counters(b.ring)->accept_pauses == 1);
	peer_limit_descriptors(INT32_MAX);
	since_ns = ring_now_ns(b.ring);
	for (int turns = 0; b.opened == 0 && turns < 5; turns++)
		assert_int_equal(ring_turn(b.ring, 10 * BED_S), 0);
	assert_int_equal(b.opened, 1);
	assert_true(ring_now_ns(b.ring) - since_ns < 2 * BED_S);
	peer_close(peer);
	bed_finish(&b);
}

static void
forbid_descriptors(struct bed *b, uint32_t slot)
{
	(void)b;
	(void)slot;
	peer_limit_descriptors(-1);
}

static void
a_close_ends_the_pause(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint64_t since_ns;
	int first, second;

	(void)state;
	config.slots_max = 10; /* one by one, so that each accept sees the limit of its time */
	config.disable |= 1u << RING_FEATURE_DIRECT;
	bed_open_deaf(&b, &config, false);
	b.on_accepted = forbid_descriptors;
	first = peer_connect(b.listener, false);
	second = peer_connect(b.listener, false);
	bed_accept(&b);
	bed_until(&b, ring_counters(b.ring)->accept_pauses == 1);
	assert_int_equal(b.opened, 1);
	peer_limit_descriptors(INT32_MAX);
	b.on_accepted = NULL;
	since_ns = ring_now_ns(b.ring);
	bed_close(&b, b.last, false);
	bed_until(&b, b.opened == 2);
	assert_true(ring_now_ns(b.ring) - since_ns < 50 * BED_MS);
	peer_close(first);
	peer_close(second);
	bed_finish(&b);
}

static void
stop_leaves_the_backlog_alone(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	int before, after;

	(void)state;
	bed_open(&b, &config, false);
	b.echo = true;
	before = bed_connect(&b);
	ring_listen_stop(b.ring);
	bed_turn(&b);
	bed_turn(&b);
	after = peer_connect(b.listener, false);
	assert_true(after >= 0);
	bed_round_trip(&b, before, 1, 1000);
	assert_int_equal(b.opened, 1);
	peer_close(before);
	peer_close(after);
	bed_finish(&b);
}

static void
close_at_once(struct bed *b, uint32_t slot)
{
	bed_close(b, slot, false);
}

static void
closed_in_accepted(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	int peer;

	(void)state;
	bed_open(&b, &config, false);
	b.on_accepted = close_at_once;
	for (int i = 0; i < 200; i++) {
		peer = peer_connect(b.listener, false);
		assert_true(peer >= 0);
		bed_until(&b, b.closed == (uint32_t)i + 1);
		assert_int_equal(bed_read_to_end(&b, peer), 0);
		peer_close(peer);
	}
	bed_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_listeners_are_refused),
		cmocka_unit_test(full_table_keeps_them_waiting),
		cmocka_unit_test(out_of_descriptors),
		cmocka_unit_test(pauses_when_the_reserve_is_gone),
		cmocka_unit_test(the_pause_ends_by_itself),
		cmocka_unit_test(a_close_ends_the_pause),
		cmocka_unit_test(nearly_full_table_takes_one_by_one),
		cmocka_unit_test(stop_leaves_the_backlog_alone),
		cmocka_unit_test(closed_in_accepted),
		cmocka_unit_test(two_thousand_connections),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
