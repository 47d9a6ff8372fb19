/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: what is refused and why, features on and off, waits of a turn.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <string.h>

#include "ring/probe.h"

static const struct ring_handlers nothing;

static void
assert_refused(struct ring_config config, const char *word)
{
	struct ring *r = NULL;
	const char *error = NULL;

	assert_int_equal(ring_open(&r, &config, &nothing, NULL, &error), -EINVAL);
	assert_null(r);
	assert_non_null(strstr(error, word));
}

static void
impossible_values_are_refused(void **state)
{
	struct ring_config config;

	(void)state;
	peer_begin(1);
	config = bed_config();
	config.slots_max = 0;
	assert_refused(config, "slots_max");
	config = bed_config();
	config.sq_entries = 100;
	assert_refused(config, "sq_entries");
	config.sq_entries = 4;
	assert_refused(config, "sq_entries");
	config = bed_config();
	config.buffers = 3;
	assert_refused(config, "buffers");
	config.buffers = 65536;
	assert_refused(config, "buffers");
	config = bed_config();
	config.buffer_bytes = 0;
	assert_refused(config, "buffer_bytes");
	peer_end();
}

static void
errors_name_cause_and_cure(void **state)
{
	(void)state;
	assert_non_null(strstr(probe_explain(-ENOSYS), "6.1"));
	assert_non_null(strstr(probe_explain(-EINVAL), "6.1"));
	assert_non_null(strstr(probe_explain(-EPERM), "kernel.io_uring_disabled"));
	assert_non_null(strstr(probe_explain(-ENOMEM), "RLIMIT_MEMLOCK"));
	assert_non_null(strstr(probe_explain(-EMFILE), "RLIMIT_NOFILE"));
	assert_non_null(strstr(probe_explain(-ENFILE), "file-max"));
	assert_true(strlen(probe_explain(-EIO)) > 0);
}

static void
no_descriptors_for_the_ring(void **state)
{
	struct ring_config config = bed_config();
	struct ring *r = NULL;
	const char *error = NULL;

	(void)state;
	peer_begin(1);
	peer_limit_descriptors(0);
	assert_int_equal(ring_open(&r, &config, &nothing, NULL, &error), -EMFILE);
	assert_non_null(strstr(error, "RLIMIT_NOFILE"));
	peer_limit_descriptors(INT32_MAX);
	peer_end();
}

static void
disabled_is_off(void **state)
{
	struct ring_config config = bed_config();
	uint32_t all;
	struct bed b;

	(void)state;
	bed_open(&b, &config, false);
	all = ring_features(b.ring);
	bed_finish(&b);
	for (uint32_t disable = 0; disable < 1u << RING_FEATURE_COUNT; disable++) {
		config.disable = disable;
		bed_open(&b, &config, false);
		assert_int_equal(ring_features(b.ring), all & ~disable);
		bed_finish(&b);
	}
	config.disable = 0;
	config.spin_ns = 0;
	bed_open(&b, &config, false);
	assert_int_equal(ring_features(b.ring), all & ~(1u << RING_FEATURE_SPIN));
	bed_finish(&b);
}

static void
a_turn_waits_as_long_as_it_may(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint64_t since_ns;

	(void)state;
	bed_open(&b, &config, false);
	bed_turn(&b);
	since_ns = ring_now_ns(b.ring);
	assert_int_equal(ring_turn(b.ring, 30 * BED_MS), 0);
	assert_in_range(ring_now_ns(b.ring) - since_ns, 30 * BED_MS, 5 * BED_S);
	since_ns = ring_now_ns(b.ring);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ring_turn(b.ring, 0), 0);
	assert_true(ring_now_ns(b.ring) - since_ns < BED_S);
	bed_finish(&b);
}

/* Peers that answer at once make the ring spin; an idle ring sleeps. */
static void
spins_only_when_it_pays(void **state)
{
	struct ring_config config = bed_config();
	struct bed b;
	int peer;

	(void)state;
	config.spin_ns = 1000000000; /* every gap of this test is shorter */
	bed_open(&b, &config, false);
	b.echo = true;
	peer = bed_connect(&b);
	for (uint32_t i = 0; i < 300; i++)
		bed_round_trip(&b, peer, i, 100);
	assert_true(ring_counters(b.ring)->spins_won > 0);
	peer_close(peer);
	bed_finish(&b);

	config.spin_ns = 1; /* no gap is shorter */
	bed_open(&b, &config, false);
	b.echo = true;
	peer = bed_connect(&b);
	for (uint32_t i = 0; i < 300; i++)
		bed_round_trip(&b, peer, i, 100);
	assert_int_equal(ring_counters(b.ring)->spins_won, 0);
	peer_close(peer);
	bed_finish(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_values_are_refused),
		cmocka_unit_test(errors_name_cause_and_cure),
		cmocka_unit_test(no_descriptors_for_the_ring),
		cmocka_unit_test(disabled_is_off),
		cmocka_unit_test(a_turn_waits_as_long_as_it_may),
		cmocka_unit_test(spins_only_when_it_pays),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
