/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

static const struct {
	struct span name;
	size_t hex_len;
	const EVP_MD *(*md)(void);
} algorithms[SIP_DIGEST_ALGORITHMS] = {
	[SIP_DIGEST_MD5] = { { "MD5", 3 }, 32, EVP_md5 },
	[SIP_DIGEST_SHA_256] = { { "SHA-256", 7 }, 64, EVP_sha256 },
	[SIP_DIGEST_SHA_512_256] = { { "SHA-512-256", 11 }, 64, EVP_sha512_256 },
};

struct span
sip_digest_name(enum sip_digest_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

size_t
sip_digest_hex_len(enum sip_digest_algorithm algorithm)
{
	return algorithms[algorithm].hex_len;
}

bool
sip_digest_lookup(struct span name, enum sip_digest_algorithm *out)
{
	*out = SIP_DIGEST_MD5;
	if (!name.len)
		return true;
	for (int i = 0; i < SIP_DIGEST_ALGORITHMS; i++)
		if (span_equal_nocase(name, algorithms[i].name)) {
			*out = (enum sip_digest_algorithm)i;
			return true;
		}
	return false;
}

/* ---- hashing ---- */

static void
hex_write(char *to, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
}

/* The hash of texts with a colon between each two. */
static bool
hash(enum sip_digest_algorithm algorithm, const struct span *texts, size_t n, char *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool ok = ctx && EVP_DigestInit_ex(ctx, algorithms[algorithm].md(), NULL);

	for (size_t i = 0; ok && i < n; i++)
		ok = (i == 0 || EVP_DigestUpdate(ctx, ":", 1)) &&
		     EVP_DigestUpdate(ctx, texts[i].at, texts[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, digest, &len);
	EVP_MD_CTX_free(ctx);
	if (ok)
		hex_write(out, digest, len);
	return ok;
}

bool
sip_digest_response(enum sip_digest_algorithm algorithm, struct span ha1,
		    const struct sip_credentials *c, struct span method, struct span body,
		    char out[SIP_DIGEST_HEX_MAX])
{
	char a2[SIP_DIGEST_HEX_MAX], entity[SIP_DIGEST_HEX_MAX];
	size_t len = algorithms[algorithm].hex_len;
	bool whole = SPAN_IS_NOCASE(c->qop, "auth-int");
	struct span what[] = { method, c->uri, span_of(entity, len) };
	struct span all[] = { ha1, c->nonce, c->nc, c->cnonce, c->qop, span_of(a2, len) };

	assert(ha1.len == len);
	return (!whole || hash(algorithm, &body, 1, entity)) &&
	       hash(algorithm, what, whole ? 3 : 2, a2) && hash(algorithm, all, 6, out);
}

bool
sip_digest_equal(struct span response, const char *right, size_t len)
{
	char lower[SIP_DIGEST_HEX_MAX];

	if (response.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		lower[i] = span_lower(response.at[i]);
	return CRYPTO_memcmp(lower, right, len) == 0;
}

/* ---- challenges ---- */

void
sip_digest_challenge(struct writer *w, const struct sip_challenge *c)
{
	writer_put(w, c->field);
	writer_put(w, SPAN(": Digest realm=\""));
	writer_put(w, c->realm);
	writer_put(w, SPAN("\", nonce=\""));
	writer_put(w, c->nonce);
	/* RFC 7616 §3.3: qop in quotes here, algorithm and stale without */
	writer_put(w, SPAN("\", qop=\""));
	writer_put(w, c->qop);
	writer_put(w, SPAN("\", algorithm="));
	writer_put(w, algorithms[c->algorithm].name);
	if (c->stale)
		writer_put(w, SPAN(", stale=true"));
	writer_put(w, SPAN("\r\n"));
}
