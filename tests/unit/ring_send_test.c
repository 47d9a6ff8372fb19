/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending to peers that read slowly, not at all, or are gone; with both guards.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const enum ring_send_guard guards[] = { RING_GUARD_TRY_THEN_ARM, RING_GUARD_ALWAYS };

#define FOR_BOTH_GUARDS(config)                                                                    \
	for (int guard_ = 0; guard_ < 2 && ((config).send_guard = guards[guard_], true); guard_++)

static void
send_stream(struct bed *b, uint32_t slot, uint32_t stream, size_t len)
{
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	bed_fill(stream, 0, bytes, len);
	bed_send(b, slot, bytes, len);
	free(bytes);
}

/*
 * The peer never reads: -ETIME at the deadline, not before, and the ring serves others meanwhile
 * and after.
 */
static void
deadline(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	FOR_BOTH_GUARDS(config)
	{
		uint64_t since_ns, took_ns;
		uint32_t slot;
		int peer, other;

		bed_open(&b, &config, true);
		b.closes_on_error = false;
		b.send_timeout_ns = 50 * BED_MS;
		peer = peer_connect(b.listener, true);
		bed_until(&b, b.opened == 1);
		slot = b.last;
		b.conns[slot].keep = true;
		other = bed_connect(&b);
		since_ns = ring_now_ns(b.ring);
		send_stream(&b, slot, 1, 8000000);
		b.echo = true;
		bed_round_trip(&b, other, 2, 3000);
		assert_int_equal(b.conns[slot].sents, 0);
		bed_until(&b, b.conns[slot].sents == 1);
		took_ns = ring_now_ns(b.ring) - since_ns;
		assert_int_equal(b.conns[slot].sent, -ETIME);
		assert_in_range(took_ns, 50 * BED_MS, 5 * BED_S);
		assert_int_equal(ring_counters(b.ring)->sends_timed_out, 1);
		bed_round_trip(&b, other, 3, 3000);
		bed_close(&b, slot, true);
		bed_until(&b, !b.conns[slot].open);
		peer_close(peer);
		peer_close(other);
		bed_finish(&b);
	}
}

/* A deadline in the past still lets go what fits. */
static void
late_but_possible(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	FOR_BOTH_GUARDS(config)
	{
		uint32_t slot;
		int peer;

		bed_open(&b, &config, false);
		b.send_timeout_ns = 0;
		peer = bed_connect(&b);
		slot = b.last;
		bed_turn(&b);
		send_stream(&b, slot, 1, 100);
		bed_until(&b, b.conns[slot].sents == 1);
		assert_int_equal(b.conns[slot].sent, 0);
		peer_close(peer);
		bed_finish(&b);
	}
}

/* A peer that reads a little at a time gets everything, in order. */
static void
slow_reader(void **state)
{
	enum { BYTES = 3000000 };
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	FOR_BOTH_GUARDS(config)
	{
		uint8_t piece[20000];
		size_t seen = 0;
		uint32_t slot;
		int peer, n;

		bed_open(&b, &config, true);
		peer = peer_connect(b.listener, true);
		bed_until(&b, b.opened == 1);
		slot = b.last;
		send_stream(&b, slot, 4, BYTES);
		while (seen < BYTES) {
			bed_turn(&b);
			n = peer_read(peer, piece, sizeof(piece));
			assert_true(n > 0 || n == -EAGAIN);
			if (n > 0)
				bed_check(4, seen, piece, (size_t)n);
			seen += n > 0 ? (size_t)n : 0;
		}
		bed_until(&b, b.conns[slot].sents == 1);
		assert_int_equal(b.conns[slot].sent, 0);
		assert_int_equal(ring_counters(b.ring)->bytes_out, BYTES);
		/* What has to wait goes in parts, each with the whole time. */
		assert_in_range(ring_counters(b.ring)->sends_guarded, 1, 1 + BYTES / 16384);
		assert_int_equal(ring_counters(b.ring)->sends_timed_out, 0);
		peer_close(peer);
		bed_finish(&b);
	}
}

/* Between the guard's submission and the deadline the peer breaks the connection. */
static void
reset_in_the_middle(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	FOR_BOTH_GUARDS(config)
	{
		uint32_t slot;
		int peer;

		bed_open(&b, &config, true);
		b.closes_on_error = false;
		peer = peer_connect(b.listener, true);
		bed_until(&b, b.opened == 1);
		slot = b.last;
		b.conns[slot].keep = true;
		send_stream(&b, slot, 1, 8000000);
		for (int i = 0; i < 5; i++)
			bed_turn(&b);
		assert_int_equal(b.conns[slot].sents, 0);
		peer_reset(peer);
		bed_until(&b, b.conns[slot].sents == 1 && b.conns[slot].has_ended);
		assert_true(b.conns[slot].sent == -ECONNRESET || b.conns[slot].sent == -EPIPE);
		bed_finish(&b);
	}
}

static void
send_to_a_closed_peer(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint32_t slot;
	int peer;

	(void)state;
	bed_open(&b, &config, false);
	b.closes_on_error = false;
	peer = bed_connect(&b);
	slot = b.last;
	b.conns[slot].keep = true;
	peer_reset(peer);
	bed_until(&b, b.conns[slot].has_ended);
	send_stream(&b, slot, 1, 100);
	bed_until(&b, b.conns[slot].sents == 1);
	assert_int_equal(b.conns[slot].sent, -EPIPE);
	bed_finish(&b);
}

static void
shutdown_write_after_the_last_byte(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	char back[8];
	uint32_t slot;
	int peer, n;

	(void)state;
	bed_open(&b, &config, false);
	b.collect = true;
	peer = bed_connect(&b);
	slot = b.last;
	bed_send(&b, slot, "end", 3);
	bed_until(&b, b.conns[slot].sents == 1);
	ring_shutdown_write(b.ring, slot);
	bed_until(&b, (n = peer_read(peer, back, sizeof(back))) != -EAGAIN);
	assert_int_equal(n, 3);
	bed_until(&b, (n = peer_read(peer, back, sizeof(back))) != -EAGAIN);
	assert_int_equal(n, 0);
	/* W-C-04: the other direction still works. */
	assert_int_equal(peer_write(peer, "more", 4), 4);
	bed_until(&b, b.conns[slot].in_len == 4);
	assert_memory_equal(b.conns[slot].in, "more", 4);
	peer_close(peer);
	bed_finish(&b);
}

/* Try-then-arm: a send that fits links no timeout; the strict form links every one. */
static void
guard_only_where_asked(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;

	(void)state;
	FOR_BOTH_GUARDS(config)
	{
		int peer;

		bed_open(&b, &config, false);
		b.echo = true;
		peer = bed_connect(&b);
		for (uint32_t i = 0; i < 20; i++)
			bed_round_trip(&b, peer, i, 500);
		assert_int_equal(ring_counters(b.ring)->sends, 20);
		assert_int_equal(ring_counters(b.ring)->sends_guarded,
				 config.send_guard == RING_GUARD_ALWAYS ? 20 : 0);
		peer_close(peer);
		bed_finish(&b);
	}
}

/* ---- without a copy; the simulated kernel cannot do it ---- */

static bool
open_pinned(struct bed *b)
{
	struct ring_config config = bed_config();

	config.send_zc = 4096;
	bed_open(b, &config, true);
	if (ring_features(b->ring) & 1u << RING_FEATURE_SEND_ZC)
		return true;
	assert_null(ring_pinned_take(b->ring));
	bed_finish(b);
	return false;
}

static uint8_t *
send_pinned(struct bed *b, uint32_t slot, uint32_t stream)
{
	uint8_t *bytes = ring_pinned_take(b->ring);

	assert_non_null(bytes);
	assert_true(ring_pinned_owns(b->ring, bytes + RING_PINNED_BYTES - 1));
	bed_fill(stream, 0, bytes, RING_PINNED_BYTES);
	b->conns[slot].in_flight = RING_PINNED_BYTES; /* what bed_send() would note */
	ring_send(b->ring, slot, bytes, RING_PINNED_BYTES, 1000000);
	return bytes;
}

/* Given back at once when `sent` came, the buffer is free when the peer has all. */
static void
without_a_copy(void **state)
{
	uint8_t piece[20000], *bytes;
	uint32_t slot;
	int peer, n;
	struct bed b;

	(void)state;
	if (!open_pinned(&b))
		return;
	peer = peer_connect(b.listener, true);
	bed_until(&b, b.opened == 1);
	slot = b.last;
	for (uint32_t i = 1; i <= 3 * RING_PINNED_COUNT; i++) {
		bool given = false;
		size_t seen = 0;

		bytes = send_pinned(&b, slot, i);
		while (seen < RING_PINNED_BYTES) {
			bed_turn(&b);
			if (b.conns[slot].sents == i && !given) {
				ring_pinned_give(b.ring, bytes);
				given = true;
			}
			n = peer_read(peer, piece, sizeof(piece));
			assert_true(n > 0 || n == -EAGAIN);
			if (n > 0)
				bed_check(i, seen, piece, (size_t)n);
			seen += n > 0 ? (size_t)n : 0;
		}
		bed_until(&b, b.conns[slot].sents == i);
		assert_int_equal(b.conns[slot].sent, 0);
		if (!given)
			ring_pinned_give(b.ring, bytes);
		bed_until(&b, ring_pinned_out(b.ring) == 0);
	}
	assert_true(ring_counters(b.ring)->sends_zc >= 3 * RING_PINNED_COUNT);
	peer_close(peer);
	bed_finish(&b);
}

/*
 * A peer that never reads, and a connection that is closed while the kernel has bytes of the
 * buffer: nobody gets the buffer before the kernel says that it is done; and it does.
 */
static void
closed_before_the_notification(void **state)
{
	uint8_t *bytes;
	uint32_t slot;
	struct bed b;
	int peer;

	(void)state;
	if (!open_pinned(&b))
		return;
	peer = peer_connect(b.listener, true);
	bed_until(&b, b.opened == 1);
	slot = b.last;
	b.conns[slot].keep = true;
	bytes = send_pinned(&b, slot, 1);
	bed_turn(&b);
	bed_close(&b, slot, true);
	bed_until(&b, !b.conns[slot].open);
	assert_int_equal(b.conns[slot].sents, 1);
	assert_true(ring_pinned_out(b.ring) <= 1);
	ring_pinned_give(b.ring, bytes);
	peer_close(peer);
	bed_until(&b, ring_pinned_out(b.ring) == 0);
	bed_finish(&b);
}

/* All that there are, and no more; what is sent from elsewhere is copied. */
static void
few_pinned_buffers(void **state)
{
	void *buffers[RING_PINNED_COUNT];
	struct bed b;
	int peer;

	(void)state;
	if (!open_pinned(&b))
		return;
	for (uint32_t i = 0; i < RING_PINNED_COUNT; i++) {
		buffers[i] = ring_pinned_take(b.ring);
		assert_non_null(buffers[i]);
	}
	assert_null(ring_pinned_take(b.ring));
	assert_int_equal(ring_pinned_out(b.ring), RING_PINNED_COUNT);
	assert_false(ring_pinned_owns(b.ring, &b));
	b.echo = true;
	peer = bed_connect(&b);
	bed_round_trip(&b, peer, 1, 100000);
	assert_int_equal(ring_counters(b.ring)->sends_zc, 0);
	for (uint32_t i = 0; i < RING_PINNED_COUNT; i++)
		ring_pinned_give(b.ring, buffers[i]);
	assert_int_equal(ring_pinned_out(b.ring), 0);
	peer_close(peer);
	bed_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadline),
		cmocka_unit_test(reset_in_the_middle),
		cmocka_unit_test(send_to_a_closed_peer),
		cmocka_unit_test(late_but_possible),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(shutdown_write_after_the_last_byte),
		cmocka_unit_test(guard_only_where_asked),
		cmocka_unit_test(without_a_copy),
		cmocka_unit_test(closed_before_the_notification),
		cmocka_unit_test(few_pinned_buffers),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
