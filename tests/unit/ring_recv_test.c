/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving: ends and resets, pause and resume, want of buffers.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
reset_by_the_peer(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint32_t slot;
	int peer;

	(void)state;
	bed_open(&b, &config, false);
	peer = bed_connect(&b);
	slot = b.last;
	b.conns[slot].keep = true;
	peer_reset(peer);
	bed_until(&b, b.conns[slot].has_ended);
	assert_int_equal(b.conns[slot].ended, -ECONNRESET);
	bed_finish(&b);
}

static void
fin_after_bytes(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint8_t bytes[10000];
	uint32_t slot;
	int peer;

	(void)state;
	bed_open(&b, &config, false);
	b.collect = true;
	peer = bed_connect(&b);
	slot = b.last;
	b.conns[slot].keep = true;
	bed_fill(1, 0, bytes, sizeof(bytes));
	assert_int_equal(peer_write(peer, bytes, sizeof(bytes)), sizeof(bytes));
	peer_finish(peer);
	bed_until(&b, b.conns[slot].has_ended);
	assert_int_equal(b.conns[slot].ended, 0);
	assert_int_equal(b.conns[slot].in_len, sizeof(bytes));
	bed_check(1, 0, b.conns[slot].in, sizeof(bytes));
	/* The other direction is still open. */
	bed_send(&b, slot, "bye", 3);
	bed_until(&b, b.conns[slot].sents == 1);
	assert_int_equal(b.conns[slot].sent, 0);
	assert_int_equal(peer_read(peer, bytes, sizeof(bytes)), 3);
	peer_close(peer);
	bed_finish(&b);
}

/* Write the stream as far as it goes. */
static size_t
feed(int peer, uint32_t stream, size_t at, size_t end)
{
	uint8_t piece[4000];
	int n = 1;

	while (at < end && n > 0) {
		size_t want = end - at < sizeof(piece) ? end - at : sizeof(piece);

		bed_fill(stream, at, piece, want);
		n = peer_write(peer, piece, want);
		assert_true(n > 0 || n == -EAGAIN);
		at += n > 0 ? (size_t)n : 0;
	}
	return at;
}

static void
paused_stays_silent(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint32_t slot;
	size_t had;
	int peer;

	(void)state;
	bed_open(&b, &config, false);
	b.collect = true;
	peer = bed_connect(&b);
	slot = b.last;
	bed_until(&b, ring_requests_out(b.ring) == 1);
	ring_receive_pause(b.ring, slot);
	bed_until(&b, ring_requests_out(b.ring) == 0);
	assert_int_equal(feed(peer, 5, 0, 3000), 3000);
	for (int i = 0; i < 5; i++)
		bed_turn(&b);
	had = b.conns[slot].in_len;
	assert_int_equal(had, 0);
	assert_int_equal(ring_requests_out(b.ring), 0);
	ring_receive_resume(b.ring, slot);
	bed_until(&b, b.conns[slot].in_len == 3000);
	bed_check(5, 0, b.conns[slot].in, 3000);
	/* Back and forth within one turn is nothing. */
	ring_receive_pause(b.ring, slot);
	ring_receive_resume(b.ring, slot);
	assert_int_equal(feed(peer, 5, 3000, 4000), 4000);
	bed_until(&b, b.conns[slot].in_len == 4000);
	bed_check(5, 0, b.conns[slot].in, 4000);
	peer_close(peer);
	bed_finish(&b);
}

/*
 * A peer that does not stop writing, a server that pauses and resumes at all moments: every byte,
 * in order.
 */
static void
pause_and_resume_keep_the_stream(void **state)
{
	enum { BYTES = 2000000 };
	struct ring_config config = bed_config();
	struct bed b;
	uint32_t slot, step = 0;
	size_t at = 0;
	int peer;

	(void)state;
	config.buffers = 16;
	bed_open(&b, &config, false);
	b.collect = true;
	peer = bed_connect(&b);
	slot = b.last;
	while (b.conns[slot].in_len < BYTES) {
		at = feed(peer, 6, at, BYTES);
		if (step % 3 == 0)
			ring_receive_pause(b.ring, slot);
		if (step % 3 == 1 || step % 7 == 0)
			ring_receive_resume(b.ring, slot);
		step++;
		bed_turn(&b);
	}
	assert_int_equal(b.conns[slot].in_len, BYTES);
	bed_check(6, 0, b.conns[slot].in, BYTES);
	peer_close(peer);
	bed_finish(&b);
}

static void
ended_while_paused_is_told_on_resume(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint32_t slot;
	int peer;

	(void)state;
	bed_open(&b, &config, false);
	peer = bed_connect(&b);
	slot = b.last;
	b.conns[slot].keep = true;
	bed_until(&b, ring_requests_out(b.ring) == 1);
	ring_receive_pause(b.ring, slot);
	bed_until(&b, ring_requests_out(b.ring) == 0);
	peer_finish(peer);
	bed_turn(&b);
	assert_false(b.conns[slot].has_ended);
	ring_receive_resume(b.ring, slot);
	bed_until(&b, b.conns[slot].has_ended);
	peer_close(peer);
	bed_finish(&b);
}

/* 100 busy connections on 8 buffers: all get their bytes, none waits for ever. */
static void
famine(void **state)
{
	enum { PEERS = 100, BYTES = 40000 };
	struct ring_config config = bed_config();
	struct bed b;
	int peers[PEERS];
	uint32_t slots[PEERS];
	size_t at[PEERS] = { 0 };
	uint64_t completions;

	(void)state;
	config.buffers = 8;
	config.buffer_bytes = 512;
	bed_open(&b, &config, false);
	b.collect = true;
	for (int i = 0; i < PEERS; i++) {
		peers[i] = bed_connect(&b);
		slots[i] = b.last;
	}
	for (uint32_t done = 0; done < PEERS;) {
		done = 0;
		for (int i = 0; i < PEERS; i++) {
			at[i] = feed(peers[i], (uint32_t)i, at[i], BYTES);
			if (b.conns[slots[i]].in_len == BYTES)
				done++;
		}
		bed_turn(&b);
	}
	for (int i = 0; i < PEERS; i++)
		bed_check((uint32_t)i, 0, b.conns[slots[i]].in, BYTES);
	assert_true(ring_counters(b.ring)->buffer_famines > 0);
	/* Now that all is read nobody starves: every slot is armed, and nothing goes round. */
	bed_until(&b, ring_requests_out(b.ring) == PEERS);
	completions = ring_counters(b.ring)->completions;
	for (int i = 0; i < 10; i++)
		bed_turn(&b);
	assert_int_equal(ring_counters(b.ring)->completions, completions);
	for (int i = 0; i < PEERS; i++)
		peer_close(peers[i]);
	bed_finish(&b);
}

/*
 * All buffers are held by the user: receiving stands still without turning the CPU, and goes on
 * with the first drop.
 */
static void
famine_by_leases(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint64_t famines;
	uint32_t slot;
	int peer;

	(void)state;
	config.buffers = 4;
	config.buffers_per_slot = 5;
	config.buffer_bytes = 100;
	bed_open(&b, &config, false);
	b.collect = true;
	b.leases_wanted = BED_LEASES_MAX;
	peer = bed_connect(&b);
	slot = b.last;
	assert_int_equal(feed(peer, 9, 0, 1000), 1000);
	bed_until(&b, b.conns[slot].in_len == 400);
	for (int i = 0; i < 5; i++)
		bed_turn(&b);
	assert_int_equal(ring_buffers_out(b.ring), 4);
	assert_int_equal(ring_requests_out(b.ring), 0);
	famines = ring_counters(b.ring)->buffer_famines;
	for (int i = 0; i < 10; i++)
		bed_turn(&b);
	assert_int_equal(ring_counters(b.ring)->buffer_famines, famines);
	while (b.conns[slot].in_len < 1000) {
		ring_lease_drop(b.ring, b.leases[--b.leases_held]);
		bed_turn(&b);
		bed_turn(&b);
	}
	bed_check(9, 0, b.conns[slot].in, 1000);
	peer_close(peer);
	bed_finish(&b);
}

/* The slot starved, was closed, and has another owner before there are buffers again. */
static void
starved_slot_changes_hands(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint32_t slot;
	int peer, next;

	(void)state;
	config.buffers = 2;
	config.buffers_per_slot = 3;
	bed_open(&b, &config, false);
	b.collect = true;
	b.leases_wanted = BED_LEASES_MAX;
	peer = bed_connect(&b);
	slot = b.last;
	assert_int_equal(feed(peer, 1, 0, 12000), 12000);
	bed_until(&b, ring_buffers_out(b.ring) == 2);
	bed_turn(&b);
	bed_close(&b, slot, true);
	bed_until(&b, !b.conns[slot].open);
	peer_close(peer);
	next = bed_connect(&b);
	assert_int_equal(b.last, slot);
	assert_int_equal(feed(next, 2, 0, 50), 50);
	bed_turn(&b);
	assert_int_equal(b.conns[slot].in_len, 0);
	while (b.leases_held > 0)
		ring_lease_drop(b.ring, b.leases[--b.leases_held]);
	bed_until(&b, b.conns[slot].in_len == 50);
	bed_check(2, 0, b.conns[slot].in, 50);
	peer_close(next);
	bed_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset_by_the_peer),
		cmocka_unit_test(fin_after_bytes),
		cmocka_unit_test(paused_stays_silent),
		cmocka_unit_test(pause_and_resume_keep_the_stream),
		cmocka_unit_test(ended_while_paused_is_told_on_resume),
		cmocka_unit_test(famine),
		cmocka_unit_test(famine_by_leases),
		cmocka_unit_test(starved_slot_changes_hands),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
