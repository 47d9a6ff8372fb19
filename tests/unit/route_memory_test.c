/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing stage without memory: each conversation is held again and again, with the first,
 * the second, ... allocation of a step failing, until it needs no more. What cannot be done is
 * answered 503, or dropped as overload; nothing is done by half, and nobody aborts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

static long allocations_left = -1; /* -1: any number */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);

/* Instead of the C library's, for the whole program; OpenSSL included. */
void *
malloc(size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left -= allocations_left > 0;
	return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left -= allocations_left > 0;
	return __libc_calloc(n, size);
}

#endif

static struct routing r;

/* The new stage itself. */
static void
creation(void **state)
{
	static const uint8_t key[SHARED_KEY_LEN];
	struct shared *shared;
	struct route *route = NULL;
	long n = 0;

	(void)state;
	routing_init(&r); /* libcrypto sets itself up once, and never again when that failed */
	for (; !route; n++) {
		allocations_left = n;
		shared = shared_new(&r.settings, key, 1, ROUTING_SLOTS, 1);
		route = shared ? route_new(&r.settings, ROUTING_HOST, shared, 0, &r.stats) : NULL;
		allocations_left = -1;
		if (!route)
			shared_free(shared);
	}
	assert_in_range(n, 3, 1000);
	route_free(route);
	shared_free(shared);
	routing_fini(&r);
}

static void
flow_opening(void **state)
{
	int status = 0;
	long n = 0;

	(void)state;
	for (; status != 200; n++) {
		routing_init(&r);
		allocations_left = n;
		routing_open(&r, 5, "192.0.2.5", 1);
		allocations_left = -1;
		status = routing_register(&r, 5, "alice", 1);
		assert_true(status == 200 || status == 503);
		assert_int_equal(r.stats.bindings, status == 200);
		routing_fini(&r);
	}
	assert_in_range(n, 1, 100); /* 1: it takes no memory */
}

/* Two contacts and a long answer: either both are bound or none. */
static void
registering(void **state)
{
	static char extra[3000];
	int status = 0;
	unsigned dropped = 0;
	long n = 0;

	(void)state;
	memset(extra, 'x', sizeof(extra) - 1);
	for (; status != 200; n++) {
		routing_init(&r);
		allocations_left = n;
		routing_say(&r, 1,
			    "REGISTER sip:example.org SIP/2.0\nVia: SIP/2.0/WS a;branch=z9hG4bK1\n"
			    "To: <sip:alice@example.org>\nFrom: <sip:alice@example.org>;tag=1\n"
			    "Call-ID: one\nCSeq: 1 REGISTER\n"
			    "Contact: <sip:a@a.invalid>;x=%s\nContact: <sip:b@a.invalid>\n\n",
			    extra);
		allocations_left = -1;
		status = routing_status(&r);
		if (r.m->action == MESSAGE_DROP) {
			assert_int_equal(r.m->fate, FATE_dropped_overload);
			dropped++; /* it was done, but there was no room to say so */
		} else {
			assert_true(status == 200 || status == 503);
		}
		assert_true(r.stats.bindings == 0 || r.stats.bindings == 2);
		routing_fini(&r);
	}
	assert_in_range(n, 5, 20);
	assert_in_range(dropped, 1, 2);
}

/* P-03: the forward path allocates nothing. */
static void
forwarding(void **state)
{
	(void)state;
	routing_init(&r);
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	allocations_left = 0;
	routing_say(&r, 1,
		    "INVITE sip:bob@example.org SIP/2.0\nVia: SIP/2.0/WS a;branch=z9hG4bK1\n"
		    "To: <sip:bob@example.org>\nFrom: <sip:alice@example.org>;tag=1\n"
		    "Call-ID: one\nCSeq: 1 INVITE\n\n");
	allocations_left = -1;
	assert_int_equal(routing_target(&r), 2);
	routing_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(creation),
		cmocka_unit_test(flow_opening),
		cmocka_unit_test(registering),
		cmocka_unit_test(forwarding),
	};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	print_message("SKIP: a sanitizer has its own malloc()\n");
	(void)tests;
	return 77;
#else
	return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
