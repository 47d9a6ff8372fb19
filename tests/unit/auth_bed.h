/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_AUTH_BED_H
#define TESTS_UNIT_AUTH_BED_H
/* The routing stage with users of a realm, and a client who answers its challenges. */
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

#define HEX 65

static struct routing r;
static unsigned cseq;
static char error[SETTINGS_ERROR_MAX];

/* What a client makes of a challenge. */
struct answer {
	enum sip_digest_algorithm algorithm;
	const char *user, *password, *uri, *body, *qop;
	unsigned nc;
	char nonce[AUTH_NONCE_LEN + 1];
};

static inline void hash(enum sip_digest_algorithm algorithm, char out[HEX], const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static inline void
hash(enum sip_digest_algorithm algorithm, char out[HEX], const char *format, ...)
{
	static const EVP_MD *(*const md[])(void) = { EVP_md5, EVP_sha256, EVP_sha512_256 };
	uint8_t digest[EVP_MAX_MD_SIZE];
	char text[1024];
	unsigned len;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_true(EVP_Digest(text, strlen(text), digest, &len, md[algorithm](), NULL));
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* alice, bob and carol@example.org of example.org have the password "secret". */
static inline struct users *
users_make(const char *password, bool md5_only)
{
	static const char *const names[] = { "alice", "bob", "carol@example.org" };
	char text[2048], ha1[HEX];
	struct users *u;
	size_t len = 0;

	for (unsigned i = 0; i < 3; i++)
		for (int a = 0; a < (md5_only ? 1 : SIP_DIGEST_ALGORITHMS); a++) {
			hash((enum sip_digest_algorithm)a, ha1, "%s:example.org:%s", names[i],
			     password);
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s:example.org:%s:%s\n", names[i],
				sip_digest_name((enum sip_digest_algorithm)a).at, ha1);
		}
	u = users_parse(span_of(text, len), error);
	assert_non_null(u);
	return u;
}

static inline void
start(const char *setting)
{
	cseq = 1;
	routing_prepare(&r);
	assert_true(settings_set(&r.settings, "auth.users=given", error));
	assert_true(settings_set(&r.settings, "routing.domains=example.org", error));
	if (setting)
		assert_true(settings_set(&r.settings, setting, error));
	assert_true(settings_finish(&r.settings, error));
	routing_start(&r);
	auth_publish(r.shared->auth, users_make("secret", false));
	routing_open(&r, 1, "192.0.2.1", 4711);
	routing_open(&r, 2, "192.0.2.2", 4712);
}

static inline int
setup(void **state)
{
	(void)state;
	start(NULL);
	return 0;
}

static inline int
say_register(uint32_t slot, const char *user, const char *fields)
{
	routing_say(&r, slot,
		    "REGISTER sip:example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK%u\n"
		    "To: <sip:%s@example.org>\nFrom: <sip:%s@example.org>;tag=1\n"
		    "Call-ID: one\nCSeq: %u REGISTER\nMax-Forwards: 70\n"
		    "Contact: <sip:c@a%u.invalid;transport=ws>\n%s\n",
		    cseq, user, user, cseq, slot, fields);
	cseq++;
	return routing_status(&r);
}

/* To bob; returns the status, or 0 when it is forwarded. */
static inline int
say(uint32_t slot, const char *method, const char *from, const char *fields)
{
	routing_say(&r, slot,
		    "%s sip:bob@example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS a.invalid;branch=z9hG4bKm%u\n"
		    "To: <sip:bob@example.org>\nFrom: %s;tag=1\n"
		    "Call-ID: two\nCSeq: %u %s\nMax-Forwards: 70\n%s\n",
		    method, cseq, from, cseq, method, fields);
	cseq++;
	return routing_status(&r);
}

/* The nonce of the first challenge in the answer. */
static inline void
take_nonce(struct answer *a)
{
	const char *at = strstr(r.out, "nonce=\"");

	assert_non_null(at);
	memcpy(a->nonce, at + 7, AUTH_NONCE_LEN);
	a->nonce[AUTH_NONCE_LEN] = '\0';
	assert_int_equal(at[7 + AUTH_NONCE_LEN], '"');
}

/* A header line; good until the next call. */
static const char *
credentials(const struct answer *a, const char *field, const char *method)
{
	static char line[1024];
	char ha1[HEX], ha2[HEX], entity[HEX], response[HEX];
	const char *qop = a->qop ? a->qop : "auth";

	hash(a->algorithm, ha1, "%s:example.org:%s", a->user, a->password);
	hash(a->algorithm, entity, "%s", a->body ? a->body : "");
	if (strcmp(qop, "auth-int") == 0)
		hash(a->algorithm, ha2, "%s:%s:%s", method, a->uri, entity);
	else
		hash(a->algorithm, ha2, "%s:%s", method, a->uri);
	hash(a->algorithm, response, "%s:%s:%08x:cc:%s:%s", ha1, a->nonce, a->nc, qop, ha2);
	snprintf(line, sizeof(line),
		 "%s: Digest username=\"%s\", realm=\"example.org\", nonce=\"%s\", uri=\"%s\", "
		 "response=\"%s\", algorithm=%s, cnonce=\"cc\", qop=%s, nc=%08x\n",
		 field, a->user, a->nonce, a->uri, response, sip_digest_name(a->algorithm).at, qop,
		 a->nc);
	return line;
}

#define ALICE(algorithm_)                                                                          \
	{                                                                                          \
		.algorithm = (algorithm_), .user = "alice", .password = "secret",                  \
		.uri = "sip:example.org", .nc = 1                                                  \
	}

/* alice asks, is challenged, and answers; returns the status of that. */
static inline int
register_with(struct answer *a, uint32_t slot)
{
	assert_int_equal(say_register(slot, "alice", ""), 401);
	take_nonce(a);
	return say_register(slot, "alice", credentials(a, "Authorization", "REGISTER"));
}

static inline bool
says_stale(void)
{
	return strstr(r.out, "stale=true") != NULL;
}

#endif
