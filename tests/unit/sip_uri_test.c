/* SPDX-License-Identifier: Apache-2.0 */
/* URIs, hosts, parameters, escapes, and which URIs are the same (RFC 3261 §19.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/sip_host.h"
#include "codec/sip_uri.h"
#include "tests/unit/sip_check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void
faulty_uris_are_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "sip", "sip:", "sips:", "sipx", "1sip:a", ":a@b", "sip :a@b", " sip:a@b",
		"sip:a@b ", "sip:@b", "sip::p@b", "sip:a@", "sip:a@b@c", "sip:a:b:c@d",
		"sip:a b@c", "sip:\"a\"@b", "sip:<a@b>", "sip:a%4@b", "sip:a%@b", "sip:a%zz@b",
		"sip:a:p;q@b", "sip:a#b@c", "sip:b:", "sip:b:0", "sip:b:65536",
		"sip:b:99999999999999999999", "sip:b:5060x", "sip:b:-1", "sip:b;", "sip:b;;lr",
		"sip:b;=x", "sip:b;x=", "sip:b;x=y=z", "sip:b;x=\"y\"", "sip:b?", "sip:b?a",
		"sip:b?=a", "sip:b?a=b&", "sip:b?a=b&c", "sip:b;?a=b", "sip:b?a=b;c", "sip:a,b",
		"sip:b_c", "sip:-b", "sip:b-", "sip:b..c", "sip:.b", "sip:b.-c", "sip:b-.c",
		"sip:1.2.3", "sip:1.2.3.4.5", "sip:1.2.3.4x", "sip:1.2.3.4.", "sip:1234.2.3.4",
		"sip:1", "sip:a.1", "sip:2001:db8::10", "sip:[2001:db8::10", "sip:[]", "sip:[:]",
		"sip:[:::]", "sip:[1]", "sip:[1:2:3:4:5:6:7]", "sip:[1:2:3:4:5:6:7:8:9]",
		"sip:[1:2:3:4:5:6:7:8:]", "sip:[1::2::3]", "sip:[1::2:]", "sip:[:1::2]",
		"sip:[12345::]", "sip:[1:2:3:4:5:6:7:8::]", "sip:[::1:2:3:4:5:6:7:8]",
		"sip:[1:2:3:4:5:6:7:1.2.3.4]", "sip:[::1.2.3]", "sip:[::1.2.3.4:5]",
		"sip:[2001:db8:::192.0.2.1]", "sip:[::1%25eth0]", "sip:[g::]", "sip:[::1]x",
		"sip:[::1]:", "tel:", "http:", "x y:z", "mailto:a b", "urn:<a>", "x:%4", "x:a#b",
	};
	struct sip_uri uri;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		if (sip_uri_parse(guarded(text_of_string(bad[i])), &uri) == SIP_OK)
			print_error("accepted: %s\n", bad[i]);
		assert_int_equal(sip_uri_parse(guarded(text_of_string(bad[i])), &uri),
				 SIP_ERROR_URI);
	}
	assert_int_equal(sip_uri_parse(guarded(SPAN("sip:a\0@b")), &uri), SIP_ERROR_URI);
}

static void
uris_are_taken_apart(void **state)
{
	static const struct {
		const char *text;
		enum sip_scheme kind;
		const char *user, *password, *host;
		unsigned port;
		const char *params, *headers;
	} rows[] = {
		{ "sip:b", SIP_SCHEME_SIP, NULL, NULL, "b", 0, "", "" },
		{ "SIPS:a@b.c-d.e2.", SIP_SCHEME_SIPS, "a", NULL, "b.c-d.e2.", 0, "", "" },
		{ "sip:a:@b:05060", SIP_SCHEME_SIP, "a", "", "b", 5060, "", "" },
		{ "sip:a;b=c?d/e,&=+$%41:p&=+$,@1.2.3.4:1;lr;x=[y]/:&+$%20?h=&g=:?/[]+$",
		  SIP_SCHEME_SIP, "a;b=c?d/e,&=+$%41", "p&=+$,", "1.2.3.4", 1, "lr;x=[y]/:&+$%20",
		  "h=&g=:?/[]+$" },
		{ "sip:[::ffff:1.2.3.4]:65535?a=b", SIP_SCHEME_SIP, NULL, NULL, "[::ffff:1.2.3.4]",
		  65535, "", "a=b" },
		{ "sip:+1-(2).3;phone-context=x@h", SIP_SCHEME_SIP, "+1-(2).3;phone-context=x",
		  NULL, "h", 0, "", "" },
		{ "sip:8.4.a", SIP_SCHEME_SIP, NULL, NULL, "8.4.a", 0, "", "" },
	};
	struct sip_uri uri;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct span text = guarded(text_of_string(rows[i].text));

		assert_int_equal(sip_uri_parse(text, &uri), SIP_OK);
		assert_int_equal(uri.kind, rows[i].kind);
		assert_ptr_equal(uri.text.at, text.at);
		assert_int_equal(uri.has_user, rows[i].user != NULL);
		check_span(uri.user, rows[i].user ? rows[i].user : "");
		assert_int_equal(uri.password.at != NULL, rows[i].password != NULL);
		check_span(uri.password, rows[i].password ? rows[i].password : "");
		check_span(uri.host, rows[i].host);
		assert_int_equal(uri.port, rows[i].port);
		check_span(uri.params, rows[i].params);
		check_span(uri.headers, rows[i].headers);
	}
}

static void
other_schemes_are_let_by(void **state)
{
	static const struct {
		const char *text, *scheme;
		enum sip_scheme kind;
	} rows[] = {
		{ "tel:+1;ext=2", "tel", SIP_SCHEME_TEL },
		{ "TEL:1", "TEL", SIP_SCHEME_TEL },
		{ "http://[::1]/?a=b&c", "http", SIP_SCHEME_OTHER },
		{ "soap.beep://192.0.2.103:3002", "soap.beep", SIP_SCHEME_OTHER },
		{ "s:a", "s", SIP_SCHEME_OTHER },
		{ "sipx:a", "sipx", SIP_SCHEME_OTHER },
		{ "sipsx:a", "sipsx", SIP_SCHEME_OTHER },
		{ "urn:service:sos", "urn", SIP_SCHEME_OTHER },
	};
	struct sip_uri uri;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(sip_uri_parse(guarded(text_of_string(rows[i].text)), &uri),
				 SIP_OK);
		assert_int_equal(uri.kind, rows[i].kind);
		check_span(uri.scheme, rows[i].scheme);
		check_span(uri.text, rows[i].text);
		assert_int_equal(uri.host.len, 0);
	}
}

static void
ipv6_addresses_are_read_to_octets(void **state)
{
	static const struct {
		const char *text;
		uint8_t octets[SIP_HOST_IPV6_LEN];
	} rows[] = {
		{ "::", { 0 } },
		{ "::1", { [15] = 1 } },
		{ "1::", { [1] = 1 } },
		{ "1:2:3:4:5:6:7:8", { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 } },
		{ "1:2:3:4:5:6:7::", { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0 } },
		{ "::2:3:4:5:6:7:8", { 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 } },
		{ "2001:DB8::9:0001", { 0x20, 0x01, 0x0D, 0xB8, [13] = 9, [15] = 1 } },
		{ "::ffff:192.0.2.10", { [10] = 0xFF, 0xFF, 192, 0, 2, 10 } },
		{ "1:2:3:4:5:6:1.2.3.4", { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4 } },
	};
	uint8_t octets[SIP_HOST_IPV6_LEN];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct span text = guarded(text_of_string(rows[i].text));

		assert_ptr_equal(sip_host_over_ipv6(text.at, text.at + text.len, octets),
				 text.at + text.len);
		assert_memory_equal(octets, rows[i].octets, sizeof(octets));
	}
}

static void
parameters_are_found(void **state)
{
	const struct span params =
		SPAN(" a=1;Flag ; q = \"x;y=\\\"z\" ;e=;a=2;tag\t=\r\n t;last=\"open;b");
	struct span value;

	(void)state;
	assert_false(sip_param(params, SPAN("y"), &value));
	assert_null(value.at);
	assert_false(sip_param(params, SPAN("b"), &value)); /* inside of the open quote */
	assert_false(sip_param((struct span){ NULL, 0 }, SPAN("a"), &value));
	assert_true(sip_param(params, SPAN("A"), &value));
	check_span(value, "1");
	assert_true(sip_param(params, SPAN("flag"), &value));
	assert_null(value.at);
	assert_true(sip_param(params, SPAN("q"), &value));
	check_span(value, "\"x;y=\\\"z\"");
	assert_true(sip_param(params, SPAN("e"), &value));
	assert_non_null(value.at);
	assert_int_equal(value.len, 0);
	assert_true(sip_param(params, SPAN("TAG"), &value));
	check_span(value, "t");
	assert_true(sip_param(params, SPAN("last"), &value));
	check_span(value, "\"open;b");
}

static void
parameters_are_walked_in_order(void **state)
{
	struct span rest = SPAN("b;a=1;;c"), name, value;
	char got[64] = "";

	(void)state;
	while (sip_param_next(&rest, &name, &value))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%.*s|%.*s]", (int)name.len,
			 name.at, (int)value.len, value.at ? value.at : "");
	assert_string_equal(got, "[b|][a|1][|][c|]");
	assert_false(sip_param_next(&rest, &name, &value));
}

static void
uri_parameters_may_be_escaped(void **state)
{
	struct sip_uri uri;
	struct span value;

	(void)state;
	assert_int_equal(sip_uri_parse(SPAN("sip:h;%6C%52;n%61me=v%61lue"), &uri), SIP_OK);
	assert_false(sip_param(uri.params, SPAN("lr"), &value));
	assert_true(sip_uri_param(&uri, SPAN("lr"), &value));
	assert_true(sip_uri_param(&uri, SPAN("NAME"), &value));
	check_span(value, "v%61lue");
	assert_false(sip_uri_param(&uri, SPAN("l"), &value));
}

static void
escapes_are_undone_once(void **state)
{
	static const struct {
		const char *text;
		struct span want;
	} rows[] = {
		{ "", SPAN("") },         { "%", SPAN("%") },       { "%4", SPAN("%4") },
		{ "%4g", SPAN("%4g") },   { "a%41b", SPAN("aAb") }, { "%00%fF", SPAN("\0\xFF") },
		{ "%2541", SPAN("%41") }, { "%%41", SPAN("%A") },
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		size_t len = sip_unescape(guarded(text_of_string(rows[i].text)), out);

		assert_true(span_equal(span_of(out, len), rows[i].want));
	}
	assert_true(sip_unescape_equal(SPAN("a%62%2f"), SPAN("%61b%2F"), false));
	assert_false(sip_unescape_equal(SPAN("%2F"), SPAN("/"), false));
	assert_false(sip_unescape_equal(SPAN("A"), SPAN("a"), false));
	assert_true(sip_unescape_equal(SPAN("%41"), SPAN("a"), true));
	assert_false(sip_unescape_equal(SPAN("a"), SPAN("ab"), true));
	assert_false(sip_unescape_equal(SPAN("%00"), SPAN("%00%00"), true));
}

static bool
equal(const char *a, const char *b)
{
	struct sip_uri x, y;
	bool same;

	assert_int_equal(sip_uri_parse(text_of_string(a), &x), SIP_OK);
	assert_int_equal(sip_uri_parse(text_of_string(b), &y), SIP_OK);
	assert_true(sip_uri_equal(&x, &x));
	assert_true(sip_uri_equal(&y, &y));
	same = sip_uri_equal(&x, &y);
	assert_int_equal(sip_uri_equal(&y, &x), same);
	return same;
}

static void
different_uris_are_not_equal(void **state)
{
	static const char *const pairs[][2] = {
		/* RFC 3261 §19.1.4 */
		{ "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp" },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting" },
		{ "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4" },
		{ "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off" },
		/* and its rules, one by one */
		{ "sip:a@b", "sips:a@b" },
		{ "sip:a@b", "sip:b" },
		{ "sip:a@b", "sip:a:@b" },
		{ "sip:a:x@b", "sip:a:X@b" },
		{ "sip:a@b", "sip:a@b;user=phone" },
		{ "sip:a@b", "sip:a@b;ttl=1" },
		{ "sip:a@b", "sip:a@b;method=INVITE" },
		{ "sip:a@b", "sip:a@b;m%61ddr=c" },
		{ "sip:a@b;x=1;y=2", "sip:a@b;y=2;x=2" },
		{ "sip:a@b;x", "sip:a@b;x=1" },
		{ "sip:a%2Fb@c", "sip:a/b@c" },
		{ "sip:%00@b", "sip:%00%00@b" },
		{ "sip:[::1]", "sip:[::2]" },
		{ "sip:[::1]", "sip:localhost" },
		{ "sip:b?a=1", "sip:b?a=2" },
		{ "sip:b?a=1", "sip:b?a=1&a=1" },
		{ "sip:b?a=1&a=1&c=2", "sip:b?a=1&c=2&c=2" },
		{ "tel:1", "tel:2" },
		{ "tel:1", "sip:1@b" },
		{ "x:a", "x:A" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(pairs); i++) {
		if (equal(pairs[i][0], pairs[i][1]))
			print_error("equal: %s %s\n", pairs[i][0], pairs[i][1]);
		assert_false(equal(pairs[i][0], pairs[i][1]));
	}
}

static void
same_uris_are_equal(void **state)
{
	static const char *const pairs[][2] = {
		/* RFC 3261 §19.1.4 */
		{ "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp" },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5" },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com;security=on" },
		{ "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on" },
		{ "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		  "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com" },
		{ "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		  "sip:alice@atlanta.com?priority=urgent&subject=project%20x" },
		/* and its rules */
		{ "sip:a@b:5060", "sip:a@b:05060" },
		{ "sip:a:%70@b", "sip:a:p@b" },
		{ "sip:a@b;lr", "sip:a@b" },
		{ "sip:%2f@b", "sip:%2F@b" },
		{ "sip:[2001:db8::1]", "sip:[2001:0DB8:0::0:1]" },
		{ "sip:[::1.2.3.4]", "sip:[::102:304]" },
		{ "sip:b?A=%31", "sip:b?a=1" },
		{ "tel:1", "tel:1" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(pairs); i++) {
		if (!equal(pairs[i][0], pairs[i][1]))
			print_error("not equal: %s %s\n", pairs[i][0], pairs[i][1]);
		assert_true(equal(pairs[i][0], pairs[i][1]));
	}
}

/* More parameters or headers than are compared one by one: equal only to the letter. */
static void
long_uris_are_equal_to_the_letter(void **state)
{
	char a[1024], b[1024];

	(void)state;
	for (int headers = 0; headers < 2; headers++) {
		for (int n = 31; n <= 33; n++) {
			int len = snprintf(a, sizeof(a), headers ? "sip:h?x=1" : "sip:h");

			for (int i = 0; i < n; i++)
				len += snprintf(a + len, sizeof(a) - (size_t)len, "%cp%d=1",
						headers ? '&' : ';', i);
			snprintf(b, sizeof(b), "%s", a);
			assert_true(equal(a, b));
			b[4] = 'H';
			assert_int_equal(equal(a, b), n + headers <= 32);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_uris_are_refused),
		cmocka_unit_test(uris_are_taken_apart),
		cmocka_unit_test(other_schemes_are_let_by),
		cmocka_unit_test(ipv6_addresses_are_read_to_octets),
		cmocka_unit_test(parameters_are_found),
		cmocka_unit_test(parameters_are_walked_in_order),
		cmocka_unit_test(uri_parameters_may_be_escaped),
		cmocka_unit_test(escapes_are_undone_once),
		cmocka_unit_test(different_uris_are_not_equal),
		cmocka_unit_test(same_uris_are_equal),
		cmocka_unit_test(long_uris_are_equal_to_the_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
