/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_UPSTREAM_H
#define ENGINE_UPSTREAM_H
/*
 * A server that we keep a connection to: a WebSocket server, or in mode edge one of the SIP core
 * over TCP, TLS or UDP. When it is lost, or cannot be made, it is
 * tried again: at first after a random time, then after truncated binary exponential back-off
 * (RFC 6455 §7.2.3, W-L-13). To one address one connection is made at a time (§4.1, W-L-01).
 *
 * The loop's thread only.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "codec/ws_client.h"
#include "engine/dial.h"
#include "engine/group.h"
#include "engine/resolver.h"
#include "engine/settings.h"
#include "engine/upstream_check.h"
#include "engine/wheel.h"

struct loop;

enum upstream_state {
	UPSTREAM_RESTING, /* the timer says when to try */
	UPSTREAM_RESOLVING, /* its name is being looked up */
	UPSTREAM_WAITING, /* for another that is being made to the same address */
	UPSTREAM_CONNECTING,
	UPSTREAM_OPEN,
};

struct upstream {
	struct wheel_timer timer;
	struct settings_upstream where;
	struct sockaddr_storage address; /* must stay while connecting */
	socklen_t address_len;
	char host[72]; /* as in a URL: IPv6 in brackets */
	uint16_t port;
	uint8_t state;               /* enum upstream_state */
	uint32_t failures;           /* since it was open last */
	struct flow flow;            /* of the latest attempt */
	struct flow id;              /* its name, if the application wants it; or FLOW_NONE */
	bool told_over;              /* the application knows that it is over */
	bool over;                   /* not to be made again; freed with its connection */
	char key[WS_CLIENT_KEY_LEN]; /* of the handshake under way */
	/* mode edge */
	uint32_t member; /* its number in the group */
	enum group_path path;
	struct upstream_check check;
	struct resolver_name name; /* where the settings have a name */
};

/* Will the handshakes that these settings ask for be right? */
bool upstream_check(const struct settings *s, char error[SETTINGS_ERROR_MAX]);

void upstream_init(struct upstream *u, const struct settings_upstream *where);

/*
 * Those that this loop keeps, of the settings: in mode edge each loop all of them (UDP the first
 * loop, and each a second one over TCP), else the first loop. Begins to connect.
 */
void upstream_begin_all(struct loop *l);

/* Begin to connect, now. */
void upstream_dial(struct loop *l, struct upstream *u);

/* Some names may have been looked up. */
void upstream_resolved(struct loop *l);

/* The timer of an upstream that rests, or waited and may go on. */
void upstream_timer_fired(struct loop *l, struct upstream *u);

/* Its connection finished the opening handshake. */
void upstream_opened(struct loop *l, struct upstream *u);

/* Its connection is gone, open or not. One that is over is freed. */
void upstream_closed(struct loop *l, struct upstream *u);

/* Will it be made again when it is lost? */
bool upstream_comes_again(const struct loop *l, const struct upstream *u);

/*
 * One with a name: never again. Where there is a connection, the caller closes it; else this tells
 * the application, and frees.
 */
void upstream_end(struct loop *l, struct upstream *u);

/*
 * How long to rest after the given number of failures in a row, RFC 6455 §7.2.3: `random` is any
 * number.
 */
uint64_t upstream_delay_ms(const struct settings *s, uint32_t failures, uint64_t random);

#endif
