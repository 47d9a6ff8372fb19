/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONN_H
#define ENGINE_CONN_H
/*
 * One peer: joins a slot of the ring to the codec. Bytes in -> handshake, frames, messages
 * (conn_input.c, conn_client.c); messages out -> frames -> send queue (conn_output.c). Its life is
 * conn_fsm.def, run by conn_life.c; its deadlines are in conn_timer.c.
 *
 * An idle open connection is this struct and nothing else: no buffer to receive, none to send,
 * none to put pieces together.
 *
 * The loop's thread only. Times are ns of the ring's clock.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/sip_stream.h"
#include "codec/ws_frame.h"
#include "codec/ws_handshake.h"
#include "codec/ws_reader.h"
#include "engine/budget.h"
#include "engine/compression.h"
#include "engine/conn_fsm.h"
#include "engine/flow.h"
#include "engine/message.h"
#include "engine/pieces.h"
#include "engine/sendq.h"
#include "engine/wheel.h"
#include "ring/ring.h"

struct loop;
struct upstream;
struct tls_conn;

#define CONN_NOT_DIRTY 0xFFFFFFFFu

struct conn {
	struct wheel_timer timer;  /* one, for whatever comes next: see conn_timer.c */
	uint64_t state_until_ns;   /* deadline of the state, where it has one */
	uint64_t heard_ns;         /* last sign of life */
	uint64_t busy_ns;          /* last message (Pongs are no message) */
	uint64_t message_since_ns; /* first byte of the unfinished message; 0: none */
	uint64_t ping_sent_ns;     /* Ping without an answer yet; 0: none */
	struct upstream *upstream; /* we connected to it, as its client; NULL: it came to us */
	struct tls_conn *tls;      /* see conn_tls.h; NULL: plain */
	uint64_t ping_stamp_ns;    /* payload of the last Ping, until its Pong came; 0: none */
	struct budget control_budget;
	struct budget message_budget;
	uint64_t held_ns;          /* since when there has been something in `held` */
	struct budget glitch_budget;
	struct flow flow;
	uint32_t next_dirty;   /* list of connections with something to send */
	uint32_t next_held;    /* list of connections whose input waits */
	uint32_t next_waiting; /* list of connections whose TLS handshake waits */
	struct sendq sendq;
	union {
		struct ws_reader reader;
		struct sip_stream stream; /* see conn_core.h */
	};
	struct compression_conn compression;
	struct pieces pieces;  /* request head, then message */
	struct pieces control; /* control payload cut in two */
	struct pieces held;    /* input that may not be read on yet (back-pressure) */
	struct message_peer peer;
	uint32_t flush_turn;    /* of the chunk in flight */
	uint32_t held_read;     /* of `held` */
	uint32_t message_reads; /* that the unfinished message has taken */
	uint32_t rtt_us;        /* of the last Ping, smoothed; 0: not known */
	uint32_t routing;       /* its messages that are with the routing stage */
	uint16_t close_code;    /* what fail / say_close / answer_close will send */
	uint8_t state;          /* enum conn_state */
	uint8_t refusal;        /* enum ws_handshake_error, for refuse */
	uint8_t ending;         /* FAILED or PEER_CLOSE: waits for `routing` to be 0; else 0 */
	uint8_t listener;       /* that it came to */
	bool dirty;
	bool paused; /* receiving is paused in the ring */
	bool in_held_list;
	bool registering; /* a REGISTER is with another router: nothing overtakes it */
	bool in_waiting_list;
};

/* Do messages go both ways? */
static inline bool
conn_is_open(const struct conn *c)
{
	return c->state == CONN_OPEN || c->state == CONN_CORE;
}

#endif
