/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the real kernel does not do on demand, one thing at a time; and the simulated kernel itself.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/uring_sim.h"

/* -- set-up -- */

static const struct ring_handlers nothing;

static void
refused_setup_is_explained(void **state)
{
	static const struct {
		int result;
		const char *word;
	} cases[] = {
		{ -ENOSYS, "6.1" },
		{ -EINVAL, "6.1" },
		{ -EPERM, "io_uring_disabled" },
		{ -ENOMEM, "RLIMIT_MEMLOCK" },
	};
	struct ring_config config = bed_config();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ring *r;
		const char *error = NULL;

		uring_sim_begin(1);
		uring_sim_refuse_setup(cases[i].result);
		assert_int_equal(ring_open(&r, &config, &nothing, NULL, &error), cases[i].result);
		assert_non_null(strstr(error, cases[i].word));
		uring_sim_end();
	}
}

static void
poor_kernels_do(void **state)
{
	(void)state;
	for (uint32_t lacking = 0; lacking < 1u << RING_FEATURE_COUNT; lacking++) {
		struct ring_config config = bed_config();
		const char *error;
		struct ring *r;

		uring_sim_begin(1);
		uring_sim_lack_features(lacking);
		assert_int_equal(ring_open(&r, &config, &nothing, NULL, &error), 0);
		assert_int_equal(ring_features(r) & lacking & ~(1u << RING_FEATURE_SPIN), 0);
		ring_fini(r);
		uring_sim_end();
	}
}

/* -- one fault at a time, always -- */

static struct bed bed;

#define COUNTER(name) offsetof(struct ring_counters, name)

static uint64_t
counter(size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)ring_counters(bed.ring) + offset, sizeof(value));
	return value;
}

/* The stream survives the fault, and the counter that is to tell of it did. */
static void
one_fault(const struct uring_sim_faults *faults, const char *name, size_t tells)
{
	struct ring_config config = bed_config();
	int peer;

	printf("fault: %s\n", name);
	config.buffers = 8;
	bed_open(&bed, &config, true);
	bed.echo = true;
	uring_sim_set_faults(faults);
	peer = bed_connect(&bed);
	bed_round_trip(&bed, peer, 1, 60000);
	assert_true(counter(tells) > 0);
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	peer_close(peer);
	bed_finish(&bed);
}

static void
each_fault_alone(void **state)
{
#define FAULT(name, rate, tells)                                                                   \
	one_fault(&(struct uring_sim_faults){ .name = rate }, #name, COUNTER(tells))
	(void)state;
	FAULT(send_short, 900, sends_short);
	FAULT(send_again, 1000, sends_guarded);
	one_fault(&(struct uring_sim_faults){ .send_again = 1000,
					      .send_short = 500,
					      .send_stop = 500 },
		  "send_stop", COUNTER(sends_short));
	FAULT(receive_short, 900, receives);
	FAULT(receive_stop, 900, receive_rearms);
	FAULT(receive_famine, 900, buffer_famines);
	FAULT(accept_stop, 1000, accepts);
	FAULT(accept_error, 800, accept_errors);
	FAULT(enter_refused, 900, enters);
	FAULT(poll_stop, 1000, turns);
	one_fault(&(struct uring_sim_faults){ .send_again = 1000, .guard_talks = 1000 },
		  "guard_talks", COUNTER(sends_guarded));
	one_fault(&(struct uring_sim_faults){ .delay = 900, .delay_ns = 1000000 }, "delay",
		  COUNTER(receives));
	one_fault(&(struct uring_sim_faults){ .shuffle = true }, "shuffle", COUNTER(receives));
#undef FAULT
}

/* -- faults that must not make the ring run hot, nor sleep too long -- */

/* -ENOBUFS though there are buffers (liburing #778): asked again after a while, not at once. */
static void
famine_without_reason(void **state)
{
	struct ring_config config = bed_config();
	uint64_t since_ns;
	uint32_t slot;
	int peer;

	(void)state;
	bed_open(&bed, &config, false);
	peer = bed_connect(&bed);
	slot = bed.last;
	uring_sim_set_faults(&(struct uring_sim_faults){ .receive_famine = 1000 });
	assert_int_equal(uring_sim_write(peer, "x", 1), 1);
	since_ns = ring_now_ns(bed.ring);
	while (ring_now_ns(bed.ring) - since_ns < 20 * BED_MS)
		assert_int_equal(ring_turn(bed.ring, 10 * BED_S), 0);
	assert_in_range(ring_counters(bed.ring)->buffer_famines, 10, 25);
	assert_true(ring_now_ns(bed.ring) - since_ns < 30 * BED_MS);
	assert_int_equal(bed.conns[slot].in_len, 0);
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	bed_until(&bed, bed.conns[slot].in_len == 1);
	uring_sim_close(peer);
	bed_finish(&bed);
}

/* Out of kernel memory: nothing is shed, accepting pauses. */
static void
no_memory_to_accept(void **state)
{
	struct ring_config config = bed_config();
	uint64_t since_ns, errors;
	int peer;

	(void)state;
	bed_open(&bed, &config, false);
	uring_sim_set_faults(
		&(struct uring_sim_faults){ .accept_error = 1000, .accept_errno = ENOMEM });
	peer = uring_sim_connect(bed.listener);
	since_ns = ring_now_ns(bed.ring);
	bed_until(&bed, ring_now_ns(bed.ring) - since_ns > 350 * BED_MS);
	/* The requests that were in flight meet the trouble together, then one at a time. */
	assert_in_range(ring_counters(bed.ring)->accept_errors, 3, 5 + 15);
	errors = ring_counters(bed.ring)->accept_errors;
	since_ns = ring_now_ns(bed.ring);
	bed_until(&bed, ring_now_ns(bed.ring) - since_ns > 350 * BED_MS);
	assert_in_range(ring_counters(bed.ring)->accept_errors - errors, 3, 5);
	assert_int_equal(ring_counters(bed.ring)->accept_shed, 0);
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	bed_until(&bed, bed.opened == 1);
	uring_sim_close(peer);
	bed_finish(&bed);
}

/* The reserve is open again after it was used: the last descriptor is not left to others. */
static void
the_reserve_is_restored(void **state)
{
	struct ring_config config = bed_config();
	uint32_t all;

	(void)state;
	config.disable |= 1u << RING_FEATURE_DIRECT;
	bed_open_deaf(&bed, &config, false);
	for (int i = 0; i < 5; i++)
		assert_true(uring_sim_connect(bed.listener) >= 0);
	peer_limit_descriptors(2);
	all = uring_sim_descriptors() + 2;
	bed_accept(&bed);
	bed_until(&bed, ring_counters(bed.ring)->accept_shed == 3);
	assert_int_equal(bed.opened, 2);
	assert_int_equal(uring_sim_descriptors(), all);
	bed_finish(&bed);
}

/* A kernel that takes requests only now and then: what did not find room goes out soon. */
static void
refused_requests_are_not_forgotten(void **state)
{
	enum { PEERS = 40, ROUNDS = 30 };
	struct ring_config config = bed_config();
	int peers[PEERS];
	uint32_t slots[PEERS];
	uint64_t since_ns;

	(void)state;
	config.sq_entries = 8;
	bed_open(&bed, &config, false);
	for (int i = 0; i < PEERS; i++) {
		peers[i] = bed_connect(&bed);
		slots[i] = bed.last;
	}
	for (size_t round = 1; round <= ROUNDS; round++) {
		for (int i = 0; i < PEERS; i++)
			ring_receive_pause(bed.ring, slots[i]);
		bed_until(&bed, ring_requests_out(bed.ring) == 0);
		assert_int_equal(uring_sim_write(peers[PEERS - 1], "x", 1), 1);
		for (int i = 0; i < PEERS; i++)
			ring_receive_resume(bed.ring, slots[i]);
		uring_sim_set_faults(&(struct uring_sim_faults){ .enter_refused = 500 });
		since_ns = ring_now_ns(bed.ring);
		while (bed.conns[slots[PEERS - 1]].in_len < round)
			assert_int_equal(ring_turn(bed.ring, 10 * BED_S), 0);
		assert_true(ring_now_ns(bed.ring) - since_ns < BED_S);
		uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
		bed_until(&bed, ring_requests_out(bed.ring) == PEERS);
	}
	for (int i = 0; i < PEERS; i++)
		uring_sim_close(peers[i]);
	bed_finish(&bed);
}

/* The doorbell's poll ends: it is armed again, no ring is lost. */
static void
the_bell_goes_on(void **state)
{
	struct ring_config config = bed_config();

	(void)state;
	bed_open(&bed, &config, false);
	uring_sim_set_faults(&(struct uring_sim_faults){ .poll_stop = 1000 });
	for (uint32_t i = 1; i <= 5; i++) {
		ring_wake(bed.ring);
		bed_until(&bed, bed.woken >= i);
	}
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	bed_finish(&bed);
}

/* -- connecting -- */

/* Nobody answers: the kernel gives up, after two minutes. */
static void
connect_gives_up(void **state)
{
	struct ring_config config = bed_config();
	struct sockaddr_in to;
	uint64_t since_ns;
	uint32_t slot;
	int deaf;

	(void)state;
	bed_open_deaf(&bed, &config, false);
	deaf = peer_listen_deaf();
	peer_address(deaf, &to);
	slot = bed_dial(&bed, &to);
	since_ns = uring_sim_now_ns();
	while (bed.connected == 0)
		assert_int_equal(ring_turn(bed.ring, 10 * BED_S), 0);
	assert_int_equal(bed.conns[slot].connected, -ETIMEDOUT);
	assert_in_range((uring_sim_now_ns() - since_ns) / BED_S, 127, 128);
	assert_int_equal(ring_counters(bed.ring)->connect_errors, 1);
	bed_until(&bed, bed.closed == 1);
	bed_finish(&bed);
}

static void
connect_errors_are_told(void **state)
{
	static const int errors[] = { ETIMEDOUT, EHOSTUNREACH, EADDRNOTAVAIL, EINTR, ECANCELED };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct ring_config config = bed_config();
		struct sockaddr_in to;
		uint32_t slot;

		bed_open_deaf(&bed, &config, false);
		peer_address(bed.listener, &to);
		uring_sim_set_faults(&(struct uring_sim_faults){ .connect_error = 1000,
								 .connect_errno = errors[i] });
		slot = bed_dial(&bed, &to);
		bed_until(&bed, bed.closed == 1);
		assert_int_equal(bed.connected, 1);
		assert_int_equal(bed.conns[slot].connected, -errors[i]);
		bed_finish(&bed);
	}
}

/*
 * Closed while the answer is on its way: the connect ends canceled, or completes all the same.
 * Either way nobody hears of it, and a peer that was reached sees the end.
 */
static void
connect_races_with_its_cancel(void **state)
{
	static const struct uring_sim_faults late = { .delay = 1000, .delay_ns = 3000000 };
	uint32_t reached = 0, missed = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct ring_config config = bed_config();
		struct sockaddr_in to;
		uint32_t slot;
		int peer;

		bed_open_seeded(&bed, &config, seed);
		ring_listen_stop(bed.ring); /* or it takes the peer */
		bed_turn(&bed);
		peer_address(bed.listener, &to);
		uring_sim_set_faults(&late);
		slot = bed_dial(&bed, &to);
		assert_int_equal(ring_turn(bed.ring, 0), 0); /* the socket becomes a fixed file */
		assert_int_equal(ring_turn(bed.ring, 1 + uring_sim_random(1000000)), 0);
		if (bed.connected == 0) {
			bed_close(&bed, slot, seed % 2);
			bed_until(&bed, bed.closed == 1);
			assert_int_equal(bed.connected, 0);
			peer = peer_accept(bed.listener);
			if (peer >= 0)
				assert_int_not_equal(bed_read_to_end(&bed, peer), -EAGAIN);
			reached += peer >= 0;
			missed += peer < 0;
		}
		bed_finish(&bed);
	}
	assert_true(reached > 10 && missed > 10);
}

/* -- overflow -- */

static void
overflow_loses_nothing(void **state)
{
	enum { PEERS = 50, BYTES = 3000 };
	struct ring_config config = bed_config();
	uint8_t bytes[BYTES];
	int peers[PEERS];
	uint32_t slots[PEERS];

	(void)state;
	bed_open(&bed, &config, false);
	bed.collect = true;
	for (int i = 0; i < PEERS; i++) {
		peers[i] = bed_connect(&bed);
		slots[i] = bed.last;
	}
	uring_sim_limit_completions(3);
	for (int i = 0; i < PEERS; i++) {
		bed_fill((uint32_t)i, 0, bytes, BYTES);
		assert_int_equal(uring_sim_write(peers[i], bytes, BYTES), BYTES);
	}
	for (int i = 0; i < PEERS; i++) {
		bed_until(&bed, bed.conns[slots[i]].in_len == BYTES);
		bed_check((uint32_t)i, 0, bed.conns[slots[i]].in, BYTES);
	}
	assert_true(ring_counters(bed.ring)->cq_overflows > 0);
	/* The multishots that ended with the overflow are armed again. */
	for (int i = 0; i < PEERS; i++) {
		assert_int_equal(uring_sim_write(peers[i], "x", 1), 1);
		bed_until(&bed, bed.conns[slots[i]].in_len == BYTES + 1);
		peer_close(peers[i]);
	}
	bed_finish(&bed);
}

/* -- stale completions -- */

static void
stale_completions_reach_nobody(void **state)
{
	struct ring_config config = bed_config();

	(void)state;
	config.buffers = 16;
	bed_open(&bed, &config, false);
	bed.echo = true;
	for (uint32_t i = 0; i < 40; i++) {
		int peer = bed_connect(&bed);

		bed_round_trip(&bed, peer, i, 2000);
		peer_finish(peer);
		bed_until(&bed, bed.closed == i + 1);
		peer_close(peer);
		uring_sim_set_faults(&(struct uring_sim_faults){ .stale = 700 });
	}
	assert_true(ring_counters(bed.ring)->stale_completions > 10);
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	bed_finish(&bed);
}

/* -- the simulated kernel itself -- */

static void
turn_without_waiting(void *arg)
{
	const struct bed *b = arg;

	assert_int_equal(ring_turn(b->ring, 0), 0);
}

static void
same_seed_same_run(void **state)
{
	static const struct uring_sim_faults some = {
		.receive_short = 300,
		.send_again = 300,
		.delay = 300,
		.delay_ns = 100000,
		.shuffle = true,
	};
	uint64_t completions[2], ends_ns[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ring_config config = bed_config();
		int peer;

		bed_open_seeded(&bed, &config, 42);
		bed.echo = true;
		uring_sim_set_faults(&some);
		peer = uring_sim_connect(bed.listener);
		for (int n = 0; n < 200; n++) {
			uring_sim_write(peer, "abc", 3);
			bed_turn(&bed);
		}
		completions[i] = ring_counters(bed.ring)->completions;
		ends_ns[i] = uring_sim_now_ns();
		uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
		bed_finish(&bed);
	}
	assert_int_equal(completions[0], completions[1]);
	assert_int_equal(ends_ns[0], ends_ns[1]);
}

static void
runs_until_quiet(void **state)
{
	struct ring_config config = bed_config();
	uint64_t now_ns;
	char back[8];
	int peer;

	(void)state;
	bed_open(&bed, &config, false);
	bed.echo = true;
	peer = uring_sim_connect(bed.listener);
	assert_int_equal(uring_sim_write(peer, "ping", 4), 4);
	assert_false(uring_sim_is_quiet());
	assert_true(uring_sim_run(turn_without_waiting, &bed, 100));
	assert_int_equal(uring_sim_read(peer, back, sizeof(back)), 4);
	assert_int_equal(uring_sim_read(peer, back, sizeof(back)), -EAGAIN);
	now_ns = uring_sim_now_ns();
	uring_sim_advance(BED_S);
	assert_int_equal(uring_sim_now_ns(), now_ns + BED_S);
	assert_int_equal(uring_sim_connect(12345), -ECONNREFUSED);
	uring_sim_close(peer);
	bed_finish(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_setup_is_explained),
		cmocka_unit_test(poor_kernels_do),
		cmocka_unit_test(runs_until_quiet),
		cmocka_unit_test(same_seed_same_run),
		cmocka_unit_test(each_fault_alone),
		cmocka_unit_test(famine_without_reason),
		cmocka_unit_test(no_memory_to_accept),
		cmocka_unit_test(the_reserve_is_restored),
		cmocka_unit_test(refused_requests_are_not_forgotten),
		cmocka_unit_test(the_bell_goes_on),
		cmocka_unit_test(connect_gives_up),
		cmocka_unit_test(connect_errors_are_told),
		cmocka_unit_test(connect_races_with_its_cancel),
		cmocka_unit_test(overflow_loses_nothing),
		cmocka_unit_test(stale_completions_reach_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
