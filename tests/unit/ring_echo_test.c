/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes there and back: every set of kernel features, both guards, sizes around the buffer's.
 */
#include "tests/unit/ring_bed.h"

#include <stdio.h>
#include <string.h>

static void
echo_sizes(struct bed *b)
{
	static const size_t sizes[] = { 1, 500, 4095, 4096, 4097, 65537, 300000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int peer = bed_connect(b);
		uint32_t slot = b->last;

		bed_round_trip(b, peer, (uint32_t)i, sizes[i]);
		peer_finish(peer);
		assert_int_equal(bed_read_to_end(b, peer), 0);
		bed_until(b, !b->conns[slot].open);
		assert_int_equal(b->conns[slot].ended, 0);
		peer_close(peer);
	}
}

static void
features_and_guards(void **state)
{
	(void)state;
	for (uint32_t disable = 0; disable < 1u << RING_FEATURE_SEND_ZC; disable++) {
		for (int guard = RING_GUARD_TRY_THEN_ARM; guard <= RING_GUARD_ALWAYS; guard++) {
			struct ring_config config = bed_config();
			struct bed b;

			config.disable = disable;
			config.send_guard = (enum ring_send_guard)guard;
			printf("cell: kernel=%s disable=0x%x guard=%d\n", peer_kernel, disable,
			       guard);
			bed_open(&b, &config, false);
			assert_int_equal(ring_features(b.ring) & disable, 0);
			b.echo = true;
			echo_sizes(&b);
			if (guard == RING_GUARD_ALWAYS)
				assert_true(ring_counters(b.ring)->sends_guarded >=
					    ring_counters(b.ring)->sends);
			assert_int_equal(ring_counters(b.ring)->stale_completions, 0);
			bed_finish(&b);
		}
	}
}

static void
leases_outlive_the_call(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	int peer;

	(void)state;
	config.buffers = 16;
	config.buffers_per_slot = 16;
	bed_open(&b, &config, false);
	b.echo = true;
	b.leases_wanted = 12;
	peer = bed_connect(&b);
	bed_round_trip(&b, peer, 7, 500000);
	assert_int_equal(ring_buffers_out(b.ring), b.leases_held);
	peer_close(peer);
	bed_finish(&b);
}

static void
a_lease_with_two_users_comes_back_once(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	int peer;
	uint16_t buffer;

	(void)state;
	bed_open(&b, &config, false);
	b.leases_wanted = 1;
	peer = bed_connect(&b);
	assert_int_equal(peer_write(peer, "x", 1), 1);
	bed_until(&b, b.leases_held == 1);
	buffer = b.leases[0];
	ring_lease_hold(b.ring, buffer);
	ring_lease_drop(b.ring, buffer);
	assert_int_equal(ring_buffers_out(b.ring), 1);
	ring_lease_drop(b.ring, buffer);
	b.leases_held = 0;
	assert_int_equal(ring_buffers_out(b.ring), 0);
	peer_close(peer);
	bed_finish(&b);
}

/*
 * A connection that nobody uses does not keep others from the ring, and many at once are one turn's
 * work.
 */
static void
many_at_once(void **state)
{
	enum { PEERS = 60, ROUNDS = 50 };
	struct ring_config config = bed_config();
	struct bed b;
	int peers[PEERS];
	uint8_t bytes[700], back[700];

	(void)state;
	bed_open(&b, &config, false);
	b.echo = true;
	for (int i = 0; i < PEERS; i++)
		peers[i] = bed_connect(&b);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PEERS; i++) {
			bed_fill((uint32_t)(i + round), 0, bytes, sizeof(bytes));
			assert_int_equal(peer_write(peers[i], bytes, sizeof(bytes)), sizeof(bytes));
		}
		for (int i = 0; i < PEERS; i++) {
			size_t seen = 0;

			while (seen < sizeof(back)) {
				int n = peer_read(peers[i], back + seen, sizeof(back) - seen);

				if (n > 0)
					seen += (size_t)n;
				else
					bed_turn(&b);
			}
			bed_check((uint32_t)(i + round), 0, back, sizeof(back));
		}
	}
	assert_int_equal(ring_counters(b.ring)->bytes_in, PEERS * ROUNDS * sizeof(bytes));
	assert_int_equal(ring_counters(b.ring)->bytes_out, PEERS * ROUNDS * sizeof(bytes));
	assert_true(ring_counters(b.ring)->turns < PEERS * ROUNDS);
	for (int i = 0; i < PEERS; i++)
		peer_close(peers[i]);
	bed_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_with_two_users_comes_back_once),
		cmocka_unit_test(leases_outlive_the_call),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(features_and_guards),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
