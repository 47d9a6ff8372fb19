/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include "codec/scan.h"

#define HEX_MAX (2 * EVP_MAX_MD_SIZE + 1)

static const struct {
	struct span name;
	const EVP_MD *(*hash)(void);
} algorithms[] = {
	[DIGEST_MD5] = { { "MD5", 3 }, EVP_md5 },
	[DIGEST_SHA256] = { { "SHA-256", 7 }, EVP_sha256 },
	[DIGEST_SHA512_256] = { { "SHA-512-256", 11 }, EVP_sha512_256 },
};

/* ---- reading ---- */

/* The next "name=value" of a list; quotes are taken off, backslashes stay. */
static bool
next_parameter(struct span *rest, struct span *name, struct span *value)
{
	const char *at, *end = span_end(*rest), *equal;

	*rest = span_trim(*rest);
	while (rest->len && (rest->at[0] == ',' || scan_is(rest->at[0], SCAN_LWS))) {
		rest->at++;
		rest->len--;
	}
	equal = rest->len ? memchr(rest->at, '=', rest->len) : NULL;
	if (!equal)
		return false;
	*name = span_trim(span_of(rest->at, (size_t)(equal - rest->at)));
	at = scan_over_lws(equal + 1, end);
	if (at < end && *at == '"') {
		const char *close = scan_over_quoted(at, end);

		if (!close)
			return false;
		*value = span_of(at + 1, (size_t)(close - at - 2));
		at = close;
	} else {
		const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;

		*value = span_trim(span_of(at, (size_t)((comma ? comma : end) - at)));
		at = comma ? comma : end;
	}
	*rest = span_of(at, (size_t)(end - at));
	return true;
}

static bool
copy(char *out, size_t cap, struct span text)
{
	if (text.len >= cap)
		return false;
	if (text.len)
		memcpy(out, text.at, text.len);
	out[text.len] = '\0';
	return true;
}

/* Is "auth" among the comma list? */
static bool
offers_auth(struct span list)
{
	while (list.len) {
		const char *comma = memchr(list.at, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.at) : list.len;

		if (span_equal_nocase(span_trim(span_of(list.at, len)), SPAN("auth")))
			return true;
		len += comma != NULL;
		list = span_of(list.at + len, list.len - len);
	}
	return false;
}

static bool
take_parameter(struct digest_challenge *c, struct span name, struct span value)
{
	if (span_equal_nocase(name, SPAN("realm")))
		return copy(c->realm, sizeof(c->realm), value);
	if (span_equal_nocase(name, SPAN("nonce")))
		return copy(c->nonce, sizeof(c->nonce), value);
	if (span_equal_nocase(name, SPAN("opaque")))
		return copy(c->opaque, sizeof(c->opaque), value);
	if (span_equal_nocase(name, SPAN("qop"))) {
		c->qop = offers_auth(value);
		return c->qop;
	}
	if (!span_equal_nocase(name, SPAN("algorithm")))
		return true;
	c->names_algorithm = true;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		c->algorithm = (enum digest_algorithm)i;
		if (span_equal_nocase(value, algorithms[i].name))
			return true;
	}
	return false;
}

bool
digest_read(struct digest_challenge *c, struct span value)
{
	struct span name, what;

	*c = (struct digest_challenge){ 0 };
	if (value.len < 7 || !span_equal_nocase(span_of(value.at, 7), SPAN("Digest ")))
		return false;
	value = span_of(value.at + 7, value.len - 7);
	while (next_parameter(&value, &name, &what))
		if (!take_parameter(c, name, what))
			return false;
	return c->nonce[0] != '\0';
}

/* ---- answering ---- */

/* The hash of texts with colons between them, in hex. */
static bool
hash(enum digest_algorithm algorithm, const struct span *texts, size_t n, char out[HEX_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool ok = ctx && EVP_DigestInit_ex(ctx, algorithms[algorithm].hash(), NULL);

	for (size_t i = 0; ok && i < n; i++)
		ok = (i == 0 || EVP_DigestUpdate(ctx, ":", 1)) &&
		     EVP_DigestUpdate(ctx, texts[i].at, texts[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, digest, &len);
	EVP_MD_CTX_free(ctx);
	for (unsigned i = 0; ok && i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return ok;
}

static struct span
text(const char *s)
{
	return span_of(s, strlen(s));
}

static void
put(struct writer *w, const char *name, struct span value, bool quoted)
{
	writer_put(w, text(name));
	if (quoted)
		writer_put_byte(w, '"');
	writer_put(w, value);
	if (quoted)
		writer_put_byte(w, '"');
}

bool
digest_write(struct writer *w, const struct digest_challenge *c, const struct digest_use *use)
{
	char a1[HEX_MAX], a2[HEX_MAX], response[HEX_MAX], nc[9];
	const struct span who[] = { use->user, text(c->realm), use->password };
	const struct span what[] = { use->method, use->uri };
	bool ok;

	snprintf(nc, sizeof(nc), "%08x", use->nc);
	ok = hash(c->algorithm, who, 3, a1) && hash(c->algorithm, what, 2, a2);
	if (ok && c->qop)
		ok = hash(c->algorithm,
			  (const struct span[]){ text(a1), text(c->nonce), text(nc),
						 text(use->cnonce), SPAN("auth"), text(a2) },
			  6, response);
	else if (ok)
		ok = hash(c->algorithm, (const struct span[]){ text(a1), text(c->nonce), text(a2) },
			  3, response);
	if (!ok)
		return false;
	put(w, "Digest username=", use->user, true);
	put(w, ", realm=", text(c->realm), true);
	put(w, ", nonce=", text(c->nonce), true);
	put(w, ", uri=", use->uri, true);
	put(w, ", response=", text(response), true);
	if (c->names_algorithm)
		put(w, ", algorithm=", algorithms[c->algorithm].name, false);
	if (c->opaque[0])
		put(w, ", opaque=", text(c->opaque), true);
	if (c->qop) {
		put(w, ", qop=auth, nc=", text(nc), false);
		put(w, ", cnonce=", text(use->cnonce), true);
	}
	return true;
}
