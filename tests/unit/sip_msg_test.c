/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a message: what is refused, what is left for an answer, what is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "tests/unit/sip_check.h"

#define OPTIONS "OPTIONS sip:b@example.org SIP/2.0\r\n"
#define VIA "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n"
#define REST                               \
	"From: <sip:a@example.org>;tag=1\r\n" \
	"To: <sip:b@example.org>\r\n"         \
	"Call-ID: 1@a\r\n"                    \
	"CSeq: 1 OPTIONS\r\n"

static struct sip_msg msg;

static enum sip_error
parse(struct span text)
{
	text = guarded(text);
	return sip_msg_parse(&msg, text.at, text.len);
}

static const struct {
	struct span text;
	enum sip_error error;
} faulty[] = {
	{ SPAN(""), SIP_ERROR_NOT_SIP },
	{ SPAN("\r\n"), SIP_ERROR_NOT_SIP },
	{ SPAN("\r\n" OPTIONS VIA "\r\n"), SIP_ERROR_NOT_SIP },
	{ SPAN("hello"), SIP_ERROR_NOT_SIP },
	{ SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c\r\n\r\n"), SIP_ERROR_NOT_SIP },
	{ SPAN("OPTIONS\r\n\r\n"), SIP_ERROR_NOT_SIP },
	{ SPAN("OPT@IONS sip:b@c SIP/2.0\r\n\r\n"), SIP_ERROR_NOT_SIP },
	{ SPAN("\tOPTIONS sip:b@c SIP/2.0\r\n\r\n"), SIP_ERROR_NOT_SIP },
	{ SPAN("OPTIONS  sip:b@c SIP/2.0\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c  SIP/2.0\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2.0 \r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/.0\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2.\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2.0.0\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c XIP/2.0\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2.0\n\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2.0\r\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2.0"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2.0\r"), SIP_ERROR_START_LINE },
	{ SPAN("OPTIONS sip:b@c SIP/2.1\r\n\r\n"), SIP_ERROR_VERSION },
	{ SPAN("OPTIONS sip:b@c SIP/12.0\r\n\r\n"), SIP_ERROR_VERSION },
	{ SPAN("OPTIONS sip:b@c SIP/2.00\r\n\r\n"), SIP_ERROR_VERSION },
	{ SPAN("SIP/2.0\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("SIP/2.0 \r\n\r\n"), SIP_ERROR_STATUS_CODE },
	{ SPAN("SIP/2.0 200\r\n\r\n"), SIP_ERROR_START_LINE },
	{ SPAN("SIP/2.0  200 OK\r\n\r\n"), SIP_ERROR_STATUS_CODE },
	{ SPAN("SIP/2.0 20 OK\r\n\r\n"), SIP_ERROR_STATUS_CODE },
	{ SPAN("SIP/2.0 2000 OK\r\n\r\n"), SIP_ERROR_STATUS_CODE },
	{ SPAN("SIP/2.0 099 OK\r\n\r\n"), SIP_ERROR_STATUS_CODE },
	{ SPAN("SIP/2.0 700 OK\r\n\r\n"), SIP_ERROR_STATUS_CODE },
	{ SPAN("SIP/2.0 2x0 OK\r\n\r\n"), SIP_ERROR_STATUS_CODE },
	{ SPAN("SIP/3.0 200 OK\r\n\r\n"), SIP_ERROR_VERSION },
	{ SPAN(OPTIONS), SIP_ERROR_HEAD_UNTERMINATED },
	{ SPAN(OPTIONS "A: b"), SIP_ERROR_HEAD_UNTERMINATED },
	{ SPAN(OPTIONS "A: b\r"), SIP_ERROR_HEAD_UNTERMINATED },
	{ SPAN(OPTIONS "A: b\r\n"), SIP_ERROR_HEAD_UNTERMINATED },
	{ SPAN(OPTIONS "A: b\r\n\r"), SIP_ERROR_HEAD_UNTERMINATED },
	{ SPAN(OPTIONS "A: b\r\n "), SIP_ERROR_HEAD_UNTERMINATED },
	{ SPAN(OPTIONS "A: b\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A: b\rC: d\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A: b\nC: d\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A: b\r\n c\nC: d\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A: b\r\n\n"), SIP_ERROR_HEAD_UNTERMINATED },
	{ SPAN(OPTIONS " A: b\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS ": b\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS " : b\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A b\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A b: c\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A\r\n : b\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A@: b\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "A\0: b\r\n\r\n"), SIP_ERROR_FIELD_SYNTAX },
	{ SPAN(OPTIONS "Content-Length: \r\n\r\n"), SIP_ERROR_CONTENT_LENGTH },
	{ SPAN(OPTIONS "Content-Length: -1\r\n\r\n"), SIP_ERROR_CONTENT_LENGTH },
	{ SPAN(OPTIONS "Content-Length: +0\r\n\r\n"), SIP_ERROR_CONTENT_LENGTH },
	{ SPAN(OPTIONS "Content-Length: 1 2\r\n\r\nabc"), SIP_ERROR_CONTENT_LENGTH },
	{ SPAN(OPTIONS "Content-Length: 0x0\r\n\r\n"), SIP_ERROR_CONTENT_LENGTH },
	{ SPAN(OPTIONS "Content-Length: 0,0\r\n\r\n"), SIP_ERROR_CONTENT_LENGTH },
	{ SPAN(OPTIONS "l: 4\r\n\r\nabc"), SIP_ERROR_BODY_TOO_SHORT },
	{ SPAN(OPTIONS "l: 4294967296\r\n\r\nabc"), SIP_ERROR_BODY_TOO_SHORT },
	{ SPAN(OPTIONS "l: 18446744073709551616\r\n\r\nabc"), SIP_ERROR_BODY_TOO_SHORT },
	{ SPAN(OPTIONS "l: 3\r\nContent-Length: 3\r\n\r\nabc"), SIP_ERROR_FIELD_REPEATED },
	{ SPAN(OPTIONS "l: 3\r\nl: 2\r\n\r\nabc"), SIP_ERROR_FIELD_REPEATED },
	{ SPAN(OPTIONS "f: sip:a@b\r\nFrom: sip:a@b\r\n\r\n"), SIP_ERROR_FIELD_REPEATED },
	{ SPAN(OPTIONS "Max-Forwards: 7\r\nMAX-FORWARDS: 7\r\n\r\n"),
	  SIP_ERROR_FIELD_REPEATED },
};

static void
faulty_messages_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		enum sip_error error = parse(faulty[i].text);

		if (error != faulty[i].error)
			print_error("row %zu: %s\n", i,
				    error ? sip_error_words(error) : "accepted");
		assert_int_equal(error, faulty[i].error);
		assert_int_equal(sip_error_status(error), error == SIP_ERROR_VERSION ? 505 : 400);
	}
}

static const struct {
	const char *text;
	enum sip_error error;
} unchecked[] = {
	{ OPTIONS REST, SIP_ERROR_FIELD_MISSING },
	{ OPTIONS VIA "To: sip:b@c\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_FIELD_MISSING },
	{ OPTIONS VIA "From: sip:b@c\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_FIELD_MISSING },
	{ OPTIONS VIA "To: sip:b@c\r\nFrom: sip:b@c\r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_FIELD_MISSING },
	{ OPTIONS VIA "To: sip:b@c\r\nFrom: sip:b@c\r\nCall-ID: 1\r\n",
	  SIP_ERROR_FIELD_MISSING },
	{ OPTIONS "Via:\r\n" REST, SIP_ERROR_VIA },
	{ OPTIONS "Via: ,\r\n" REST, SIP_ERROR_VIA },
	{ OPTIONS "Via: SIP/2.0/WS\r\n" REST, SIP_ERROR_VIA },
	{ OPTIONS "Via: , SIP/2.0/WS a\r\n" REST, SIP_ERROR_VIA },
	{ OPTIONS "Via:\r\n" VIA REST, SIP_ERROR_VIA },
	{ OPTIONS VIA "Via: \"\r\n" REST, SIP_ERROR_VIA },
	{ OPTIONS "Via: SIP/2.0/WS a, SIP/2.0/WS <\r\n" REST, SIP_ERROR_VIA },
	{ "OPTIONS b SIP/2.0\r\n" VIA REST, SIP_ERROR_REQUEST_URI },
	{ "OPTIONS <sip:b> SIP/2.0\r\n" VIA REST, SIP_ERROR_REQUEST_URI },
	{ "OPTIONS sip:b?a=b SIP/2.0\r\n" VIA REST, SIP_ERROR_REQUEST_URI },
	{ OPTIONS VIA REST "Max-Forwards: 256\r\n", SIP_ERROR_MAX_FORWARDS },
	{ OPTIONS VIA REST "Max-Forwards: -1\r\n", SIP_ERROR_MAX_FORWARDS },
	{ OPTIONS VIA REST "Max-Forwards: \r\n", SIP_ERROR_MAX_FORWARDS },
	{ OPTIONS VIA "f: *\r\nt: sip:b@c\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n", SIP_ERROR_FROM },
	{ OPTIONS VIA "f: sip:b@c, sip:d@e\r\nt: sip:b@c\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_FROM },
	{ OPTIONS VIA "f: sip:b@c\r\nt: \"b <sip:b@c>\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_TO },
	{ OPTIONS VIA "f: sip:b@c\r\nt: sip:b@c\r\ni: \r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_CALL_ID },
	{ OPTIONS VIA "f: sip:b@c\r\nt: sip:b@c\r\ni: a@b@c\r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_CALL_ID },
	{ OPTIONS VIA "f: sip:b@c\r\nt: sip:b@c\r\ni: a@\r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_CALL_ID },
	{ OPTIONS VIA "f: sip:b@c\r\nt: sip:b@c\r\ni: a b\r\nCSeq: 1 OPTIONS\r\n",
	  SIP_ERROR_CALL_ID },
	{ OPTIONS VIA "f: sip:b@c\r\nt: sip:b@c\r\ni: 1\r\nCSeq: OPTIONS\r\n",
	  SIP_ERROR_CSEQ },
	{ OPTIONS VIA "f: sip:b@c\r\nt: sip:b@c\r\ni: 1\r\nCSeq: 1 INVITE\r\n",
	  SIP_ERROR_CSEQ_METHOD },
	{ OPTIONS VIA "f: sip:b@c\r\nt: sip:b@c\r\ni: 1\r\nCSeq: 1 options\r\n",
	  SIP_ERROR_CSEQ_METHOD },
};

static void
unchecked_values_are_refused_by_check(void **state)
{
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(unchecked) / sizeof(unchecked[0]); i++) {
		enum sip_error error;

		snprintf(text, sizeof(text), "%s\r\n", unchecked[i].text);
		assert_int_equal(parse(text_of_string(text)), SIP_OK);
		error = sip_msg_check(&msg);
		if (error != unchecked[i].error)
			print_error("row %zu: %s\n", i,
				    error ? sip_error_words(error) : "accepted");
		assert_int_equal(error, unchecked[i].error);
	}
}

/* A 400 can be written from what could be read. */
static void
faulty_request_keeps_its_good_fields(void **state)
{
	(void)state;
	assert_int_equal(parse(SPAN("ACK  sip:b SIP/2.0\r\n" VIA "bad line\r\n" REST "\r\n")),
			 SIP_ERROR_START_LINE);
	assert_true(msg.request);
	assert_int_equal(msg.method, SIP_METHOD_ACK);
	assert_int_equal(msg.fields_len, 5);
	check_span(sip_msg_value(&msg, SIP_FIELD_CSEQ), "1 OPTIONS");

	assert_int_equal(parse(SPAN(OPTIONS VIA "f: 1\r\nf: 2\r\nbad line\r\nA: b\nt: 3\r\n\r\n")),
			 SIP_ERROR_FIELD_REPEATED);
	assert_true(msg.request);
	assert_int_equal(msg.fields_len, 3);
	check_span(sip_msg_value(&msg, SIP_FIELD_FROM), "1");

	assert_int_equal(parse(SPAN("SIP/2.0 20 OK\r\n" VIA REST "\r\n")), SIP_ERROR_STATUS_CODE);
	assert_false(msg.request);
}

static void
too_many_fields_are_refused(void **state)
{
	static char text[4096];
	size_t len;

	(void)state;
	len = (size_t)snprintf(text, sizeof(text), OPTIONS);
	for (int i = 0; i < SIP_FIELDS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					i % 2 ? "A: %d\r\n" : "v: %d\r\n", i);
	memcpy(text + len, "\r\n", 2);
	assert_int_equal(parse(span_of(text, len + 2)), SIP_OK);
	assert_int_equal(msg.fields_len, SIP_FIELDS_MAX);
	check_span(sip_field_value(&msg, &msg.fields[SIP_FIELDS_MAX - 1]), "127");
	memcpy(text + len, "A: b\r\n\r\n", 8);
	assert_int_equal(parse(span_of(text, len + 8)), SIP_ERROR_FIELDS_TOO_MANY);
	assert_int_equal(msg.fields_len, SIP_FIELDS_MAX);
}

static void
every_truncation_is_refused_until_the_head_is_whole(void **state)
{
	const struct span text = SPAN(OPTIONS VIA REST "\r\nbody");

	(void)state;
	for (size_t len = 0; len <= text.len; len++) {
		enum sip_error error = parse(span_of(text.at, len));

		if (len < text.len - 4)
			assert_int_not_equal(error, SIP_OK);
		else
			assert_int_equal(error, SIP_OK);
	}
}

static void
request_is_indexed(void **state)
{
	const struct sip_field *f;

	(void)state;
	assert_int_equal(parse(SPAN("mEthod! tel:+1 sip/2.0\r\n" VIA REST
				    "Z:\0\x01 \xFFz \t\r\nl :3\r\n\r\nabc")), SIP_OK);
	assert_int_equal(sip_msg_parse(&msg, msg.base, msg.len), SIP_OK);
	assert_true(msg.request);
	assert_int_equal(msg.method, SIP_METHOD_OTHER);
	assert_int_equal(msg.status, 0);
	check_span(sip_msg_span(&msg, msg.method_name), "mEthod!");
	check_span(sip_msg_span(&msg, msg.uri), "tel:+1");
	check_span(sip_msg_span(&msg, msg.body), "abc");
	assert_int_equal(msg.surplus, 0);
	assert_int_equal(msg.fields_len, 7);
	assert_memory_equal(msg.base + msg.fields_off, "Via:", 4);
	assert_memory_equal(msg.base + msg.fields_end, "\r\n", 2);
	f = &msg.fields[5];
	assert_int_equal(f->id, SIP_FIELD_OTHER);
	assert_int_equal(f->next, SIP_NONE);
	assert_int_equal(f->name_len, 1);
	assert_true(span_equal(sip_field_value(&msg, f), SPAN("\0\x01 \xFFz")));
	assert_int_equal(f->end, msg.fields[6].name_off);
	assert_int_equal(msg.fields[6].end, msg.fields_end);
	assert_null(sip_msg_field(&msg, SIP_FIELD_ROUTE));
	assert_null(sip_msg_value(&msg, SIP_FIELD_ROUTE).at);
}

static void
response_is_indexed(void **state)
{
	(void)state;
	assert_int_equal(parse(SPAN("SIP/2.0 699 \r\n" VIA REST "\r\n")), SIP_OK);
	assert_false(msg.request);
	assert_int_equal(msg.status, 699);
	assert_int_equal(msg.reason.len, 0);
	assert_int_equal(msg.method, SIP_METHOD_OPTIONS);
	assert_int_equal(sip_msg_check(&msg), SIP_OK);
	assert_int_equal(parse(SPAN("SIP/2.0 200 a\0 \"b\r\nCSeq: x\r\n\r\n")), SIP_OK);
	assert_true(span_equal(sip_msg_span(&msg, msg.reason), SPAN("a\0 \"b")));
	assert_int_equal(msg.method, SIP_METHOD_OTHER);
	assert_int_equal(sip_msg_check(&msg), SIP_ERROR_FIELD_MISSING);
}

static void
folds_and_compact_forms_are_one_field(void **state)
{
	const struct sip_field *f;

	(void)state;
	assert_int_equal(
		parse(SPAN(OPTIONS "v:\r\n\t one\r\nA:\r\n \r\n b:c \r\n \r\nVIA  : two\r\n\r\n")),
		SIP_OK);
	assert_int_equal(msg.fields_len, 3);
	f = sip_msg_field(&msg, SIP_FIELD_VIA);
	check_span(sip_field_value(&msg, f), "one");
	assert_memory_equal(msg.base + f->end, "A:", 2);
	f = sip_msg_next(&msg, f);
	check_span(sip_field_value(&msg, f), "two");
	assert_null(sip_msg_next(&msg, f));
	assert_int_equal(msg.last[SIP_FIELD_VIA], 2);
	check_span(sip_field_value(&msg, &msg.fields[1]), "b:c");
}

/* T-10, S-07 */
static void
content_length_ends_the_body(void **state)
{
	(void)state;
	assert_int_equal(parse(SPAN(OPTIONS "\r\na\r\n\r\nb")), SIP_OK);
	check_span(sip_msg_span(&msg, msg.body), "a\r\n\r\nb");
	assert_int_equal(msg.surplus, 0);
	assert_int_equal(parse(SPAN(OPTIONS "l: 000\r\n\r\nabc")), SIP_OK);
	assert_int_equal(msg.body.len, 0);
	assert_int_equal(msg.surplus, 3);
	assert_int_equal(msg.body.off, msg.len);
	assert_int_equal(parse(SPAN(OPTIONS "Content-Length:\r\n 2\r\n\r\nabc")), SIP_OK);
	check_span(sip_msg_span(&msg, msg.body), "ab");
	assert_int_equal(msg.surplus, 1);
}

static void
check_values(const char *head, enum sip_field_id id, const char *want, bool bad)
{
	struct sip_value_iter it = { 0 };
	char text[512], got[512] = "";

	snprintf(text, sizeof(text), OPTIONS "%s\r\n", head);
	assert_int_equal(parse(text_of_string(text)), SIP_OK);
	while (sip_value_next(&msg, id, &it)) {
		struct span line = sip_field_value(&msg, it.field);

		assert_true(inside(it.value, line));
		assert_int_equal(it.field->id, id);
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%.*s]", (int)it.value.len,
			 it.value.at);
	}
	assert_string_equal(got, want);
	assert_int_equal(it.bad, bad);
	assert_false(sip_value_next(&msg, id, &it)); /* and stays there */
}

static void
values_are_walked_over_lines_and_commas(void **state)
{
	(void)state;
	check_values("Route: \"a\r\n", SIP_FIELD_ROUTE, "", true);
	check_values("Route: b, \"a\r\nRoute: c\r\n", SIP_FIELD_ROUTE, "[b]", true);
	check_values("Route: b, <a\r\n", SIP_FIELD_ROUTE, "[b]", true);
	check_values("Route: \"a\\\", b\r\n", SIP_FIELD_ROUTE, "", true);
	check_values("A: b\r\n", SIP_FIELD_ROUTE, "", false);
	check_values("Route:\r\nRoute: ,, ,\r\n", SIP_FIELD_ROUTE, "", false);
	check_values("Route: a\r\n", SIP_FIELD_ROUTE, "[a]", false);
	check_values("Route: a,b , c\r\nVia: d\r\nroute:\r\n e\r\n ,\r\n f,\r\n", SIP_FIELD_ROUTE,
		     "[a][b][c][e][f]", false);
	check_values("m: \"a,<\\\"\" <sip:b,c?d=e>;x=\"f,g\", sip:h\r\n", SIP_FIELD_CONTACT,
		     "[\"a,<\\\"\" <sip:b,c?d=e>;x=\"f,g\"][sip:h]", false);
	check_values("m: <\">,<,>,a>b,>\r\n", SIP_FIELD_CONTACT, "[<\">][<,>][a>b][>]", false);
}

static void
tokens_match_whole_and_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(parse(SPAN(OPTIONS "k: path, OutBound\r\nSupported:\r\n gruu\r\n\r\n")),
			 SIP_OK);
	assert_false(sip_msg_has_token(&msg, SIP_FIELD_SUPPORTED, SPAN("bound")));
	assert_false(sip_msg_has_token(&msg, SIP_FIELD_SUPPORTED, SPAN("out")));
	assert_false(sip_msg_has_token(&msg, SIP_FIELD_REQUIRE, SPAN("path")));
	assert_true(sip_msg_has_token(&msg, SIP_FIELD_SUPPORTED, SPAN("Path")));
	assert_true(sip_msg_has_token(&msg, SIP_FIELD_SUPPORTED, SPAN("outbound")));
	assert_true(sip_msg_has_token(&msg, SIP_FIELD_SUPPORTED, SPAN("GRUU")));
}

/* O-01 */
static void
keepalives_are_told(void **state)
{
	static const struct {
		const char *text;
		enum sip_keepalive want;
	} rows[] = {
		{ "", SIP_KEEPALIVE_NOT },         { "\r", SIP_KEEPALIVE_NOT },
		{ "\n", SIP_KEEPALIVE_NOT },       { "\n\n", SIP_KEEPALIVE_NOT },
		{ "\r\n\r", SIP_KEEPALIVE_NOT },   { "\r\n\r\n\r\n", SIP_KEEPALIVE_NOT },
		{ "\r\n", SIP_KEEPALIVE_PONG },    { "\r\n\r\n", SIP_KEEPALIVE_PING },
		{ "\r\n\r\nA", SIP_KEEPALIVE_NOT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);

		assert_int_equal(sip_keepalive(feed_guarded(rows[i].text, len), len), rows[i].want);
	}
}

/* What the index held before does not matter, also where the head has no end. */
static void
nothing_is_left_of_the_one_before(void **state)
{
	static const char text[] = "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n";
	static struct sip_msg m;

	(void)state;
	memset(&m, 0xFF, sizeof(m));
	assert_true(sip_msg_parse(&m, text, sizeof(text) - 1) != SIP_OK);
	assert_false(m.mapped);
	assert_int_equal(m.method, SIP_METHOD_INVITE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_messages_are_refused),
		cmocka_unit_test(unchecked_values_are_refused_by_check),
		cmocka_unit_test(faulty_request_keeps_its_good_fields),
		cmocka_unit_test(too_many_fields_are_refused),
		cmocka_unit_test(every_truncation_is_refused_until_the_head_is_whole),
		cmocka_unit_test(request_is_indexed),
		cmocka_unit_test(response_is_indexed),
		cmocka_unit_test(folds_and_compact_forms_are_one_field),
		cmocka_unit_test(content_length_ends_the_body),
		cmocka_unit_test(values_are_walked_over_lines_and_commas),
		cmocka_unit_test(tokens_match_whole_and_in_any_case),
		cmocka_unit_test(keepalives_are_told),
		cmocka_unit_test(nothing_is_left_of_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
