/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting: all that can become of it, and the end at every stage of it.
 */
#include "tests/unit/ring_bed.h"

#include <errno.h>
#include <stdio.h>

/* The connection of the ring that waits at this listener. */
static int
accept_peer(struct bed *b, int listener)
{
	int peer = -EAGAIN;

	bed_until(b, (peer = peer_accept(listener)) != -EAGAIN);
	assert_true(peer >= 0);
	return peer;
}

/* -- failures -- */

static void
fails(const struct sockaddr_in *to, int result)
{
	struct ring_config config = bed_config();
	struct bed b;
	uint32_t slot;

	bed_open_deaf(&b, &config, false);
	b.closes_on_error = false;
	slot = bed_dial(&b, to);
	assert_int_equal(ring_slots_used(b.ring), 1);
	bed_until(&b, b.connected == 1);
	assert_int_equal(b.conns[slot].connected, result);
	assert_int_equal(ring_counters(b.ring)->connect_errors, 1);
	assert_int_equal(ring_counters(b.ring)->connects, 0);
	/* Nothing is left in flight, and nothing comes, until the owner closes it. */
	for (int i = 0; i < 5; i++)
		bed_turn(&b);
	assert_int_equal(ring_requests_out(b.ring), 0);
	assert_int_equal(ring_slots_used(b.ring), 1);
	bed_close(&b, slot, false);
	bed_until(&b, b.closed == 1);
	bed_finish(&b);
}

static void
refused(void **state)
{
	struct sockaddr_in to;

	(void)state;
	peer_address_refusing(&to);
	fails(&to, -ECONNREFUSED);
}

static void
unreachable(void **state)
{
	struct sockaddr_in to;

	(void)state;
	peer_address_unreachable(&to);
	fails(&to, -ENETUNREACH);
}

static void
no_slot(void **state)
{
	struct ring_config config = bed_config();
	struct sockaddr_in to;
	struct bed b;
	uint32_t slot, none;
	int fd, peer;

	(void)state;
	config.slots_max = 2;
	bed_open_deaf(&b, &config, false);
	peer_address(b.listener, &to);
	bed_dial(&b, &to);
	slot = bed_dial(&b, &to);
	fd = peer_socket(false);
	assert_int_equal(ring_connect(b.ring, fd, (const struct sockaddr *)&to, sizeof(to), &none),
			 -ENOBUFS);
	peer_unsocket(fd); /* it is still ours */
	bed_until(&b, b.connected == 2);
	bed_close(&b, slot, false);
	bed_until(&b, b.closed == 1);
	assert_int_equal(bed_dial(&b, &to), slot);
	bed_until(&b, b.connected == 3);
	while ((peer = peer_accept(b.listener)) >= 0)
		peer_close(peer);
	bed_finish(&b);
}

/* Slots that connect are slots: who wants to be accepted waits for one. */
static void
accepting_waits_for_a_slot(void **state)
{
	struct ring_config config = bed_config();
	struct sockaddr_in to;
	struct bed b;
	uint32_t slot;
	int deaf, peer;

	(void)state;
	config.slots_max = 2;
	bed_open(&b, &config, false);
	b.echo = true;
	deaf = peer_listen_deaf();
	peer_address(deaf, &to);
	bed_dial(&b, &to);
	slot = bed_dial(&b, &to);
	bed_turn(&b);
	peer = peer_connect(b.listener, false);
	for (int i = 0; i < 5; i++)
		bed_turn(&b);
	/* What the kernel had accepted already is closed, the rest waits. */
	if (ring_counters(b.ring)->accept_shed > 0) {
		bed_read_to_end(&b, peer);
		peer_close(peer);
		peer = peer_connect(b.listener, false);
		for (int i = 0; i < 5; i++)
			bed_turn(&b);
	}
	assert_int_equal(b.opened, 2);
	bed_close(&b, slot, false);
	bed_until(&b, b.opened == 3);
	bed_round_trip(&b, peer, 1, 3000);
	peer_close(peer);
	peer_undeafen(deaf);
	bed_finish(&b);
	peer_unlisten(deaf);
}

/* -- success -- */

static void
connect_and_echo(void **state)
{
	(void)state;
	for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
		struct ring_config config = bed_config();
		struct sockaddr_in to;
		struct bed b;
		uint32_t slot;
		int peer;

		bed_open_deaf(&b, &config, true);
		b.echo = true;
		b.opened = b.closed = (uint32_t)nonblocking; /* the socket's sort */
		peer_address(b.listener, &to);
		slot = bed_dial(&b, &to);
		bed_until(&b, b.connected == 1);
		assert_int_equal(b.conns[slot].connected, 0);
		assert_int_equal(ring_counters(b.ring)->connects, 1);
		assert_int_equal(ring_counters(b.ring)->connect_errors, 0);
		assert_int_equal(ring_counters(b.ring)->accepts, 0);
		peer = accept_peer(&b, b.listener);
		bed_round_trip(&b, peer, 7, 100000);
		peer_finish(peer);
		assert_int_equal(bed_read_to_end(&b, peer), 0);
		peer_close(peer);
		bed_until(&b, !b.conns[slot].open);
		bed_finish(&b);
	}
}

static void
greet(struct bed *b, uint32_t slot)
{
	bed_send(b, slot, "hello", 5);
}

/* Who was connected may send at once, from inside the handler. */
static void
sends_at_once(void **state)
{
	struct ring_config config = bed_config();
	struct sockaddr_in to;
	struct bed b;
	char back[8];
	int peer, n;

	(void)state;
	bed_open_deaf(&b, &config, false);
	b.on_connected = greet;
	peer_address(b.listener, &to);
	bed_dial(&b, &to);
	peer = accept_peer(&b, b.listener);
	bed_until(&b, (n = peer_read(peer, back, sizeof(back))) != -EAGAIN);
	assert_int_equal(n, 5);
	assert_memory_equal(back, "hello", 5);
	peer_close(peer);
	bed_finish(&b);
}

/* The peer takes its time; what was asked of the slot meanwhile holds afterwards. */
static void
connects_later_and_paused(void **state)
{
	struct ring_config config = bed_config();
	struct sockaddr_in to;
	struct bed b;
	uint32_t slot;
	int deaf, peer;

	(void)state;
	bed_open_deaf(&b, &config, false);
	deaf = peer_listen_deaf();
	peer_address(deaf, &to);
	slot = bed_dial(&b, &to);
	for (int i = 0; i < 20; i++)
		bed_turn(&b);
	assert_int_equal(b.connected, 0);
	assert_int_equal(ring_requests_out(b.ring), 1);
	ring_receive_pause(b.ring, slot);
	bed_turn(&b);
	peer_undeafen(deaf);
	bed_until(&b, b.connected == 1);
	assert_int_equal(b.conns[slot].connected, 0);
	peer = accept_peer(&b, deaf);
	assert_int_equal(peer_write(peer, "early", 5), 5);
	for (int i = 0; i < 20; i++)
		bed_turn(&b);
	assert_int_equal(b.conns[slot].in_len, 0);
	assert_int_equal(ring_requests_out(b.ring), 0);
	ring_receive_resume(b.ring, slot);
	bed_until(&b, b.conns[slot].in_len == 5);
	peer_close(peer);
	bed_finish(&b);
	peer_unlisten(deaf);
}

/* Both ends of one connection may be slots of one ring. */
static void
to_itself(void **state)
{
	struct ring_config config = bed_config();
	uint8_t bytes[5000];
	struct sockaddr_in to;
	struct bed b;
	uint32_t slot;

	(void)state;
	bed_open(&b, &config, false);
	b.collect = true;
	peer_address(b.listener, &to);
	slot = bed_dial(&b, &to);
	bed_until(&b, b.connected == 1 && b.opened == 2);
	assert_int_not_equal(b.last, slot);
	bed_fill(1, 0, bytes, sizeof(bytes));
	bed_send(&b, slot, bytes, sizeof(bytes));
	bed_until(&b, b.conns[b.last].in_len == sizeof(bytes));
	bed_check(1, 0, b.conns[b.last].in, sizeof(bytes));
	bed_close(&b, slot, false);
	bed_until(&b, b.closed == 2);
	bed_finish(&b);
}

/* More than fit into the SQ and into the CQ, of all sorts, in one turn. */
static void
many_at_once(void **state)
{
	enum { DIALS = 300 };
	struct ring_config config = bed_config();
	struct sockaddr_in good, bad;
	struct bed b;
	int peers[DIALS];
	uint32_t served = 0;

	(void)state;
	config.sq_entries = 8;
	bed_open_deaf(&b, &config, false);
	b.echo = true;
	peer_address(b.listener, &good);
	peer_address_refusing(&bad);
	for (int i = 0; i < DIALS; i++)
		bed_dial(&b, i % 3 == 2 ? &bad : &good);
	bed_until(&b, b.connected == DIALS && b.closed == DIALS / 3);
	assert_int_equal(ring_counters(b.ring)->connects, DIALS / 3 * 2);
	assert_int_equal(ring_counters(b.ring)->connect_errors, DIALS / 3);
	while ((peers[served] = peer_accept(b.listener)) >= 0)
		served++;
	assert_int_equal(served, DIALS / 3 * 2);
	for (uint32_t i = 0; i < served; i++) {
		bed_round_trip(&b, peers[i], i, 700);
		peer_close(peers[i]);
	}
	bed_until(&b, ring_slots_used(b.ring) == 0);
	bed_finish(&b);
}

/* -- the end -- */

/* What is going on when the slot is closed. */
enum stage {
	STAGE_WANTED,      /* asked for in the same turn */
	STAGE_WANTED_DEAF, /* ... and it would wait */
	STAGE_OUT,         /* the request waits for the peer */
	STAGE_PAUSED,      /* ... and receiving was paused */
	STAGE_FAILED,
	STAGE_COUNT
};

static bool
is_deaf(enum stage stage)
{
	return stage == STAGE_WANTED_DEAF || stage == STAGE_OUT || stage == STAGE_PAUSED;
}

static void
closed_at(enum stage stage, bool abort)
{
	struct ring_config config = bed_config();
	struct sockaddr_in to;
	struct bed b;
	uint32_t slot;
	int deaf = -1;

	bed_open_deaf(&b, &config, false);
	b.closes_on_error = false;
	if (is_deaf(stage))
		deaf = peer_listen_deaf();
	if (stage == STAGE_FAILED)
		peer_address_refusing(&to);
	else
		peer_address(is_deaf(stage) ? deaf : b.listener, &to);
	slot = bed_dial(&b, &to);
	if (stage == STAGE_PAUSED)
		ring_receive_pause(b.ring, slot);
	if (stage == STAGE_OUT || stage == STAGE_PAUSED)
		for (int i = 0; i < 3; i++)
			bed_turn(&b);
	if (stage == STAGE_FAILED)
		bed_until(&b, b.connected == 1);
	bed_close(&b, slot, abort);
	ring_close(b.ring, slot, abort); /* asking twice is harmless */
	bed_until(&b, b.closed == 1);
	assert_int_equal(b.connected, stage == STAGE_FAILED);
	assert_int_equal(peer_accept(b.listener), -EAGAIN);
	assert_int_equal(ring_counters(b.ring)->stale_completions, 0);
	if (deaf >= 0)
		peer_undeafen(deaf);
	bed_finish(&b);
	if (deaf >= 0)
		peer_unlisten(deaf);
}

static void
closed_at_every_stage(void **state)
{
	(void)state;
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		for (int abort = 0; abort < 2; abort++) {
			printf("cell: kernel=%s stage=%d abort=%d\n", peer_kernel, stage, abort);
			closed_at((enum stage)stage, abort);
		}
	}
}

static void
close_all_others(struct bed *b, uint32_t slot)
{
	for (uint32_t i = 0; i < b->config.slots_max; i++)
		if (i != slot && b->conns[i].open && !b->conns[i].closing)
			bed_close(b, i, i % 2 == 0);
}

/*
 * The first that is connected closes all others, whose connects are done too: nobody hears of them,
 * and their peers see an end.
 */
static void
closed_though_connected(void **state)
{
	enum { DIALS = 20 };
	struct ring_config config = bed_config();
	struct sockaddr_in to;
	struct bed b;
	int left = 0;

	(void)state;
	bed_open_deaf(&b, &config, false);
	b.on_connected = close_all_others;
	peer_address(b.listener, &to);
	for (int i = 0; i < DIALS; i++)
		bed_dial(&b, &to);
	bed_until(&b, b.closed == DIALS - 1);
	assert_int_equal(b.connected, 1);
	assert_int_equal(ring_counters(b.ring)->connects, 1);
	assert_int_equal(ring_slots_used(b.ring), 1);
	for (int i = 0; i < DIALS; i++) {
		int peer = peer_accept(b.listener);
		char byte;

		assert_true(peer >= 0);
		if (peer_read(peer, &byte, 1) == -EAGAIN)
			left++;
		peer_close(peer);
	}
	assert_int_equal(left, 1); /* for all others the stream has ended */
	bed_finish(&b);
}

/* A slot's next owner is told nothing of the connect before. */
static void
slots_change_hands(void **state)
{
	struct ring_config config = bed_config();
	struct sockaddr_in good, deaf_one, bad;
	struct bed b;
	int deaf;

	(void)state;
	config.slots_max = 2;
	bed_open_deaf(&b, &config, false);
	deaf = peer_listen_deaf();
	peer_address(b.listener, &good);
	peer_address(deaf, &deaf_one);
	peer_address_refusing(&bad);
	for (uint32_t i = 0; i < 200; i++) {
		const struct sockaddr_in *to = i % 3 == 0 ? &good : i % 3 == 1 ? &deaf_one : &bad;
		uint32_t slot = bed_dial(&b, to);
		int peer;

		for (uint32_t turns = i % 4; turns > 0; turns--)
			bed_turn(&b);
		if (b.conns[slot].open && !b.conns[slot].closing)
			bed_close(&b, slot, i % 2);
		bed_until(&b, !b.conns[slot].open);
		while ((peer = peer_accept(b.listener)) >= 0)
			peer_close(peer);
	}
	assert_int_equal(ring_counters(b.ring)->stale_completions, 0);
	peer_undeafen(deaf);
	bed_finish(&b);
	peer_unlisten(deaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(no_slot),
		cmocka_unit_test(accepting_waits_for_a_slot),
		cmocka_unit_test(connect_and_echo),
		cmocka_unit_test(sends_at_once),
		cmocka_unit_test(connects_later_and_paused),
		cmocka_unit_test(to_itself),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(closed_at_every_stage),
		cmocka_unit_test(closed_though_connected),
		cmocka_unit_test(slots_change_hands),
	};
	int skips = bed_skips();

	return skips ? skips : cmocka_run_group_tests(tests, NULL, NULL);
}
