/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds in which anything may happen, at any moment, from a printed seed: the simulated kernel.
 * `ring_storm_test SEED [COUNT]` runs those only.
 */
#include "tests/unit/ring_bed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/uring_sim.h"

static struct bed bed;

#define COUNTER(name) offsetof(struct ring_counters, name)

static uint64_t
counter(size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)ring_counters(bed.ring) + offset, sizeof(value));
	return value;
}

enum { CLIENTS = 12, STEPS = 400 };

struct client {
	int peer; /* -1: none */
	uint32_t stream;
	size_t written, seen;
	bool finished;
	bool lazy; /* never reads */
};

enum { TO_LISTENER, TO_DEAF, TO_NOBODY, TO_NOWHERE, ADDRESSES };

struct storm {
	struct client clients[CLIENTS];
	uint32_t streams;
	int dialed; /* a listener of the clients */
	struct sockaddr_in addresses[ADDRESSES];
};

static void
prepare_addresses(struct storm *s)
{
	int deaf = uring_sim_listen();

	s->dialed = uring_sim_listen();
	uring_sim_deafen(deaf, true);
	uring_sim_address(s->dialed, &s->addresses[TO_LISTENER]);
	uring_sim_address(deaf, &s->addresses[TO_DEAF]);
	peer_address_refusing(&s->addresses[TO_NOBODY]);
	peer_address_unreachable(&s->addresses[TO_NOWHERE]);
}

static void
random_faults(void)
{
	struct uring_sim_faults f = {
		.send_short = uring_sim_random(300),
		.send_again = uring_sim_random(300),
		.send_stop = uring_sim_random(200),
		.receive_short = uring_sim_random(500),
		.receive_stop = uring_sim_random(200),
		.receive_famine = uring_sim_random(100),
		.accept_stop = uring_sim_random(300),
		.accept_error = uring_sim_random(200),
		.connect_error = uring_sim_random(200),
		.reset = uring_sim_random(2) ? uring_sim_random(20) : 0,
		.stale = uring_sim_random(100),
		.guard_talks = uring_sim_random(500),
		.delay = uring_sim_random(400),
		.delay_ns = 1 + uring_sim_random(5000000),
		.enter_refused = uring_sim_random(100),
		.poll_stop = uring_sim_random(200),
		.install_error = uring_sim_random(300),
		.shuffle = uring_sim_random(2),
	};

	uring_sim_set_faults(&f);
	uring_sim_limit_completions(uring_sim_random(3) == 0 ? 2 + uring_sim_random(30) : 0);
	uring_sim_limit_descriptors(uring_sim_random(4) == 0 ?
					    uring_sim_descriptors() + uring_sim_random(4) :
					    UINT32_MAX);
}

static void
client_write(struct client *c)
{
	uint8_t bytes[3000];
	size_t len = 1 + uring_sim_random(sizeof(bytes));
	int n;

	if (c->finished)
		return;
	bed_fill(c->stream, c->written, bytes, len);
	n = uring_sim_write(c->peer, bytes, len);
	if (n > 0)
		c->written += (size_t)n;
}

/*
 * What comes back is the beginning of what went out; bytes are never lost in the middle, doubled,
 * or another's.
 */
static void
client_read(struct client *c)
{
	uint8_t bytes[5000];
	int n = uring_sim_read(c->peer, bytes, 1 + uring_sim_random(sizeof(bytes)));

	if (n <= 0)
		return;
	bed_check(c->stream, c->seen, bytes, (size_t)n);
	c->seen += (size_t)n;
	assert_true(c->seen <= c->written);
}

static void
client_step(struct bed *b, struct storm *s, struct client *c)
{
	uint32_t what = uring_sim_random(100);

	if (c->peer < 0) {
		int peer = uring_sim_accept(s->dialed);

		if (peer < 0 && what < 50)
			peer = uring_sim_connect(b->listener);
		if (peer >= 0)
			*c = (struct client){ .peer = peer,
					      .stream = s->streams++,
					      .lazy = uring_sim_random(5) == 0 };
	} else if (what < 45) {
		client_write(c);
	} else if (what < 90) {
		if (!c->lazy)
			client_read(c);
	} else if (what < 93) {
		uring_sim_finish(c->peer);
		c->finished = true;
	} else if (what < 95) {
		(what == 93 ? uring_sim_close : uring_sim_reset)(c->peer);
		c->peer = -1;
	}
}

static void
dial(struct bed *b, const struct storm *s)
{
	uint32_t to = uring_sim_random(2) ? TO_LISTENER : uring_sim_random(ADDRESSES);

	/* Now and then the last descriptor is gone: then there is no socket to connect. */
	if (ring_slots_used(b->ring) < b->config.slots_max && uring_sim_has_descriptors(1))
		bed_dial(b, &s->addresses[to]);
}

static void
server_step(struct bed *b, const struct storm *s)
{
	uint32_t slot = uring_sim_random(b->config.slots_max);

	if (uring_sim_random(20) == 0)
		ring_wake(b->ring);
	if (uring_sim_random(10) == 0)
		dial(b, s);
	if (!b->conns[slot].open || b->conns[slot].closing)
		return;
	switch (uring_sim_random(12)) {
	case 0:
	case 1:
		ring_receive_pause(b->ring, slot);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		ring_receive_resume(b->ring, slot);
		break;
	case 6:
		if (uring_sim_random(b->conns[slot].connecting ? 1 : 4) == 0)
			bed_close(b, slot, uring_sim_random(2));
		break;
	default:
		break;
	}
}

static uint64_t first_seed = 1, seed_count = 300;
static uint64_t seed_now;
static uint64_t totals[sizeof(struct ring_counters) / sizeof(uint64_t)];

static void
add_totals(void)
{
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
		totals[i] += counter(i * sizeof(uint64_t));
}

static void
on_abort(int number)
{
	(void)number;
	fprintf(stderr, "ring_storm_test: the seed was %llu\n", (unsigned long long)seed_now);
}

static int
tell_seed(void **state)
{
	(void)state;
	printf("storms: last seed %llu\n", (unsigned long long)seed_now);
	return 0;
}

/* Here the waits are too long to spin, there is one ring only, and no datagram socket. */
static bool
is_of_another_test(size_t counter_offset)
{
	return counter_offset == COUNTER(sends_zc) || counter_offset == COUNTER(spins_won) ||
	       counter_offset == COUNTER(handed_over) || counter_offset == COUNTER(handed_in) ||
	       counter_offset == COUNTER(handover_errors) ||
	       counter_offset == COUNTER(datagrams_sent) ||
	       counter_offset == COUNTER(datagrams_unsent);
}

/*
 * It did storm: each of these happened somewhere; but for spins, for which the waits are too long
 * here.
 */
static void
assert_all_happened(void)
{
	static const struct {
		size_t offset;
		const char *name;
	} wanted[] = {
#define X(name) { COUNTER(name), #name },
		RING_COUNTER_LIST(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		uint64_t total = totals[wanted[i].offset / sizeof(uint64_t)];

		printf("storms: %s %llu\n", wanted[i].name, (unsigned long long)total);
		assert_true(total > 0 || is_of_another_test(wanted[i].offset));
	}
}

static void
storm(uint64_t seed)
{
	struct ring_config config = bed_config();
	struct storm s = { .streams = 0 };

	config.slots_max = 8;
	config.buffers = 8;
	config.buffer_bytes = 600;
	config.sq_entries = 8;
	config.send_guard = seed % 3 == 0 ? RING_GUARD_ALWAYS : RING_GUARD_TRY_THEN_ARM;
	config.disable = (uint32_t)(seed % (1u << RING_FEATURE_COUNT));
	bed_open_seeded(&bed, &config, seed);
	bed.echo = true;
	bed.leases_wanted = (uint32_t)(seed % 5);
	bed.send_timeout_ns = (1 + uring_sim_random(300)) * BED_MS;
	uring_sim_limit_socket(500 + uring_sim_random(8000));
	for (int i = 0; i < CLIENTS; i++)
		s.clients[i].peer = -1;
	prepare_addresses(&s);
	for (int step = 0; step < STEPS; step++) {
		if (step % 50 == 0)
			random_faults();
		for (int i = 0; i < CLIENTS; i++)
			client_step(&bed, &s, &s.clients[i]);
		server_step(&bed, &s);
		assert_int_equal(ring_turn(bed.ring, uring_sim_random(3) * BED_MS), 0);
	}
	add_totals();
	bed_finish(&bed);
}

/* After the storm the sea is calm: a ring that went through it still serves everybody. */
static void
storm_then_calm(uint64_t seed)
{
	struct ring_config config = bed_config();
	int peers[4];

	config.slots_max = seed % 2 ? 4 : 2000;
	config.buffers = 4;
	bed_open_seeded(&bed, &config, seed);
	bed.echo = true;
	for (int i = 0; i < 30; i++) {
		int peer = uring_sim_connect(bed.listener);

		random_faults();
		uring_sim_write(peer, "storm", 5);
		for (int turn = 0; turn < 5; turn++)
			bed_turn(&bed);
		uring_sim_close(peer);
	}
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	uring_sim_limit_descriptors(UINT32_MAX);
	uring_sim_limit_completions(0);
	bed_until(&bed, ring_slots_used(bed.ring) == 0);
	for (int i = 0; i < 4; i++) {
		peers[i] = bed_connect(&bed);
		bed_round_trip(&bed, peers[i], (uint32_t)i, 10000);
	}
	for (int i = 0; i < 4; i++)
		uring_sim_close(peers[i]);
	add_totals();
	bed_finish(&bed);
}

static void
storms(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
		seed_now = seed;
		storm(seed);
		storm_then_calm(seed);
	}
	if (seed_count >= 300)
		assert_all_happened();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(storms, tell_seed) };

	signal(SIGABRT, on_abort);
	if (argc > 1) {
		first_seed = strtoull(argv[1], NULL, 0);
		seed_count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
