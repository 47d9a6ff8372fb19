/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of mode embed: send, close, post, timers; to connections that are there, full or gone. */
#include "tests/unit/embed_bed.h"

#include <stdio.h>
#include <string.h>

static struct embed_bed *const bed = &embed_bed;
static sipring_connection other;
static char order[64]; /* of calls, a letter each */

static bool
send_text(sipring_connection to, const char *text)
{
	return sipring_send(&bed->sipring, to, text, strlen(text));
}

/* What to note, as an argument of a call. */
static void *
letter(char c)
{
	static char letters[128];

	letters[(unsigned char)c % sizeof(letters)] = c;
	return &letters[(unsigned char)c % sizeof(letters)];
}

static void
note(void *arg)
{
	size_t len = strlen(order);

	assert_true(len < sizeof(order) - 1);
	order[len] = *(const char *)arg;
	order[len + 1] = '\0';
}

/* ---- send ---- */

static void
greet(sipring_connection connection)
{
	assert_true(send_text(connection, "greeting"));
}

static void
sends_reach_their_connection(void **state)
{
	(void)state;
	embed_bed_open(NULL);
	bed->on_opened = greet;
	other = embed_bed_connect(1);
	embed_bed_until(bed->heard[1][0]);
	assert_string_equal(bed->heard[1], "greeting");
	bed->on_opened = NULL;
	embed_bed_connect(0);
	assert_true(send_text(other, "from another thread"));
	embed_bed_until(strcmp(bed->heard[1], "from another thread") == 0);
	assert_true(sipring_send(&bed->sipring, other, "\xff\xfe", 2)); /* BINARY: it is no UTF-8 */
	embed_bed_until(strcmp(bed->heard[1], "\xff\xfe") == 0);
	assert_false(sipring_send(&bed->sipring, other, "", (16u << 20) + 1));
	assert_int_equal(bed->peers[0].messages, 0);
	embed_bed_until(EMBED_BED_COUNT(orders_sent) == 3);
	embed_bed_finish();
	assert_int_equal(EMBED_BED_COUNT(orders), 3);
}

static void
answer_between_sends(struct sipring_message *m)
{
	sipring_connection from = sipring_message_connection(m);

	assert_true(send_text(from, "before"));
	assert_true(sipring_reply(m, 200, NULL, NULL, NULL));
	assert_true(send_text(from, "after"));
}

static void
hear_in_order(struct ws_peer *p, char *text, size_t len)
{
	(void)p;
	if (len > 6)
		note(letter(memcmp(text, "SIP/2.0 200", 11) ? '?' : 'r'));
	else
		note(letter(text[0]));
}

/* What a handler does goes out in the order in which it does it. */
static void
orders_and_decisions_keep_order(void **state)
{
	(void)state;
	order[0] = '\0';
	embed_bed_open(NULL);
	embed_bed_connect(0);
	bed->on_message = answer_between_sends;
	bed->peers[0].on_message = hear_in_order;
	embed_bed_request(0, "OPTIONS");
	embed_bed_request(0, "OPTIONS");
	embed_bed_until(strlen(order) == 6);
	assert_string_equal(order, "brabra");
	embed_bed_finish();
}

/* The slot has a new owner: it hears nothing of what was meant for the last one. */
static void
stale_connections_reach_nobody(void **state)
{
	sipring_connection first, second;

	(void)state;
	embed_bed_open(NULL);
	first = embed_bed_connect(0);
	ws_peer_reset(&bed->peers[0]);
	embed_bed_until(EMBED_BED_COUNT(connections) == 0);
	assert_true(bed->closed_connection == first);
	second = embed_bed_connect(1);
	assert_int_equal((uint32_t)first, (uint32_t)second); /* the same slot */
	assert_true(first != second);
	assert_true(send_text(first, "too late"));
	assert_true(sipring_close(&bed->sipring, first, 1000, NULL));
	assert_true(send_text(0, "to nobody"));
	assert_true(sipring_close(&bed->sipring, 0, 1000, NULL));
	assert_true(send_text(UINT64_MAX, "to nobody"));
	assert_true(send_text(second, "in time"));
	embed_bed_until(EMBED_BED_COUNT(orders) == 4);
	embed_bed_until(bed->heard[1][0]);
	assert_string_equal(bed->heard[1], "in time");
	assert_false(bed->peers[1].close_seen);
	assert_int_equal(EMBED_BED_COUNT(orders_dropped), 3);
	embed_bed_finish();
}

static void
flood(struct sipring_message *m)
{
	char text[4000];

	(void)m;
	memset(text, 'f', sizeof(text));
	for (int i = 0; i < 20; i++)
		assert_true(sipring_send(&bed->sipring, other, text, sizeof(text)));
}

/* One that does not read is closed, its orders are dropped and counted, nobody else notices. */
static void
a_full_connection_is_closed(void **state)
{
	static const char *const settings[] = { "ws_send_queue=8192", "ws_max_message=4096",
						"ws_send_timeout=600", NULL };

	(void)state;
	embed_bed_open(settings);
	uring_sim_limit_socket(2000);
	other = embed_bed_connect(1);
	bed->peers[1].deaf = true;
	embed_bed_connect(0);
	bed->on_message = flood;
	embed_bed_request(0, "MESSAGE");
	embed_bed_until(bed->closed == 1);
	assert_true(bed->closed_connection == other);
	assert_int_equal(bed->end.why, SIPRING_SEND_FAILED);
	assert_int_equal(bed->end.code, 0);
	embed_bed_until(EMBED_BED_COUNT(orders_dropped) > 0);
	assert_int_equal(EMBED_BED_COUNT(orders), 20);
	assert_true(ws_peer_is_there(&bed->peers[0]) && !bed->peers[0].has_ended);
	embed_bed_finish();
	assert_int_equal(EMBED_BED_COUNT(orders_sent) + EMBED_BED_COUNT(orders_dropped), 20);
}

/* ---- close ---- */

static void
close_it(struct sipring_message *m)
{
	sipring_connection from = sipring_message_connection(m);

	assert_true(send_text(from, "farewell"));
	assert_true(sipring_close(&bed->sipring, from, 4242, "we had enough"));
	assert_true(sipring_close(&bed->sipring, from, 1000, NULL)); /* once is enough */
	assert_true(send_text(from, "too late"));
}

static void
closing_in_a_handler(void **state)
{
	(void)state;
	embed_bed_open(NULL);
	embed_bed_connect(0);
	bed->on_message = close_it;
	embed_bed_request(0, "MESSAGE");
	embed_bed_until(bed->peers[0].close_seen);
	assert_string_equal(bed->heard[0], "farewell");
	assert_int_equal(bed->peers[0].close_code, 4242);
	assert_int_equal(bed->peers[0].control.len, 2 + 13);
	assert_memory_equal(bed->peers[0].control.bytes + 2, "we had enough", 13);
	assert_int_equal(bed->closed, 1);
	assert_int_equal(bed->end.why, SIPRING_WE_CLOSED);
	assert_int_equal(bed->end.code, 4242);
	assert_false(bed->end.again);
	ws_peer_say_close(&bed->peers[0], 4242);
	embed_bed_until(EMBED_BED_COUNT(connections) == 0);
	assert_int_equal(EMBED_BED_COUNT(orders_dropped), 1);
	embed_bed_finish();
	assert_int_equal(bed->closed, 1);
}

static void
close_when_opened(sipring_connection connection)
{
	assert_true(sipring_close(&bed->sipring, connection, 1013, NULL));
}

static void
closing_at_once(void **state)
{
	(void)state;
	embed_bed_open(NULL);
	bed->on_opened = close_when_opened;
	embed_bed_connect(0);
	embed_bed_until(bed->peers[0].close_seen);
	assert_int_equal(bed->peers[0].close_code, WS_CLOSE_TRY_LATER);
	embed_bed_finish();
	assert_int_equal(bed->closed, 1);
}

/* Each way to end has its name. */
static void
ends_are_told(void **state)
{
	static const struct {
		const char *bytes;
		unsigned why, code;
	} ends[] = {
		{ "\x81\x01x", SIPRING_PEER_BROKE, WS_CLOSE_PROTOCOL_ERROR }, /* not masked */
		{ "\x88\x80zzzz", SIPRING_PEER_CLOSED, WS_CLOSE_NO_STATUS },
		{ NULL, SIPRING_PEER_ENDED, 0 },
	};

	(void)state;
	embed_bed_open(NULL);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sipring_connection connection = embed_bed_connect(0);

		if (ends[i].bytes)
			ws_peer_put(&bed->peers[0], ends[i].bytes, strlen(ends[i].bytes));
		else
			ws_peer_finish(&bed->peers[0]);
		embed_bed_until(bed->closed == i + 1);
		assert_true(bed->closed_connection == connection);
		assert_int_equal(bed->end.why, ends[i].why);
		assert_int_equal(bed->end.code, ends[i].code);
		embed_bed_until(bed->peers[0].has_ended);
		ws_peer_close(&bed->peers[0]);
		embed_bed_until(EMBED_BED_COUNT(connections) == 0);
	}
	embed_bed_finish();
}

/* ---- posts and timers ---- */

static void
start_timers(void *arg)
{
	struct sipring_timer *cancelled;

	(void)arg;
	assert_non_null(sipring_after(&bed->sipring, 300, note, letter('c')));
	assert_non_null(sipring_after(&bed->sipring, 5, note, letter('a')));
	cancelled = sipring_after(&bed->sipring, 20, note, letter('?'));
	assert_non_null(cancelled);
	assert_non_null(sipring_after(&bed->sipring, 40, note, letter('b')));
	assert_non_null(sipring_after(&bed->sipring, 3600000, note,
				      letter('?'))); /* not within this life */
	sipring_cancel(cancelled);
	note(letter('s'));
}

static void
arm_again(void *arg)
{
	note(arg);
	if (strlen(order) < 4)
		assert_non_null(sipring_after(&bed->sipring, 0, arm_again, arg));
}

static void
timers_fire_in_order(void **state)
{
	uint64_t since_ns;

	(void)state;
	order[0] = '\0';
	embed_bed_open(NULL);
	assert_true(sipring_post(&bed->sipring, 0, start_timers, NULL));
	embed_bed_until(order[0]);
	since_ns = uring_sim_now_ns();
	embed_bed_until(strlen(order) == 2);
	assert_in_range(uring_sim_now_ns() - since_ns, 0, 8 * ENGINE_BED_MS);
	/* nothing else wakes the loop: it sleeps until the timer */
	engine_bed_turn(&bed->engine, ENGINE_BED_S);
	engine_bed_turn(&bed->engine, ENGINE_BED_S);
	assert_in_range(uring_sim_now_ns() - since_ns, 34 * ENGINE_BED_MS, 310 * ENGINE_BED_MS);
	embed_bed_until(strlen(order) == 4);
	assert_in_range(uring_sim_now_ns() - since_ns, 290 * ENGINE_BED_MS, 310 * ENGINE_BED_MS);
	assert_string_equal(order, "sabc");
	embed_bed_finish();
	assert_string_equal(order, "sabc");
}

static void
timers_may_be_armed_in_timers(void **state)
{
	(void)state;
	order[0] = '\0';
	embed_bed_open(NULL);
	assert_true(sipring_post(&bed->sipring, 0, arm_again, letter('t')));
	embed_bed_until(strlen(order) == 4);
	embed_bed_pass(20);
	assert_string_equal(order, "tttt");
	embed_bed_finish();
}

static void
post_again(void *arg)
{
	note(arg);
	if (strlen(order) < 3)
		assert_true(sipring_post(&bed->sipring, 0, post_again, arg));
}

static void
posts_are_bounded_and_in_order(void **state)
{
	static const char *const settings[] = { "queue_messages=16", NULL };
	int posted = 0;

	(void)state;
	order[0] = '\0';
	embed_bed_open(settings);
	while (sipring_post(&bed->sipring, 0, note, letter(posted % 2 ? '1' : '0')))
		posted++;
	assert_int_equal(posted, 16);
	assert_false(send_text(1, "no room"));
	assert_int_equal(sipring_connect(&bed->sipring, "sip:127.0.0.1;transport=ws"), 0);
	embed_bed_until(strlen(order) == 16);
	assert_string_equal(order, "0101010101010101");
	order[0] = '\0';
	assert_true(sipring_post(&bed->sipring, 0, post_again, letter('p')));
	embed_bed_until(strlen(order) == 3);
	embed_bed_finish();
}

static void
say_goodbye(sipring_connection connection)
{
	assert_true(send_text(connection, "it is closing"));
	assert_non_null(sipring_after(&bed->sipring, 3600000, note, letter('?')));
}

/* What is left at the end is freed: orders to those that are gone, posts, timers. */
static void
the_end_leaves_nothing(void **state)
{
	(void)state;
	order[0] = '\0';
	embed_bed_open(NULL);
	embed_bed_connect(0);
	embed_bed_connect(1);
	bed->on_closed = say_goodbye;
	loop_tell(&bed->engine.loop, LOOP_DRAIN);
	embed_bed_until(loop_is_drained(&bed->engine.loop));
	assert_int_equal(bed->closed, 2);
	assert_true(sipring_post(&bed->sipring, 0, note, letter('?')));
	assert_true(send_text(bed->connection, "nobody carries it out"));
	embed_close(bed->engine.embed);
	assert_false(sipring_post(&bed->sipring, 0, note, letter('?')));
	assert_false(send_text(bed->connection, "after the end"));
	ws_peer_close(&bed->peers[0]);
	ws_peer_close(&bed->peers[1]);
	engine_bed_end(&bed->engine);
	assert_string_equal(order, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_reach_their_connection),
		cmocka_unit_test(orders_and_decisions_keep_order),
		cmocka_unit_test(stale_connections_reach_nobody),
		cmocka_unit_test(a_full_connection_is_closed),
		cmocka_unit_test(closing_in_a_handler),
		cmocka_unit_test(closing_at_once),
		cmocka_unit_test(ends_are_told),
		cmocka_unit_test(timers_fire_in_order),
		cmocka_unit_test(timers_may_be_armed_in_timers),
		cmocka_unit_test(posts_are_bounded_and_in_order),
		cmocka_unit_test(the_end_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
