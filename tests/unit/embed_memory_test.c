/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No memory, in mode embed: each call that asks for some, told so by what it returns; and events
 * that the loop could not tell.
 *
 * Linked with --wrap=malloc,calloc: each of the engine's own allocations can be made to fail.
 */
#include "tests/unit/embed_bed.h"

#include <stdlib.h>
#include <string.h>

static struct embed_bed *const bed = &embed_bed;
static uint32_t until_failure = UINT32_MAX; /* allocations that still succeed */
static uint32_t failures;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool
fails(void)
{
	if (until_failure == UINT32_MAX || until_failure-- > 0)
		return false;
	until_failure = 0;
	failures++;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

/* ---- calls of the application ---- */

static uint32_t allowed; /* allocations in a handler */
static uint32_t told;    /* of the failures below, by a return value */

static void
nothing(void *arg)
{
	(void)arg;
}

/* Everything that takes memory, once. */
static void
want_all(struct sipring_message *m)
{
	static char long_body[4000];
	struct sipring_message *kept;
	struct sipring_timer *timer;
	sipring_connection made;

	told = 0;
	memset(long_body, 'b', sizeof(long_body) - 1);
	until_failure = allowed;
	told += !sipring_send(&bed->sipring, bed->connection, "text", 4);
	told += !sipring_close(&bed->sipring, 0, 1000, NULL);
	told += !sipring_post(&bed->sipring, 0, nothing, NULL);
	timer = sipring_after(&bed->sipring, 1000, nothing, NULL);
	told += !timer;
	if (timer)
		sipring_cancel(timer);
	made = sipring_connect(&bed->sipring, "sip:127.0.0.1:9;transport=ws");
	told += !made;
	if (made)
		(void)sipring_close(&bed->sipring, made, 1000, NULL);
	kept = sipring_keep(m);
	told += !kept;
	if (!kept)
		sipring_drop(m);
	else
		told += !sipring_reply(kept, 200, NULL, NULL, long_body);
	until_failure = UINT32_MAX;
}

static void
want_long_reply(struct sipring_message *m)
{
	static char long_body[4000];

	memset(long_body, 'b', sizeof(long_body) - 1);
	until_failure = 0;
	told = !sipring_reply(m, 200, NULL, NULL, long_body);
	until_failure = UINT32_MAX;
}

/* With one allocation more each time, until nothing fails. */
static void
calls_tell(void **state)
{
	uint32_t most = 0;

	(void)state;
	for (allowed = 0;; allowed++) {
		embed_bed_open(NULL);
		embed_bed_connect(0);
		failures = 0;
		bed->on_message = want_all;
		embed_bed_request(0, "MESSAGE");
		embed_bed_until(bed->messages == 1);
		embed_bed_finish();
		if (!failures)
			break;
		if (told > most)
			most = told;
		assert_true(allowed < 100);
	}
	assert_int_equal(told, 0);
	assert_true(most >= 6);
	assert_int_equal(EMBED_BED_COUNT(orders_sent), 2);
}

static void
replies_are_counted(void **state)
{
	(void)state;
	embed_bed_open(NULL);
	embed_bed_connect(0);
	bed->on_message = want_long_reply;
	embed_bed_request(0, "MESSAGE");
	embed_bed_until(bed->messages == 1);
	assert_int_equal(told, 1);
	assert_int_equal(EMBED_BED_COUNT(dropped_overload), 1);
	embed_bed_finish();
}

static void
an_engine_that_cannot_be(void **state)
{
	static const struct embed_application application;

	(void)state;
	until_failure = 0;
	assert_null(embed_new(&application));
	until_failure = UINT32_MAX;
}

/* ---- events of the loop ---- */

static void
no_blocks(bool none)
{
	bed->engine.loop.messages.blocks_max = none ? bed->engine.loop.messages.used : UINT32_MAX;
}

/* It was not told of: the application is not asked about it. */
static void
an_opening_that_nobody_heard_of(void **state)
{
	(void)state;
	embed_bed_open(NULL);
	no_blocks(true);
	ws_peer_connect(&bed->peers[0], bed->engine.listener);
	embed_bed_until(bed->peers[0].open);
	no_blocks(false);
	embed_bed_request(0, "OPTIONS");
	embed_bed_until(bed->heard[0][0]);
	assert_memory_equal(bed->heard[0], "SIP/2.0 503", 11);
	assert_int_equal(bed->opened, 0);
	assert_int_equal(bed->messages, 0);
	embed_bed_finish();
	assert_int_equal(bed->closed, 0);
}

/* An end is told when the slot gets its next owner, and that one is not taken for the last. */
static void
an_end_that_nobody_heard_of(void **state)
{
	sipring_connection first, second;

	(void)state;
	embed_bed_open(NULL);
	first = embed_bed_connect(0);
	no_blocks(true);
	ws_peer_reset(&bed->peers[0]);
	embed_bed_until(EMBED_BED_COUNT(connections) == 0);
	assert_int_equal(bed->closed, 0);
	ws_peer_connect(&bed->peers[1], bed->engine.listener);
	embed_bed_until(bed->peers[1].open); /* of this, too, nothing is heard */
	no_blocks(false);
	embed_bed_request(1, "OPTIONS");
	embed_bed_until(bed->heard[1][0]);
	assert_memory_equal(bed->heard[1], "SIP/2.0 503", 11);
	ws_peer_reset(&bed->peers[1]);
	embed_bed_until(EMBED_BED_COUNT(connections) == 0);
	assert_int_equal(bed->closed, 0);
	second = embed_bed_connect(2);
	assert_int_equal(bed->closed, 1);
	assert_true(bed->closed_connection == first && second != first);
	assert_int_equal(bed->end.why, SIPRING_RESET);
	embed_bed_finish();
	assert_int_equal(bed->closed, 2);
}

/* An order that does not fit into memory: none is left out with others after it. */
static void
no_memory_to_send(void **state)
{
	(void)state;
	embed_bed_open(NULL);
	embed_bed_connect(0);
	bed->engine.loop.bytes.bytes_max = bed->engine.loop.bytes.used_bytes + 4096;
	assert_true(sipring_send(&bed->sipring, bed->connection, "x", 1));
	for (int i = 0; i < 2; i++) {
		static char text[16000];

		assert_true(sipring_send(&bed->sipring, bed->connection, text, sizeof(text)));
	}
	embed_bed_until(bed->peers[0].close_seen);
	assert_int_equal(bed->peers[0].close_code, WS_CLOSE_INTERNAL);
	assert_int_equal(bed->closed, 1);
	assert_int_equal(bed->end.code, WS_CLOSE_INTERNAL);
	bed->engine.loop.bytes.bytes_max = SIZE_MAX;
	assert_int_equal(EMBED_BED_COUNT(orders_dropped), 2);
	embed_bed_finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_tell),
		cmocka_unit_test(replies_are_counted),
		cmocka_unit_test(an_engine_that_cannot_be),
		cmocka_unit_test(an_opening_that_nobody_heard_of),
		cmocka_unit_test(an_end_that_nobody_heard_of),
		cmocka_unit_test(no_memory_to_send),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
