/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_FLOWS_H
#define ENGINE_FLOWS_H
/*
 * What the router knows of each open flow: that it is open, its token, and where its peer is. An
 * array by slot; nothing is allocated after flows_init(). Belongs to the router's thread.
 *
 * There is no list of the bindings of a flow: a binding holds the serial number under which its
 * flow was opened, and is reachable while that is still the one in the slot. So closing a flow
 * costs the same whatever was registered over it, and a slot's generation may wrap without harm.
 */
#include "engine/message.h"
#include "engine/token.h"

struct flows_entry {
	uint64_t serial;  /* 0: the slot is not open; else unique in the life of the process */
	struct flow flow;
	struct message_peer peer;
	char token[TOKEN_LEN];
};

struct flows {
	struct flows_entry *entries;
	uint32_t slots_max;
	uint64_t serial; /* the last one given */
	struct token_key key;
};

/* False: out of memory. */
bool flows_init(struct flows *f, uint32_t slots_max, const struct token_key *key);
void flows_fini(struct flows *f);

/* Without memory for its token the flow stays unknown: its requests are answered 503. */
void flows_open(struct flows *f, struct flow flow, const struct message_peer *peer);
void flows_close(struct flows *f, struct flow flow); /* a flow that is not the slot's: ignored */

/* NULL when it is not open (any more). */
static inline const struct flows_entry *
flows_get(const struct flows *f, struct flow flow)
{
	const struct flows_entry *e;

	if (flow.slot >= f->slots_max)
		return NULL;
	e = &f->entries[flow.slot];
	return e->serial && flow_equal(e->flow, flow) ? e : NULL;
}

/* The entry that was opened under this serial number, or NULL. */
static inline const struct flows_entry *
flows_by_serial(const struct flows *f, uint32_t slot, uint64_t serial)
{
	return slot < f->slots_max && f->entries[slot].serial == serial ? &f->entries[slot] : NULL;
}

static inline struct span
flows_token(const struct flows_entry *e)
{
	return span_of(e->token, TOKEN_LEN);
}

enum flows_verdict {
	FLOWS_TOKEN_NONE,   /* does not look like a token */
	FLOWS_TOKEN_FORGED, /* does, but we did not make it: 403 (O-05) */
	FLOWS_TOKEN_STALE,  /* ours, of a flow that is gone: 430 (O-06) */
	FLOWS_TOKEN_OPEN,   /* ours; *entry is filled */
};
enum flows_verdict flows_verify(const struct flows *f, struct span token,
				const struct flows_entry **entry);

#endif
