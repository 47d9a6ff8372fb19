/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_AUTH_NONCE_H
#define ENGINE_AUTH_NONCE_H
/*
 * Nonces that nobody has to remember (RFC 7616 §3.3, §5.4): when it was made, its number on the
 * flow that the challenge went to, and a MAC over both and the flow. So one that was overheard is
 * worth nothing on another connection, and none outlives its connection or its time.
 *
 * Against replay on the same connection there is one small record per flow: the last nonces that
 * were used on it, with their highest nc. What comes over a flow is decided in order, so nc only
 * rises. A nonce that is not on record and not younger than those that left it counts as stale: it
 * costs an honest client one more round.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "engine/token.h"

#define AUTH_NONCE_LEN 32
#define AUTH_NONCES_KEPT 3 /* per flow: with the rest of the record less than a cache line */

struct auth_nonce {
	uint32_t made_s;
	uint32_t number; /* from 1 on, on its flow */
};

/* base64url. `serial`: of the flow, see flows.h. False: libcrypto has no memory. */
bool auth_nonce_make(const struct token_key *key, struct auth_nonce nonce, uint64_t serial,
		     char out[AUTH_NONCE_LEN]);

/* Did we make it, for this flow? In constant time. */
bool auth_nonce_read(const struct token_key *key, struct span text, uint64_t serial,
		     struct auth_nonce *out);

struct auth_flow_nonce {
	uint32_t number; /* 0: a free place */
	uint32_t nc;
	uint32_t octets; /* hash of the last message with it */
};

/* What was made for and used on one flow. All zero: nothing. */
struct auth_flow {
	uint64_t serial;                               /* of the flow that the rest is of */
	uint32_t made;                                 /* nonces */
	struct auth_flow_nonce used[AUTH_NONCES_KEPT]; /* the highest numbers of all */
};

/* Both on the thread that decides for the flow at the moment. */

/* The number of the next nonce. */
uint32_t auth_nonce_next(struct auth_flow *f, uint64_t serial);

/*
 * May this nonce be used with this nc, by a message with this hash of all its octets? Then it was.
 * The same octets once more are a retransmission, not a replay (RFC 3261 §16.11).
 */
bool auth_nonce_use(struct auth_flow *f, uint64_t serial, uint32_t number, uint32_t nc,
		    uint32_t octets);

#endif
