/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses with display names and parameters; q values; delta-seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/sip_addr.h"
#include "tests/unit/sip_check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void
faulty_addresses_are_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "<", "<>", "<sip:a@b", "sip:a@b>", "a b", "a", "\"a\"", "\"a <sip:a@b>",
		"\"a\\\" <sip:a@b>", "a\" <sip:a@b>", "\"a\" b <sip:a@b>", "a, b <sip:a@b>",
		"a@b <sip:a@b>", "\xC3\xA9 <sip:a@b>", "< sip:a@b>", "<sip:a@b >", "<<sip:a@b>>",
		"<sip:a@b> x", "<sip:a@b>;", "<sip:a@b>;;tag=1", "<sip:a@b>;tag=", "<sip:a@b>;=1",
		"<sip:a@b>;tag=1;", "<sip:a@b>;tag=1,", "<sip:a@b>;tag=a b", "<sip:a@b>;tag=\"a",
		"<sip:a@b>;tag=\"a\"b", "<sip:a@b>;t@g=1", "<sip:a@b>,<sip:c@d>",
		"sip:a@b,sip:c@d", "sip:a,b@c", "sip:a@b?c=d", "sip:a@b;tag=1?c=d", "sip:a@b;",
		"sip:a@b x", "sip:a;x@b", "**", "*;q=1", "* <sip:a@b", "<*>", "a <*>",
		"<sip:a@b>;x=[1::2", "<sip:a@b>;x=[a]", "<sip:a@b>;x=a:b", "<sip:a@b>;x=<y>",
		"sip:",
	};
	struct sip_addr a;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		if (sip_addr_parse(guarded(text_of_string(bad[i])), &a) == SIP_OK)
			print_error("accepted: %s\n", bad[i]);
		assert_int_equal(sip_addr_parse(guarded(text_of_string(bad[i])), &a),
				 SIP_ERROR_URI);
	}
}

static void
addresses_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *display, *uri, *params, *tag;
		bool bracketed;
	} rows[] = {
		{ "sip:a@b", "", "sip:a@b", "", "", false },
		{ "<sip:a@b>", "", "sip:a@b", "", "", true },
		{ " <sip:a@b> \r\n ", "", "sip:a@b", "", "", true },
		{ "sip:a@b;tag=1;x", "", "sip:a@b", "tag=1;x", "1", false },
		{ "sip:a@b \r\n ; tag = 1", "", "sip:a@b", " tag = 1", "1", false },
		{ "<sip:a@b;tag=2>;TAG=1", "", "sip:a@b;tag=2", "TAG=1", "1", true },
		{ "<sip:a;x=1,2@b?c=d>;y=\"a;tag=b\"", "", "sip:a;x=1,2@b?c=d", "y=\"a;tag=b\"", "",
		  true },
		{ "Bob <sip:a@b>", "Bob", "sip:a@b", "", "", true },
		{ "Bob<sip:a@b>", "Bob", "sip:a@b", "", "", true }, /* RFC 4475 §3.1.1.6 */
		{ "A. \t B\r\n C <sip:a@b>", "A. \t B\r\n C", "sip:a@b", "", "", true },
		{ "\"A, <\\\"B\\\"> \xC3\xA9\"<sip:a@b>", "\"A, <\\\"B\\\"> \xC3\xA9\"", "sip:a@b",
		  "", "", true },
		{ "\"\" \r\n <tel:1>;q=0.5", "\"\"", "tel:1", "q=0.5", "", true },
		{ "* <sip:a@b>", "*", "sip:a@b", "", "", true },
		{ "name:John_Smith;tag=x", "", "name:John_Smith", "tag=x", "x", false },
		{ "<sip:a@b>;x=[::1];y=::1;z=1.2.3.4", "", "sip:a@b", "x=[::1];y=::1;z=1.2.3.4", "",
		  true },
	};
	struct sip_addr a;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(sip_addr_parse(guarded(text_of_string(rows[i].text)), &a), SIP_OK);
		check_span(a.display, rows[i].display);
		check_span(a.uri_text, rows[i].uri);
		check_span(a.uri.text, rows[i].uri);
		check_span(a.params, rows[i].params);
		check_span(sip_addr_tag(&a), rows[i].tag);
		assert_int_equal(a.bracketed, rows[i].bracketed);
		assert_false(a.star);
	}
	assert_int_equal(sip_addr_parse(SPAN("\r\n *"), &a), SIP_OK);
	assert_true(a.star);
}

static void
q_is_in_thousandths(void **state)
{
	static const struct {
		const char *params;
		int q;
	} rows[] = {
		{ "", 1000 },        { ";q=0", 0 },       { ";q=1", 1000 },     { ";q=0.", 0 },
		{ ";q=1.", 1000 },   { ";q=0.5", 500 },   { ";q=0.05", 50 },    { ";q=0.005", 5 },
		{ ";q=1.000", 1000 }, { ";Q = 0.999", 999 },
		{ ";q", -1 },        { ";q=2", -1 },      { ";q=1.001", -1 },   { ";q=1.1", -1 },
		{ ";q=.5", -1 },     { ";q=0.0005", -1 }, { ";q=-1", -1 },      { ";q=0.a", -1 },
		{ ";q=00", -1 },     { ";q=\"1\"", -1 },  { ";q=0x1", -1 },
	};
	struct sip_addr a;
	char text[64];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		snprintf(text, sizeof(text), "<sip:a@b>%s", rows[i].params);
		assert_int_equal(sip_addr_parse(guarded(text_of_string(text)), &a), SIP_OK);
		assert_int_equal(sip_addr_q(&a), rows[i].q);
	}
}

static void
delta_seconds_are_cut(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint32_t n;
	} rows[] = {
		{ "", false, 0 },           { "-1", false, 0 },
		{ "+1", false, 0 },         { "1 ", false, 0 },
		{ "1a", false, 0 },         { "0x1", false, 0 },
		{ "0", true, 0 },           { "0068", true, 68 },
		{ "4294967295", true, UINT32_MAX }, { "4294967296", true, UINT32_MAX },
		{ "10000000000000000000000000000000000000000", true, UINT32_MAX },
		{ "000000000000000000000000000000000000000007", true, 7 },
		{ "99999999999999999999999999999999999999999x", false, 0 },
	};
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(sip_delta_seconds(guarded(text_of_string(rows[i].text)), &n),
				 rows[i].good);
		if (rows[i].good)
			assert_int_equal(n, rows[i].n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_addresses_are_refused),
		cmocka_unit_test(addresses_are_taken_apart),
		cmocka_unit_test(q_is_in_thousandths),
		cmocka_unit_test(delta_seconds_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
