/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers that want too much, or take too little: what they get is bounded, they are told why, and
 * the others do not suffer.
 */
#include "tests/unit/engine_bed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/conn_life.h"
#include "tests/unit/ws_peer.h"

enum { PEERS = 6 };

static struct engine_bed bed;
static struct ws_peer peers[PEERS];

static void
turn(void)
{
	for (int i = 0; i < PEERS; i++)
		ws_peer_write(&peers[i], SIZE_MAX);
	engine_bed_turn(&bed, ENGINE_BED_MS);
	for (int i = 0; i < PEERS; i++)
		if (!peers[i].deaf)
			ws_peer_read(&peers[i], SIZE_MAX);
}

static void
turns_for(uint64_t ms)
{
	uint64_t until_ns = uring_sim_now_ns() + ms * ENGINE_BED_MS;

	while (uring_sim_now_ns() < until_ns)
		turn();
}

#define turn_until(condition)                                                                      \
	do {                                                                                       \
		for (int turns = 0; !(condition); turns++) {                                       \
			if (turns > 20000)                                                         \
				fail_msg("never: %s", #condition);                                 \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

static void
open_world(const char *const *settings)
{
	memset(peers, 0, sizeof(peers));
	for (int i = 0; i < PEERS; i++)
		peers[i].end = -1;
	engine_bed_open(&bed, 1, PEERS + 1, settings);
}

static void
end_world(void)
{
	loop_tell(&bed.loop, LOOP_DRAIN);
	turn_until(loop_is_drained(&bed.loop));
	for (int i = 0; i < PEERS; i++)
		ws_peer_close(&peers[i]);
	engine_bed_end(&bed);
}

static void
open_peer(struct ws_peer *p)
{
	ws_peer_connect(p, bed.listener);
	turn_until(p->open);
}

#define COUNT(name) ENGINE_BED_COUNT(&bed, name)

/* -- odd and control frames -- */

static void
many(const char *what, uint8_t opcode, const char *payload, uint32_t count)
{
	struct ws_peer *p = &peers[0];

	printf("many: %s\n", what);
	open_world(NULL);
	open_peer(p);
	for (uint32_t i = 0; i < count; i++)
		ws_peer_frame(p, opcode, true, payload, strlen(payload));
	/* The Close is the last that comes: ws_peer sees to that. */
	turn_until(p->has_ended);
	assert_true(p->close_seen);
	assert_int_equal(p->close_code, WS_CLOSE_POLICY);
	end_world();
}

static void
control_and_odd_frames_are_rationed(void **state)
{
	(void)state;
	many("keep-alives", WS_OP_TEXT, "\r\n\r\n", 1000);
	many("lone line ends", WS_OP_TEXT, "\r\n", 1000);
	many("empty messages", WS_OP_TEXT, "", 1000);
	many("Pongs", WS_OP_PONG, "", 1000);
	many("Pings", WS_OP_PING, "ping", 3000);
}

/* -- a flood does not stop the others -- */

static const char *const echo[] = { "routing.mode=echo", "ws_send_queue=40000",
				    "receive_buffer_bytes=8192", NULL };

/*
 * Some peers echo so much in each turn that the loop reads no more for its rest. Another's few
 * messages get through all the same, and its input does not pile up.
 */
static void
the_quiet_one_is_served(void **state)
{
	static char flood[2000];
	struct ws_peer *quiet = &peers[PEERS - 1];
	uint32_t longest = 0;

	(void)state;
	open_world(echo);
	for (int i = 0; i < PEERS; i++)
		open_peer(&peers[i]);
	memset(flood, 'f', sizeof(flood));
	for (int round = 0; round < 300; round++) {
		uint32_t turns = 0, had = quiet->messages;

		ws_peer_frame(quiet, WS_OP_TEXT, true, "hello", 5);
		while (quiet->messages == had) {
			for (int i = 0; i < PEERS - 1; i++)
				while (peers[i].out.len < 60000)
					ws_peer_frame(&peers[i], WS_OP_TEXT, true, flood,
						      sizeof(flood));
			turn();
			assert_true(++turns < 1000);
		}
		longest = turns > longest ? turns : longest;
	}
	printf("flood: %u messages, a quiet one waited for %u turns at most\n",
	       (unsigned)COUNT(messages_received), longest);
	for (int i = 0; i < PEERS; i++)
		assert_true(peers[i].messages >= 100 && !peers[i].has_ended);
	assert_true(longest <= 20);
	end_world();
}

/* Every turn of the loop holds the input up: what is held stays within bounds. */
static void
held_input_is_bounded(void **state)
{
	static char flood[2000];
	uint32_t most = 0;

	(void)state;
	open_world(echo);
	for (int i = 0; i < PEERS; i++)
		open_peer(&peers[i]);
	memset(flood, 'f', sizeof(flood));
	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < PEERS; i++)
			while (peers[i].out.len < 60000)
				ws_peer_frame(&peers[i], WS_OP_TEXT, true, flood, sizeof(flood));
		turn();
		for (uint32_t i = 0; i < bed.loop.slots_max; i++)
			if (bed.loop.conns[i].held.len > most)
				most = bed.loop.conns[i].held.len;
	}
	printf("flood: %u messages, at most %u bytes held for one\n",
	       (unsigned)COUNT(messages_received), most);
	for (int i = 0; i < PEERS; i++)
		printf("flood: peer %d got %u\n", i, peers[i].messages);
	assert_true(most <= 4 * 65536);
	for (int i = 0; i < PEERS; i++)
		assert_true(peers[i].messages > 100);
	end_world();
}

/* -- a peer that reads is not closed for what we took in at once -- */

static void
burst(const char *queue, size_t len, uint32_t count)
{
	const char *const settings[] = { "routing.mode=echo", queue, NULL };
	static char text[65536];
	struct ws_peer *p = &peers[0];

	printf("burst: %u messages of %zu bytes, %s\n", count, len, queue);
	open_world(settings);
	uring_sim_limit_socket(16 << 20);
	open_peer(p);
	memset(text, 't', sizeof(text));
	for (uint32_t i = 0; i < count; i++)
		ws_peer_frame(p, WS_OP_TEXT, true, text, len);
	turn_until(p->messages == count || p->has_ended);
	assert_int_equal(p->messages, count);
	assert_int_equal(COUNT(closed_send_queue), 0);
	end_world();
}

static void
bursts_are_taken(void **state)
{
	(void)state;
	burst("ws_send_queue=262144", 65536, 40);
	burst("ws_send_queue=1024", 60000, 40);
	burst("ws_send_queue=1024", 700, 2000);
	burst("ws_send_queue=65536", 10, 20000);
}

/* -- a peer that does not read -- */

static void
reading_is_a_duty(void **state)
{
	static const char *const settings[] = { "ws_send_timeout=120", "routing.mode=echo", NULL };
	static char text[30000];
	struct ws_peer *p = &peers[0];
	uint64_t since_ns;

	(void)state;
	open_world(settings);
	uring_sim_limit_socket(10000);
	open_peer(p);
	p->deaf = true;
	memset(text, 't', sizeof(text));
	ws_peer_frame(p, WS_OP_TEXT, true, text, sizeof(text));
	turn_until(p->out.len == 0);
	since_ns = uring_sim_now_ns();
	turn_until(COUNT(closed_send_timeout) == 1);
	assert_in_range(uring_sim_now_ns(), since_ns + 118 * ENGINE_BED_MS,
			since_ns + 130 * ENGINE_BED_MS);
	turn_until(COUNT(connections) == 0);
	assert_int_equal(COUNT(dropped_target_closed) + COUNT(dropped_sender_closed), 1);
	p->deaf = false;
	turn_until(p->has_ended);
	assert_int_equal(p->result, -ECONNRESET); /* half a frame may be out */
	end_world();
}

/* Slow is not silent: 16 KB within the time will do. */
static void
slow_readers_are_let_be(void **state)
{
	static const char *const settings[] = { "ws_send_timeout=100", "routing.mode=echo", NULL };
	static char text[60000];
	struct ws_peer *p = &peers[0];

	(void)state;
	open_world(settings);
	uring_sim_limit_socket(8192);
	open_peer(p);
	p->deaf = true;
	memset(text, 't', sizeof(text));
	for (int i = 0; i < 3; i++)
		ws_peer_frame(p, WS_OP_TEXT, true, text, sizeof(text));
	while (p->messages < 3) {
		turns_for(15);
		ws_peer_read(p, 4000);
		assert_false(p->has_ended);
	}
	assert_int_equal(COUNT(answered) + COUNT(delivered), 3);
	end_world();
}

/*
 * A peer that reads slowly, but as fast as it has to, is alive: our Ping is far behind in the
 * queue, and its Pong, too, where its input waits until its answers are read.
 */
static void
slow_reader_is_not_silent(bool talks)
{
	const char *const settings[] = { "ws_send_timeout=100",
					 "ws_ping_interval=1",
					 "ws_pong_timeout=1",
					 "ws_max_message=1000000",
					 "ws_send_queue=1000000",
					 "ws_message_timeout=1500",
					 "routing.mode=echo",
					 talks ? "ws_idle_timeout=2" : NULL,
					 NULL };
	static char text[900000];
	struct ws_peer *p = &peers[0];
	uint64_t since_ns;

	open_world(settings);
	uring_sim_limit_socket(8192);
	open_peer(p);
	memset(text, 't', sizeof(text));
	ws_peer_frame(p, WS_OP_TEXT, true, text, sizeof(text));
	turn_until(p->out.len == 0);
	since_ns = uring_sim_now_ns();
	p->deaf = true;
	if (talks) { /* and is not heard for so long, in the midst of a message */
		ws_peer_frame(p, WS_OP_TEXT, true, "one", 3);
		ws_peer_frame(p, WS_OP_TEXT, false, "tw", 2);
	}
	while (p->messages == 0) {
		turns_for(10);
		ws_peer_read(p, 2500);
		assert_false(p->has_ended || p->close_seen);
	}
	assert_true(uring_sim_now_ns() - since_ns > 3 * ENGINE_BED_S);
	assert_int_equal(COUNT(backpressure_pauses), talks);
	if (talks) {
		p->deaf = false;
		ws_peer_frame(p, WS_OP_CONTINUATION, true, "o", 1);
		turn_until(p->messages == 3);
	}
	assert_false(p->close_seen);
	end_world();
}

static void
slow_readers_are_not_silent(void **state)
{
	(void)state;
	slow_reader_is_not_silent(false);
	slow_reader_is_not_silent(true);
}

/* Its input waits, and while it does the connection comes to its end, slot and all. */
static void
who_waits_may_be_gone(void **state)
{
	struct ws_peer *p = &peers[0];
	struct conn *c;

	(void)state;
	open_world(NULL);
	open_peer(p);
	c = engine_bed_only(&bed);
	c->paused = true;
	ring_receive_pause(bed.loop.ring, c->flow.slot);
	loop_mark_held(&bed.loop, c);
	bed.loop.held = CONN_NOT_DIRTY; /* as if the routing stage were behind all the time */
	ws_peer_reset(p);
	conn_life_abandon(&bed.loop, c);
	turn_until(c->state == CONN_FREE);
	bed.loop.held = bed.loop.held_last = c->flow.slot;
	turn();
	end_world();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_and_odd_frames_are_rationed),
		cmocka_unit_test(the_quiet_one_is_served),
		cmocka_unit_test(held_input_is_bounded),
		cmocka_unit_test(bursts_are_taken),
		cmocka_unit_test(reading_is_a_duty),
		cmocka_unit_test(slow_readers_are_let_be),
		cmocka_unit_test(slow_readers_are_not_silent),
		cmocka_unit_test(who_waits_may_be_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
