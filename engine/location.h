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
 * A binding is one allocation of 176 bytes and its texts; an address-of-record 72 bytes and its
 * name. An address-of-record that lost its last binding is remembered for a while, so that a call
 * to somebody who is away is answered 480, not 404.
 *
 * No operation goes through the whole table; nothing here reads a clock. Owned by the router's
 * thread.
 */
#include "codec/sip_uri.h"
#include "engine/calendar.h"
#include "engine/flows.h"
#include "engine/siphash.h"
#include "engine/stats.h"
#include "engine/table.h"

#define LOCATION_KEY_MAX 512 /* bytes of user@host; what is longer cannot be registered */
#define LOCATION_NEVER UINT64_MAX

struct location_key {
	uint64_t hash;
	uint32_t len;
	char text[LOCATION_KEY_MAX];
};

struct location_binding {
	struct table_node by_contact;    /* linked only in the oldest of its twins */
	struct location_binding *twin_next, *twin_prev; /* ring: one key, oldest first */
	struct location_aor *aor;        /* NULL: not in the table */
	struct location_binding *next, *prev; /* of the address-of-record, most preferred first */
	struct calendar_entry expiry;
	uint64_t expires_ns;
	uint64_t serial;                 /* of the flow it came over: see flows.h */
	uint64_t call_id;                /* keyed hash: only ever compared */
	uint32_t slot;                   /* of the flow */
	uint32_t cseq;
	uint32_t reg_id;                 /* 0: none, or no instance: not an outbound binding */
	uint16_t q;                      /* thousandths */
	uint16_t uri_off, uri_len;       /* in the contact */
	uint16_t target_len;             /* of the URI without headers: what may be a Request-URI */
	uint16_t instance_off, instance_len; /* in the contact; with quotes */
	uint16_t contact_len, path_len;
	char text[];                     /* contact, then path */
};

enum location_aor_state {
	LOCATION_AOR_NEW,        /* never bound: location_aor_settle() frees it */
	LOCATION_AOR_BOUND,
	LOCATION_AOR_REMEMBERED, /* without bindings: in the list from oldest to newest */
};

struct location_aor {
	struct table_node node;
	struct location_binding *first;
	struct location_aor *older, *newer; /* of those without bindings */
	uint64_t forget_ns;
	uint32_t bindings;
	uint16_t len;
	uint8_t state; /* enum location_aor_state */
	char text[];
};

struct location {
	struct siphash_key key;
	struct table aors, contacts;
	struct calendar calendar;
	uint64_t bindings;
	struct location_aor *oldest, *newest; /* without bindings */
	uint64_t remembered, remembered_max;
	uint64_t memory_ns;
	struct stats *stats;               /* gauge `bindings` */
};

/* What a REGISTER says about one contact. Texts are copied by location_binding_new(). */
struct location_contact {
	struct span contact;  /* name-addr and parameters as they are given back: no expires */
	struct span uri;      /* part of contact; has a key */
	struct span instance; /* part of contact; may be empty */
	struct span path;     /* values of Path that are not ours, with commas; may be empty */
	uint32_t reg_id;
	uint32_t cseq;
	uint64_t call_id;
	uint16_t q;
	uint64_t expires_ns;
	const struct flows_entry *flow;
};

/* Bounds of the texts of a binding: the caller refuses what is longer. */
#define LOCATION_TEXT_MAX 4096

/*
 * memory: how long, and how many, addresses-of-record are remembered without bindings. False: out
 * of memory.
 */
bool location_init(struct location *l, const uint8_t key[SIPHASH_KEY_LEN], uint64_t memory_ns,
		   uint64_t remembered_max, struct stats *stats);
void location_fini(struct location *l);

/* False: longer than LOCATION_KEY_MAX, so not in the table. Only key->text[0..len) is written. */
bool location_key_of(const struct location *l, const struct sip_uri *uri, struct location_key *key);

/* NULL: never seen, or forgotten. */
struct location_aor *location_aor_find(struct location *l, const struct location_key *key,
				       uint64_t now_ns);

/* Find or make. NULL: out of memory. The caller ends with location_aor_settle(). */
struct location_aor *location_aor_take(struct location *l, const struct location_key *key);

/*
 * After bindings were put in or taken out: one without any is remembered, or freed if it never
 * had one.
 */
void location_aor_settle(struct location *l, struct location_aor *aor, uint64_t now_ns);

/* A binding outside the table. NULL: out of memory. */
struct location_binding *location_binding_new(const struct location *l,
					      const struct location_contact *c);
void location_binding_free(struct location_binding *b); /* one outside the table */

/*
 * The binding of `aor` that b would replace: the same instance and reg-id where both have them
 * (RFC 5626 §6, O-13), else an equal URI (RFC 3261 §10.3, 7).
 */
struct location_binding *location_match(const struct location_aor *aor,
					const struct location_binding *b);

/*
 * Put b in, in place of `old` (which is freed) or as a new one. Frees nothing else, cannot fail.
 * Order: by q, then the one that was bound last. A refresh over the same flow with the same
 * q keeps its place: a CANCEL must find the device that its INVITE found (P-03).
 */
void location_bind(struct location *l, struct location_aor *aor, struct location_binding *b,
		   struct location_binding *old);

/* Take out and free. The address-of-record stays until location_aor_settle(). */
void location_unbind(struct location *l, struct location_binding *b);

/* The most preferred binding that can be reached now, or NULL; *entry is its flow. */
const struct location_binding *location_pick(const struct location_aor *aor,
					     const struct flows *flows, uint64_t now_ns,
					     struct flows_entry *entry);

/*
 * The binding whose contact equals this URI, or NULL. The oldest one, if several
 * addresses-of-record have it: who copies somebody else's contact shall not get his requests.
 */
const struct location_binding *location_find_contact(const struct location *l,
						     const struct location_key *key,
						     const struct sip_uri *uri, uint64_t now_ns);

/*
 * Remove what has run out, at most `work` steps; returns when to call again, LOCATION_NEVER:
 * nothing is left.
 */
uint64_t location_expire(struct location *l, uint64_t now_ns, uint32_t work);

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
