/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/auth_nonce.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define HEAD_LEN 8
#define MAC_LEN 16
#define RAW_LEN (HEAD_LEN + MAC_LEN)

_Static_assert(RAW_LEN % 3 == 0 && AUTH_NONCE_LEN == RAW_LEN / 3 * 4, "base64 without padding");
_Static_assert(sizeof(struct auth_flow) <= 64, "one cache line");

static void
put(uint8_t *at, uint64_t n, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
}

static uint32_t
get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool
raw_make(const struct token_key *key, struct auth_nonce nonce, uint64_t serial,
	 uint8_t raw[RAW_LEN])
{
	uint8_t text[HEAD_LEN + 8], mac[TOKEN_MAC_LEN];

	put(text, nonce.made_s, 4);
	put(text + 4, nonce.number, 4);
	put(text + HEAD_LEN, serial, 8);
	if (!token_mac(key, text, sizeof(text), mac))
		return false;
	memcpy(raw, text, HEAD_LEN);
	memcpy(raw + HEAD_LEN, mac, MAC_LEN);
	return true;
}

bool
auth_nonce_make(const struct token_key *key, struct auth_nonce nonce, uint64_t serial,
		char out[AUTH_NONCE_LEN])
{
	uint8_t raw[RAW_LEN], text[AUTH_NONCE_LEN + 1];

	if (!raw_make(key, nonce, serial, raw))
		return false;
	EVP_EncodeBlock(text, raw, RAW_LEN);
	for (unsigned i = 0; i < AUTH_NONCE_LEN; i++)
		out[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : (char)text[i];
	return true;
}

bool
auth_nonce_read(const struct token_key *key, struct span text, uint64_t serial,
		struct auth_nonce *out)
{
	uint8_t base64[AUTH_NONCE_LEN], raw[RAW_LEN];
	char right[AUTH_NONCE_LEN];

	if (text.len != AUTH_NONCE_LEN)
		return false;
	for (unsigned i = 0; i < AUTH_NONCE_LEN; i++)
		base64[i] = (uint8_t)(text.at[i] == '-' ? '+' :
				      text.at[i] == '_' ? '/' :
							  text.at[i]);
	if (EVP_DecodeBlock(raw, base64, AUTH_NONCE_LEN) != RAW_LEN)
		return false;
	out->made_s = get32(raw);
	out->number = get32(raw + 4);
	/* as text: what was decoded may be written in more than one way */
	return auth_nonce_make(key, *out, serial, right) &&
	       CRYPTO_memcmp(text.at, right, AUTH_NONCE_LEN) == 0;
}

/* ---- use ---- */

static void
begin(struct auth_flow *f, uint64_t serial)
{
	if (f->serial != serial)
		*f = (struct auth_flow){ .serial = serial };
}

uint32_t
auth_nonce_next(struct auth_flow *f, uint64_t serial)
{
	begin(f, serial);
	return ++f->made;
}

static struct auth_flow_nonce *
find(struct auth_flow *f, uint32_t number)
{
	for (unsigned i = 0; i < AUTH_NONCES_KEPT; i++)
		if (f->used[i].number == number)
			return &f->used[i];
	return NULL;
}

/*
 * For a nonce that is not on record: a free place, or that of the oldest. NULL: it is too old. What
 * has left the record was older than all that are there.
 */
static struct auth_flow_nonce *
place_for(struct auth_flow *f, uint32_t number)
{
	struct auth_flow_nonce *oldest = &f->used[0];

	for (unsigned i = 1; i < AUTH_NONCES_KEPT; i++)
		if (f->used[i].number < oldest->number)
			oldest = &f->used[i];
	return number < oldest->number ? NULL : oldest;
}

bool
auth_nonce_use(struct auth_flow *f, uint64_t serial, uint32_t number, uint32_t nc, uint32_t octets)
{
	struct auth_flow_nonce *known;

	begin(f, serial);
	known = find(f, number);
	if (known && (nc < known->nc || (nc == known->nc && octets != known->octets)))
		return false;
	if (!known)
		known = place_for(f, number);
	if (!known)
		return false;
	*known = (struct auth_flow_nonce){ number, nc, octets };
	return true;
}
