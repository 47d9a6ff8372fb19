/* SPDX-License-Identifier: Apache-2.0 */
/* Responses of our own (RFC 3261 §8.2.6, T-07, R-01, P-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/sip_reply.h"
#include "codec/sip_via.h"
#include "tests/unit/sip_check.h"

#define START "OPTIONS sip:b@c SIP/2.0\r\n"
#define VIA "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n"
#define REST                           \
	"From: <sip:a@b>;tag=1\r\n"    \
	"To: <sip:c@d>\r\n"            \
	"Call-ID: 1@a\r\n"             \
	"CSeq: 1 OPTIONS\r\n"

static struct sip_msg msg;
static char out[8192];

static bool
reply(const char *request, const struct sip_reply *r, size_t cap, struct span *text)
{
	struct span guard = guarded(text_of_string(request));
	struct writer w = writer_over(out, cap);
	bool written;

	sip_msg_parse(&msg, guard.at, guard.len);
	written = sip_reply_write(&w, &msg, r);
	*text = writer_text(&w);
	return written;
}

static void
check_reply(const char *request, const struct sip_reply *r, const char *want)
{
	static struct sip_msg again;
	struct span text;

	assert_true(reply(request, r, sizeof(out), &text));
	check_span(text, want);
	assert_int_equal(sip_msg_parse(&again, text.at, text.len), SIP_OK);
	assert_int_equal(again.status, r->status);
	assert_int_equal(again.surplus, 0);
	assert_int_equal(again.body.len, r->body.len);
}

static void
what_must_not_be_answered_is_not(void **state)
{
	static const char *const requests[] = {
		"",
		"hello\r\n\r\n",
		START REST "\r\n",
		"ACK sip:b@c SIP/2.0\r\n" VIA REST "\r\n",
		"ACK  sip:b@c  SIP/2.0\r\n" VIA REST "\r\n",
		"SIP/2.0 200 OK\r\n" VIA REST "\r\n",
		"SIP/2.0 2000 OK\r\n" VIA REST "\r\n",
		"SIP/3.0 200 OK\r\n" VIA REST "\r\n",
		"OPTIONS sip:b@c SIP/2.0\n" VIA REST "\r\n",
	};
	struct span text;

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		assert_false(reply(requests[i], &(struct sip_reply){ .status = 400 }, sizeof(out),
				   &text));
}

static void
full_writer_is_told(void **state)
{
	const struct sip_reply r = { .status = 200, .to_tag = SPAN("t"), .body = SPAN("b") };
	struct span text;
	size_t len;

	(void)state;
	assert_true(reply(START VIA REST "\r\n", &r, sizeof(out), &text));
	len = text.len;
	assert_true(reply(START VIA REST "\r\n", &r, len, &text));
	for (size_t cap = 0; cap < len; cap++)
		assert_false(reply(START VIA REST "\r\n", &r, cap, &text));
}

static void
fields_are_copied_in_their_order(void **state)
{
	(void)state;
	check_reply(
		START
		"CSeq: 1\r\n OPTIONS\r\ni: 1@a \r\nv:a ,\r\n b\r\nX: y\r\nt: <sip:c@d>;TAG=9\r\n"
		"Via: c\r\nf:\"x\"\r\n <sip:a@b>\r\nTimestamp: 5\r\nRecord-Route: "
		"<sip:e;lr>\r\n\r\nbody",
		&(struct sip_reply){ .status = 404, .to_tag = SPAN("t") },
		"SIP/2.0 404 Not Found\r\nv:a ,\r\n b\r\nVia: c\r\nf:\"x\"\r\n <sip:a@b>\r\n"
		"t: <sip:c@d>;TAG=9\r\ni: 1@a \r\nCSeq: 1\r\n OPTIONS\r\nContent-Length: "
		"0\r\n\r\n");
}

static void
reason_fields_and_body_are_the_callers(void **state)
{
	(void)state;
	check_reply(START VIA REST "Timestamp: 5\r\n\r\n",
		    &(struct sip_reply){ .status = 100,
					 .reason = SPAN("Wait A Bit"),
					 .fields = SPAN("Content-Type: text/plain\r\nX: y\r\n"),
					 .body = SPAN("hello") },
		    "SIP/2.0 100 Wait A Bit\r\n" VIA REST
		    "Timestamp: 5\r\nContent-Type: text/plain\r\nX: y\r\nContent-Length: "
		    "5\r\n\r\nhello");
}

/* The tag goes behind the address, however that is written; a broken To stays what it is. */
static void
tag_is_added_to_to(void **state)
{
	static const char *const rows[][2] = {
		{ "To: <sip:c@d>\r\n", "To: <sip:c@d>;tag=t\r\n" },
		{ "To: <sip:c@d;tag=1>;x \r\n", "To: <sip:c@d;tag=1>;x;tag=t\r\n" },
		{ "t:sip:c@d\r\n ;x=\"tag=1\"\r\n \r\n", "t:sip:c@d\r\n ;x=\"tag=1\";tag=t\r\n" },
		{ "To: <sip:c@d>;tag=1\r\n", "To: <sip:c@d>;tag=1\r\n" },
		{ "To: <sip:c@d>;tag\r\n", "To: <sip:c@d>;tag\r\n" },
		{ "To: \"c <sip:c@d>\r\n", "To: \"c <sip:c@d>\r\n" },
		{ "To: *\r\n", "To: *\r\n" },
		{ "To:\r\n", "To:\r\n" },
		{ "", "" },
	};
	char request[512], want[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(request, sizeof(request), START VIA "%s\r\n", rows[i][0]);
		snprintf(want, sizeof(want), "SIP/2.0 200 OK\r\n" VIA "%sContent-Length: 0\r\n\r\n",
			 rows[i][1]);
		check_reply(request, &(struct sip_reply){ .status = 200, .to_tag = SPAN("t") },
			    want);
	}
}

static void
via_parameters_go_behind_the_topmost_value(void **state)
{
	static const char *const rows[][2] = {
		{ "Via: SIP/2.0/WS a\r\n", "Via: SIP/2.0/WS a;received=::1;rport=7\r\n" },
		{ "Via: SIP/2.0/WS a;rport;branch=1\r\n",
		  "Via: SIP/2.0/WS a;branch=1;received=::1;rport=7\r\n" },
		{ "Via: SIP/2.0/WS a;branch=1;RPORT\r\n",
		  "Via: SIP/2.0/WS a;branch=1;received=::1;rport=7\r\n" },
		{ "Via: SIP/2.0/WS a ; rport ; x=\";rport\"\r\n",
		  "Via: SIP/2.0/WS a ; x=\";rport\";received=::1;rport=7\r\n" },
		{ "Via: SIP/2.0/WS a;received=6.6.6.6;rport=6\r\n",
		  "Via: SIP/2.0/WS a;received=::1;rport=7\r\n" },
		{ "v: SIP/2.0/WS a;rport\r\n ,SIP/2.0/UDP b;rport\r\nVia: SIP/2.0/TCP c;rport\r\n",
		  "v: SIP/2.0/WS a;received=::1;rport=7\r\n ,SIP/2.0/UDP b;rport\r\nVia: "
		  "SIP/2.0/TCP c;rport\r\n" },
		{ "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n",
		  "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" },
		{ "Via:\r\nVia: SIP/2.0/WS a\r\n", "Via:\r\nVia: SIP/2.0/WS a\r\n" },
	};
	char request[512], want[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(request, sizeof(request), START "%s" REST "\r\n", rows[i][0]);
		snprintf(want, sizeof(want), "SIP/2.0 503 Service Unavailable\r\n%s" REST
			 "Content-Length: 0\r\n\r\n", rows[i][1]);
		check_reply(request,
			    &(struct sip_reply){ .status = 503,
						 .via_params = SPAN(";received=::1;rport=7") },
			    want);
	}
	/* A valueless rport stays when nothing is given for it. */
	check_reply(START "Via: SIP/2.0/WS a;rport\r\n\r\n",
		    &(struct sip_reply){ .status = 200, .via_params = SPAN(";received=::1") },
		    "SIP/2.0 200 OK\r\nVia: SIP/2.0/WS a;rport;received=::1\r\nContent-Length: "
		    "0\r\n\r\n");
}

static void
faulty_requests_are_answered_from_their_good_lines(void **state)
{
	(void)state;
	check_reply("OPTIONS  sip:b@c  SIP/2.0\r\nbad line\r\n" VIA "From: 1\r\nFrom: 2\r\n" REST
		    "CSeq: 2 X\r\n"
		    "i: 2\r\nTo: 3\r\nl: 9\r\n\r\n",
		    &(struct sip_reply){ .status = 400, .to_tag = SPAN("t") },
		    "SIP/2.0 400 Bad Request\r\n" VIA
		    "From: 1\r\nTo: <sip:c@d>;tag=t\r\nCall-ID: 1@a\r\n"
		    "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	check_reply(START VIA "A: b\n",
		    &(struct sip_reply){ .status = 400 },
		    "SIP/2.0 400 Bad Request\r\n" VIA "Content-Length: 0\r\n\r\n");
}

/* What is written from a good request passes the checks that a client would make. */
static void
replies_to_good_requests_are_good(void **state)
{
	static struct sip_msg again;
	const struct sip_reply r = {
		.status = 486, .to_tag = SPAN("t"), .via_params = SPAN(";received=::1;rport=7")
	};
	struct sip_value_iter it = { 0 };
	struct sip_via via;
	struct span text;

	(void)state;
	assert_true(reply(START "Via: SIP/2.0/WS a ; rport\r\n ;branch=x , SIP/2.0/UDP b\r\n" REST
				"\r\n",
			  &r, sizeof(out), &text));
	assert_int_equal(sip_msg_check(&msg), SIP_OK);
	assert_int_equal(sip_msg_parse(&again, text.at, text.len), SIP_OK);
	assert_int_equal(sip_msg_check(&again), SIP_OK);
	assert_int_equal(again.method, SIP_METHOD_OPTIONS);
	assert_true(sip_value_next(&again, SIP_FIELD_VIA, &it));
	assert_int_equal(sip_via_parse(it.value, &via), SIP_OK);
	check_span(via.received, "::1");
	check_span(via.rport, "7");
	check_span(via.branch, "x");
}

static void
phrases_follow_the_registry_or_the_class(void **state)
{
	static const struct {
		int status;
		const char *phrase;
	} rows[] = {
		{ 100, "Trying" },       { 200, "OK" },          { 416, "Unsupported URI Scheme" },
		{ 430, "Flow Failed" },  { 439, "First Hop Lacks Outbound Support" },
		{ 483, "Too Many Hops" }, { 606, "Not Acceptable" },
		{ 101, "Provisional" },  { 299, "Success" },     { 399, "Redirection" },
		{ 499, "Request Failure" }, { 599, "Server Failure" }, { 699, "Global Failure" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_span(sip_reason_phrase(rows[i].status), rows[i].phrase);
	for (int status = 100; status <= 699; status++)
		assert_true(sip_reason_phrase(status).len > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_not_be_answered_is_not),
		cmocka_unit_test(full_writer_is_told),
		cmocka_unit_test(fields_are_copied_in_their_order),
		cmocka_unit_test(reason_fields_and_body_are_the_callers),
		cmocka_unit_test(tag_is_added_to_to),
		cmocka_unit_test(via_parameters_go_behind_the_topmost_value),
		cmocka_unit_test(faulty_requests_are_answered_from_their_good_lines),
		cmocka_unit_test(replies_to_good_requests_are_good),
		cmocka_unit_test(phrases_follow_the_registry_or_the_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
