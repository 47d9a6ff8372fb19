/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing at every stage of a connection's life, by either side.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is going on when the server closes. */
enum stage {
	STAGE_ACCEPTED,     /* in the turn of `accepted` */
	STAGE_IDLE,         /* receive armed */
	STAGE_BYTES_COMING, /* the peer has written, nothing taken yet */
	STAGE_PAUSING,      /* pause asked for, not done */
	STAGE_PAUSED,
	STAGE_RESUMING,
	STAGE_SEND_WANTED,  /* ring_send() and ring_close() in the same turn */
	STAGE_SEND_TRYING,  /* the send was submitted */
	STAGE_SEND_GUARDED, /* the send waits for the peer */
	STAGE_ENDED,        /* the peer sent FIN */
	STAGE_RESET,        /* the peer sent RST, not seen yet */
	STAGE_STARVED,      /* no buffer left */
	STAGE_SHUT_DOWN,    /* our FIN is out */
	STAGE_COUNT
};

static void
send_much(struct bed *b, uint32_t slot)
{
	static uint8_t bytes[4000000];

	bed_send(b, slot, bytes, sizeof(bytes));
}

static void
turn(struct bed *b, int n)
{
	while (n-- > 0)
		bed_turn(b);
}

/* Bring the connection there. True: the peer is gone already. */
static bool
bring_to(struct bed *b, uint32_t slot, int peer, enum stage stage)
{
	uint8_t bytes[3000] = { 0 };

	if (stage != STAGE_ACCEPTED)
		turn(b, 2);
	switch (stage) {
	case STAGE_BYTES_COMING:
		peer_write(peer, bytes, sizeof(bytes));
		break;
	case STAGE_PAUSING:
		ring_receive_pause(b->ring, slot);
		break;
	case STAGE_PAUSED:
	case STAGE_RESUMING:
		ring_receive_pause(b->ring, slot);
		turn(b, 3);
		if (stage == STAGE_RESUMING)
			ring_receive_resume(b->ring, slot);
		break;
	case STAGE_SEND_WANTED:
	case STAGE_SEND_TRYING:
	case STAGE_SEND_GUARDED:
		send_much(b, slot);
		turn(b, stage == STAGE_SEND_WANTED ? 0 : stage == STAGE_SEND_TRYING ? 1 : 4);
		break;
	case STAGE_ENDED:
		b->conns[slot].keep = true;
		peer_finish(peer);
		bed_until(b, b->conns[slot].has_ended);
		break;
	case STAGE_RESET:
		peer_reset(peer);
		return true;
	case STAGE_STARVED:
		b->leases_wanted = BED_LEASES_MAX;
		for (int i = 0; i < 8; i++) {
			peer_write(peer, bytes, sizeof(bytes));
			turn(b, 2);
		}
		assert_int_equal(ring_requests_out(b->ring), 0);
		break;
	case STAGE_SHUT_DOWN:
		ring_shutdown_write(b->ring, slot);
		break;
	default:
		break;
	}
	return false;
}

static void
every_stage(void **state)
{
	struct ring_config config = bed_config();

	(void)state;
	config.buffers = 4;
	config.buffers_per_slot = 64; /* it may starve */
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		for (int abort = 0; abort < 2; abort++) {
			struct bed b;
			uint32_t slot;
			int peer;

			printf("cell: kernel=%s stage=%d abort=%d\n", peer_kernel, stage, abort);
			bed_open(&b, &config, true);
			b.closes_on_error = false;
			peer = peer_connect(b.listener, true);
			bed_until(&b, b.opened == 1);
			slot = b.last;
			if (bring_to(&b, slot, peer, (enum stage)stage))
				peer = -1;
			bed_close(&b, slot, abort);
			ring_close(b.ring, slot, abort); /* asking twice is harmless */
			bed_until(&b, b.closed == 1);
			if (stage >= STAGE_SEND_WANTED && stage <= STAGE_SEND_GUARDED) {
				assert_int_equal(b.conns[slot].sents, 1);
				assert_int_equal(b.conns[slot].sent, -ECANCELED);
			}
			if (peer >= 0) {
				int result = bed_read_to_end(&b, peer);

				/* After our FIN the peer has read the end already. */
				if (abort && stage != STAGE_SHUT_DOWN)
					assert_int_equal(result, -ECONNRESET);
				peer_close(peer);
			}
			assert_int_equal(ring_counters(b.ring)->stale_completions, 0);
			bed_finish(&b);
		}
	}
}

/* The last bytes before an orderly close reach the peer. */
static void
last_bytes_arrive(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	char back[8];
	uint32_t slot;
	int peer, n;

	(void)state;
	bed_open(&b, &config, false);
	peer = bed_connect(&b);
	slot = b.last;
	bed_send(&b, slot, "bye", 3);
	bed_until(&b, b.conns[slot].sents == 1);
	bed_close(&b, slot, false);
	bed_until(&b, (n = peer_read(peer, back, sizeof(back))) != -EAGAIN);
	assert_int_equal(n, 3);
	assert_int_equal(bed_read_to_end(&b, peer), 0);
	peer_close(peer);
	bed_finish(&b);
}

/*
 * From a handler of one slot all others are closed: what they have in the same harvest is
 * swallowed.
 */
static void
close_all_others(struct bed *b, uint32_t slot)
{
	for (uint32_t i = 0; i < b->config.slots_max; i++)
		if (i != slot && b->conns[i].open && !b->conns[i].closing)
			bed_close(b, i, i % 2 == 0);
}

static void
closed_by_a_neighbour(void **state)
{
	enum { PEERS = 20 };
	struct ring_config config = bed_config();
	struct bed b;
	int peers[PEERS];

	(void)state;
	bed_open(&b, &config, false);
	b.on_received = close_all_others;
	for (int i = 0; i < PEERS; i++)
		peers[i] = bed_connect(&b);
	for (int i = 0; i < PEERS; i++)
		assert_int_equal(peer_write(peers[i], "hello", 5), 5);
	bed_until(&b, b.closed == PEERS - 1);
	assert_int_equal(ring_slots_used(b.ring), 1);
	for (int i = 0; i < PEERS; i++)
		peer_close(peers[i]);
	bed_finish(&b);
}

/* A slot's next owner gets nothing of the one before, however often it changes hands. */
static void
slots_change_hands(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint8_t junk[2000];

	(void)state;
	config.slots_max = 4;
	bed_open(&b, &config, false);
	b.echo = true;
	memset(junk, 'j', sizeof(junk));
	for (uint32_t i = 0; i < 300; i++) {
		int peer = bed_connect(&b);
		uint32_t slot = b.last;

		bed_round_trip(&b, peer, i, 900);
		/* Bytes and a send on the way while the slot is closed. */
		assert_int_equal(peer_write(peer, junk, sizeof(junk)), sizeof(junk));
		bed_send(&b, slot, junk, sizeof(junk));
		if (i % 3 == 0)
			bed_turn(&b);
		if (b.conns[slot].open && !b.conns[slot].closing)
			bed_close(&b, slot, i % 2);
		if (i % 5 == 0)
			bed_until(&b, !b.conns[slot].open);
		peer_close(peer);
	}
	bed_until(&b, b.closed == 300);
	bed_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stage),
		cmocka_unit_test(last_bytes_arrive),
		cmocka_unit_test(closed_by_a_neighbour),
		cmocka_unit_test(slots_change_hands),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
