/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/token.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MAC_LEN 10 /* 80 bits: what RFC 5626 §5.2 shows with HMAC-SHA1-80 */
#define RAW_LEN (8 + MAC_LEN)

_Static_assert(RAW_LEN % 3 == 0 && TOKEN_LEN == 1 + RAW_LEN / 3 * 4, "base64 without padding");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* False: libcrypto has no memory. */
static bool
hmac(const struct token_key *key, const void *text, size_t len, uint8_t out[EVP_MAX_MD_SIZE])
{
	unsigned int out_len = 0;

	return HMAC(EVP_sha256(), key->bytes, sizeof(key->bytes), text, len, out, &out_len) &&
	       out_len == 32;
}

static void
put32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (24 - 8 * i));
}

bool
token_make(const struct token_key *key, struct flow flow, char out[TOKEN_LEN])
{
	uint8_t raw[8 + EVP_MAX_MD_SIZE];

	put32(raw, flow.slot);
	put32(raw + 4, flow.tag);
	if (!hmac(key, raw, 8, raw + 8))
		return false;
	*out++ = TOKEN_KEY_ID;
	for (unsigned i = 0; i < RAW_LEN; i += 3, out += 4) {
		uint32_t bits = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];

		for (int k = 0; k < 4; k++)
			out[k] = alphabet[bits >> (18 - 6 * k) & 63];
	}
	return true;
}

#define LETTERS(first, value)                                                                      \
	[(first)] = (value) + 1, (value) + 2, (value) + 3, (value) + 4, (value) + 5, (value) + 6,  \
	(value) + 7, (value) + 8, (value) + 9, (value) + 10, (value) + 11, (value) + 12,           \
	(value) + 13, (value) + 14, (value) + 15, (value) + 16, (value) + 17, (value) + 18,        \
	(value) + 19, (value) + 20, (value) + 21, (value) + 22, (value) + 23, (value) + 24,        \
	(value) + 25, (value) + 26

/* 1..64; 0: no digit. */
static const uint8_t digits[256] = {
	LETTERS('A', 0), LETTERS('a', 26), ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['-'] = 63,      ['_'] = 64,
};

/* 0..63, or -1. */
static inline int
digit(char c)
{
	return digits[(unsigned char)c] - 1;
}

bool
token_read(struct span text, struct flow *out)
{
	const char *at = text.at + 1;
	uint64_t bits = 0;
	int all = 0;

	if (text.len != TOKEN_LEN || text.at[0] != TOKEN_KEY_ID)
		return false;
	for (unsigned i = 0; i < TOKEN_LEN - 1; i++)
		all |= digit(at[i]);
	if (all < 0)
		return false;
	/* the flow is in the first ten digits and four bits of the next */
	for (unsigned i = 0; i < 10; i++)
		bits = bits << 6 | (uint64_t)digit(at[i]);
	bits = bits << 4 | (uint64_t)digit(at[10]) >> 2;
	*out = (struct flow){ (uint32_t)(bits >> 32), (uint32_t)bits };
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
