/* SPDX-License-Identifier: Apache-2.0 */
/* The send queue: order, chunking, accounting of messages, memory given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sendq.h"

struct fixture {
	struct bytes_pool pool;
	struct stats stats;
	struct sendq q;
	char sent[1 << 21];
	size_t sent_len;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	bytes_init(&f->pool, SIZE_MAX);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->pool.used, 0);
	assert_int_equal(f->stats.send_buffers, 0);
	bytes_fini(&f->pool);
	free(f);
	return 0;
}

static void
send_one(struct fixture *f)
{
	struct sendq_chunk *chunk = sendq_take(&f->q);

	assert_non_null(chunk);
	assert_true(chunk->len <= SENDQ_CHUNK_MAX);
	memcpy(f->sent + f->sent_len, chunk->bytes, chunk->len);
	f->sent_len += chunk->len;
	sendq_sent(&f->q, &f->pool, &f->stats);
}

static void
test_empty(void **state)
{
	struct fixture *f = *state;

	assert_null(sendq_take(&f->q));
	assert_true(sendq_empty(&f->q));
	sendq_drop(&f->q, &f->pool, &f->stats);
	assert_int_equal(f->stats.dropped_target_closed, 0);
}

/* What an application ordered is counted apart, also when its chunk has grown meanwhile. */
static void
test_orders(void **state)
{
	struct fixture *f = *state;
	char big[4096] = { 0 };

	for (uint32_t round = 0; round < 2; round++) {
		assert_true(sendq_put(&f->q, &f->pool, &f->stats, span_of(big, 10)));
		sendq_account(&f->q, SENDQ_ORDERED);
		assert_true(sendq_put(&f->q, &f->pool, &f->stats, span_of(big, sizeof(big))));
		assert_ptr_equal(f->q.head, f->q.tail);
		if (round)
			sendq_drop(&f->q, &f->pool, &f->stats);
		else
			send_one(f);
		assert_int_equal(f->stats.orders_sent, 1);
		assert_int_equal(f->stats.orders_dropped, round);
	}
	assert_int_equal(f->stats.answered + f->stats.delivered, 0);
}

/* Out of memory is told, and what is in can still be dropped and counted. */
static void
test_no_memory(void **state)
{
	struct fixture *f = *state;
	char big[4096] = { 0 };

	f->pool.bytes_max = 2048;
	assert_true(sendq_put(&f->q, &f->pool, &f->stats, span_of(big, 100)));
	sendq_account(&f->q, SENDQ_RELAYED);
	assert_false(sendq_put(&f->q, &f->pool, &f->stats, span_of(big, sizeof(big))));
	assert_null(sendq_extend(&f->q, &f->pool, &f->stats, 100000));
	sendq_drop(&f->q, &f->pool, &f->stats);
	assert_int_equal(f->stats.dropped_target_closed, 1);
}

/* A chunk in flight is never touched; what comes meanwhile goes behind it. */
static void
test_in_flight(void **state)
{
	struct fixture *f = *state;
	struct sendq_chunk *flying;

	assert_true(sendq_put(&f->q, &f->pool, &f->stats, SPAN("first")));
	sendq_account(&f->q, SENDQ_ANSWERED);
	flying = sendq_take(&f->q);
	assert_true(sendq_put(&f->q, &f->pool, &f->stats, SPAN("second")));
	sendq_account(&f->q, SENDQ_RELAYED);
	assert_int_equal(flying->len, 5);
	assert_ptr_equal(flying, f->q.head);
	sendq_sent(&f->q, &f->pool, &f->stats);
	assert_int_equal(f->stats.answered, 1);
	assert_int_equal(f->stats.delivered, 0);
	send_one(f);
	assert_memory_equal(f->sent, "second", 6);
	assert_int_equal(f->stats.delivered, 1);
	assert_true(sendq_empty(&f->q));
	assert_int_equal(f->q.queued, 0);
}

/* What was not sent is dropped under the right name, also when a part of it was sent. */
static void
test_drop(void **state)
{
	struct fixture *f = *state;
	static char big[300000];

	assert_true(sendq_put(&f->q, &f->pool, &f->stats, span_of(big, sizeof(big))));
	sendq_account(&f->q, SENDQ_RELAYED);
	assert_true(sendq_put(&f->q, &f->pool, &f->stats, SPAN("answer")));
	sendq_account(&f->q, SENDQ_ANSWERED);
	send_one(f); /* a part of the first message */
	assert_int_equal(f->stats.delivered, 0);
	sendq_drop(&f->q, &f->pool, &f->stats);
	assert_int_equal(f->stats.dropped_target_closed, 1);
	assert_int_equal(f->stats.dropped_sender_closed, 1);
	assert_int_equal(f->stats.delivered + f->stats.answered, 0);
}

/* Random puts and sends: the bytes come out in order, every message is counted once. */
static void
test_order(void **state)
{
	struct fixture *f = *state;
	static char in[1 << 21];
	size_t put = 0;
	unsigned messages = 0;

	srand(7);
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 2654435761u >> 13);
	while (put < sizeof(in) - 200000) {
		size_t n = rand() % 8 ? (size_t)(rand() % 1500) + 1 : (size_t)(rand() % 150000) + 1;

		assert_true(sendq_put(&f->q, &f->pool, &f->stats, span_of(in + put, n)));
		sendq_account(&f->q, SENDQ_RELAYED);
		put += n;
		messages++;
		while (!sendq_empty(&f->q) && rand() % 3 == 0)
			send_one(f);
	}
	while (!sendq_empty(&f->q))
		send_one(f);
	assert_int_equal(f->sent_len, put);
	assert_memory_equal(f->sent, in, put);
	assert_int_equal(f->stats.delivered, messages);
}

/* One turn's worth of small messages leaves in one chunk. */
static void
test_coalesces(void **state)
{
	struct fixture *f = *state;
	char message[500] = { 'x' };

	for (int i = 0; i < 16; i++) {
		assert_true(
			sendq_put(&f->q, &f->pool, &f->stats, span_of(message, sizeof(message))));
		sendq_account(&f->q, SENDQ_ANSWERED);
	}
	send_one(f);
	assert_true(sendq_empty(&f->q));
	assert_int_equal(f->sent_len, 16 * sizeof(message));
	assert_int_equal(f->stats.answered, 16);
}

/* What was put last is taken back, over several chunks; what is before it, and in flight, stays. */
static void
test_cut(void **state)
{
	struct fixture *f = *state;
	static char big[400000];

	for (int in_flight = 0; in_flight < 2; in_flight++) {
		f->sent_len = 0;
		assert_true(sendq_put(&f->q, &f->pool, &f->stats, SPAN("first")));
		sendq_account(&f->q, SENDQ_RELAYED);
		if (in_flight)
			assert_non_null(sendq_take(&f->q));
		assert_true(sendq_put(&f->q, &f->pool, &f->stats, span_of(big, sizeof(big))));
		sendq_cut(&f->q, &f->pool, &f->stats, 5);
		assert_int_equal(f->q.queued, 5);
		assert_int_equal(f->stats.send_buffers, 1);
		if (in_flight)
			sendq_sent(&f->q, &f->pool, &f->stats);
		else
			send_one(f);
		assert_true(sendq_empty(&f->q));
		assert_memory_equal(f->sent, in_flight ? "" : "first", f->sent_len);
	}
	assert_int_equal(f->stats.delivered, 2);
	assert_true(sendq_put(&f->q, &f->pool, &f->stats, span_of(big, sizeof(big))));
	sendq_cut(&f->q, &f->pool, &f->stats, 0);
	assert_true(sendq_empty(&f->q) && f->q.tail == NULL);
}

/* A piece in a chunk, between what is put; what does not fit into one leaves the queue as it is. */
static void
test_extend(void **state)
{
	struct fixture *f = *state;
	static char big[SENDQ_CHUNK_MAX];
	uint8_t *at;

	assert_true(sendq_put(&f->q, &f->pool, &f->stats, SPAN("one ")));
	at = sendq_extend(&f->q, &f->pool, &f->stats, 2000);
	assert_non_null(at);
	memset(at, 'x', 2000);
	assert_true(sendq_put(&f->q, &f->pool, &f->stats, SPAN(" two")));
	assert_null(sendq_extend(&f->q, &f->pool, &f->stats, SENDQ_CHUNK_MAX + 1));
	assert_int_equal(f->q.queued, 2008);
	assert_non_null(sendq_take(&f->q));
	at = sendq_extend(&f->q, &f->pool, &f->stats, SENDQ_CHUNK_MAX - 10);
	assert_non_null(at);
	memset(at, 'y', SENDQ_CHUNK_MAX - 10);
	assert_null(sendq_extend(&f->q, &f->pool, &f->stats, 11));
	assert_int_equal(f->q.queued, 2008 + SENDQ_CHUNK_MAX - 10);
	assert_int_equal(f->stats.send_buffers, 2);
	memcpy(f->sent, f->q.head->bytes, f->q.head->len);
	f->sent_len = f->q.head->len;
	sendq_sent(&f->q, &f->pool, &f->stats);
	memset(big, 'x', 2000);
	assert_int_equal(f->sent_len, 2008);
	assert_memory_equal(f->sent, "one ", 4);
	assert_memory_equal(f->sent + 4, big, 2000);
	assert_memory_equal(f->sent + 2004, " two", 4);
	f->sent_len = 0;
	send_one(f);
	memset(big, 'y', sizeof(big));
	assert_int_equal(f->sent_len, SENDQ_CHUNK_MAX - 10);
	assert_memory_equal(f->sent, big, f->sent_len);
	assert_true(sendq_empty(&f->q));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_flight, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_coalesces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extend, setup, teardown),
	};

	return cmocka_run_group_tests_name("sendq", tests, NULL, NULL);
}
