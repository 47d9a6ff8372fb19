/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mode embed on the real kernel, through sipring.h only: two engines in this process, one the
 * client of the other, and threads that give orders while both run. For ThreadSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/doorbell.h"
#include "engine/sipring.h"

#define THREADS 3
#define SENDS 400

struct side {
	struct sipring *s;
	struct doorbell bell;
	_Atomic sipring_connection connection;
	_Atomic uint32_t requests, answers, posts;
	struct sipring_message *kept; /* the router's thread only */
};

static struct side server, client;

static void
wait_for(struct side *side, _Atomic uint32_t *counter, uint32_t n)
{
	while (atomic_load(counter) < n)
		assert_true(doorbell_wait(&side->bell, UINT64_C(60000000000)));
}

static void
on_opened(void *arg, sipring_connection connection, const struct sipring_peer *peer)
{
	struct side *side = arg;

	assert_int_equal(peer->outgoing, side == &client);
	atomic_store(&side->connection, connection);
	doorbell_ring(&side->bell);
}

static void
answer_later(void *arg)
{
	struct side *side = arg;
	struct sipring_message *m = side->kept;

	side->kept = NULL;
	if (m)
		sipring_reply(m, 200, NULL, NULL, NULL);
}

/* Some at once, one at a time later. */
static void
on_message(void *arg, struct sipring_message *m)
{
	struct side *side = arg;

	if (!sipring_message_is_request(m)) {
		atomic_fetch_add(&side->answers, 1);
		sipring_drop(m);
	} else if (side->kept || atomic_fetch_add(&side->requests, 1) % 4) {
		sipring_reply(m, 200, NULL, NULL, NULL);
	} else {
		side->kept = sipring_keep(m);
		assert_non_null(sipring_after(side->s, 1, answer_later, side));
	}
	doorbell_ring(&side->bell);
}

static void
start(struct side *side, const char *threads, const char *loops, const char *listen)
{
	const struct sipring_handlers handlers = { .opened = on_opened, .message = on_message };

	memset(side, 0, sizeof(*side));
	doorbell_init(&side->bell);
	side->s = sipring_new();
	assert_non_null(side->s);
	assert_int_equal(sipring_embed(side->s, &handlers, side), SIPRING_OK);
	assert_int_equal(sipring_set(side->s, threads), SIPRING_OK);
	assert_int_equal(sipring_set(side->s, loops), SIPRING_OK);
	assert_int_equal(sipring_set(side->s, "max_connections=16"), SIPRING_OK);
	assert_int_equal(sipring_set(side->s, "tcp_connect_timeout=10000"), SIPRING_OK);
	assert_int_equal(sipring_set(side->s, "ws_handshake_timeout=10000"), SIPRING_OK);
	if (listen)
		assert_int_equal(sipring_listen(side->s, listen), SIPRING_OK);
	if (sipring_start(side->s))
		fail_msg("%s", sipring_error(side->s));
}

static void
count_post(void *arg)
{
	struct side *side = arg;

	atomic_fetch_add(&side->posts, 1);
	doorbell_ring(&side->bell);
}

/* What does not fit at the moment is given again, when the router has done something. */
static void *
give_orders(void *arg)
{
	sipring_connection connection = atomic_load(&client.connection);
	const unsigned *number = arg;
	char text[512];

	for (unsigned i = 0; i < SENDS; i++) {
		int n = snprintf(text, sizeof(text),
				 "OPTIONS sip:a SIP/2.0\r\n"
				 "Via: SIP/2.0/WS t%u.invalid;branch=z9hG4bK%u-%u\r\n"
				 "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: %u-%u\r\n"
				 "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\r\n",
				 *number, *number, i, *number, i);

		while (!sipring_send(client.s, connection, text, (size_t)n))
			sched_yield();
		while (!sipring_post(client.s, connection, count_post, &client))
			sched_yield();
	}
	return NULL;
}

static uint64_t
counter(struct sipring *s, const char *name)
{
	static char text[16384];
	char key[64];
	const char *at;

	assert_true(sipring_counters(s, text, sizeof(text)) > 0);
	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(text, key);
	assert_non_null(at);
	return strtoull(at + strlen(key), NULL, 10);
}

static void
end(struct side *side)
{
	sipring_drain(side->s);
	assert_int_equal(sipring_wait(side->s), SIPRING_OK);
	assert_int_equal(counter(side->s, "orders"),
			 counter(side->s, "orders_sent") + counter(side->s, "orders_dropped"));
	assert_int_equal(counter(side->s, "messages"), 0);
	assert_false(sipring_post(side->s, 0, count_post, side));
	if (side->kept)
		sipring_drop(side->kept);
	sipring_free(side->s);
}

static void
talk(const char *threads, const char *loops)
{
	unsigned numbers[THREADS];
	pthread_t ids[THREADS];
	char uri[64];

	start(&server, threads, loops, "ws:127.0.0.1:0");
	start(&client, threads, loops, NULL);
	snprintf(uri, sizeof(uri), "sip:%s;transport=ws", sipring_url(server.s, 0) + 5);
	assert_true(sipring_connect(client.s, uri) != 0);
	while (!atomic_load(&client.connection))
		assert_true(doorbell_wait(&client.bell, UINT64_C(60000000000)));
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&ids[i], NULL, give_orders, &numbers[i]), 0);
	}
	wait_for(&client, &client.answers, THREADS * SENDS);
	wait_for(&client, &client.posts, THREADS * SENDS);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	assert_int_equal(counter(client.s, "orders"), THREADS * SENDS);
	end(&client);
	end(&server);
}

static void
inline_routing(void **state)
{
	(void)state;
	talk("routing_threads=0", "loops=1");
	talk("routing_threads=0", "loops=3");
}

static void
threaded_routing(void **state)
{
	(void)state;
	talk("routing_threads=1", "loops=1");
	talk("routing_threads=1", "loops=2");
	talk("routing_threads=2", "loops=3");
}

static void *
post_until_the_end(void *arg)
{
	_Atomic uint32_t *refused = arg;

	while (!atomic_load(refused))
		if (!sipring_post(client.s, 0, count_post, &client) &&
		    atomic_load(&client.posts) > 0)
			atomic_store(refused, 1);
	return NULL;
}

/* A thread may give orders while the engine ends, and after. */
static void
orders_at_the_end(void **state)
{
	_Atomic uint32_t refused = 0;
	pthread_t id;

	(void)state;
	start(&client, "routing_threads=1", "loops=2", NULL);
	assert_int_equal(pthread_create(&id, NULL, post_until_the_end, &refused), 0);
	wait_for(&client, &client.posts, 1);
	sipring_drain(client.s);
	assert_int_equal(sipring_wait(client.s), SIPRING_OK);
	pthread_join(id, NULL);
	assert_int_equal(refused, 1);
	sipring_free(client.s);
}

/* The mode is for those who have handlers, and the handlers for the mode. */
static void
mode_and_handlers_go_together(void **state)
{
	const struct sipring_handlers handlers = { NULL };
	struct sipring *s = sipring_new();

	(void)state;
	assert_int_equal(sipring_set(s, "routing.mode=embed"), SIPRING_OK);
	assert_int_equal(sipring_check(s), SIPRING_USAGE);
	assert_non_null(strstr(sipring_error(s), "sipring_embed()"));
	sipring_free(s);
	s = sipring_new();
	assert_int_equal(sipring_embed(s, &handlers, NULL), SIPRING_OK);
	assert_int_equal(sipring_set(s, "routing.mode=echo"), SIPRING_OK);
	assert_int_equal(sipring_check(s), SIPRING_USAGE);
	sipring_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inline_routing),
		cmocka_unit_test(threaded_routing),
		cmocka_unit_test(orders_at_the_end),
		cmocka_unit_test(mode_and_handlers_go_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
