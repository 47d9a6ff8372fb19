/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOCATION_H
#define ENGINE_LOCATION_H
/*
 * The location table (RFC 3261 §10.3): address-of-record -> bindings, in order of preference; and
 * user@host of a contact -> binding, for requests inside dialogs that come without a token.
 *
 * Both indexes go by one key: user without escapes, '@', host in lower case. It is what all equal
 * URIs share (§19.1.4). The port is left out: in an address-of-record it would only say how to
 * reach the server that we are.
 *
 * One table for all routers. It is cut into homes, one per router: an address-of-record, its
 * bindings and what they need lie in the home that its key says, and only that router changes them
 * (location_home.h). Everybody reads everything, between rcu_enter() and rcu_leave(), and may keep
 * what it found until then.
 *
 * A binding is one allocation of 128 bytes and its texts, an address-of-record 56 bytes and its
 * name, and each takes a place in an index. An address-of-record that lost its last binding is
 * remembered for a while, so that a call to somebody who is away is answered 480, not 404.
 *
 * No operation goes through the whole table; nothing here reads a clock.
 */
#include <stdalign.h>
#include "codec/sip_uri.h"
#include "engine/calendar.h"
#include "engine/flows.h"
#include "engine/siphash.h"
#include "engine/stats.h"
#include "engine/table.h"

#define LOCATION_KEY_MAX 512 /* bytes of user@host; what is longer cannot be registered */
#define LOCATION_NEVER UINT64_MAX
#define LOCATION_LINE 64

struct location_key {
	uint64_t hash;
	uint32_t len;
	char text[LOCATION_KEY_MAX];
};

/* In the table it changes in its links only; a refresh is another binding in its place. */
struct location_binding {
	/* of the home's router; the first word becomes rcu_retire()'s */
	struct calendar_entry expiry;
	struct location_aor *aor; /* NULL: not in the table */
	union {
		struct location_binding *twin_prev;
		struct location_binding *wanted_next; /* outside the table: see registration.h */
	};
	uint64_t call_id; /* keyed hash: only ever compared */
	uint32_t cseq;
	uint32_t reg_id;                     /* 0: none, or no instance: not an outbound binding */
	uint16_t q;                          /* thousandths */
	uint16_t instance_off, instance_len; /* in the contact; with quotes */
	bool indexed;                        /* the oldest of its twins: in the index of contacts */
	/* of all */
	struct location_binding *_Atomic twin_next; /* ring: one key and home, oldest first */
	struct table_node by_contact;
	uint64_t born; /* order of all that have this contact, in every home */
	struct location_binding *_Atomic next; /* of the address-of-record, most preferred first */
	uint64_t expires_ns;
	uint64_t serial;           /* of the flow it came over: see flows.h */
	uint32_t slot;             /* of the flow */
	uint16_t uri_off, uri_len; /* in the contact */
	uint16_t target_len;       /* of the URI without headers: what may be a Request-URI */
	uint16_t contact_len, path_len;
	char text[]; /* contact, then path */
};

enum location_aor_state {
	LOCATION_AOR_NEW, /* never bound: location_home_settle() frees it */
	LOCATION_AOR_BOUND,
	LOCATION_AOR_REMEMBERED, /* without bindings: in the list from oldest to newest */
};

struct location_aor {
	/* of the home's router; the first word becomes rcu_retire()'s */
	struct location_aor *older, *newer; /* of those without bindings */
	uint32_t bindings;
	uint8_t state; /* enum location_aor_state */
	/* of all */
	struct table_node node;
	struct location_binding *_Atomic first;
	_Atomic uint64_t forget_ns; /* LOCATION_NEVER while there are bindings */
	uint16_t len;
	char text[];
};

/* What one router keeps. Only its thread changes it. */
struct location_home {
	alignas(LOCATION_LINE) struct location *location;
	struct table aors, contacts;
	_Atomic uint64_t bindings;            /* read by all, for the limit on all of them */
	struct location_aor *oldest, *newest; /* without bindings */
	uint64_t remembered;
	struct stats *stats; /* gauge `bindings`; or NULL */
	struct rcu_grave grave;
	struct calendar calendar;
};

struct location {
	struct siphash_key key;
	uint64_t memory_ns;
	uint64_t remembered_max; /* of each home */
	uint32_t homes_len;
	struct location_home *homes;
	alignas(LOCATION_LINE) _Atomic uint64_t born; /* the last number given */
};

/*
 * memory: how long, and how many, addresses-of-record are remembered without bindings. False: out
 * of memory.
 */
bool location_init(struct location *l, const uint8_t key[SIPHASH_KEY_LEN], uint32_t homes,
		   uint64_t memory_ns, uint64_t remembered_max);
void location_fini(struct location *l); /* after location_home_clear() of all homes */

/* False: longer than LOCATION_KEY_MAX, so not in the table. Only key->text[0..len) is written. */
bool location_key_of(const struct location *l, const struct sip_uri *uri, struct location_key *key);

/* The index of the home of this address-of-record. */
static inline uint32_t
location_home_of(const struct location *l, const struct location_key *aor)
{
	/* the top bits: others choose the place in the table */
	return (uint32_t)((aor->hash >> 32) * l->homes_len >> 32);
}

/* Of all homes; what others do at this moment may be in it or not. */
uint64_t location_bindings(const struct location *l);

/* NULL: never seen, or forgotten. */
struct location_aor *location_aor_find(const struct location *l, const struct location_key *key,
				       uint64_t now_ns);

/* The one whose key has this hash, or NULL: for who has it from us, and knows more to compare. */
const struct location_aor *location_aor_by_hash(const struct location *l, uint64_t hash);

/*
 * The most preferred binding that can be reached now (and over TLS, if that is wanted), or NULL;
 * *entry is its flow.
 */
const struct location_binding *location_pick(const struct location_aor *aor,
					     const struct flows *flows, bool secure,
					     uint64_t now_ns, struct flows_entry *entry);

/*
 * The binding whose contact equals this URI, or NULL. The oldest one, if several
 * addresses-of-record have it: who copies somebody else's contact shall not get his requests.
 */
const struct location_binding *location_find_contact(const struct location *l,
						     const struct location_key *key,
						     const struct sip_uri *uri, uint64_t now_ns);

/* ---- bindings ---- */

/* What a REGISTER says about one contact. Texts are copied by location_binding_new(). */
struct location_contact {
	struct span contact; /* name-addr and parameters as they are given back: no expires */
	struct span uri;     /* part of contact; has a key */
	const struct sip_uri *parsed; /* the same URI, or a copy of its text, as it was read */
	struct span instance;         /* part of contact; may be empty */
	struct span path; /* values of Path that are not ours, with commas; may be empty */
	uint32_t reg_id;
	uint32_t cseq;
	uint64_t call_id;
	uint16_t q;
	uint64_t expires_ns;
	const struct flows_entry *flow;
};

/* Bounds of the texts of a binding: the caller refuses what is longer. */
#define LOCATION_TEXT_MAX 4096

/* A binding outside the table. NULL: out of memory. */
struct location_binding *location_binding_new(const struct location *l,
					      const struct location_contact *c);
void location_binding_free(struct location_binding *b); /* one outside the table */

/* The address-of-record's most preferred binding, and the one after b; or NULL. */
static inline struct location_binding *
location_first(const struct location_aor *aor)
{
	/* acquire, here and below: pairs with the release that put the binding in */
	return atomic_load_explicit(&aor->first, memory_order_acquire);
}

static inline struct location_binding *
location_next(const struct location_binding *b)
{
	return atomic_load_explicit(&b->next, memory_order_acquire);
}

/*
 * The binding of `aor` that b would replace: the same instance and reg-id where both have them
 * (RFC 5626 §6, O-13), else an equal URI (RFC 3261 §10.3, 7).
 */
struct location_binding *location_match(const struct location_aor *aor,
					const struct location_binding *b);

static inline struct span
location_uri(const struct location_binding *b)
{
	return span_of(b->text + b->uri_off, b->uri_len);
}

static inline struct span
location_target(const struct location_binding *b)
{
	return span_of(b->text + b->uri_off, b->target_len);
}

static inline struct span
location_contact_text(const struct location_binding *b)
{
	return span_of(b->text, b->contact_len);
}

static inline struct span
location_path(const struct location_binding *b)
{
	return span_of(b->text + b->contact_len, b->path_len);
}

#endif
