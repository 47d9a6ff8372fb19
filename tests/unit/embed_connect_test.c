/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that the application has made: one name over all reconnections, each opened and
 * closed told, over for good when it says so.
 */
#include "tests/unit/embed_bed.h"

#include <stdio.h>
#include <string.h>
#include "tests/unit/tls_files.h"

static struct embed_bed *const bed = &embed_bed;
static int server; /* where the engine connects to */
static char uri[64];
static sipring_connection made;

static void
open_world(void)
{
	static const char *const settings[] = { "ws_reconnect_first=200", "tcp_connect_timeout=50",
						"ws_reconnect_max=400",   "ws_handshake_timeout=50",
						"close_timeout=100",      NULL };
	struct sockaddr_in address;

	embed_bed_open(settings);
	server = uring_sim_listen();
	uring_sim_address(server, &address);
	snprintf(uri, sizeof(uri), "sip:127.0.0.1:%u;transport=ws", ntohs(address.sin_port));
}

/* The engine's attempt is taken up; the peer is its server. */
static void
serve(uint32_t n)
{
	embed_bed_until(ws_peer_accept(&bed->peers[n], server));
	embed_bed_until(bed->peers[n].open);
}

static void
connect_it(void)
{
	made = sipring_connect(&bed->sipring, uri);
	assert_true(made != 0);
	serve(0);
	embed_bed_until(bed->opened == 1);
	assert_true(bed->connection == made);
	assert_true(bed->outgoing);
	assert_string_equal(bed->address, "127.0.0.1");
}

static void
answer(struct sipring_message *m)
{
	assert_true(sipring_message_connection(m) == made);
	assert_true(sipring_reply(m, 200, NULL, NULL, NULL));
}

static void
it_comes_again_under_its_name(void **state)
{
	(void)state;
	open_world();
	connect_it();
	bed->on_message = answer;
	for (uint32_t round = 0; round < 3; round++) {
		assert_true(sipring_send(&bed->sipring, made, "hello", 5));
		embed_bed_until(strcmp(bed->heard[0], "hello") == 0);
		embed_bed_request(0, "OPTIONS");
		embed_bed_until(strncmp(bed->heard[0], "SIP/2.0 200", 11) == 0);
		ws_peer_reset(&bed->peers[0]);
		embed_bed_until(bed->closed == round + 1);
		assert_true(bed->closed_connection == made);
		assert_int_equal(bed->end.why, SIPRING_RESET);
		assert_true(bed->end.again);
		assert_true(sipring_send(&bed->sipring, made, "nobody there", 12));
		embed_bed_until(EMBED_BED_COUNT(orders_dropped) == round + 1);
		serve(0);
		embed_bed_until(bed->opened == round + 2);
		assert_true(bed->connection == made);
	}
	embed_bed_finish();
	assert_int_equal(bed->closed, 4);
	assert_false(bed->end.again);
}

static void
closing_ends_it(void **state)
{
	(void)state;
	open_world();
	connect_it();
	assert_true(sipring_close(&bed->sipring, made, 1000, "bye"));
	embed_bed_until(bed->closed == 1);
	assert_int_equal(bed->end.why, SIPRING_WE_CLOSED);
	assert_int_equal(bed->end.code, 1000);
	assert_false(bed->end.again);
	embed_bed_until(bed->peers[0].close_seen);
	ws_peer_say_close(&bed->peers[0], 1000);
	embed_bed_pass(20);
	ws_peer_close(&bed->peers[0]);
	embed_bed_until(EMBED_BED_COUNT(connections) == 0);
	embed_bed_pass(2000);
	assert_false(ws_peer_accept(&bed->peers[1], server));
	assert_int_equal(EMBED_BED_COUNT(upstream_connects), 1);
	embed_bed_finish();
	assert_int_equal(bed->closed, 1);
}

/* While it rests between two attempts, while it is being made, and after the peer has closed it. */
static void
closing_at_any_time(void **state)
{
	(void)state;
	for (int when = 0; when < 3; when++) {
		open_world();
		connect_it();
		if (when == 2) {
			ws_peer_say_close(&bed->peers[0], 1000);
			embed_bed_until(bed->closed == 1);
			assert_true(bed->end.again);
			assert_int_equal(bed->end.why, SIPRING_PEER_CLOSED);
			assert_true(EMBED_BED_COUNT(connections) == 1); /* it still flushes */
		} else {
			ws_peer_reset(&bed->peers[0]);
			embed_bed_until(EMBED_BED_COUNT(connections) == 0);
		}
		if (when == 1) {
			uring_sim_deafen(server, true);
			embed_bed_until(EMBED_BED_COUNT(connections) == 1);
		}
		assert_true(sipring_close(&bed->sipring, made, 1000, NULL));
		embed_bed_until(bed->closed == 2);
		assert_true(bed->closed_connection == made);
		assert_false(bed->end.again);
		assert_int_equal(bed->end.why, when == 1 ? SIPRING_NOT_OPENED : SIPRING_WE_CLOSED);
		ws_peer_close(&bed->peers[0]);
		embed_bed_pass(2000);
		assert_int_equal(EMBED_BED_COUNT(connections), 0);
		assert_int_equal(bed->closed, 2);
		embed_bed_finish();
	}
}

static void
failures_are_told(void **state)
{
	(void)state;
	open_world();
	uring_sim_set_faults(&(struct uring_sim_faults){ .connect_error = 1000 });
	made = sipring_connect(&bed->sipring, uri);
	embed_bed_until(bed->closed == 3);
	assert_int_equal(bed->opened, 0);
	assert_true(bed->closed_connection == made);
	assert_int_equal(bed->end.why, SIPRING_NOT_OPENED);
	assert_true(bed->end.again);
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	serve(0);
	embed_bed_until(bed->opened == 1);
	embed_bed_finish();
}

/* No slot, no descriptor: told, and tried again. */
static void
no_room_is_told(void **state)
{
	(void)state;
	open_world();
	uring_sim_limit_descriptors(uring_sim_descriptors());
	made = sipring_connect(&bed->sipring, uri);
	embed_bed_until(bed->closed == 2);
	assert_true(bed->closed_connection == made);
	assert_int_equal(bed->end.why, SIPRING_NOT_OPENED);
	assert_true(bed->end.again);
	uring_sim_limit_descriptors(UINT32_MAX);
	serve(0);
	embed_bed_finish();
}

static void
connect_others(sipring_connection connection)
{
	(void)connection;
	bed->on_closed = NULL;
	made = sipring_connect(&bed->sipring, uri);
	assert_true(made != 0);
}

/* In a handler, to the very name that has just become free; and while the engine drains. */
static void
connecting_in_a_handler(void **state)
{
	sipring_connection first;

	(void)state;
	open_world();
	connect_it();
	first = made;
	bed->on_closed = connect_others;
	assert_true(sipring_close(&bed->sipring, made, 1000, NULL));
	embed_bed_until(bed->closed == 1);
	assert_int_equal((uint32_t)made, (uint32_t)first);
	assert_true(made != first);
	ws_peer_close(&bed->peers[0]);
	serve(1);
	embed_bed_until(bed->opened == 2);
	assert_true(bed->connection == made);
	assert_true(sipring_send(&bed->sipring, first, "too late", 8));
	assert_true(sipring_close(&bed->sipring, first, 1000, NULL));
	embed_bed_until(EMBED_BED_COUNT(orders_dropped) == 1);
	assert_false(bed->peers[1].close_seen);
	bed->on_closed = connect_others;
	embed_bed_finish();
	assert_int_equal(bed->closed, 3); /* of the second, and of the third, which came too late */
	assert_int_equal(bed->end.why, SIPRING_NOT_OPENED);
	assert_false(bed->end.again);
}

static void
many_have_many_names(void **state)
{
	sipring_connection names[40];

	(void)state;
	open_world();
	uring_sim_deafen(server, true);
	for (int i = 0; i < 40; i++) {
		names[i] = sipring_connect(&bed->sipring, uri);
		assert_true(names[i] != 0);
		for (int k = 0; k < i; k++)
			assert_true(names[k] != names[i]);
	}
	embed_bed_pass(30);
	assert_int_equal(EMBED_BED_COUNT(connections), 1); /* W-L-01: one after the other */
	for (int i = 0; i < 40; i++)
		assert_true(sipring_close(&bed->sipring, names[i], 1000, NULL));
	embed_bed_until(bed->closed == 40 && EMBED_BED_COUNT(connections) == 0);
	embed_bed_finish();
	assert_int_equal(bed->opened, 0);
}

static void
only_what_can_be_connected_to(void **state)
{
	static const char *const wrong[] = { "", "sip:127.0.0.1", "sips:127.0.0.1;transport=ws",
					     "sip:example.com;transport=ws", "ws:127.0.0.1",
					     "sip:a@b.invalid;transport=ws" };

	(void)state;
	open_world();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(sipring_connect(&bed->sipring, wrong[i]), 0);
	embed_bed_finish();
}

/* Over TLS, with a certificate of our own: to a server that asks for one and is verified. */
static void
over_tls(void **state)
{
	const struct tls_files *files = tls_files_usual();
	char certificate[300], key[300], ca[300], text[64];
	const char *settings[] = { certificate,
				   key,
				   ca,
				   "wss_tls_handshake_timeout=60000",
				   "wss_handshake_timeout=60000",
				   NULL };
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	struct sockaddr_in address;

	(void)state;
	assert_int_equal(SSL_CTX_use_certificate(context, files->x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(context, files->pkey), 1);
	assert_int_equal(SSL_CTX_load_verify_file(context, files->certificate), 1);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	snprintf(certificate, sizeof(certificate), "tls.certificate=[client]%s",
		 files->certificate);
	snprintf(key, sizeof(key), "tls.private_key=[client]%s", files->key);
	snprintf(ca, sizeof(ca), "tls.ca_list=[client]%s", files->certificate);
	embed_bed_open(settings);
	server = uring_sim_listen();
	uring_sim_address(server, &address);
	snprintf(text, sizeof(text), "sips:127.0.0.1:%u;transport=ws;name=sim.example",
		 ntohs(address.sin_port));
	made = sipring_connect(&bed->sipring, text);
	assert_true(made != 0);
	embed_bed_until(ws_peer_accept(&bed->peers[0], server));
	ws_peer_secure(&bed->peers[0], context);
	embed_bed_until(bed->opened == 1);
	assert_true(bed->connection == made);
	assert_int_equal(EMBED_BED_COUNT(tls_handshakes), 1);
	assert_non_null(SSL_get0_peer_certificate(tls_conn_ssl(bed->peers[0].tls)));
	assert_true(sipring_close(&bed->sipring, made, 1000, NULL));
	embed_bed_until(bed->closed == 1);
	embed_bed_finish();
	SSL_CTX_free(context);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_again_under_its_name),
		cmocka_unit_test(closing_ends_it),
		cmocka_unit_test(closing_at_any_time),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(no_room_is_told),
		cmocka_unit_test(connecting_in_a_handler),
		cmocka_unit_test(many_have_many_names),
		cmocka_unit_test(only_what_can_be_connected_to),
		cmocka_unit_test(over_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
