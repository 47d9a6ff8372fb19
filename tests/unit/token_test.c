/* SPDX-License-Identifier: Apache-2.0 */
/* Flow tokens: O-04, O-05. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "codec/sip_uri.h"
#include "engine/token.h"
#include "tests/feed.h"

static const struct token_key key = { "0123456789abcdef0123456789abcde" };
static const struct flow flows[] = {
	{ 0, 1 },           { 1, 1 },   { 0xFFFFFFFF, 0xFFFFFFFF }, { 12345, 0x02000007 },
	{ 61, 0x00FFFFFF }, { 62, 61 },
};
#define FLOWS (sizeof(flows) / sizeof(flows[0]))

/* Each character changed into each other one: never ours. */
static void
tampered(void **state)
{
	char token[TOKEN_LEN];
	struct flow f;

	(void)state;
	token_make(&key, TOKEN_KEY_ID, flows[3], token);
	for (int i = 0; i < TOKEN_LEN; i++) {
		char right = token[i];

		for (int c = 0; c < 256; c++) {
			if ((char)c == right)
				continue;
			token[i] = (char)c;
			assert_false(token_read(span_of(token, TOKEN_LEN), &f) &&
				     token_check(&key, span_of(token, TOKEN_LEN), f));
		}
		token[i] = right;
	}
}

static void
wrong_length(void **state)
{
	char token[TOKEN_LEN + 1];
	struct flow f;

	(void)state;
	token_make(&key, TOKEN_KEY_ID, flows[3], token);
	token[TOKEN_LEN] = 'A';
	for (size_t len = 0; len <= TOKEN_LEN + 1; len++) {
		struct span text = span_of(feed_guarded(token, len), len);

		assert_int_equal(token_read(text, &f), len == TOKEN_LEN);
		assert_int_equal(token_check(&key, text, flows[3]), len == TOKEN_LEN);
	}
}

static void
round_trip(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FLOWS; i++) {
		char token[TOKEN_LEN], other[TOKEN_LEN];
		struct span text = span_of(token, TOKEN_LEN);
		struct flow f;

		token_make(&key, TOKEN_KEY_ID, flows[i], token);
		assert_true(token_read(text, &f));
		assert_true(flow_equal(f, flows[i]));
		assert_true(flow_equal(token_flow(token), flows[i]));
		assert_true(token_check(&key, text, f));
		for (unsigned k = 0; k < FLOWS; k++)
			assert_int_equal(token_check(&key, text, flows[k]), k == i);
		token_make(&key, TOKEN_KEY_ID, flows[i], other);
		assert_memory_equal(token, other, TOKEN_LEN); /* P-05 */
	}
}

static void
other_key(void **state)
{
	struct token_key other = key;
	char token[TOKEN_LEN];

	(void)state;
	other.bytes[31] ^= 1;
	token_make(&other, TOKEN_KEY_ID, flows[0], token);
	assert_false(token_check(&key, span_of(token, TOKEN_LEN), flows[0]));
}

/* It stands in a URI and in a Via as it is. */
static void
is_user_part(void **state)
{
	char text[64];
	struct sip_uri uri;

	(void)state;
	for (uint32_t slot = 0; slot < 500; slot++) {
		char token[TOKEN_LEN];
		int n;

		token_make(&key, TOKEN_KEY_ID, (struct flow){ slot, 1 }, token);
		n = snprintf(text, sizeof(text), "sip:%.*s@h;lr", TOKEN_LEN, token);
		assert_int_equal(sip_uri_parse(span_of(text, (size_t)n), &uri), SIP_OK);
		assert_true(span_equal(uri.user, span_of(token, TOKEN_LEN)));
		for (int i = 0; i < TOKEN_LEN; i++)
			assert_true((token[i] >= '0' && token[i] <= '9') ||
				    ((token[i] | 0x20) >= 'a' && (token[i] | 0x20) <= 'z'));
	}
}

static void
derived(void **state)
{
	uint8_t a[32], b[32], shorter[16];

	(void)state;
	token_derive(&key, "a", a, sizeof(a));
	token_derive(&key, "b", b, sizeof(b));
	token_derive(&key, "a", shorter, sizeof(shorter));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_equal(a, shorter, sizeof(shorter));
	/* HMAC-SHA256, as libcrypto makes it */
	assert_non_null(
		HMAC(EVP_sha256(), key.bytes, sizeof(key.bytes), (const uint8_t *)"a", 1, b, NULL));
	assert_memory_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tampered),     cmocka_unit_test(wrong_length),
		cmocka_unit_test(other_key),    cmocka_unit_test(round_trip),
		cmocka_unit_test(is_user_part), cmocka_unit_test(derived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
