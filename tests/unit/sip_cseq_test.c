/* SPDX-License-Identifier: Apache-2.0 */
/* CSeq (RFC 3261 §20.16, §8.1.1.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/sip_cseq.h"
#include "tests/unit/sip_check.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void
faulty_cseqs_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "1", "1 ", "INVITE", "1INVITE", "-1 INVITE", "+1 INVITE", "1 INV ITE",
		"1 INVITE ", "1 IN@VITE", "2147483648 INVITE", "4294967297 INVITE",
		"36893488147419103232 REGISTER", "1,INVITE", " 1 INVITE",
	};
	struct sip_cseq cseq;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(sip_cseq_parse(guarded(text_of_string(bad[i])), &cseq),
				 SIP_ERROR_CSEQ);
	assert_int_equal(sip_cseq_parse((struct span){ NULL, 0 }, &cseq), SIP_ERROR_CSEQ);
}

static void
cseqs_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *method;
		uint32_t number;
	} rows[] = {
		{ "0 A", "A", 0 },
		{ "2147483647 INVITE", "INVITE", 0x7FFFFFFF },
		{ "0009\r\n  INVITE", "INVITE", 9 },
		{ "000000000000000000000000000001\tRE%47IST%45R", "RE%47IST%45R", 1 },
	};
	struct sip_cseq cseq;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(sip_cseq_parse(guarded(text_of_string(rows[i].text)), &cseq),
				 SIP_OK);
		assert_int_equal(cseq.number, rows[i].number);
		check_span(cseq.method, rows[i].method);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_cseqs_are_refused),
		cmocka_unit_test(cseqs_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
