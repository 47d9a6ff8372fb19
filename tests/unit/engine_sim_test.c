/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole engine in worlds in which anything may happen at any moment, from a printed seed. What
 * parties say to each other is kept in a ledger: nothing arrives twice, at another, altered, or out
 * of its order; and once the world is calm, nothing is missing between those who are still there.
 *
 * `engine_sim_test SEED [COUNT]` runs those only.
 */
#include "tests/unit/engine_bed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/engine_party.h"

enum { SLOTS = 10, PARTIES = 13, STEPS = 350 };

static struct engine_bed bed;
static struct engine_party parties[PARTIES];
static int dialed; /* where the engine connects to */

static bool memory_is_short;

static uint64_t first_seed = 1, seed_count = 300;
static uint64_t seed_now;
static struct stats totals;

/* -- the world -- */

static void
random_faults(void)
{
	struct uring_sim_faults f = {
		.send_short = uring_sim_random(300),
		.send_again = uring_sim_random(300),
		.send_stop = uring_sim_random(200),
		.receive_short = uring_sim_random(500),
		.receive_stop = uring_sim_random(100),
		.receive_famine = uring_sim_random(100),
		.accept_stop = uring_sim_random(300),
		.accept_error = uring_sim_random(200),
		.connect_error = uring_sim_random(300),
		.reset = uring_sim_random(3) == 0 ? uring_sim_random(6) : 0,
		.stale = uring_sim_random(100),
		.guard_talks = uring_sim_random(500),
		.delay = uring_sim_random(300),
		.delay_ns = 1 + uring_sim_random(3000000),
		.enter_refused = uring_sim_random(100),
		.poll_stop = uring_sim_random(200),
		.shuffle = uring_sim_random(2),
	};

	uring_sim_set_faults(&f);
	uring_sim_limit_completions(uring_sim_random(3) == 0 ? 8 + uring_sim_random(30) : 0);
	uring_sim_limit_descriptors(uring_sim_random(5) == 0 ?
					    uring_sim_descriptors() + uring_sim_random(4) :
					    UINT32_MAX);
	uring_sim_deafen(dialed, uring_sim_random(4) == 0);
}

/* In some worlds there is little memory left now and then. */
static void
random_memory(void)
{
	bool short_of_it = memory_is_short && uring_sim_random(2) == 0;

	bed.loop.bytes.bytes_max =
		short_of_it ? bed.loop.bytes.used_bytes + uring_sim_random(30000) : SIZE_MAX;
	bed.loop.messages.blocks_max = short_of_it ? uring_sim_random(20) : UINT32_MAX;
}

static void
calm(void)
{
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	uring_sim_limit_completions(0);
	uring_sim_limit_descriptors(UINT32_MAX);
	uring_sim_deafen(dialed, false);
	bed.loop.bytes.bytes_max = SIZE_MAX;
	bed.loop.messages.blocks_max = UINT32_MAX;
}

#define SETTINGS_LEN 64

static const char *const *
random_settings(bool echo)
{
	static char lines[20][SETTINGS_LEN];
	static const char *settings[21];
	int n = 0;

#define LINE(...) snprintf(lines[n++], SETTINGS_LEN, __VA_ARGS__)
	LINE("routing.mode=%s", echo ? "echo" : "registrar");
	LINE("handshake_timeout=%u", 100 + uring_sim_random(400));
	LINE("close_timeout=%u", 20 + uring_sim_random(200));
	LINE("drain_timeout=%u", 50 + uring_sim_random(500));
	LINE("ws_message_timeout=%u", 100 + uring_sim_random(400));
	LINE("ws_send_timeout=%u", 10 + uring_sim_random(100));
	LINE("ws_ping_interval=%u", 1 + uring_sim_random(2));
	LINE("ws_pong_timeout=%u", 1 + uring_sim_random(2));
	LINE("ws_idle_timeout=%u", uring_sim_random(3) == 0 ? 1 : 0);
	LINE("ws_max_message=8192");
	LINE("ws_send_queue=%u", 1024 + uring_sim_random(60000));
	LINE("receive_buffers=%u", 8 << uring_sim_random(3));
	LINE("receive_buffer_bytes=%u", 512 + uring_sim_random(2000));
	LINE("queue_messages=16");
	LINE("spin=%u", uring_sim_random(2) * 20);
	LINE("send_guard=%s", uring_sim_random(3) == 0 ? "always" : "try");
	LINE("ws_handshake_timeout=%u", 20 + uring_sim_random(200));
	LINE("tcp_connect_timeout=%u", 5 + uring_sim_random(50));
	LINE("ws_reconnect_first=%u", 1 + uring_sim_random(200));
	if (echo) /* no other mode connects */
		LINE("upstream=sip:127.0.0.1:1025;transport=ws");
#undef LINE
	for (int i = 0; i < n; i++)
		settings[i] = lines[i];
	settings[n] = NULL;
	return settings;
}

static void
open_world(uint64_t seed, bool echo)
{
	const char *const *settings;

	uring_sim_begin(seed); /* for the settings; the engine's world is another */
	settings = random_settings(echo);
	uring_sim_end();
	engine_bed_open(&bed, seed, SLOTS, settings);
	bed.slack_ns = 80 * ENGINE_BED_MS;
	dialed = uring_sim_listen();
	uring_sim_limit_socket(500 + uring_sim_random(8000));
	engine_party_begin(parties, PARTIES, echo);
}

/* -- steps -- */

static void
party_appears(struct engine_party *p)
{
	if (engine_party_accept(p, dialed) || uring_sim_random(3) > 0)
		return;
	engine_party_connect(p, bed.listener, uring_sim_random(8) > 0);
}

/* All that a party may do, well-behaved or not. */
static void
party_acts(struct engine_party *p)
{
	uint32_t what = uring_sim_random(1000);

	if (what < 400)
		engine_party_talk(p, &parties[uring_sim_random(PARTIES)]);
	else if (what < 430)
		engine_party_odd(p);
	else if (what < 438)
		engine_party_sin(p);
	else if (what < 445)
		engine_party_say_close(p);
	else if (what < 448)
		ws_peer_finish(&p->ws);
	else if (what < 452)
		engine_party_vanish(p, what == 451);
	else if (what < 460)
		p->ws.deaf = !p->ws.deaf;
	else if (what < 465)
		p->ws.dumb = !p->ws.dumb;
}

static void
party_step(struct engine_party *p)
{
	if (!ws_peer_is_there(&p->ws)) {
		party_appears(p);
		return;
	}
	party_acts(p);
	if (uring_sim_random(3) > 0)
		ws_peer_write(&p->ws, 1 + uring_sim_random(uring_sim_random(2) ? 6000 : 40));
	if (!p->ws.deaf && uring_sim_random(3) > 0)
		ws_peer_read(&p->ws, 1 + uring_sim_random(uring_sim_random(2) ? 9000 : 60));
	engine_party_manners(p);
}

static void
storm(void)
{
	for (int step = 0; step < STEPS; step++) {
		if (step % 50 == 0) {
			random_faults();
			random_memory();
		}
		for (int i = 0; i < PARTIES; i++)
			party_step(&parties[i]);
		/* Sometimes long enough for a timer. */
		engine_bed_turn(&bed, uring_sim_random(60) == 0 ?
					      ENGINE_BED_S :
					      uring_sim_random(4) * ENGINE_BED_MS);
	}
}

/* -- the end -- */

/* Everybody says what is left, hears all, and does as he should. */
static bool
round_of_all(void)
{
	bool moved = false;

	for (int i = 0; i < PARTIES; i++) {
		struct engine_party *p = &parties[i];

		if (!ws_peer_is_there(&p->ws))
			continue;
		moved |= ws_peer_write(&p->ws, SIZE_MAX);
		moved |= ws_peer_read(&p->ws, SIZE_MAX);
		engine_party_manners(p);
	}
	engine_bed_turn(&bed, ENGINE_BED_MS);
	return moved;
}

static void
settle(void)
{
	uint32_t quiet = 0;

	calm();
	for (int i = 0; i < PARTIES; i++)
		parties[i].ws.deaf = parties[i].ws.dumb = false;
	/* Long enough for every retry and rearm. */
	for (uint32_t rounds = 0; quiet < 150; rounds++) {
		quiet = round_of_all() ? 0 : quiet + 1;
		assert_true(rounds < 20000);
	}
	if (!memory_is_short) /* or something was refused */
		engine_party_audit(parties, PARTIES,
				   ENGINE_BED_COUNT(&bed, refused_send_queue) +
					   ENGINE_BED_COUNT(&bed, spared_send_queue));
}

/* Nobody has anything to say, but all answer Pings: nobody is closed. */
static void
all_are_quiet(void)
{
	uint64_t until_ns = uring_sim_now_ns() + 5 * ENGINE_BED_S;
	bool sound[PARTIES];

	if (bed.settings.ws_idle_timeout_s)
		return;
	for (int i = 0; i < PARTIES; i++)
		sound[i] = engine_party_is_sound(&parties[i]);
	while (uring_sim_now_ns() < until_ns)
		round_of_all();
	for (int i = 0; i < PARTIES; i++)
		assert_true(!sound[i] || engine_party_is_sound(&parties[i]));
}

/* Nobody moves any more: the engine gets rid of all of them, in the time it has. */
static void
all_fall_silent(void)
{
	const struct settings *s = &bed.settings;
	uint64_t ms = 1000 * (s->ws_ping_interval_s + s->ws_pong_timeout_s) +
		      2 * s->close_timeout_ms + 4 * s->ws_send_timeout_ms + s->handshake_timeout_ms;
	uint64_t until_ns = uring_sim_now_ns() + ms * ENGINE_BED_MS + bed.slack_ns;
	uint32_t tags[SLOTS];

	for (uint32_t i = 0; i < SLOTS; i++)
		tags[i] = bed.loop.conns[i].flow.tag;
	while (uring_sim_now_ns() < until_ns)
		engine_bed_turn(&bed, ENGINE_BED_S / 2);
	for (uint32_t i = 0; i < SLOTS; i++)
		if (bed.loop.conns[i].flow.tag == tags[i])
			assert_int_equal(bed.loop.conns[i].state, CONN_FREE);
}

static void
all_leave(void)
{
	uint64_t until_ns = uring_sim_now_ns() + ENGINE_BED_S;

	for (int i = 0; i < PARTIES; i++)
		engine_party_vanish(&parties[i], i % 2);
	uring_sim_deafen(dialed, true);
	while (uring_sim_now_ns() < until_ns)
		engine_bed_turn(&bed, ENGINE_BED_S / 2);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_true(bed.loop.conns[i].state == CONN_FREE || bed.loop.conns[i].upstream);
}

/* All behave: nobody has to be waited for. */
static void
drain_with_all(void)
{
	uint64_t until_ns =
		uring_sim_now_ns() + bed.settings.drain_timeout_ms * ENGINE_BED_MS + bed.slack_ns;

	loop_tell(&bed.loop, LOOP_DRAIN);
	while (!loop_is_drained(&bed.loop)) {
		round_of_all();
		assert_true(uring_sim_now_ns() < until_ns);
	}
	assert_int_equal(bed.loop.abandoned, false);
}

static void
world(uint64_t seed)
{
	memory_is_short = seed % 5 == 0;
	open_world(seed, seed % 4 == 1);
	storm();
	if (seed % 3 > 0)
		settle();
	if (seed % 3 == 1)
		all_are_quiet();
	if (seed % 7 == 0)
		all_fall_silent();
	else if (seed % 7 == 1)
		all_leave();
	else if (seed % 7 < 4 && seed % 3 > 0)
		drain_with_all();
	stats_sum(&totals, &bed.loop.stats);
	stats_sum(&totals, &bed.route_stats);
	if (loop_is_drained(&bed.loop))
		engine_bed_end(&bed);
	else
		engine_bed_finish(&bed);
	engine_party_end(parties, PARTIES);
}

/* -- running -- */

static void
on_abort(int number)
{
	(void)number;
	fprintf(stderr, "engine_sim_test: the seed was %llu\n", (unsigned long long)seed_now);
}

static int
tell_seed(void **state)
{
	(void)state;
	printf("worlds: last seed %llu\n", (unsigned long long)seed_now);
	return 0;
}

/* It did storm: each of these happened somewhere. */
static void
assert_all_happened(void)
{
#define HAPPENED(name)                                                                             \
	do {                                                                                       \
		unsigned long long n = atomic_load(&totals.name);                                  \
		printf("worlds: %s %llu\n", #name, n);                                             \
		assert_true(n > 0);                                                                \
	} while (0)
	HAPPENED(connections_accepted);
	HAPPENED(connections_refused);
	HAPPENED(handshakes_done);
	HAPPENED(handshakes_refused);
	HAPPENED(handshake_timeouts);
	HAPPENED(upstream_connects);
	HAPPENED(upstream_refused);
	HAPPENED(upstream_timeouts);
	HAPPENED(closes_sent);
	HAPPENED(closes_received);
	HAPPENED(closed_protocol_error);
	HAPPENED(closed_too_big);
	HAPPENED(closed_send_timeout);
	HAPPENED(closed_send_queue);
	HAPPENED(closed_pong_timeout);
	HAPPENED(closed_idle);
	HAPPENED(closed_message_timeout);
	HAPPENED(closed_by_peer);
	HAPPENED(closed_reset);
	HAPPENED(close_timeouts);
	HAPPENED(ping_rtts);
	HAPPENED(keepalives);
	HAPPENED(messages_received);
	HAPPENED(shape_hits);
	HAPPENED(shape_misses);
	HAPPENED(backpressure_pauses);
	HAPPENED(delivered);
	HAPPENED(answered);
	HAPPENED(dropped_target_closed);
	HAPPENED(dropped_sender_closed);
#undef HAPPENED
}

static void
worlds(void **state)
{
	(void)state;
	for (seed_now = first_seed; seed_now < first_seed + seed_count; seed_now++)
		world(seed_now);
	seed_now--;
	if (seed_count >= 300)
		assert_all_happened();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(worlds, tell_seed) };

	signal(SIGABRT, on_abort);
	if (argc > 1) {
		first_seed = strtoull(argv[1], NULL, 0);
		seed_count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
