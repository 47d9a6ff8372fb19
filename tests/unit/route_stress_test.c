/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two routers on threads of their own over one struct shared: while one binds and unbinds alice
 * again and again, the other routes to her. What it found must stay there until the message is
 * made, or a sanitizer says so.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "codec/ws_frame.h"
#include "engine/route.h"

#define ROUTERS 2
#define SLOTS 4
#define NOW (1000 * UINT64_C(1000000000))
#define ROUNDS 20000u

static struct settings settings;
static struct shared *shared;
static struct route *routers[ROUTERS];
static struct stats stats[ROUTERS];
static uint32_t home;
static _Atomic bool over;

struct party {
	uint32_t router;
	struct message m;
	char text[1024];
	uint32_t forwarded, refused;
};

/* Loop k is served by router k; slot 1 of each is open. */
static struct flow
flow_of(uint32_t loop)
{
	return (struct flow){ 1, loop << 24 | 1 };
}

static void
read_text(struct party *p, int len)
{
	assert_true(len > 0 && (size_t)len < sizeof(p->text));
	p->m.kind = MESSAGE_DATA;
	p->m.from = flow_of(p->router);
	p->m.opcode = WS_OP_TEXT;
	p->m.peer = (struct message_peer){ .address = "192.0.2.1", .port = 4711 };
	p->m.bytes = (uint8_t *)p->text;
	p->m.len = (uint32_t)len;
	p->m.has_sip = true;
	p->m.sip_error = (uint8_t)sip_msg_parse(&p->m.sip, p->text, (size_t)len);
}

static void
send_register(struct party *p, uint32_t cseq)
{
	read_text(p, snprintf(p->text, sizeof(p->text),
			      "REGISTER sip:example.org SIP/2.0\r\n"
			      "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK%u\r\n"
			      "To: <sip:alice@example.org>\r\n"
			      "From: <sip:alice@example.org>;tag=1\r\n"
			      "Call-ID: one\r\nCSeq: %u REGISTER\r\nMax-Forwards: 70\r\n"
			      "Contact: <sip:c@a.invalid;transport=ws>\r\nExpires: %u\r\n\r\n",
			      cseq, cseq, cseq % 8 ? 300 : 0));
	assert_int_equal(route_home(routers[p->router], &p->m), home);
	route_message(routers[p->router], &p->m, NOW);
	assert_int_equal(p->m.action, MESSAGE_REPLY);
	assert_memory_equal(p->m.pieces[0].at, "SIP/2.0 200 ", 12);
}

static void
send_message(struct party *p, uint32_t n)
{
	read_text(p, snprintf(p->text, sizeof(p->text),
			      "MESSAGE sip:alice@example.org SIP/2.0\r\n"
			      "Via: SIP/2.0/WS b.invalid;branch=z9hG4bKm%u\r\n"
			      "To: <sip:alice@example.org>\r\n"
			      "From: <sip:bob@example.org>;tag=1\r\n"
			      "Call-ID: two\r\nCSeq: %u MESSAGE\r\nMax-Forwards: 70\r\n\r\n",
			      n, n));
	route_message(routers[p->router], &p->m, NOW);
	if (p->m.action == MESSAGE_FORWARD)
		p->forwarded++;
	else
		p->refused++;
}

static void *
caller(void *arg)
{
	struct party *p = arg;

	route_thread_begin();
	for (uint32_t n = 1; !atomic_load(&over); n++)
		send_message(p, n);
	route_thread_end();
	return NULL;
}

static void
open_routers(struct message *m)
{
	static const uint8_t key[SHARED_KEY_LEN] = "an unpredictable key of 32 bytes";

	settings_init(&settings);
	settings.mode = SETTINGS_MODE_REGISTRAR;
	shared = shared_new(&settings, key, ROUTERS, SLOTS, ROUTERS);
	assert_non_null(shared);
	for (uint32_t i = 0; i < ROUTERS; i++) {
		routers[i] = route_new(&settings, "edge.example.org", shared, i, &stats[i]);
		m->kind = MESSAGE_FLOW_OPENED;
		m->from = flow_of(i);
		route_message(routers[i], m, NOW);
	}
}

static void
what_is_found_stays(void **state)
{
	struct party *callee = calloc(1, sizeof(*callee)), *from = calloc(1, sizeof(*from));
	struct sip_uri uri;
	struct location_key key;
	pthread_t thread;

	(void)state;
	route_thread_begin();
	open_routers(&callee->m);
	assert_int_equal(sip_uri_parse(SPAN("sip:alice@example.org"), &uri), SIP_OK);
	assert_true(location_key_of(&shared->location, &uri, &key));
	callee->router = home = location_home_of(&shared->location, &key);
	from->router = 1 - home;
	assert_int_equal(pthread_create(&thread, NULL, caller, from), 0);
	for (uint32_t cseq = 1; cseq <= ROUNDS; cseq++)
		send_register(callee, cseq);
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	assert_true(from->forwarded > 0);
	for (uint32_t i = 0; i < ROUTERS; i++)
		route_free(routers[i]);
	shared_free(shared);
	free(callee->m.out_heap);
	free(from->m.out_heap);
	free(callee);
	free(from);
	route_thread_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_found_stays) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
