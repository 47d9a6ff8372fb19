/* SPDX-License-Identifier: Apache-2.0 */
/* Digest credentials, challenges and responses: RFC 7616, RFC 8760, RFC 3261 §25.1. */
#include "codec/sip_digest.h"
#include "tests/unit/sip_check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static struct sip_credentials c;

static enum sip_credentials_kind
parse(const char *text)
{
	return sip_credentials_parse(guarded(text_of_string(text)), &c);
}

static void
credentials_are_taken_apart(void **state)
{
	uint32_t nc;

	(void)state;
	assert_int_equal(parse(" diGest username=\"a \\\"b\\\"\",\r\n\trealm = \"x, y=z\" , "
			       "nonce=\"n\",uri=\"sip:b@c\", response=\"00ff\",algorithm=SHA-256,"
			       "cnonce=\"\",qop=auth,nc=0000aBcD,opaque=\"=\",userhash=false,"
			       "x-more=1"),
			 SIP_CREDENTIALS_DIGEST);
	check_span(c.username, "a \\\"b\\\"");
	check_span(c.realm, "x, y=z");
	check_span(c.nonce, "n");
	check_span(c.uri, "sip:b@c");
	check_span(c.response, "00ff");
	check_span(c.algorithm, "SHA-256");
	check_span(c.qop, "auth");
	assert_non_null(c.cnonce.at);
	assert_int_equal(c.cnonce.len, 0);
	assert_true(sip_credentials_count(&c, &nc));
	assert_int_equal(nc, 0xABCD);
	assert_int_equal(parse("Digest a=b"), SIP_CREDENTIALS_DIGEST);
	assert_null(c.username.at);
	assert_int_equal(parse("Basic dXNlcg=="), SIP_CREDENTIALS_OTHER);
	assert_int_equal(parse("Digestive a=b"), SIP_CREDENTIALS_OTHER);
	assert_int_equal(parse(""), SIP_CREDENTIALS_OTHER);
}

static void
malformed_credentials_are_refused(void **state)
{
	static const char *const bad[] = {
		"Digest",           "Digest ",
		"Digest realm",     "Digest realm=",
		"Digest =\"x\"",    "Digest a=b,",
		"Digest a=b,,c=d",  "Digest a=b c=d",
		"Digest a=\"b",     "Digest a=\"b\"c=d",
		"Digest a=b;c=d",   "Digest,a=b",
		"Digest nc=1,nc=1", "Digest realm=\"a\",Realm=\"a\"",
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		if (parse(bad[i]) != SIP_CREDENTIALS_BAD)
			fail_msg("accepted: %s", bad[i]);
}

static void
every_beginning_is_read_within_its_bounds(void **state)
{
	static const char text[] = "Digest username=\"alice\", nc = 00000001,realm=\"\\\"\",qop=a";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		struct span part = guarded(span_of(text, n));

		if (sip_credentials_parse(part, &c) != SIP_CREDENTIALS_DIGEST)
			continue;
		assert_true(inside(c.username, part) && inside(c.nc, part) &&
			    inside(c.realm, part) && inside(c.qop, part));
	}
}

static void
counts_have_eight_digits(void **state)
{
	static const char *const bad[] = { "Digest nc=1", "Digest nc=000000001",
					   "Digest nc=0000000g", "Digest a=b" };
	uint32_t nc;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(parse(bad[i]), SIP_CREDENTIALS_DIGEST);
		assert_false(sip_credentials_count(&c, &nc));
	}
	assert_int_equal(parse("Digest nc=FFFFFFFF"), SIP_CREDENTIALS_DIGEST);
	assert_true(sip_credentials_count(&c, &nc));
	assert_int_equal(nc, UINT32_MAX);
}

/* RFC 7616 §3.9.1 (MD5, SHA-256); the others were made by Python's hashlib from the same input. */
static void
responses_are_those_of_the_rfc(void **state)
{
	static const struct {
		enum sip_digest_algorithm algorithm;
		const char *ha1, *qop, *response;
	} rows[] = {
		{ SIP_DIGEST_MD5, "3d78807defe7de2157e2b0b6573a855f", "auth",
		  "8ca523f5e9506fed4657c9700eebdbec" },
		{ SIP_DIGEST_MD5, "3d78807defe7de2157e2b0b6573a855f", "auth-int",
		  "9aaa3cbaec2406853a7cb784c6813d11" },
		{ SIP_DIGEST_SHA_256,
		  "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232", "auth",
		  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
		{ SIP_DIGEST_SHA_256,
		  "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232", "auth-int",
		  "2fa9fd5a55eaefc542900085331c15a0d8dcebeb505811bdd82a5b1f49ae156e" },
		{ SIP_DIGEST_SHA_512_256,
		  "fb174f5c3c7802721517cae13b98e2b8dae2e0118cb705d94ee29946319204ce", "auth",
		  "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0" },
		{ SIP_DIGEST_SHA_512_256,
		  "fb174f5c3c7802721517cae13b98e2b8dae2e0118cb705d94ee29946319204ce", "auth-int",
		  "f4a77dcffe7f8d5d98ca279329559e1e5457b701639d422e8c29293d79fcfeb8" },
	};
	char out[SIP_DIGEST_HEX_MAX], upper[SIP_DIGEST_HEX_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		size_t len = sip_digest_hex_len(rows[i].algorithm);

		c = (struct sip_credentials){
			.nonce = SPAN("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
			.uri = SPAN("/dir/index.html"),
			.nc = SPAN("00000001"),
			.cnonce = SPAN("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
			.qop = text_of_string(rows[i].qop),
		};
		assert_true(sip_digest_response(rows[i].algorithm, text_of_string(rows[i].ha1), &c,
						SPAN("GET"), SPAN("body"), out));
		check_span(span_of(out, len), rows[i].response);
		for (size_t k = 0; k < len; k++)
			upper[k] = (char)(out[k] >= 'a' ? out[k] - 0x20 : out[k]);
		assert_true(sip_digest_equal(span_of(upper, len), out, len));
		assert_false(sip_digest_equal(span_of(upper, len - 1), out, len));
		upper[len - 1] = upper[len - 1] == '0' ? '1' : '0';
		assert_false(sip_digest_equal(span_of(upper, len), out, len));
	}
}

static void
algorithms_have_their_names(void **state)
{
	enum sip_digest_algorithm algorithm;

	(void)state;
	for (int i = 0; i < SIP_DIGEST_ALGORITHMS; i++) {
		assert_true(sip_digest_lookup(sip_digest_name((enum sip_digest_algorithm)i),
					      &algorithm));
		assert_int_equal(algorithm, i);
	}
	assert_true(sip_digest_lookup(SPAN(""), &algorithm));
	assert_int_equal(algorithm, SIP_DIGEST_MD5);
	assert_true(sip_digest_lookup(SPAN("sha-256"), &algorithm));
	assert_int_equal(algorithm, SIP_DIGEST_SHA_256);
	assert_false(sip_digest_lookup(SPAN("MD5-sess"), &algorithm));
	assert_false(sip_digest_lookup(SPAN("SHA-512"), &algorithm));
}

static void
challenges_are_written(void **state)
{
	struct sip_challenge challenge = {
		.field = SPAN("WWW-Authenticate"),
		.realm = SPAN("example.org"),
		.nonce = SPAN("n0"),
		.qop = SPAN("auth"),
		.algorithm = SIP_DIGEST_SHA_512_256,
	};
	char text[200];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	sip_digest_challenge(&w, &challenge);
	check_span(writer_text(&w), "WWW-Authenticate: Digest realm=\"example.org\", nonce=\"n0\", "
				    "qop=\"auth\", algorithm=SHA-512-256\r\n");
	challenge.stale = true;
	for (size_t cap = 0; cap < w.len + 12; cap++) {
		struct writer small = writer_over(text, cap);

		sip_digest_challenge(&small, &challenge);
		assert_true(small.full && small.len <= cap);
	}
	w = writer_over(text, sizeof(text));
	sip_digest_challenge(&w, &challenge);
	check_span(writer_text(&w), "WWW-Authenticate: Digest realm=\"example.org\", nonce=\"n0\", "
				    "qop=\"auth\", algorithm=SHA-512-256, stale=true\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_are_taken_apart),
		cmocka_unit_test(malformed_credentials_are_refused),
		cmocka_unit_test(every_beginning_is_read_within_its_bounds),
		cmocka_unit_test(counts_have_eight_digits),
		cmocka_unit_test(responses_are_those_of_the_rfc),
		cmocka_unit_test(algorithms_have_their_names),
		cmocka_unit_test(challenges_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
