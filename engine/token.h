/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_TOKEN_H
#define ENGINE_TOKEN_H
/*
 * Flow tokens (RFC 5626 §5.2, O-04): the name of a flow that only we can make. A letter that
 * tells the key (O-16), then in base 62 the slot (32 bits) and tag (32 bits), and the first 80 bits
 * of HMAC-SHA256 over these and the letter (what RFC 5626 §5.2 shows with HMAC-SHA1-80). All its
 * characters may stand in the user part of a URI and in a Via parameter as they are; being letters
 * and digits only, messages that differ in nothing else have one shape (sip_shape.h).
 *
 * Making and checking one costs about 2 us: done once per flow, and for what flows.h cannot
 * answer by comparing. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "codec/span.h"
#include "engine/flow.h"

#define TOKEN_KEY_LEN 32
#define TOKEN_MAC_LEN 32
#define TOKEN_LEN 26      /* two characters and three words: see token_equal() */
#define TOKEN_KEYS 26     /* letters for them; then they begin anew */
#define TOKEN_KEY_ID 'a'  /* of the first key, the next is 'b' ... */
#define TOKEN_CORE_ID 'A' /* the same, in a token of a flow to the SIP core (mode edge) */

struct token_key {
	uint8_t bytes[TOKEN_KEY_LEN];
};

/*
 * O-16: the key of a time, `epoch` counts them; that of epoch 0 is the first one itself. Who has
 * one cannot find the others. False: no memory.
 */
bool token_key_at(const struct token_key *first, uint32_t epoch, struct token_key *out);

/* The epoch, `now` or before it, whose key a token with this letter has. False: there was none. */
bool token_epoch(struct span token, uint32_t now, uint32_t *out);

static inline bool
token_is_core(const char *token)
{
	return token[0] < TOKEN_KEY_ID;
}

/* False: libcrypto has no memory left. */
bool token_make(const struct token_key *key, char id, struct flow flow, char out[TOKEN_LEN]);

/* Does it look like a token of ours? Fills the flow that it names, unchecked. */
bool token_read(struct span text, struct flow *out);

/* The flow that is named where a token of ours stands. Of other octets: any flow. */
struct flow token_flow(const char token[TOKEN_LEN]);

/* In constant time: nothing branches on what they hold. Both of TOKEN_LEN characters. */
static inline bool
token_equal(const char *a, const char *b)
{
	uint64_t x[3], y[3];
	uint16_t v, w;

	memcpy(&v, a, sizeof(v));
	memcpy(&w, b, sizeof(w));
	memcpy(x, a + sizeof(v), sizeof(x));
	memcpy(y, b + sizeof(w), sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (uint64_t)(v ^ w)) == 0;
}

/*
 * Did we make it? In constant time. `flow` is what token_read() gave. Without memory: no, for
 * nothing proves it.
 */
bool token_check(const struct token_key *key, struct span text, struct flow flow);

/* HMAC-SHA256 (RFC 2104) of a text. False: no memory. */
bool token_mac(const struct token_key *key, const void *text, size_t len,
	       uint8_t out[TOKEN_MAC_LEN]);

/*
 * A further key of `len` bytes (at most TOKEN_MAC_LEN) for another purpose, named by `label`.
 * False: no memory.
 */
bool token_derive(const struct token_key *key, const char *label, uint8_t *out, size_t len);

#endif
