/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No memory: at every place where some is asked for, by a cap that grows from nothing to enough.
 * Who needs it is closed, with 1011 where there is memory for that, or told; nobody else notices.
 */
#include "tests/unit/engine_bed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/load_daemon.h"
#include "tests/e2e/load_sip.h"
#include "tests/unit/ws_peer.h"

enum { ALICE, BOB, CAROL, PEERS };

static struct engine_bed bed;
static struct ws_peer peers[PEERS];
static uint32_t requests[PEERS], answers[PEERS], refusals[PEERS];
static uint32_t serial;

/* What e2e/load_sip.c says of a wrong message. */
void
load_fail(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fail_msg("%s", text);
	abort();
}

static void
turn(void)
{
	for (int i = 0; i < PEERS; i++)
		ws_peer_write(&peers[i], SIZE_MAX);
	engine_bed_turn(&bed, ENGINE_BED_MS);
	for (int i = 0; i < PEERS; i++)
		ws_peer_read(&peers[i], SIZE_MAX);
}

static void
turns(int n)
{
	while (n-- > 0)
		turn();
}

#define turn_until(condition)                                                                      \
	do {                                                                                       \
		for (int taken = 0; !(condition); taken++) {                                       \
			if (taken > 20000)                                                         \
				fail_msg("never: %s", #condition);                                 \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

static void
on_message(struct ws_peer *p, char *text, size_t len)
{
	char answer[LOAD_SIP_MAX];
	struct load_sip sip;

	load_sip_parse(&sip, text, len);
	if (sip.status == 0) {
		requests[p->number]++;
		ws_peer_say(p, answer, load_sip_ok(answer, &sip, p->number));
	} else if (sip.status == 200) {
		answers[p->number]++;
	} else {
		refusals[p->number]++;
	}
}

static void
connect_peer(uint32_t n)
{
	peers[n].on_message = on_message;
	peers[n].number = n;
	ws_peer_connect(&peers[n], bed.listener);
}

static void
say_register(uint32_t n)
{
	char text[LOAD_SIP_MAX];

	ws_peer_say(&peers[n], text, load_sip_register(text, n, ++serial, 300));
}

static void
say_message(uint32_t from, uint32_t to, uint32_t padding)
{
	char text[LOAD_SIP_MAX];

	ws_peer_say(&peers[from], text, load_sip_message(text, from, to, ++serial, padding));
}

static void
open_peer(uint32_t n)
{
	connect_peer(n);
	turn_until(peers[n].open);
	say_register(n);
	turn_until(answers[n] > 0);
}

static void
open_world(void)
{
	static const char *const settings[] = { "receive_buffer_bytes=1024", "close_timeout=50",
						"ws_ping_interval=1", NULL };

	memset(requests, 0, sizeof(requests));
	memset(answers, 0, sizeof(answers));
	memset(refusals, 0, sizeof(refusals));
	memset(peers, 0, sizeof(peers));
	for (int i = 0; i < PEERS; i++)
		peers[i].end = -1;
	serial = 0;
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

/* Head in two parts, fragments, more than fits into one receive buffer, Ping, Close. */
static void
live_a_life(void)
{
	struct ws_peer *a = &peers[ALICE];

	connect_peer(ALICE);
	ws_peer_write(a, 30);
	turns(2);
	turns(3);
	if (a->open) {
		say_register(ALICE);
		turns(3);
		a->cuts = true;
		say_message(ALICE, BOB, 10);
		say_message(ALICE, BOB, 3000);
		turns(4);
		engine_bed_pass(&bed, 1200 * ENGINE_BED_MS); /* Pings are due */
		say_message(BOB, ALICE, 700);
		ws_peer_frame(a, WS_OP_PING, true, "are you there", 13);
		turns(4);
		ws_peer_write(a, 3);
		turn();
		ws_peer_say_close(a, WS_CLOSE_NORMAL);
		turns(5);
	}
	ws_peer_close(a);
	turns(10);
}

/* Everybody else is there and is served again. */
static void
all_is_well_again(void)
{
	for (int i = BOB; i <= CAROL; i++)
		assert_false(peers[i].has_ended);
	requests[BOB] = requests[CAROL] = answers[BOB] = answers[CAROL] = 0;
	say_message(BOB, CAROL, 3000);
	turn_until(requests[CAROL] == 1 && answers[BOB] == 1);
	say_message(CAROL, BOB, 3000);
	turn_until(requests[BOB] == 1 && answers[CAROL] == 1);
}

static void
with_bytes(size_t cap)
{
	open_world();
	open_peer(BOB);
	open_peer(CAROL);
	bed.loop.bytes.bytes_max = bed.loop.bytes.used_bytes + cap;
	live_a_life();
	bed.loop.bytes.bytes_max = SIZE_MAX;
	all_is_well_again();
	end_world();
}

static void
bytes_run_out(void **state)
{
	uint32_t closed = 0;

	(void)state;
	for (size_t cap = 0; cap <= 40960; cap += 256) {
		with_bytes(cap);
		closed += requests[ALICE] == 0;
	}
	assert_in_range(closed, 1, 100); /* with little it does not work, with enough it does */
	assert_int_equal(requests[ALICE], 1);
	assert_int_equal(answers[ALICE], 3);
}

static void
with_messages(uint32_t cap)
{
	open_world();
	open_peer(BOB);
	open_peer(CAROL);
	bed.loop.messages.blocks_max = bed.loop.messages.used + cap;
	live_a_life();
	bed.loop.messages.blocks_max = UINT32_MAX;
	if (peers[BOB].has_ended) { /* what he said could not be taken in */
		assert_int_equal(peers[BOB].close_code, WS_CLOSE_INTERNAL);
		ws_peer_close(&peers[BOB]);
		answers[BOB] = 0;
		open_peer(BOB);
	}
	all_is_well_again();
	end_world();
}

static void
message_blocks_run_out(void **state)
{
	(void)state;
	for (uint32_t cap = 0; cap < 8; cap++)
		with_messages(cap);
	assert_int_equal(requests[ALICE], 1);
	assert_int_equal(answers[ALICE], 3);
}

/* A message that cannot be put together, or has no block: 1011, and nobody else is closed. */
static void
who_needs_it_is_told(void **state)
{
	(void)state;
	for (int blocks = 0; blocks < 2; blocks++) {
		struct ws_peer *a = &peers[ALICE];

		open_world();
		open_peer(BOB);
		open_peer(ALICE);
		turns(5);
		if (blocks)
			bed.loop.messages.blocks_max = bed.loop.messages.used;
		else
			bed.loop.bytes.bytes_max = bed.loop.bytes.used_bytes + 1024;
		say_message(ALICE, BOB, 6000);
		turn_until(a->has_ended);
		assert_true(a->close_seen);
		assert_int_equal(a->close_code, WS_CLOSE_INTERNAL);
		assert_int_equal(requests[BOB], 0);
		assert_false(peers[BOB].has_ended);
		bed.loop.messages.blocks_max = UINT32_MAX;
		bed.loop.bytes.bytes_max = SIZE_MAX;
		end_world();
	}
}

/*
 * Without a block to tell the routing stage that a flow is gone: nothing for it reaches the next
 * owner of the slot.
 */
static void
an_end_that_nobody_heard_of(void **state)
{
	(void)state;
	open_world();
	open_peer(BOB);
	open_peer(ALICE);
	bed.loop.messages.blocks_max = bed.loop.messages.used;
	ws_peer_reset(&peers[ALICE]);
	turn_until(ENGINE_BED_COUNT(&bed, connections) == 1);
	bed.loop.messages.blocks_max = UINT32_MAX;
	say_message(BOB, ALICE, 10);
	turn_until(refusals[BOB] == 1);
	bed.loop.messages.blocks_max = bed.loop.messages.used;
	connect_peer(CAROL);
	turn_until(peers[CAROL].open); /* of this, too, the routing stage hears nothing */
	bed.loop.messages.blocks_max = UINT32_MAX;
	say_message(BOB, ALICE, 10);
	turn_until(refusals[BOB] == 2);
	assert_int_equal(peers[CAROL].messages, 0);
	say_register(CAROL);
	turn_until(refusals[CAROL] == 1);
	end_world();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_run_out),
		cmocka_unit_test(message_blocks_run_out),
		cmocka_unit_test(who_needs_it_is_told),
		cmocka_unit_test(an_end_that_nobody_heard_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
