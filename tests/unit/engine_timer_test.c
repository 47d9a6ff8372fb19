/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deadlines of a connection, on the fake clock: each fires when it is due, neither sooner nor
 * noticeably later, for the reason it is there, and not for another.
 */
#include "tests/unit/engine_bed.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/ws_peer.h"

static struct engine_bed bed;
static struct ws_peer peer, other;

static void
turn(void)
{
	struct ws_peer *peers[] = { &peer, &other };

	for (int i = 0; i < 2; i++)
		ws_peer_write(peers[i], SIZE_MAX);
	engine_bed_turn(&bed, ENGINE_BED_MS);
	for (int i = 0; i < 2; i++)
		if (!peers[i]->deaf)
			ws_peer_read(peers[i], SIZE_MAX);
}

#define turn_until(condition)                                                                      \
	do {                                                                                       \
		for (int turns = 0; !(condition); turns++) {                                       \
			if (turns > 200000)                                                        \
				fail_msg("never: %s", #condition);                                 \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

static void
turns_for(uint64_t ms)
{
	uint64_t until_ns = uring_sim_now_ns() + ms * ENGINE_BED_MS;

	turn_until(uring_sim_now_ns() >= until_ns);
}

static void
open_world(const char *const *settings)
{
	memset(&peer, 0, sizeof(peer));
	memset(&other, 0, sizeof(other));
	peer.end = other.end = -1;
	engine_bed_open(&bed, 1, 4, settings);
}

static void
end_world(void)
{
	peer.deaf = other.deaf = false;
	if (!bed.loop.draining)
		loop_tell(&bed.loop, LOOP_DRAIN);
	turn_until(loop_is_drained(&bed.loop));
	ws_peer_close(&peer);
	ws_peer_close(&other);
	engine_bed_end(&bed);
}

static void
open_peer(struct ws_peer *p)
{
	ws_peer_connect(p, bed.listener);
	turn_until(p->open);
}

/* It happens `ms` after `since_ns`: not sooner, and at most some turns later. */
#define happens_after(since_ns, ms, condition)                                                     \
	do {                                                                                       \
		uint64_t due_ns = (since_ns) + (ms)*ENGINE_BED_MS;                                 \
		turn_until(condition);                                                             \
		assert_in_range(uring_sim_now_ns(), due_ns, due_ns + 5 * ENGINE_BED_MS);           \
	} while (0)

#define COUNT(name) ENGINE_BED_COUNT(&bed, name)

/* -- the opening handshake -- */

static void
handshake_never_begun(void **state)
{
	static const char *const settings[] = { "handshake_timeout=700", "close_timeout=300",
						NULL };
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	ws_peer_connect_mute(&peer, bed.listener);
	turn_until(COUNT(connections) == 1);
	since_ns = uring_sim_now_ns();
	happens_after(since_ns - ENGINE_BED_MS, UINT64_C(700), peer.status != 0);
	assert_int_equal(peer.status, 408);
	assert_int_equal(COUNT(handshake_timeouts), 1);
	assert_int_equal(COUNT(handshakes_refused), 1);
	turn_until(peer.has_ended);
	assert_int_equal(peer.result, 0);
	/* It does not end its side: there is a time for that too. */
	happens_after(since_ns, UINT64_C(1000), COUNT(connections) == 0);
	assert_int_equal(COUNT(close_timeouts), 1);
	end_world();
}

/* Bytes now and then do not buy time. */
static void
handshake_byte_by_byte(void **state)
{
	static const char *const settings[] = { "handshake_timeout=700", "close_timeout=300",
						NULL };
	const char *head = "GET /sip HTTP/1.1\r\nHost: sim.example\r\nUpgrade: websocket\r\n";
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	ws_peer_connect_mute(&peer, bed.listener);
	turn_until(COUNT(connections) == 1);
	since_ns = uring_sim_now_ns();
	for (; peer.status == 0; head++) {
		assert_int_not_equal(*head, '\0');
		ws_peer_put(&peer, head, 1);
		turns_for(20);
	}
	assert_in_range(uring_sim_now_ns(), since_ns + 700 * ENGINE_BED_MS,
			since_ns + 725 * ENGINE_BED_MS);
	assert_int_equal(peer.status, 408);
	ws_peer_close(&peer);
	turn_until(COUNT(connections) == 0);
	assert_int_equal(COUNT(close_timeouts), 0);
	end_world();
}

/* -- Ping and Pong -- */

static void
silence_is_ended(void **state)
{
	static const char *const settings[] = { "ws_ping_interval=3", "ws_pong_timeout=2",
						"close_timeout=300", NULL };
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	open_peer(&peer);
	peer.dumb = true;
	since_ns = uring_sim_now_ns();
	happens_after(since_ns, UINT64_C(3000), peer.pings == 1);
	happens_after(since_ns, UINT64_C(5000), peer.close_seen);
	assert_int_equal(peer.close_code, WS_CLOSE_GOING_AWAY);
	assert_int_equal(peer.pings, 1);
	assert_int_equal(COUNT(closed_pong_timeout), 1);
	happens_after(since_ns, UINT64_C(5300), COUNT(connections) == 0);
	assert_int_equal(COUNT(close_timeouts), 1);
	end_world();
}

static void
pongs_keep_a_connection(void **state)
{
	static const char *const settings[] = { "ws_ping_interval=3", "ws_pong_timeout=2", NULL };

	(void)state;
	open_world(settings);
	open_peer(&peer);
	turns_for(60000);
	assert_false(peer.close_seen || peer.has_ended);
	assert_in_range(peer.pings, 19, 20);
	assert_int_equal(COUNT(pings_sent), peer.pings);
	assert_int_equal(COUNT(pongs_received), peer.pings);
	assert_int_equal(COUNT(ping_rtts), peer.pings);
	end_world();
}

/* Anything that comes is a sign of life, in time also instead of the Pong. */
static void
bytes_are_a_sign_of_life(void **state)
{
	static const char *const settings[] = { "ws_ping_interval=3", "ws_pong_timeout=2",
						"routing.mode=echo", NULL };

	(void)state;
	open_world(settings);
	open_peer(&peer);
	peer.dumb = true;
	for (int i = 0; i < 10; i++) {
		turns_for(2800);
		ws_peer_frame(&peer, WS_OP_TEXT, true, "x", 1);
	}
	assert_int_equal(peer.pings, 0);
	for (int i = 0; i < 10; i++) {
		turns_for(4500);
		ws_peer_frame(&peer, WS_OP_TEXT, true, "x", 1);
	}
	turn_until(peer.messages == 20);
	assert_int_equal(peer.pings, 10);
	assert_false(peer.close_seen || peer.has_ended);
	end_world();
}

/* -- idle -- */

static void
idle_is_ended(void **state)
{
	static const char *const settings[] = { "ws_ping_interval=1", "ws_idle_timeout=5",
						"routing.mode=echo", NULL };
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	open_peer(&peer);
	turns_for(4000);
	ws_peer_frame(&peer, WS_OP_TEXT, true, "x", 1);
	turn_until(peer.messages == 1);
	since_ns = uring_sim_now_ns();
	happens_after(since_ns - ENGINE_BED_MS, UINT64_C(5000), peer.close_seen);
	assert_int_equal(peer.close_code, WS_CLOSE_GOING_AWAY);
	assert_int_equal(COUNT(closed_idle), 1);
	assert_in_range(peer.pings, 6, 9); /* Pongs did not count */
	ws_peer_say_close(&peer, WS_CLOSE_GOING_AWAY);
	turn_until(peer.has_ended);
	assert_int_equal(peer.result, 0);
	ws_peer_close(&peer);
	turn_until(COUNT(connections) == 0);
	assert_int_equal(COUNT(close_timeouts), 0);
	end_world();
}

/* -- a message that does not end -- */

static void
unfinished(const char *what, const void *bytes, size_t len)
{
	static const char *const settings[] = { "ws_message_timeout=800", "ws_ping_interval=1",
						"routing.mode=echo", NULL };
	uint64_t since_ns;

	printf("unfinished: %s\n", what);
	open_world(settings);
	open_peer(&peer);
	turns_for(500);
	since_ns = uring_sim_now_ns();
	ws_peer_put(&peer, bytes, len);
	happens_after(since_ns, UINT64_C(800), peer.close_seen);
	assert_int_equal(peer.close_code, WS_CLOSE_POLICY);
	assert_int_equal(COUNT(closed_message_timeout), 1);
	end_world();
}

static void
messages_have_a_time(void **state)
{
	static const char header[] = "\x81";
	static const char mask[] = "\x81\x85\x01\x02";
	static const char payload[] = "\x81\x85\x00\x00\x00\x00hell";
	static const char fragment[] = "\x01\x85\x00\x00\x00\x00hello";
	static const char control[] = "\x01\x85\x00\x00\x00\x00hello\x89\x84\x00";

	(void)state;
	unfinished("header", header, sizeof(header) - 1);
	unfinished("mask", mask, sizeof(mask) - 1);
	unfinished("payload", payload, sizeof(payload) - 1);
	unfinished("fragment", fragment, sizeof(fragment) - 1);
	unfinished("control frame inside", control, sizeof(control) - 1);
}

/* Each message has its own time, however long they go on. */
static void
slow_messages_are_let_be(void **state)
{
	static const char *const settings[] = { "ws_message_timeout=800", "routing.mode=echo",
						NULL };

	(void)state;
	open_world(settings);
	open_peer(&peer);
	for (int i = 0; i < 5; i++) {
		ws_peer_frame(&peer, WS_OP_TEXT, false, "hel", 3);
		turns_for(700);
		ws_peer_frame(&peer, WS_OP_CONTINUATION, true, "lo", 2);
		turns_for(i % 2 ? 3000 : 0);
	}
	turn_until(peer.messages == 5);
	assert_false(peer.close_seen);
	end_world();
}

/* The next one often begins where the last one ends, and no read ends between them. */
static void
streams_of_messages_are_let_be(void **state)
{
	static const char *const settings[] = { "ws_message_timeout=800", "ws_max_msg_chunks=4",
						"routing.mode=echo", NULL };

	(void)state;
	open_world(settings);
	open_peer(&peer);
	ws_peer_put(&peer, "\x81", 1);
	for (int i = 0; i < 300; i++) {
		ws_peer_put(&peer, "\x85\x00\x00\x00\x00hello\x81", 11);
		turns_for(10);
	}
	turn_until(peer.messages == 300);
	assert_false(peer.close_seen);
	end_world();
}

/* -- the end -- */

static void
close_has_a_time(void **state)
{
	static const char *const settings[] = { "close_timeout=400", NULL };
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	open_peer(&peer);
	ws_peer_say_close(&peer, 4000);
	turn_until(peer.close_seen && peer.has_ended);
	assert_int_equal(peer.close_code, 4000);
	since_ns = uring_sim_now_ns();
	happens_after(since_ns - 3 * ENGINE_BED_MS, UINT64_C(400), COUNT(connections) == 0);
	assert_int_equal(COUNT(close_timeouts), 1);
	end_world();
}

static void
drain_has_a_time(void **state)
{
	static const char *const settings[] = { "close_timeout=60000", "drain_timeout=900", NULL };
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	open_peer(&peer);
	ws_peer_connect_mute(&other, bed.listener);
	turn_until(COUNT(connections) == 2);
	since_ns = uring_sim_now_ns();
	loop_tell(&bed.loop, LOOP_DRAIN);
	turn_until(peer.close_seen && other.status != 0);
	assert_int_equal(peer.close_code, WS_CLOSE_GOING_AWAY);
	assert_int_equal(other.status, 503);
	happens_after(since_ns, UINT64_C(900), loop_is_drained(&bed.loop));
	end_world();
}

/* Those who do as they should are waited for no longer than they need. */
static void
drain_is_quick_where_it_can(void **state)
{
	static const char *const settings[] = { "close_timeout=60000", "drain_timeout=60000",
						NULL };
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	open_peer(&peer);
	since_ns = uring_sim_now_ns();
	loop_tell(&bed.loop, LOOP_DRAIN);
	turn_until(peer.close_seen);
	ws_peer_say_close(&peer, WS_CLOSE_GOING_AWAY);
	turn_until(peer.has_ended);
	ws_peer_close(&peer);
	turn_until(loop_is_drained(&bed.loop));
	assert_true(uring_sim_now_ns() - since_ns < 20 * ENGINE_BED_MS);
	end_world();
}

static void
stop_does_not_wait(void **state)
{
	static const char *const settings[] = { "close_timeout=60000", "drain_timeout=60000",
						NULL };
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	open_peer(&peer);
	ws_peer_connect_mute(&other, bed.listener);
	turn_until(COUNT(connections) == 2);
	loop_tell(&bed.loop, LOOP_DRAIN);
	turns_for(50);
	assert_false(loop_is_drained(&bed.loop));
	since_ns = uring_sim_now_ns();
	loop_tell(&bed.loop, LOOP_STOP);
	turn_until(loop_is_drained(&bed.loop));
	assert_true(uring_sim_now_ns() - since_ns < 20 * ENGINE_BED_MS);
	end_world();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake_never_begun),
		cmocka_unit_test(handshake_byte_by_byte),
		cmocka_unit_test(silence_is_ended),
		cmocka_unit_test(pongs_keep_a_connection),
		cmocka_unit_test(bytes_are_a_sign_of_life),
		cmocka_unit_test(idle_is_ended),
		cmocka_unit_test(messages_have_a_time),
		cmocka_unit_test(slow_messages_are_let_be),
		cmocka_unit_test(streams_of_messages_are_let_be),
		cmocka_unit_test(close_has_a_time),
		cmocka_unit_test(drain_has_a_time),
		cmocka_unit_test(drain_is_quick_where_it_can),
		cmocka_unit_test(stop_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
