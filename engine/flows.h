/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_FLOWS_H
#define ENGINE_FLOWS_H
/*
 * What the routers know of each open flow: that it is open, and its token. One array by slot per
 * loop; nothing is allocated after flows_init().
 *
 * The router that serves a loop is the only writer of that loop's entries; every router reads them
 * all. A reader copies the entry that it wants and looks whether it was still the same at the end:
 * if not, the flow that it asked for is gone, so nobody ever waits or tries again.
 *
 * There is no list of the bindings of a flow: a binding holds the serial number under which its
 * flow was opened, and is reachable while that is still the one in the slot. So closing a flow
 * costs the same whatever was registered over it, and a slot's generation may wrap without harm.
 *
 * Where the peer is does not stand here: every message brings it along, from the connection.
 */
#include <stdatomic.h>
#include "engine/message.h"
#include "engine/token.h"

#define FLOWS_LOOPS_MAX 256 /* what a flow's tag has room for */

/* A copy of what is known of one open flow; belongs to who asked. */
struct flows_entry {
	uint64_t serial; /* never 0; unique over all loops in the life of the process */
	struct flow flow;
	bool secure; /* over TLS: what sips: wants (S-17) */
	char token[TOKEN_LEN];
};

/* 40 bytes per connection. Every word is written by one thread and read by all. */
struct flows_slot {
	_Atomic uint64_t serial;  /* 0: not open, or being written */
	_Atomic uint64_t head;    /* secure, the flow's tag, the token's first two characters */
	_Atomic uint64_t text[3]; /* the other 24 */
};

struct flows_loop {
	struct flows_slot *slots;
	/* the writer's */
	uint64_t serial; /* the last one given */
	uint32_t epoch;  /* of `key` */
	struct token_key key;
};

struct flows {
	struct flows_loop *loops;
	uint32_t loops_len;
	uint32_t slots_max;     /* of each loop */
	struct token_key key;   /* of epoch 0 */
	_Atomic uint32_t epoch; /* tokens of new flows are made with its key */
};

/* False: out of memory. */
bool flows_init(struct flows *f, uint32_t loops, uint32_t slots_max, const struct token_key *key);
void flows_fini(struct flows *f);

/*
 * O-16: new flows get tokens of this epoch. That of an open flow stays as it is for the life of the
 * flow, so that nothing that is written twice differs (P-05). Any router's thread.
 */
void flows_set_epoch(struct flows *f, uint32_t epoch);

/*
 * By the router of the flow's loop. Without memory for its token the flow stays unknown: its
 * requests are answered 503.
 */
void flows_open(struct flows *f, struct flow flow, bool secure);
/* To the SIP core: see flows_is_core(). */
void flows_open_core(struct flows *f, struct flow flow, bool secure);
void flows_close(struct flows *f, struct flow flow); /* a flow that is not the slot's: ignored */

/* Fills and returns `out`; NULL when the flow is not open (any more). Any router's thread. */
const struct flows_entry *flows_get(const struct flows *f, struct flow flow,
				    struct flows_entry *out);

/* The same for the flow that was opened under this serial number. */
const struct flows_entry *flows_by_serial(const struct flows *f, uint32_t slot, uint64_t serial,
					  struct flows_entry *out);

static inline struct span
flows_token(const struct flows_entry *e)
{
	return span_of(e->token, TOKEN_LEN);
}

/* Mode edge: is it to the SIP core, not to a client? */
static inline bool
flows_is_core(const struct flows_entry *e)
{
	return token_is_core(e->token);
}

enum flows_verdict {
	FLOWS_TOKEN_NONE,   /* does not look like a token */
	FLOWS_TOKEN_FORGED, /* does, but we did not make it: 403 (O-05) */
	FLOWS_TOKEN_STALE,  /* ours, of a flow that is gone: 430 (O-06) */
	FLOWS_TOKEN_OPEN,   /* ours; *entry is filled */
};
enum flows_verdict flows_verify(const struct flows *f, struct span token,
				struct flows_entry *entry);

#endif
