/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of one algorithm are faster than what replaces them: see token_mac(). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "engine/token.h"

#include <assert.h>
#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>

#define BASE 62
#define WORD_DIGITS 11 /* of 64 bits */
#define HALF_DIGITS 3  /* of 16 */
#define FLOW_AT 1
#define MAC_AT (FLOW_AT + WORD_DIGITS)

_Static_assert(TOKEN_LEN == MAC_AT + WORD_DIGITS + HALF_DIGITS, "a flow, and 80 bits of its MAC");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#define BLOCK SHA256_CBLOCK

_Static_assert(TOKEN_MAC_LEN == SHA256_DIGEST_LENGTH, "all of the digest");
_Static_assert(TOKEN_KEY_LEN <= BLOCK, "a longer key would be hashed first");

/* One half of HMAC: the key, each octet changed by `pad`, and the text. */
static bool
half(const struct token_key *key, uint8_t pad, const void *text, size_t len, uint8_t *mac)
{
	uint8_t block[BLOCK];
	SHA256_CTX c;
	bool ok;

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < sizeof(key->bytes); i++)
		block[i] ^= key->bytes[i];
	ok = SHA256_Init(&c) && SHA256_Update(&c, block, sizeof(block)) &&
	     SHA256_Update(&c, text, len) && SHA256_Final(mac, &c);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(&c, sizeof(c));
	return ok;
}

/*
 * Not libcrypto's HMAC(), which looks the algorithm up and allocates its state anew for each text:
 * 12,000 instructions for each connection that opens.
 */
bool
token_mac(const struct token_key *key, const void *text, size_t len, uint8_t out[TOKEN_MAC_LEN])
{
	uint8_t inner[TOKEN_MAC_LEN];

	return half(key, 0x36, text, len, inner) && half(key, 0x5C, inner, sizeof(inner), out);
}

static void
put_digits(char *to, uint64_t n, unsigned digits)
{
	for (; digits > 0; n /= BASE)
		to[--digits] = alphabet[n % BASE];
}

bool
token_make(const struct token_key *key, char id, struct flow flow, char out[TOKEN_LEN])
{
	uint64_t name = (uint64_t)flow.slot << 32 | flow.tag, text[2] = { htobe64(name) }, first;
	uint8_t mac[TOKEN_MAC_LEN];

	memcpy(text + 1, &id, 1);
	if (!token_mac(key, text, 9, mac))
		return false;
	memcpy(&first, mac, sizeof(first));
	out[0] = id;
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

	if (text.len != TOKEN_LEN || (uint32_t)((text.at[0] | 0x20) - TOKEN_KEY_ID) >= TOKEN_KEYS)
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

	if (text.len != TOKEN_LEN || !token_make(key, text.at[0], flow, right))
		return false;
	return token_equal(right, text.at);
}

bool
token_key_at(const struct token_key *first, uint32_t epoch, struct token_key *out)
{
	char label[32];

	*out = *first;
	if (!epoch)
		return true;
	snprintf(label, sizeof(label), "epoch %u", epoch);
	return token_derive(first, label, out->bytes, sizeof(out->bytes));
}

bool
token_epoch(struct span token, uint32_t now, uint32_t *out)
{
	uint32_t letter = (uint32_t)((token.at[0] | 0x20) - TOKEN_KEY_ID);
	uint32_t ago = (now % TOKEN_KEYS + TOKEN_KEYS - letter) % TOKEN_KEYS;

	*out = now - ago;
	return ago <= now;
}

bool
token_derive(const struct token_key *key, const char *label, uint8_t *out, size_t len)
{
	uint8_t mac[TOKEN_MAC_LEN];

	assert(len <= TOKEN_MAC_LEN);
	if (!token_mac(key, label, strlen(label), mac))
		return false;
	memcpy(out, mac, len);
	OPENSSL_cleanse(mac, sizeof(mac));
	return true;
}
