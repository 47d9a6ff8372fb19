/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/token.h"

#include <assert.h>
#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define BASE 62
#define WORD_DIGITS 11 /* of 64 bits */
#define HALF_DIGITS 3  /* of 16 */
#define FLOW_AT 1
#define MAC_AT (FLOW_AT + WORD_DIGITS)

_Static_assert(TOKEN_LEN == MAC_AT + WORD_DIGITS + HALF_DIGITS, "a flow, and 80 bits of its MAC");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* False: libcrypto has no memory. */
static bool
hmac(const struct token_key *key, const void *text, size_t len, uint8_t out[EVP_MAX_MD_SIZE])
{
	unsigned int out_len = 0;

	return HMAC(EVP_sha256(), key->bytes, sizeof(key->bytes), text, len, out, &out_len) &&
	       out_len == 32;
}

static void
put_digits(char *to, uint64_t n, unsigned digits)
{
	for (; digits > 0; n /= BASE)
		to[--digits] = alphabet[n % BASE];
}

bool
token_make(const struct token_key *key, struct flow flow, char out[TOKEN_LEN])
{
	uint64_t name = (uint64_t)flow.slot << 32 | flow.tag, text = htobe64(name), first;
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (!hmac(key, &text, sizeof(text), mac))
		return false;
	memcpy(&first, mac, sizeof(first));
	out[0] = TOKEN_KEY_ID;
	put_digits(out + FLOW_AT, name, WORD_DIGITS);
	put_digits(out + MAC_AT, be64toh(first), WORD_DIGITS);
	put_digits(out + MAC_AT + WORD_DIGITS, (uint64_t)mac[8] << 8 | mac[9], HALF_DIGITS);
	return true;
}

#define LETTERS(first, value)                                                                      \
	[(first)] = (value) + 1, (value) + 2, (value) + 3, (value) + 4, (value) + 5, (value) + 6,  \
	(value) + 7, (value) + 8, (value) + 9, (value) + 10, (value) + 11, (value) + 12,           \
	(value) + 13, (value) + 14, (value) + 15, (value) + 16, (value) + 17, (value) + 18,        \
	(value) + 19, (value) + 20, (value) + 21, (value) + 22, (value) + 23, (value) + 24,        \
	(value) + 25, (value) + 26

/* 1..62; 0: no digit. */
static const uint8_t digits[256] = {
	LETTERS('A', 0), LETTERS('a', 26), ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
};

/* 0..61, or -1. */
static inline int
digit(char c)
{
	return digits[(unsigned char)c] - 1;
}

struct flow
token_flow(const char token[TOKEN_LEN])
{
	uint64_t name = 0;

	/* a number too large is no token's: it may wrap */
	for (unsigned i = 0; i < WORD_DIGITS; i++)
		name = name * BASE + (uint64_t)(int64_t)digit(token[FLOW_AT + i]);
	return (struct flow){ (uint32_t)(name >> 32), (uint32_t)name };
}

bool
token_read(struct span text, struct flow *out)
{
	int all = 0;

	if (text.len != TOKEN_LEN || text.at[0] != TOKEN_KEY_ID)
		return false;
	for (unsigned i = FLOW_AT; i < TOKEN_LEN; i++)
		all |= digit(text.at[i]);
	if (all < 0)
		return false;
	*out = token_flow(text.at);
	return true;
}

bool
token_check(const struct token_key *key, struct span text, struct flow flow)
{
	char right[TOKEN_LEN];

	if (text.len != TOKEN_LEN || !token_make(key, flow, right))
		return false;
	return token_equal(right, text.at);
}

bool
token_derive(const struct token_key *key, const char *label, uint8_t *out, size_t len)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	assert(len <= 32);
	if (!hmac(key, label, strlen(label), mac))
		return false;
	memcpy(out, mac, len);
	OPENSSL_cleanse(mac, sizeof(mac));
	return true;
}
