/* SPDX-License-Identifier: Apache-2.0 */
/* wsload's checks: a right answer passes, and whatever is changed in it is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tools/wsload/exchange.h"

static const char head[] = "MESSAGE sip:w{peer}@{domain} SIP/2.0\r\n"
			   "Via: SIP/2.0/WS c{client}.invalid;branch=z9hG4bK1{client}{op}\r\n"
			   "Max-Forwards: 70\r\n"
			   "To: <sip:w{peer}@{domain}>\r\n"
			   "From: <sip:w{client}@{domain}>;tag=f\r\n"
			   "Call-ID: {client}{op}@x\r\n"
			   "CSeq: 1 MESSAGE\r\n"
			   "Contact: <sip:w{client}@c{client}.invalid;transport=ws>\r\n"
			   "Content-Length: {length}\r\n\r\n";

static const struct template_word words[] = { { "domain", "example.org" }, { NULL, NULL } };

static struct exchange x;
static struct template_digits digits;
static char request[1024];
static struct sip_msg m;

static int
setup(void **state)
{
	(void)state;
	assert_null(exchange_init(&x, head, "{op} hello", words));
	template_digits_client(digits.client, 4);
	template_digits_client(digits.peer, 5);
	template_digits_op(digits.op, 3, 9);
	template_digits_cseq(digits.cseq, 1);
	memcpy(digits.peer_token, "0123456789abcdef", TEMPLATE_TOKEN_LEN);
	digits.attempt = '1';
	template_write(&x.request, &digits, request);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	exchange_fini(&x);
	return 0;
}

/* What is wrong with this text? */
static const char *
judge(const char *text, bool is_request)
{
	assert_int_equal(sip_msg_parse(&m, text, strlen(text)), SIP_OK);
	return is_request ? exchange_check_request(&x, &m, request, &digits) :
			    exchange_check_response(&x, &m, request, &digits);
}

/* The text with `from`, which is in it, replaced. */
static const char *
changed(const char *text, const char *from, const char *to)
{
	static char out[2048];
	const char *at = strstr(text, from);

	assert_non_null(at);
	snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return out;
}

static const char ok[] = "SIP/2.0 200 OK\r\n"
			 "Via: SIP/2.0/WS c00000004.invalid;branch=z9hG4bK100000004000300000009\r\n"
			 "To: <sip:w00000005@example.org>;tag=00000005\r\n"
			 "From: <sip:w00000004@example.org>;tag=f\r\n"
			 "Call-ID: 00000004000300000009@x\r\n"
			 "CSeq: 1 MESSAGE\r\n"
			 "Content-Length: 0\r\n\r\n";

static void
right_answers_pass(void **state)
{
	(void)state;
	assert_null(judge(ok, false));
	assert_null(judge(changed(ok, ".invalid;", ".invalid;received=192.0.2.1;rport=9;"), false));
	assert_null(judge(changed(ok, "0009\r\n", "0009;received=192.0.2.1\r\n"), false));
	assert_null(judge(changed(ok, ";tag=00000005", ""), false) ? NULL : "a tag is missing");
	assert_null(judge(changed(ok, "200 OK", "100 Trying"), false));
	x.from_peer = true;
	assert_null(judge(ok, false));
}

static void
wrong_answers_are_named(void **state)
{
	static const struct {
		const char *from, *to, *field;
	} cases[] = {
		{ "c00000004.", "c00000005.", "Via" },
		{ "SIP/2.0/WS", "SIP/2.0/WSS", "Via" },
		{ "z9hG4bK1", "z9hG4bK2", "Via" },
		{ "300000009\r", "30000000a\r", "Via" },
		{ "0009\r\n", "0009x\r\n", "Via" },
		{ "To:", "Via: SIP/2.0/WS b.invalid;branch=z9hG4bK7\r\nTo:", "Via" },
		{ "To: <sip:w00000005", "To: <sip:w00000006", "To" },
		{ ";tag=00000005", "", "To" },
		{ ";tag=00000005", ";tag=", "To" },
		{ ";tag=00000005", ";tag=00000006", "To" },
		{ ";tag=00000005", ";tag=000000055", "To" },
		{ ";tag=f", ";tag=g", "From" },
		{ ";tag=f", "", "From" },
		{ "@x\r\n", "@y\r\n", "Call-ID" },
		{ "CSeq: 1", "CSeq: 2", "CSeq" },
		{ "1 MESSAGE", "1 OPTIONS", "CSeq" },
		{ "200 OK", "486 Busy Here", "status" },
		{ "200 OK", "302 Moved", "status" },
		{ "Length: 0\r\n\r\n", "Length: 1\r\n\r\nx", "body" },
		{ "Length: 0\r\n\r\n", "Length: 0\r\n\r\nx", "Content-Length" },
	};

	(void)state;
	x.from_peer = true;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *wrong = judge(changed(ok, cases[i].from, cases[i].to), false);

		assert_non_null(wrong);
		assert_string_equal(wrong, cases[i].field);
	}
}

static void
registrations_must_list_the_contact(void **state)
{
	(void)state;
	x.contact_returns = true;
	assert_string_equal(judge(ok, false), "Contact");
	assert_null(judge(changed(ok, "Content-Length",
				  "Contact: <sip:a@b>\r\nContact: <sip:w00000004@c00000004.invalid"
				  ";alias=1~2~3>;expires=60\r\nContent-Length"),
			  false));
}

/* A proxy's copy of the request, as it reaches the partner. */
static const char *
delivered(void)
{
	static char text[2048];

	snprintf(text, sizeof(text), "%.*s", (int)x.request.len, request);
	memcpy(text, changed(text, "w00000005@example.org", "w00000005@0123456789abcdef.invalid"),
	       1024);
	memcpy(text, changed(text, "Via:", "Via: SIP/2.0/WS p.invalid;branch=z9hG4bKp\r\nVia:"),
	       1024);
	return text;
}

static void
requests_are_judged_where_they_arrive(void **state)
{
	static const struct {
		const char *from, *to, *field;
	} cases[] = {
		{ "MESSAGE sip:w00000005@", "MESSAGE sip:w00000007@", "Request-URI" },
		{ "9abcdef.invalid", "9abcdee.invalid", "Request-URI" },
		{ "9abcdef.invalid", "9abcdef.invalix", "Request-URI" },
		{ "c00000004.invalid;branch", "c00000006.invalid;branch", "Via" },
		{ "To: <sip:w00000005", "To: <sip:w00000006", "To" },
		{ ";tag=f", ";tag=g", "From" },
		{ "@x\r\n", "@y\r\n", "Call-ID" },
		{ "hello", "hallo", "body" },
		{ "CSeq: 1 ", "CSeq: 3 ", "CSeq" },
	};

	(void)state;
	assert_null(judge(delivered(), true));
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(judge(changed(delivered(), cases[i].from, cases[i].to), true),
				    cases[i].field);
}

/* In a dialog To has its tag in the request already, and comes back as it was. */
static void
tags_of_a_dialog_stay(void **state)
{
	struct exchange first = x;

	(void)state;
	assert_null(exchange_init(
		&x, changed(head, "{domain}>\r\nFrom", "{domain}>;tag={peer}\r\nFrom"),
		"{op} hello", words));
	exchange_fini(&first);
	template_write(&x.request, &digits, request);
	assert_null(judge(ok, false));
	assert_string_equal(judge(changed(ok, ";tag=00000005", ";tag=00000006"), false), "To");
	assert_string_equal(judge(changed(ok, ";tag=00000005", ""), false), "To");
	assert_string_equal(judge(changed(ok, "tag=00000005", "tag=00000005;tag=x"), false), "To");
}

static void
answers_of_the_partner_have_a_body(void **state)
{
	(void)state;
	x.from_peer = true;
	x.answer_body = SPAN("v=0\r\n");
	assert_string_equal(judge(ok, false), "body");
	assert_null(judge(changed(ok, "Length: 0\r\n\r\n", "Length: 5\r\n\r\nv=0\r\n"), false));
	assert_string_equal(
		judge(changed(ok, "Length: 0\r\n\r\n", "Length: 5\r\n\r\nv=1\r\n"), false), "body");
}

static void
numbers_are_found(void **state)
{
	struct exchange with_try;
	struct exchange_id id;

	(void)state;
	judge(changed(ok, ".invalid;", ".invalid;rport=5060;"), false);
	assert_true(exchange_identify_response(&x, &m, &id));
	assert_int_equal(id.client, 4);
	assert_int_equal(id.entry, 3);
	assert_int_equal(id.serial, 9);
	judge(delivered(), true);
	assert_true(exchange_identify_request(&x, &m, &id));
	assert_int_equal(id.serial, 9);
	judge(changed(ok, ";branch=z9hG4bK100000004000300000009", ""), false);
	assert_false(exchange_identify_response(&x, &m, &id));
	judge(changed(ok, "z9hG4bK100000004", "z9hG4bK1"), false);
	assert_false(exchange_identify_response(&x, &m, &id));
	assert_int_equal(id.attempt, 1);
	assert_null(
		exchange_init(&with_try, changed(head, "{op}\r\n", "{op}{try}\r\n"), "", words));
	judge(changed(ok, "00300000009\r\n", "003000000092\r\n"), false);
	assert_true(exchange_identify_response(&with_try, &m, &id));
	assert_int_equal(id.serial, 9);
	assert_int_equal(id.attempt, 2);
	exchange_fini(&with_try);
	assert_true(exchange_identify_raw(SPAN("00000002000100000007rest"), &id));
	assert_int_equal(id.client, 2);
	assert_int_equal(id.entry, 1);
	assert_int_equal(id.serial, 7);
	assert_false(exchange_identify_raw(SPAN("0000000200010000000"), &id));
}

static void
bad_templates_are_refused(void **state)
{
	struct exchange bad;

	(void)state;
	assert_non_null(exchange_init(&bad, "no SIP\r\n\r\n", "", words));
	assert_non_null(
		exchange_init(&bad, changed(head, "{client}{op}\r\n", "{op}\r\n"), "", words));
	assert_non_null(exchange_init(&bad, changed(head, "CSeq: 1 ", "CSeq: x "), "", words));
	assert_non_null(exchange_init(&bad, changed(head, "{domain}", "{place}"), "", words));
	assert_null(bad.request.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(right_answers_pass, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_answers_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(registrations_must_list_the_contact, setup,
						teardown),
		cmocka_unit_test_setup_teardown(requests_are_judged_where_they_arrive, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tags_of_a_dialog_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_of_the_partner_have_a_body, setup,
						teardown),
		cmocka_unit_test_setup_teardown(numbers_are_found, setup, teardown),
		cmocka_unit_test(bad_templates_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
