/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_DIGEST_H
#define CODEC_SIP_DIGEST_H
/*
 * Digest authentication, RFC 7616 with the algorithms of RFC 8760: credentials and challenges as
 * text, and what a response must be. Views; no state; any thread.
 */
#include "codec/span.h"
#include "codec/writer.h"

enum sip_digest_algorithm {
	SIP_DIGEST_MD5,
	SIP_DIGEST_SHA_256,
	SIP_DIGEST_SHA_512_256,
	SIP_DIGEST_ALGORITHMS
};

#define SIP_DIGEST_HEX_MAX 64 /* digits of the longest hash */

struct span sip_digest_name(enum sip_digest_algorithm algorithm); /* as it goes into a message */
size_t sip_digest_hex_len(enum sip_digest_algorithm algorithm);

/* In any case; an empty name is MD5 (RFC 7616 §3.3). False: none of ours, -sess among them. */
bool sip_digest_lookup(struct span name, enum sip_digest_algorithm *out);

/* Quotes are taken off, backslashes stay; what is absent is empty, at NULL. */
struct sip_credentials {
	struct span username, realm, nonce, uri, response, algorithm, cnonce, qop, nc, userhash;
};

enum sip_credentials_kind {
	SIP_CREDENTIALS_DIGEST,
	SIP_CREDENTIALS_OTHER, /* of another scheme */
	SIP_CREDENTIALS_BAD,   /* Digest, and malformed */
};

/* The value of an Authorization or Proxy-Authorization. Unknown parameters are passed over. */
enum sip_credentials_kind sip_credentials_parse(struct span value, struct sip_credentials *out);

/* nc-value: exactly eight hex digits (RFC 7616 §3.4). False: it is none. */
bool sip_credentials_count(const struct sip_credentials *c, uint32_t *nc);

struct sip_challenge {
	struct span field; /* "WWW-Authenticate" or "Proxy-Authenticate" */
	struct span realm; /* without quotes and backslashes */
	struct span nonce;
	struct span qop; /* "auth" or "auth,auth-int" */
	enum sip_digest_algorithm algorithm;
	bool stale;
};

/* One whole header line. */
void sip_digest_challenge(struct writer *w, const struct sip_challenge *c);

/*
 * What `response` must be (RFC 7616 §3.4.1), qop being auth or auth-int: lower-case digits. `ha1`
 * has sip_digest_hex_len() digits. False: libcrypto refuses.
 */
bool sip_digest_response(enum sip_digest_algorithm algorithm, struct span ha1,
			 const struct sip_credentials *c, struct span method, struct span body,
			 char out[SIP_DIGEST_HEX_MAX]);

/* Are these the same digits, in any case? In constant time. */
bool sip_digest_equal(struct span response, const char *right, size_t len);

#endif
