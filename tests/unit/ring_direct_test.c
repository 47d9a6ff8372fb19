/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Direct descriptors: more connections than the process may have descriptors.
 */
#include "tests/unit/ring_bed.h"

#include <string.h>
#include <sys/resource.h>

/* Direct descriptors are none of the process's. */
static void
no_descriptor_is_needed(void **state)
{
	enum { PEERS = 40 };
	struct ring_config config = bed_config();
	struct bed b;
	int peers[PEERS];

	(void)state;
	bed_open_deaf(&b, &config, false);
	b.echo = true;
	if (!(ring_features(b.ring) & 1u << RING_FEATURE_DIRECT)) {
		bed_finish(&b);
		return;
	}
	for (int i = 0; i < PEERS; i++)
		assert_true((peers[i] = peer_connect(b.listener, false)) >= 0);
	peer_limit_descriptors(-1);
	bed_accept(&b);
	bed_until(&b, b.opened == PEERS);
	for (int i = 0; i < PEERS; i++)
		bed_round_trip(&b, peers[i], (uint32_t)i, 3000);
	assert_int_equal(ring_counters(b.ring)->accept_errors, 0);
	peer_limit_descriptors(INT32_MAX);
	for (int i = 0; i < PEERS; i++)
		peer_close(peers[i]);
	bed_finish(&b);
}

/* -- several rings in one process -- */

enum { RINGS = 4, SLOTS = 150, DESCRIPTORS = 240 };

struct end {
	struct ring *ring;
	uint32_t slots[SLOTS];
	uint32_t open, connected, received, closed;
};

static void
end_accepted(void *arg, uint32_t slot, uint32_t listener, const struct sockaddr_storage *peer)
{
	struct end *e = arg;

	(void)listener;
	assert_int_equal(peer->ss_family, AF_INET);
	e->slots[e->open++] = slot;
}

static void
end_connected(void *arg, uint32_t slot, int result)
{
	struct end *e = arg;

	(void)slot;
	assert_int_equal(result, 0);
	e->connected++;
}

static void
end_received(void *arg, uint32_t slot, const struct ring_lease *lease)
{
	struct end *e = arg;

	(void)slot;
	e->received += lease->len;
}

static void
end_closed(void *arg, uint32_t slot)
{
	struct end *e = arg;

	(void)slot;
	e->closed++;
}

static void
end_quiet(void *arg, uint32_t slot, int result)
{
	(void)arg;
	(void)slot;
	assert_int_equal(result, 0);
}

static const struct ring_handlers end_handlers = {
	.accepted = end_accepted,
	.connected = end_connected,
	.received = end_received,
	.ended = end_quiet,
	.sent = end_quiet,
	.closed = end_closed,
};

static void
turn_all(struct end *ends)
{
	for (int i = 0; i < RINGS; i++)
		assert_int_equal(ring_turn(ends[i].ring, 0), 0);
}

static void
fill(struct end *ends, const int listeners[2])
{
	/* Rings 0 and 1 accept what rings 2 and 3 connect. */
	for (int i = 0; i < 2; i++) {
		struct end *server = &ends[i], *client = &ends[2 + i];
		struct sockaddr_in to;

		peer_address(listeners[i], &to);
		while (client->open < SLOTS) {
			uint32_t *slot = &client->slots[client->open++];

			assert_int_equal(ring_connect(client->ring, peer_socket(false),
						      (const struct sockaddr *)&to, sizeof(to),
						      slot),
					 0);
			while (client->connected < client->open || server->open < client->open)
				turn_all(ends);
		}
	}
}

static void
rings_hold_more_than_descriptors(void **state)
{
	struct ring_config config = bed_config();
	struct end ends[RINGS] = { 0 };
	int listeners[2];

	(void)state;
	config.slots_max = SLOTS;
	peer_begin(1);
	for (int i = 0; i < RINGS; i++) {
		const char *error;

		assert_int_equal(ring_open(&ends[i].ring, &config, &end_handlers, &ends[i], &error),
				 0);
		if (!(ring_features(ends[i].ring) & 1u << RING_FEATURE_DIRECT)) {
			ring_fini(ends[i].ring);
			peer_end();
			skip();
		}
	}
	for (int i = 0; i < 2; i++) {
		listeners[i] = peer_listen(false);
		assert_int_equal(ring_listen(ends[i].ring, listeners[i]), 0);
	}
	peer_limit_descriptors(DESCRIPTORS);
	fill(ends, listeners);
	for (int i = 0; i < RINGS; i++)
		for (int n = 0; n < SLOTS; n++)
			ring_send(ends[i].ring, ends[i].slots[n], "hello", 5, 1000000);
	for (int i = 0; i < RINGS; i++)
		while (ends[i].received < 5 * SLOTS)
			turn_all(ends);
	for (int i = 0; i < RINGS; i++) {
		ring_listen_stop(ends[i].ring);
		for (int n = 0; n < SLOTS; n++)
			ring_close(ends[i].ring, ends[i].slots[n], true);
	}
	for (int i = 0; i < RINGS; i++)
		while (ring_slots_used(ends[i].ring) > 0)
			turn_all(ends);
	peer_limit_descriptors(INT32_MAX);
	for (int i = 0; i < RINGS; i++) {
		assert_int_equal(ends[i].closed, SLOTS);
		ring_fini(ends[i].ring);
	}
	for (int i = 0; i < 2; i++)
		peer_unlisten(listeners[i]);
	peer_end();
}

/* -- limits -- */

/* The limit of open files is smaller than the table would be: it goes on without. */
static void
table_beyond_the_limit(void **state)
{
	const struct ring_config config = bed_config();
	const char *error;
	struct end e;

	(void)state;
	peer_begin(1);
	peer_limit_descriptors(1000);
	assert_int_equal(ring_open(&e.ring, &config, &end_handlers, &e, &error), 0);
	assert_int_equal(ring_features(e.ring) & 1u << RING_FEATURE_DIRECT, 0);
	ring_fini(e.ring);
	peer_limit_descriptors(INT32_MAX);
	peer_end();
}

/* No locked memory at all: either nothing of the ring counts, or the error says what does. */
static void
no_locked_memory(void **state)
{
	const struct ring_config config = bed_config();
	struct rlimit saved, soft;
	const char *error;
	struct end e;
	int result;

	(void)state;
	peer_begin(1);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &saved), 0);
	soft = (struct rlimit){ 0, saved.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &soft), 0);
	result = ring_open(&e.ring, &config, &end_handlers, &e, &error);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &saved), 0);
	if (result == 0)
		ring_fini(e.ring);
	else
		assert_non_null(strstr(error, "RLIMIT_MEMLOCK"));
	peer_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_descriptor_is_needed),
		cmocka_unit_test(rings_hold_more_than_descriptors),
		cmocka_unit_test(no_locked_memory),
	};
	const struct CMUnitTest of_the_real_kernel[] = {
		/* of the simulated one see ring_files_test.c */
		cmocka_unit_test(table_beyond_the_limit),
	};
	int skips = bed_skips();

	if (skips)
		return skips;
	if (cmocka_run_group_tests(tests, NULL, NULL))
		return 1;
	return strcmp(peer_kernel, "real") == 0 &&
	       cmocka_run_group_tests(of_the_real_kernel, NULL, NULL);
}
