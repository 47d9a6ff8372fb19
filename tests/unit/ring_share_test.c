/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of receive buffers between those who take much and those who take little.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct bed bed;
static size_t written[64];

static void
flood(int peer, uint32_t stream)
{
	uint8_t piece[4000];
	int n;

	do {
		bed_fill(stream, written[stream], piece, sizeof(piece));
		n = peer_write(peer, piece, sizeof(piece));
		assert_true(n > 0 || n == -EAGAIN);
		written[stream] += n > 0 ? (size_t)n : 0;
	} while (n > 0);
}

/* -- one whose bytes are held -- */

static uint16_t held[4096];
static uint32_t held_count, hoarder;

static void
hold_back(struct bed *b, uint32_t slot)
{
	if (slot == hoarder) {
		ring_lease_hold(b->ring, b->leased);
		held[held_count++] = b->leased;
	}
}

/* The hoarder gets all its bytes, once its buffers come back. */
static void
finish_hoarding(int flooder, int other)
{
	uint32_t slot = hoarder;

	hoarder = UINT32_MAX;
	while (held_count > 0)
		ring_lease_drop(bed.ring, held[--held_count]);
	assert_int_equal(ring_buffers_out(bed.ring), 0);
	bed_until(&bed, bed.conns[slot].in_len == written[0]);
	bed_check(0, 0, bed.conns[slot].in, written[0]);
	peer_close(flooder);
	peer_close(other);
	bed_finish(&bed);
}

static void
a_hoarder_gets_its_share(void **state)
{
	enum { BUFFERS = 64, SHARE = BUFFERS / 8 };
	struct ring_config config = bed_config();
	int flooder, other;

	(void)state;
	config.buffers = BUFFERS;
	config.buffer_bytes = 512;
	bed_open(&bed, &config, true);
	bed.collect = true;
	memset(written, 0, sizeof(written));
	held_count = 0;
	flooder = bed_connect(&bed);
	hoarder = bed.last;
	other = bed_connect(&bed);
	bed.on_received = hold_back;
	for (int i = 0; i < 50; i++) {
		flood(flooder, 0);
		bed_turn(&bed);
	}
	/* Without the credit one receive takes all that is there before anybody can say stop. */
	if (!(ring_features(bed.ring) & 1u << RING_FEATURE_RECV_CREDIT)) {
		finish_hoarding(flooder, other);
		return;
	}
	assert_int_equal(ring_buffers_out(bed.ring), SHARE);
	assert_int_equal(ring_counters(bed.ring)->receive_holds, 1);
	/* The other has what it needs. */
	bed.echo = true;
	bed_round_trip(&bed, other, 5, 100000);
	bed.echo = false;
	finish_hoarding(flooder, other);
}

/* A slot that had its share is closed before its buffers are back: the next owner starts afresh. */
static void
the_share_is_not_inherited(void **state)
{
	struct ring_config config = bed_config();
	int flooder, next;

	(void)state;
	config.buffers = 16;
	config.buffer_bytes = 512;
	bed_open(&bed, &config, false);
	memset(written, 0, sizeof(written));
	held_count = 0;
	flooder = bed_connect(&bed);
	hoarder = bed.last;
	bed.on_received = hold_back;
	flood(flooder, 0);
	bed_until(&bed, ring_counters(bed.ring)->receive_holds == 1);
	bed_close(&bed, hoarder, true);
	bed_until(&bed, bed.closed == 1);
	peer_close(flooder);
	bed.echo = true;
	next = bed_connect(&bed);
	assert_int_equal(bed.last, hoarder);
	hoarder = UINT32_MAX;
	while (held_count > 0)
		ring_lease_drop(bed.ring, held[--held_count]);
	bed_round_trip(&bed, next, 3, 50000);
	peer_close(next);
	bed_finish(&bed);
}

/* -- many who take all there is -- */

/* Bytes of a quiet one arrive within so many turns, whatever the flooders do. */
static void
quiet_ones_are_heard(void **state)
{
	enum { FLOODERS = 8, QUIET = 24, BUFFERS = 8, ROUNDS = 40, TURNS_MAX = 24 };
	struct ring_config config = bed_config();
	int flooders[FLOODERS], quiet[QUIET];
	uint32_t slots[QUIET], worst = 0;

	(void)state;
	config.buffers = BUFFERS;
	config.buffer_bytes = 512;
	bed_open(&bed, &config, false);
	memset(written, 0, sizeof(written));
	for (uint32_t i = 0; i < FLOODERS; i++)
		flooders[i] = bed_connect(&bed);
	for (uint32_t i = 0; i < QUIET; i++) {
		quiet[i] = bed_connect(&bed);
		slots[i] = bed.last;
	}
	for (size_t round = 1; round <= ROUNDS; round++) {
		uint32_t heard = 0;

		for (uint32_t i = 0; i < QUIET; i++)
			assert_int_equal(peer_write(quiet[i], "x", 1), 1);
		for (uint32_t turns = 1; heard < QUIET; turns++) {
			for (uint32_t i = 0; i < FLOODERS; i++)
				flood(flooders[i], i);
			bed_turn(&bed);
			heard = 0;
			for (uint32_t i = 0; i < QUIET; i++)
				heard += bed.conns[slots[i]].in_len == round;
			if (turns > worst)
				worst = turns;
			assert_true(turns <= TURNS_MAX);
		}
	}
	printf("the longest wait of a quiet one: %u turns\n", worst);
	assert_true(ring_counters(bed.ring)->buffer_famines > 0);
	for (uint32_t i = 0; i < FLOODERS; i++)
		peer_close(flooders[i]);
	for (uint32_t i = 0; i < QUIET; i++)
		peer_close(quiet[i]);
	bed_finish(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hoarder_gets_its_share),
		cmocka_unit_test(the_share_is_not_inherited),
		cmocka_unit_test(quiet_ones_are_heard),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
