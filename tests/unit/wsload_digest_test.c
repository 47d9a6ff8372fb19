/* SPDX-License-Identifier: Apache-2.0 */
/* Digest authentication of a client: right answers, and what cannot be answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tools/wsload/digest.h"

static const char nonce[] = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";

static const char *
answer(const char *value, const struct digest_use *use)
{
	static char text[1024];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct digest_challenge c;

	if (!digest_read(&c, span_of(value, strlen(value))))
		return NULL;
	assert_true(digest_write(&w, &c, use));
	assert_false(w.full);
	text[w.len] = '\0';
	return text;
}

static struct digest_use
mufasa(const char *cnonce)
{
	struct digest_use use = { .user = SPAN("Mufasa"),
				  .password = SPAN("Circle of Life"),
				  .method = SPAN("GET"),
				  .uri = SPAN("/dir/index.html"),
				  .nc = 1 };

	strncpy(use.cnonce, cnonce, sizeof(use.cnonce) - 1);
	return use;
}

/* RFC 2617 §3.5. Its realm and cnonce, MD5 unnamed. */
static void
md5_of_rfc_2617(void **state)
{
	struct digest_use use = mufasa("0a4f113b");
	const char *said;

	(void)state;
	use.password = SPAN("Circle Of Life");
	said = answer("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
		      "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
		      "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
		      &use);
	assert_non_null(said);
	assert_string_equal(
		said, "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
		      "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
		      "response=\"6629fae49393a05397450978507c4ef1\", "
		      "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", "
		      "qop=auth, nc=00000001, cnonce=\"0a4f113b\"");
}

/* With algorithm=, and without qop; the responses are Python's hashlib's. */
static void
sha_256_and_md5_named(void **state)
{
	struct digest_use use = mufasa("f2/wE4q74E6zIJEt");
	char value[256];
	const char *said;

	(void)state;
	snprintf(value, sizeof(value),
		 "Digest realm=\"http-auth@example.org\", qop=\"auth\", algorithm=SHA-256, "
		 "nonce=\"%s\"",
		 nonce);
	said = answer(value, &use);
	assert_non_null(strstr(
		said,
		"response=\"694dea84e7bfe90435fb5b8a050f4cecdc46ad86da6ce54432325b34d8d2d3e9\", "
		"algorithm=SHA-256, qop=auth"));
	snprintf(value, sizeof(value),
		 "digest nonce=\"%s\",algorithm=md5 , realm=\"http-auth@example.org\"", nonce);
	said = answer(value, &use);
	assert_non_null(
		strstr(said, "response=\"7b2cc3b30e75b4777ea31027084363fd\", algorithm=MD5"));
	assert_null(strstr(said, "qop"));
	assert_null(strstr(said, "opaque"));
}

static void
what_cannot_be_answered(void **state)
{
	static const char *const wrong[] = {
		"",
		"Basic realm=\"a\"",
		"Digest realm=\"a\"",
		"Digest realm=\"a\", nonce=\"b\", algorithm=SHA-512",
		"Digest realm=\"a\", nonce=\"b\", algorithm=MD5-sess",
		"Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\"",
	};
	struct digest_challenge c;

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (digest_read(&c, span_of(wrong[i], strlen(wrong[i]))))
			fail_msg("'%s' is taken", wrong[i]);
}

static void
nothing_overflows(void **state)
{
	char value[1024] = "Digest realm=\"r\", nonce=\"";
	size_t at = strlen(value);
	struct digest_challenge c;

	(void)state;
	memset(value + at, 'n', DIGEST_NONCE_MAX - 1);
	value[at + DIGEST_NONCE_MAX - 1] = '"';
	assert_true(digest_read(&c, span_of(value, strlen(value))));
	value[at + DIGEST_NONCE_MAX - 1] = 'n';
	value[at + DIGEST_NONCE_MAX] = '"';
	assert_false(digest_read(&c, span_of(value, strlen(value))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(md5_of_rfc_2617),
		cmocka_unit_test(sha_256_and_md5_named),
		cmocka_unit_test(what_cannot_be_answered),
		cmocka_unit_test(nothing_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
