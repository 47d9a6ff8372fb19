/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOOP_H
#define ENGINE_LOOP_H
/*
 * One I/O thread: a ring, its connections, its memory, its timers, its counters. It never takes a
 * lock and never calls anything that blocks.
 *
 * A turn: wait for completions -> handle each (bytes to messages) -> routing stage, inline or on
 * its own thread -> take its outbound messages -> one coalesced send per connection -> submit.
 *
 * All functions on the loop's thread unless said otherwise.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "codec/ws_handshake.h"
#include "codec/ws_reader.h"
#include "engine/compression.h"
#include "engine/conn.h"
#include "engine/conn_tls.h"
#include "engine/message.h"
#include "engine/pool.h"
#include "engine/router.h"
#include "engine/random.h"
#include "engine/settings.h"
#include "engine/stats.h"
#include "engine/upstream.h"
#include "engine/wheel.h"
#include "ring/ring.h"

enum loop_command {
	LOOP_RUN,
	LOOP_DRAIN, /* stop accepting, Close 1001 to all, end when all are gone or the time is up */
	LOOP_STOP,  /* the time is up now */
};

struct loop {
	struct ring *ring;
	const struct settings *settings;
	struct mesh *mesh;     /* the other loops, and the routers */
	struct router *router; /* inline; NULL: it has a thread of its own */
	struct lane *in;       /* to the router that serves this loop */
	struct conn *conns; /* [slots_max], by slot of the ring */
	uint32_t slots_max;
	uint32_t dirty;           /* first connection with something to send, or CONN_NOT_DIRTY */
	uint32_t held, held_last; /* connections whose input waits: each in its turn */
	uint32_t generation; /* of a slot's first owner */
	uint16_t index;
	bool draining;
	bool abandoned; /* the drain's time was up */
	bool slept;     /* it has told the mesh that it sleeps */
	bool resting;   /* nothing is left here: see mesh_rest() */
	bool congested; /* a send queue grew faster in this turn than it was sent: read no more */
	uint64_t drain_until_ns;
	uint64_t now_ns;
	uint64_t trim_ns; /* when all unused memory is given back unless something comes; 0: was */
	uint64_t pools_trim_ns; /* when what the last second did not need is */
	uint32_t turn;
	uint32_t endings; /* connections whose end waits for messages of theirs to be done with */
	uint32_t submitted;                     /* messages since the routing stage last ran, */
	uint64_t submitted_bytes;               /* and their bytes */
	struct conn_tls_loop tls;
	/* by the ring's number */
	const struct settings_listener *listeners[SETTINGS_LISTENERS_MAX + 1];
	struct wheel wheel;
	struct random random;
	struct group *group;  /* mode edge; else not used */
	struct sockaddr_storage core_address; /* mode edge: where the core reaches us */
	uint32_t cores;       /* connections with the core that are open, but for WebSockets */
	struct upstream upstreams[GROUP_PATHS * SETTINGS_UPSTREAMS_MAX];
	uint32_t upstreams_len;
	struct upstream **dialed; /* [dialed_len], of MESSAGE_CONNECT, by slot of their names */
	uint32_t dialed_len;
	struct span close_reason; /* during conn_life_close() */
	struct sip_shapes *shapes; /* of what it receives */
	struct pool messages;
	struct bytes_pinned pinned; /* the ring's buffers for SEND_ZC */
	struct bytes_pool bytes; /* bounded by this loop's share of buffer_memory */
	struct ws_deflate_budget deflate_budget; /* this loop's share of the process's */
	struct compression_loop compression;
	struct ws_limits limits;
	struct ws_handshake_policy policy;
	struct stats stats;
	_Atomic int command; /* enum loop_command; any thread sets it, then rings */
};

struct loop_setup {
	const struct settings *settings;
	struct mesh *mesh;
	struct router *router; /* to run inline, or NULL */
	uint16_t index;
	struct group *group; /* mode edge */
	struct sockaddr_storage core_address;
	/* slots_max, sq_entries and disable; the rest comes from the settings */
	struct ring_config ring;
};

/* On the thread that will run it. 0 or -errno; *error then says why and what helps. */
int loop_open(struct loop *l, const struct loop_setup *setup, const char **error);

/*
 * Have TLS, before anybody connects; the set's reference stays the caller's. Without it there may
 * be no listener or upstream with TLS. 0 or -ENOMEM.
 */
int loop_tls(struct loop *l, struct tls_set *set);

/* Accept on this listening socket too; `where` stays the caller's and must stay. */
int loop_listen(struct loop *l, int fd, const struct settings_listener *where);

/* Turn until all loops are drained. 0, or -errno when the ring broke. */
int loop_run(struct loop *l);

/*
 * What loop_run() is made of: begin with the outgoing connections, then turn by turn, each waiting
 * for at most wait_max_ns, until nothing is left: no connection, and every message is back from the
 * routing stage.
 */
void loop_start(struct loop *l);
int loop_turn(struct loop *l, uint64_t wait_max_ns);
bool loop_is_drained(const struct loop *l);

void loop_fini(struct loop *l);

/* Any thread, once loop_open() is done; async-signal-safe. */
void loop_tell(struct loop *l, enum loop_command command);

/* Any thread: new TLS handshakes use this set from now on. */
void loop_tls_offer(struct loop *l, struct tls_set *set);

/* The connection of a flow, or NULL when it is gone. */
struct conn *loop_conn(struct loop *l, struct flow flow);

/* This connection has something to send at the end of the turn. */
void loop_mark_dirty(struct loop *l, struct conn *c);

/* This connection's input waits until loop_route_has_room(). */
void loop_mark_held(struct loop *l, struct conn *c);

#endif
