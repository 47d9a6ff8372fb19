/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cell of conn_fsm.def, by what a peer, the clock or the operator does: a connection is
 * brought to the state, then the event happens. Cells that nothing can reach are listed, with the
 * reason.
 *
 * Linked with --wrap=conn_fsm_cell: each step of any connection is seen here.
 */
#include "tests/unit/engine_bed.h"

#include <stdio.h>
#include <string.h>

#include "engine/conn_fsm.h"
#include "tests/unit/tls_files.h"
#include "tests/unit/ws_peer.h"

static uint32_t steps[CONN_STATE_COUNT][CONN_EVENT_COUNT];

struct conn_cell __real_conn_fsm_cell(enum conn_state state, enum conn_event event);
struct conn_cell __wrap_conn_fsm_cell(enum conn_state state, enum conn_event event);

struct conn_cell
__wrap_conn_fsm_cell(enum conn_state state, enum conn_event event)
{
	steps[state][event]++;
	return __real_conn_fsm_cell(state, event);
}

static struct engine_bed bed;
static struct ws_peer peer;
static int upstream; /* where the engine connects to; -1: it does not */
static SSL_CTX *peer_context;

static void
turn(void)
{
	ws_peer_write(&peer, SIZE_MAX);
	engine_bed_turn(&bed, ENGINE_BED_MS);
	if (!peer.deaf)
		ws_peer_read(&peer, SIZE_MAX);
}

#define turn_until(condition)                                                                      \
	do {                                                                                       \
		for (int turns = 0; !(condition); turns++) {                                       \
			if (turns > 30000)                                                         \
				fail_msg("never: %s", #condition);                                 \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

/* -- bringing a connection to a state -- */

static bool
is_outgoing(enum conn_state state, enum conn_event event)
{
	return state == CONN_CONNECTING || state == CONN_TLS_OUT || state == CONN_ASKING ||
	       (state == CONN_FREE && event == CONN_EV_DIALED);
}

/* Cells that only a connection with TLS comes to. */
static bool
is_secure(enum conn_state state, enum conn_event event)
{
	return state == CONN_TLS || state == CONN_TLS_OUT || event == CONN_EV_ACCEPTED_TLS ||
	       event == CONN_EV_CONNECTED_TLS || event == CONN_EV_TLS_END ||
	       (state == CONN_UPGRADE && event == CONN_EV_SEND_FAILED);
}

/* The peer's side of TLS; a server shows the same certificate as the engine. */
static void
make_peer_context(bool server)
{
	const struct tls_files *files = tls_files_usual();

	peer_context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (server) {
		SSL_CTX_use_certificate_file(peer_context, files->certificate, SSL_FILETYPE_PEM);
		SSL_CTX_use_PrivateKey_file(peer_context, files->key, SSL_FILETYPE_PEM);
	}
}

/*
 * The listener's port is known only in the world, the settings must be there before it: but ports
 * are given in order, and the engine's own listener comes second.
 */
static void
open_world(enum conn_state state, enum conn_event event)
{
	const char *settings[24] = {
		"routing.mode=echo",          "handshake_timeout=1000",
		"ws_idle_timeout=2",          "ws_ping_interval=0",
		"close_timeout=3000",         "ws_send_timeout=500",
		"drain_timeout=20000",        "tcp_connect_timeout=50",
		"ws_handshake_timeout=400",   "wss_send_timeout=500",
		"wss_handshake_timeout=400",  "wss_tls_handshake_timeout=400",
		"tls.handshake_timeout=1000",
	};
	char certificate[300], key[300], ca[300];
	int n = 13;

	if (event == CONN_EV_TIMEOUT)
		settings[n++] = "ws_send_timeout=60000";
	if (event == CONN_EV_ABANDONED)
		settings[n++] = "drain_timeout=300";
	if (state == CONN_ASKING && event == CONN_EV_SEND_FAILED)
		settings[n++] = "ws_send_timeout=100";
	if (state == CONN_TLS_OUT && event == CONN_EV_SEND_FAILED)
		settings[n++] = "wss_send_timeout=100";
	if (state == CONN_CLOSING && event == CONN_EV_SEND_FAILED)
		settings[n++] = "ws_send_timeout=2500"; /* after it was idle for too long */
	memset(&peer, 0, sizeof(peer));
	peer.end = -1;
	if (is_secure(state, event)) {
		const struct tls_files *files = tls_files_usual();

		snprintf(certificate, sizeof(certificate), "tls.certificate=%s",
			 files->certificate);
		snprintf(key, sizeof(key), "tls.private_key=%s", files->key);
		snprintf(ca, sizeof(ca), "tls.ca_list=[client]%s", files->certificate);
		settings[n++] = certificate;
		settings[n++] = key;
		settings[n++] = ca;
		settings[n++] = "listen=wss:127.0.0.1:0";
		make_peer_context(is_outgoing(state, event));
	}
	if (is_outgoing(state, event)) {
		settings[n++] = is_secure(state, event) ?
					"upstream=sips:127.0.0.1:1025;transport=ws" :
					"upstream=sip:127.0.0.1:1025;transport=ws";
		settings[n++] = "ws_reconnect_first=60000";
	}
	engine_bed_open(&bed, 1, 4, settings);
	upstream = uring_sim_listen();
}

/* The engine's output stands still: an echo that does not fit into the socket is not read. */
static void
block(void)
{
	static char text[3000];

	memset(text, 'b', sizeof(text));
	peer.deaf = true;
	uring_sim_limit_socket(700);
	ws_peer_frame(&peer, WS_OP_TEXT, true, text, sizeof(text));
	turn_until(ws_peer_has_written(&peer) && engine_bed_only(&bed)->sendq.head_in_flight);
	for (int i = 0; i < 3; i++)
		turn();
	assert_true(engine_bed_only(&bed)->sendq.head_in_flight);
}

static void
connect_peer(bool mute)
{
	if (mute)
		ws_peer_connect_mute(&peer, bed.listener);
	else
		ws_peer_connect(&peer, bed.listener);
	if (peer_context && !peer.tls)
		ws_peer_secure(&peer, peer_context);
}

static void
enter_open(void)
{
	connect_peer(false);
	turn_until(peer.open);
}

static void
enter_tls_out(enum conn_event event)
{
	if (event == CONN_EV_ABANDONED) { /* on the way into the state */
		uring_sim_deafen(upstream, true);
		turn();
		return;
	}
	if (event == CONN_EV_SEND_FAILED)
		uring_sim_limit_socket(20);
	turn_until(ws_peer_accept(&peer, upstream));
	peer.deaf = true;
	turn_until(engine_bed_only(&bed)->state == CONN_TLS_OUT);
	if (event != CONN_EV_SEND_FAILED)
		turn_until(engine_bed_only(&bed)->sendq.head == NULL);
}

static void
enter_closing(bool blocked)
{
	enter_open();
	if (blocked)
		block();
	turn_until(engine_bed_only(&bed)->state == CONN_CLOSING);
	if (!blocked)
		turn_until(peer.close_seen);
}

static void
enter_flushing(void)
{
	enter_open();
	block();
	ws_peer_say_close(&peer, WS_CLOSE_NORMAL);
	turn_until(engine_bed_only(&bed)->state == CONN_FLUSHING);
}

/* A client whose TLS handshake is done; for SEND_FAILED it does not read the ticket. */
static void
enter_upgrade(enum conn_event event)
{
	connect_peer(true);
	turn();
	if (peer.tls && event == CONN_EV_SEND_FAILED) {
		turn_until(tls_conn_is_secure(peer.tls));
		uring_sim_limit_socket(20);
		peer.deaf = true;
	}
	turn_until(engine_bed_only(&bed)->state == CONN_UPGRADE);
}

static void
enter(enum conn_state state, enum conn_event event)
{
	switch (state) {
	case CONN_FREE:
		break;
	case CONN_TLS:
		ws_peer_connect_mute(&peer, bed.listener);
		turn();
		break;
	case CONN_TLS_OUT:
		enter_tls_out(event);
		if (event == CONN_EV_ABANDONED)
			return;
		break;
	case CONN_CONNECTING:
		uring_sim_deafen(upstream, true);
		turn();
		break;
	case CONN_ASKING:
		if (event == CONN_EV_SEND_FAILED)
			uring_sim_limit_socket(20);
		turn_until(ws_peer_accept(&peer, upstream));
		if (peer_context)
			ws_peer_secure(&peer, peer_context);
		peer.dumb = event != CONN_EV_UPGRADED;
		peer.deaf = event == CONN_EV_SEND_FAILED || event == CONN_EV_UPGRADED;
		turn_until(engine_bed_only(&bed)->state == CONN_ASKING);
		if (event != CONN_EV_SEND_FAILED)
			turn_until(engine_bed_only(&bed)->sendq.head == NULL);
		break;
	case CONN_UPGRADE:
		enter_upgrade(event);
		break;
	case CONN_OPEN:
		enter_open();
		break;
	case CONN_CLOSING:
		enter_closing(event == CONN_EV_SEND_FAILED);
		break;
	case CONN_FLUSHING:
		enter_flushing();
		break;
	case CONN_HALF:
		enter_flushing();
		ws_peer_finish(&peer);
		turn_until(engine_bed_only(&bed)->state == CONN_HALF);
		break;
	case CONN_DRAINING:
		enter_open();
		ws_peer_say_close(&peer, WS_CLOSE_NORMAL);
		turn_until(peer.has_ended);
		break;
	default:
		enter_open();
		ws_peer_finish(&peer); /* its end is seen in the turn of the event */
		return;
	}
	if (state != CONN_FREE && state != CONN_CONNECTING)
		assert_int_equal(engine_bed_only(&bed)->state, state);
}

/* -- events -- */

/* The server's flight does not fit into the socket. */
static void
block_handshake(void)
{
	uring_sim_limit_socket(20);
	peer.deaf = true;
	ws_peer_secure(&peer, peer_context);
}

/* No memory, or no patience. */
static void
abandon(enum conn_state state)
{
	if (state != CONN_TLS && state != CONN_TLS_OUT && state != CONN_UPGRADE &&
	    state != CONN_ASKING) {
		loop_tell(&bed.loop, LOOP_DRAIN);
		return;
	}
	bed.loop.bytes.bytes_max = bed.loop.bytes.used_bytes;
	bed.loop.tls.steps_left = 0; /* the bytes of a handshake would have to wait */
	uring_sim_deafen(upstream, false);
	ws_peer_put(&peer, "\x16", state == CONN_TLS);
	ws_peer_put(&peer, "HTTP/1.1 101", state == CONN_ASKING ? 12 : 0);
	ws_peer_put(&peer, "GET / HTT", state == CONN_UPGRADE ? 9 : 0);
}

static void
happen(enum conn_state state, enum conn_event event)
{
	switch (event) {
	case CONN_EV_ACCEPTED:
	case CONN_EV_ACCEPTED_TLS:
		ws_peer_connect_mute(&peer, bed.listener);
		break;
	case CONN_EV_CONNECTED:
	case CONN_EV_CONNECTED_TLS:
		uring_sim_deafen(upstream, false);
		break;
	case CONN_EV_SECURED:
		peer.deaf = false;
		ws_peer_secure(&peer, peer_context);
		break;
	case CONN_EV_TLS_END:
		if (peer.tls)
			ws_peer_put_raw(&peer, "\x17\x03\x03\x00\x03odd", 8);
		else
			ws_peer_put(&peer, "\x17\x03\x03\x00\x03odd", 8);
		break;
	case CONN_EV_UPGRADED:
		peer.deaf = false;
		if (state == CONN_UPGRADE) {
			ws_peer_close(&peer);
			engine_bed_pass(&bed, 10 * ENGINE_BED_MS);
			ws_peer_connect(&peer, bed.listener);
		}
		break;
	case CONN_EV_REFUSED:
		if (state == CONN_ASKING)
			ws_peer_put(&peer, "HTTP/1.1 403 No\r\n\r\n", 19);
		else
			ws_peer_put(&peer, "POST / HTTP/1.1\r\n\r\n", 19);
		break;
	case CONN_EV_FAILED:
		ws_peer_put(&peer, "\x81\x01x", 3); /* not masked */
		break;
	case CONN_EV_PEER_CLOSE:
		ws_peer_say_close(&peer, WS_CLOSE_NORMAL);
		break;
	case CONN_EV_GOING_AWAY:
		loop_tell(&bed.loop, LOOP_DRAIN);
		break;
	case CONN_EV_PEER_END:
		ws_peer_finish(&peer);
		break;
	case CONN_EV_PEER_ERROR:
		if (state == CONN_CONNECTING)
			uring_sim_set_faults(&(struct uring_sim_faults){ .connect_error = 1000 });
		uring_sim_deafen(upstream, false);
		ws_peer_reset(&peer);
		break;
	case CONN_EV_SEND_FAILED:
		if (state == CONN_OPEN)
			block();
		if (state == CONN_TLS)
			block_handshake();
		break;
	case CONN_EV_SENT_ALL:
		peer.deaf = false;
		break;
	case CONN_EV_ABANDONED:
		abandon(state);
		break;
	default: /* DIALED, TIMEOUT, CLOSED: come by themselves */
		break;
	}
}

/* Nothing in a connection's life leads there. */
static bool
is_unreachable(enum conn_state state, enum conn_event event)
{
	/*
	 * Abandoned are those that are still there when the drain's time is up: until then a drain
	 * has moved these on.
	 */
	if (state == CONN_CORE || event == CONN_EV_ACCEPTED_CORE ||
	    event == CONN_EV_CONNECTED_CORE || event == CONN_EV_SECURED_CORE)
		return true; /* mode edge: tests/e2e/test_edge.py */
	return event == CONN_EV_ABANDONED && (state == CONN_OPEN || state == CONN_CONNECTING);
}

static void
cell(enum conn_state state, enum conn_event event)
{
	uint32_t before;

	printf("cell: %s %s\n", conn_fsm_state_name(state), conn_fsm_event_name(event));
	open_world(state, event);
	enter(state, event);
	before = steps[state][event];
	happen(state, event);
	if (state == CONN_FREE && event == CONN_EV_DIALED)
		before = 0; /* in the opening of the world */
	turn_until(steps[state][event] > before);
	bed.loop.bytes.bytes_max = SIZE_MAX;
	uring_sim_set_faults(&(struct uring_sim_faults){ 0 });
	if (!bed.loop.draining)
		engine_bed_finish(&bed);
	else {
		turn_until(loop_is_drained(&bed.loop));
		engine_bed_end(&bed);
	}
	peer.end = -1; /* ended with its world */
	ws_peer_close(&peer);
	SSL_CTX_free(peer_context);
	peer_context = NULL;
}

static const struct {
	uint8_t state, event;
} cells[] = {
#define CELL(state, event, action, next) { CONN_##state, CONN_EV_##event },
#include "engine/conn_fsm.def"
#undef CELL
};

static void
every_cell(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		if (!is_unreachable(cells[i].state, cells[i].event))
			cell(cells[i].state, cells[i].event);
}

/* What was said before the end, in one breath with it, is answered before the end. */
static void
last_words_are_answered(void **state)
{
	static const char *const settings[] = { "routing.mode=echo", NULL };

	(void)state;
	for (int broken = 0; broken < 2; broken++) {
		engine_bed_open(&bed, 1, 4, settings);
		upstream = uring_sim_listen();
		memset(&peer, 0, sizeof(peer));
		enter_open();
		for (int i = 0; i < 20; i++)
			ws_peer_frame(&peer, WS_OP_TEXT, true, "word", 4);
		if (broken)
			ws_peer_put(&peer, "\x81\x01x", 3);
		else
			ws_peer_say_close(&peer, WS_CLOSE_NORMAL);
		turn_until(peer.has_ended);
		assert_int_equal(peer.messages, 20);
		assert_int_equal(peer.close_code,
				 broken ? WS_CLOSE_PROTOCOL_ERROR : WS_CLOSE_NORMAL);
		ws_peer_close(&peer);
		engine_bed_finish(&bed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(last_words_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
