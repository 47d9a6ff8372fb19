/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Direct descriptors where the kernel fails: simulated.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>

#include "tests/sim/uring_sim.h"

static struct bed bed;

/* Out of files in the whole system, which direct descriptors need too: shed with the reserve. */
static void
no_files_for_direct_descriptors(void **state)
{
	struct ring_config config = bed_config();
	int peer;

	(void)state;
	bed_open(&bed, &config, false);
	assert_true(ring_features(bed.ring) & 1u << RING_FEATURE_DIRECT);
	uring_sim_set_faults(
		&(struct uring_sim_faults){ .accept_error = 1000, .accept_errno = ENFILE });
	peer = uring_sim_connect(bed.listener);
	bed_until(&bed, ring_counters(bed.ring)->accept_pauses > 0);
	assert_int_equal(bed.opened, 0);
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	uring_sim_limit_descriptors(uring_sim_descriptors()); /* none for the reserve */
	bed_until(&bed, ring_counters(bed.ring)->accept_shed == 1);
	assert_int_equal(bed_read_to_end(&bed, peer), 0);
	uring_sim_close(peer);
	uring_sim_limit_descriptors(UINT32_MAX);
	peer = bed_connect(&bed);
	uring_sim_close(peer);
	bed_finish(&bed);
}

/* A socket that the table does not take is used as it is. */
static void
not_installed_connects_all_the_same(void **state)
{
	struct ring_config config = bed_config();
	struct sockaddr_in to;
	uint32_t slot, before;
	int peer = -EAGAIN;

	(void)state;
	bed_open_deaf(&bed, &config, false);
	bed.echo = true;
	peer_address(bed.listener, &to);
	uring_sim_set_faults(&(struct uring_sim_faults){ .install_error = 1000 });
	before = uring_sim_descriptors();
	slot = bed_dial(&bed, &to);
	bed_until(&bed, bed.connected == 1);
	assert_int_equal(bed.conns[slot].connected, 0);
	assert_int_equal(uring_sim_descriptors(), before + 1);
	bed_until(&bed, (peer = peer_accept(bed.listener)) >= 0);
	bed_round_trip(&bed, peer, 1, 10000);
	ring_shutdown_write(bed.ring, slot);
	assert_int_equal(bed_read_to_end(&bed, peer), 0);
	bed_close(&bed, slot, true);
	bed_until(&bed, bed.closed == 1);
	assert_int_equal(uring_sim_descriptors(), before);
	bed_finish(&bed);
}

/* The way to FIN that needs no descriptor. */
static void
shuts_down_without_a_descriptor(void **state)
{
	struct ring_config config = bed_config();
	int peer;

	(void)state;
	bed_open(&bed, &config, false);
	bed.collect = true;
	peer = bed_connect(&bed);
	uring_sim_limit_descriptors(uring_sim_descriptors());
	ring_shutdown_write(bed.ring, bed.last);
	assert_int_equal(bed_read_to_end(&bed, peer), 0);
	assert_int_equal(uring_sim_write(peer, "x", 1), 1);
	bed_until(&bed, bed.conns[bed.last].in_len == 1);
	uring_sim_close(peer);
	bed_finish(&bed);
}

/* More entries than the kernel gives, or none at all: ordinary descriptors. */
static void
refused_table_is_done_without(void **state)
{
	struct ring_config config = bed_config();
	const struct ring_handlers nothing = { 0 };

	(void)state;
	for (uint32_t entries = 2063; entries <= 2064; entries++) {
		const char *error;
		struct ring *r;

		uring_sim_begin(1);
		uring_sim_limit_table(entries);
		assert_int_equal(ring_open(&r, &config, &nothing, NULL, &error), 0);
		assert_int_equal(ring_features(r) >> RING_FEATURE_DIRECT & 1, entries == 2064);
		ring_fini(r);
		uring_sim_end();
	}
}

/* -- a connection that does not get to the other ring -- */

static struct ring *other;
static uint32_t attempts;

static void
hand_over(struct bed *b, uint32_t slot)
{
	int result = ring_hand_over(b->ring, slot, other);

	assert_int_equal(result, attempts++ % 2 == 0 ? 0 : -EALREADY);
	if (result < 0)
		return;
	b->conns[slot].open = false; /* until it comes back */
	b->opened--;
}

static void
comes_back_and_is_served(void **state)
{
	const struct ring_handlers nothing = { 0 };

	(void)state;
	for (uint32_t ordinary = 0; ordinary < 2; ordinary++) {
		struct ring_config config = bed_config();
		const char *error;
		int peer;

		config.disable = ordinary << RING_FEATURE_DIRECT;
		bed_open(&bed, &config, false);
		bed.echo = true;
		bed.on_accepted = hand_over;
		attempts = 0;
		assert_int_equal(ring_open(&other, &config, &nothing, NULL, &error), 0);
		uring_sim_set_faults(&(struct uring_sim_faults){ .message_error = 1000 });
		peer = bed_connect(&bed);
		assert_int_equal(attempts, 2);
		assert_int_equal(ring_counters(bed.ring)->handover_errors, 1);
		assert_int_equal(ring_slots_used(other), 0);
		bed_round_trip(&bed, peer, 1, 10000);
		/* A wake that the kernel refuses arrives all the same. */
		ring_wake_peer(other, bed.ring);
		while (bed.woken == 0) {
			assert_int_equal(ring_turn(other, 0), 0);
			bed_turn(&bed);
		}
		uring_sim_close(peer);
		bed_until(&bed, bed.closed == 1);
		ring_fini(other);
		bed_finish(&bed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_files_for_direct_descriptors),
		cmocka_unit_test(not_installed_connects_all_the_same),
		cmocka_unit_test(shuts_down_without_a_descriptor),
		cmocka_unit_test(refused_table_is_done_without),
		cmocka_unit_test(comes_back_and_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
