/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer_memory: peers that do not read, or that send halves of messages, get less the more of it
 * is used; it is never exceeded, and the others notice nothing.
 */
#include "tests/unit/engine_bed.h"

#include <string.h>

#include "tests/unit/ws_peer.h"

enum { PEERS = 12, MEMORY = 4194304 };

static struct engine_bed bed;
static struct ws_peer peers[PEERS];
static char text[30000];

#define COUNT(name) ENGINE_BED_COUNT(&bed, name)

static void
turn(void)
{
	for (int i = 0; i < PEERS; i++)
		ws_peer_write(&peers[i], SIZE_MAX);
	engine_bed_turn(&bed, ENGINE_BED_MS);
	assert_true(bed.loop.bytes.used_bytes <= MEMORY);
	for (int i = 0; i < PEERS; i++)
		if (!peers[i].deaf)
			ws_peer_read(&peers[i], SIZE_MAX);
}

static void
open_world(const char *const *settings)
{
	memset(text, 't', sizeof(text));
	memset(peers, 0, sizeof(peers));
	engine_bed_open(&bed, 1, PEERS + 1, settings);
	uring_sim_limit_socket(16384);
	for (int i = 0; i < PEERS; i++)
		ws_peer_connect(&peers[i], bed.listener);
	for (int turns = 0; COUNT(handshakes_done) < PEERS; turns++) {
		assert_true(turns < 1000);
		turn();
	}
}

static void
end_world(void)
{
	loop_tell(&bed.loop, LOOP_DRAIN);
	for (int turns = 0; !loop_is_drained(&bed.loop); turns++) {
		assert_true(turns < 100000);
		turn();
	}
	for (int i = 0; i < PEERS; i++)
		ws_peer_close(&peers[i]);
	engine_bed_end(&bed);
}

/* The last peer gets what it asks for within a few turns, whatever the others do. */
static void
expect_service(void)
{
	struct ws_peer *p = &peers[PEERS - 1];
	uint32_t had = p->messages;

	ws_peer_frame(p, WS_OP_TEXT, true, "hello", 5);
	for (int turns = 0; p->messages == had; turns++) {
		assert_true(turns < 50 && !p->has_ended);
		turn();
	}
}

static void
those_who_do_not_read(void **state)
{
	static const char *const settings[] = { "routing.mode=echo", "buffer_memory=4194304",
						"ws_send_queue=4194304", "ws_send_timeout=60000",
						NULL };

	(void)state;
	open_world(settings);
	for (int i = 0; i < PEERS - 1; i++)
		peers[i].deaf = true;
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < PEERS - 1; i++)
			if (ws_peer_is_there(&peers[i]) && peers[i].out.len < sizeof(text))
				ws_peer_frame(&peers[i], WS_OP_TEXT, true, text, sizeof(text));
		expect_service();
	}
	assert_true(COUNT(buffer_pressure) > 0);
	assert_true(COUNT(closed_send_queue) > 0);
	assert_int_equal(COUNT(dropped_overload), 0); /* nobody was refused for want of memory */
	for (int i = 0; i < PEERS - 1; i++)
		peers[i].deaf = false;
	end_world();
}

static void
those_who_send_halves(void **state)
{
	static const char *const settings[] = { "routing.mode=echo", "buffer_memory=4194304",
						"ws_max_message=4000000", NULL };

	(void)state;
	open_world(settings);
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < PEERS - 1; i++)
			if (!peers[i].has_ended)
				ws_peer_frame(&peers[i], round ? WS_OP_CONTINUATION : WS_OP_TEXT,
					      false, text, sizeof(text));
		expect_service();
	}
	assert_true(COUNT(closed_memory) > 0);
	for (int i = 0; i < PEERS - 1; i++)
		if (peers[i].close_seen)
			assert_int_equal(peers[i].close_code, WS_CLOSE_INTERNAL);
	end_world();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_who_do_not_read),
		cmocka_unit_test(those_who_send_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
