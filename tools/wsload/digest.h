/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_DIGEST_H
#define WSLOAD_DIGEST_H
/*
 * Digest authentication, client side: RFC 7616 and RFC 8760; MD5, SHA-256, SHA-512-256; qop=auth or
 * none.
 */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"
#include "codec/writer.h"

#define DIGEST_REALM_MAX 128
#define DIGEST_NONCE_MAX 256

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256 };

struct digest_challenge {
	enum digest_algorithm algorithm;
	bool names_algorithm; /* the answer repeats it only if the challenge had it */
	bool qop;             /* "auth" is among those on offer */
	char realm[DIGEST_REALM_MAX], nonce[DIGEST_NONCE_MAX], opaque[DIGEST_NONCE_MAX];
};

/* What the answer is made for. */
struct digest_use {
	struct span user, password, method, uri;
	char cnonce[17]; /* ends with NUL */
	uint32_t nc;     /* how often the nonce was used, this time included */
};

/* The value of a WWW-Authenticate. False: not Digest, or nothing that can be answered. */
bool digest_read(struct digest_challenge *c, struct span value);

/* "Digest username=..., ..." False: libcrypto refuses; the writer may be full. */
bool digest_write(struct writer *w, const struct digest_challenge *c, const struct digest_use *use);

#endif
