/* SPDX-License-Identifier: Apache-2.0 */
/* The stateless proxy: message in, text out. IDs are those of the project's RFC checklist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/routing.h"

#define TOKEN 26
#define TOKEN_PATTERN "~~~~~~~~~~~~~~~~~~~~~~~~~~" /* 26 characters that stand for any token */

static struct routing r;

/* The token behind the n-th `before` in what went out. */
static const char *
token_at(const char *before, int n, char out[TOKEN + 1])
{
	const char *at = r.out;

	for (int i = 0; i <= n; i++) {
		at = strstr(at, before);
		assert_non_null(at);
		at += strlen(before);
	}
	memcpy(out, at, TOKEN);
	out[TOKEN] = '\0';
	return out;
}

/* Compare with lines (LF); '~' x 26 matches any token, '#' x 16 any branch. */
static void
assert_out(const char *lines)
{
	const char *o = r.out;

	for (const char *l = lines; *l; l++) {
		if (*l == '\n') {
			assert_int_equal(*o, '\r');
			o++;
		}
		if (strncmp(l, TOKEN_PATTERN, TOKEN) == 0) {
			l += TOKEN - 1;
			o += TOKEN;
			continue;
		}
		if (*l == '#') {
			assert_true((*o >= '0' && *o <= '9') || (*o >= 'a' && *o <= 'f'));
			o++;
			continue;
		}
		if (*l != *o)
			fail_msg("differs at '%.40s', wanted '%.40s' in:\n%s", o, l, r.out);
		o++;
	}
	assert_int_equal(*o, '\0');
}

static void
invite(const char *branch, const char *extra)
{
	routing_say(&r, 1,
		    "INVITE sip:bob@example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS alice.invalid;branch=%s\n"
		    "Max-Forwards: 70\n"
		    "To: <sip:bob@example.org>\n"
		    "From: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: call\n"
		    "CSeq: 7 INVITE\n"
		    "%s"
		    "\n",
		    branch, extra);
}

/* P-09, P-11, T-07: the whole text of a forwarded MESSAGE. */
static void
message_is_forwarded(void **state)
{
	(void)state;
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	routing_say(&r, 1,
		    "MESSAGE sip:bob@example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS alice.invalid;branch=z9hG4bK1;x=y\n"
		    "Max-Forwards: 70\n"
		    "To: <sip:bob@example.org>\n"
		    "From: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: m\n"
		    "CSeq: 1 MESSAGE\n"
		    "X-Odd  :  kept,  as \"it\" is  \n"
		    "Content-Length: 3\n"
		    "\n"
		    "abc");
	assert_int_equal(routing_target(&r), 2);
	assert_int_equal(r.m->out_opcode, WS_OP_TEXT);
	assert_out("MESSAGE sip:c-bob@bob.invalid;transport=ws SIP/2.0\n"
		   "Via: SIP/2.0/WS cap.example.org;branch=z9hG4bK################"
		   ";flow=" TOKEN_PATTERN "\n"
		   "Via: SIP/2.0/WS alice.invalid;branch=z9hG4bK1;x=y;received=192.0.2.1\n"
		   "Max-Forwards: 69\n"
		   "To: <sip:bob@example.org>\n"
		   "From: <sip:alice@example.org>;tag=a\n"
		   "Call-ID: m\n"
		   "CSeq: 1 MESSAGE\n"
		   "X-Odd  :  kept,  as \"it\" is  \n"
		   "Content-Length: 3\n"
		   "\n"
		   "abc");
}

/*
 * P-09(4): Record-Route with both tokens, the callee's on top, above what is there; Max-Forwards
 * added.
 */
static void
invite_gets_record_route(void **state)
{
	char token[TOKEN + 1];

	(void)state;
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	routing_say(&r, 1,
		    "INVITE sip:bob@example.org SIP/2.0\n"
		    "Record-Route: <sip:other.example.net;lr>\n"
		    "v: SIP/2.0/WS 192.0.2.1;branch=z9hG4bK1;rport, SIP/2.0/UDP 10.0.0.1\n"
		    "To: <sip:bob@example.org>\n"
		    "From: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: m\n"
		    "CSeq: 1 INVITE\n"
		    "\n");
	assert_int_equal(routing_target(&r), 2);
	assert_out("INVITE sip:c-bob@bob.invalid;transport=ws SIP/2.0\n"
		   "Record-Route: <sip:" TOKEN_PATTERN "@cap.example.org;transport=ws;lr>\n"
		   "Record-Route: <sip:" TOKEN_PATTERN "@cap.example.org;transport=ws;lr>\n"
		   "Record-Route: <sip:other.example.net;lr>\n"
		   "Via: SIP/2.0/WS cap.example.org;branch=z9hG4bK################"
		   ";flow=" TOKEN_PATTERN "\n"
		   "Max-Forwards: 70\n"
		   "v: SIP/2.0/WS 192.0.2.1;branch=z9hG4bK1;rport=4711;received=192.0.2.1, "
		   "SIP/2.0/UDP 10.0.0.1\n"
		   "To: <sip:bob@example.org>\n"
		   "From: <sip:alice@example.org>;tag=a\n"
		   "Call-ID: m\n"
		   "CSeq: 1 INVITE\n"
		   "\n");
	char via[TOKEN + 1];

	/* second Record-Route: the caller's flow, as in our Via */
	assert_string_equal(token_at("Record-Route: <sip:", 1, token), token_at(";flow=", 0, via));
	assert_string_not_equal(token_at("Record-Route: <sip:", 0, token), via);
}

static const char *
branch_of(char out[17])
{
	const char *at = strstr(r.out, "cap.example.org;branch=z9hG4bK");

	assert_non_null(at);
	memcpy(out, at + strlen("cap.example.org;branch=z9hG4bK"), 16);
	out[16] = '\0';
	return out;
}

/*
 * P-03..P-05: the same bytes give the same bytes; CANCEL and non-2xx ACK get branch and target of
 * their INVITE.
 */
static void
cancel_and_ack_follow_invite(void **state)
{
	static const char *const branches[] = { "z9hG4bKabc",
						"1;old" /* RFC 2543: P-04's fields */ };
	char first[4096], branch[17], other[17];

	(void)state;
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	for (int i = 0; i < 2; i++) {
		invite(branches[i], "");
		assert_int_equal(routing_target(&r), 2);
		snprintf(first, sizeof(first), "%s", r.out);
		branch_of(branch);
		invite(branches[i], "");
		assert_string_equal(first, r.out);

		routing_say(&r, 1,
			    "CANCEL sip:bob@example.org SIP/2.0\n"
			    "Via: SIP/2.0/WS alice.invalid;branch=%s\n"
			    "To: <sip:bob@example.org>\nFrom: <sip:alice@example.org>;tag=a\n"
			    "Call-ID: call\nCSeq: 7 CANCEL\n\n",
			    branches[i]);
		assert_int_equal(routing_target(&r), 2);
		assert_string_equal(branch_of(other), branch);
		routing_say(&r, 1,
			    "ACK sip:bob@example.org SIP/2.0\n"
			    "Via: SIP/2.0/WS alice.invalid;branch=%s\n"
			    "To: <sip:bob@example.org>;tag=b\nFrom: <sip:alice@example.org>;tag=a\n"
			    "Call-ID: call\nCSeq: 7 ACK\n\n",
			    branches[i]);
		assert_int_equal(routing_target(&r), 2);
		assert_string_equal(branch_of(other), branch);

		/* somebody else, who knows all of it: what arrives cancels nothing */
		routing_say(&r, 3,
			    "CANCEL sip:bob@example.org SIP/2.0\n"
			    "Via: SIP/2.0/WS alice.invalid;branch=%s\n"
			    "To: <sip:bob@example.org>\nFrom: <sip:alice@example.org>;tag=a\n"
			    "Call-ID: call\nCSeq: 7 CANCEL\n\n",
			    branches[i]);
		assert_int_equal(routing_target(&r), 2);
		assert_string_not_equal(branch_of(other), branch);
	}
	invite("z9hG4bKabd", "");
	assert_string_not_equal(branch_of(other), branch);
}

/* P-12: the tag of an answer of ours is the same each time, and an ACK with it ends here. */
static void
ack_to_our_answer_is_absorbed(void **state)
{
	char first[4096], *tag;

	(void)state;
	invite("z9hG4bKabc", "");
	assert_int_equal(routing_status(&r), 404);
	snprintf(first, sizeof(first), "%s", r.out);
	invite("z9hG4bKabc", "");
	assert_string_equal(first, r.out);
	tag = strstr(first, "To: <sip:bob@example.org>;tag=");
	assert_non_null(tag);
	tag += strlen("To: <sip:bob@example.org>;tag=");
	tag[16] = '\0';
	for (int ours = 0; ours < 2; ours++) {
		routing_say(
			&r, 1,
			"ACK sip:bob@example.org SIP/2.0\n"
			"Via: SIP/2.0/WS alice.invalid;branch=z9hG4bKabc\n"
			"To: <sip:bob@example.org>;tag=%s\nFrom: <sip:alice@example.org>;tag=a\n"
			"Call-ID: call\nCSeq: 7 ACK\n\n",
			ours ? tag : "other");
		assert_int_equal(r.m->action, MESSAGE_DROP);
		assert_int_equal(r.m->fate, ours ? FATE_absorbed : FATE_dropped_unroutable);
	}
	routing_say(&r, 1,
		    "CANCEL sip:bob@example.org SIP/2.0\n"
		    "Via: SIP/2.0/WS alice.invalid;branch=z9hG4bKabc\n"
		    "To: <sip:bob@example.org>\nFrom: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: call\nCSeq: 7 CANCEL\n\n");
	assert_int_equal(routing_status(&r), 481);
}

/* What a callee answers, with the Vias and Record-Routes that it was sent. */
static void
response(uint32_t from, int status, const char *vias)
{
	routing_say(&r, from,
		    "SIP/2.0 %d Whatever\n"
		    "%s"
		    "To: <sip:bob@example.org>;tag=b\nFrom: <sip:alice@example.org>;tag=a\n"
		    "Call-ID: call\nCSeq: 7 INVITE\n\n",
		    status, vias);
}

/* P-08, P-11, T-06 */
static void
responses(void **state)
{
	char token[TOKEN + 1], vias[1024];

	(void)state;
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	invite("z9hG4bKabc", "");
	token_at(";flow=", 0, token);

	snprintf(vias, sizeof(vias),
		 "Via: SIP/2.0/WS cap.example.org;branch=z9hG4bK1;flow=%s\n"
		 "Via: SIP/2.0/WS alice.invalid;branch=z9hG4bKabc;received=192.0.2.1\n",
		 token);
	response(2, 180, vias);
	assert_int_equal(routing_target(&r), 1);
	assert_out("SIP/2.0 180 Whatever\n"
		   "Via: SIP/2.0/WS alice.invalid;branch=z9hG4bKabc;received=192.0.2.1\n"
		   "To: <sip:bob@example.org>;tag=b\nFrom: <sip:alice@example.org>;tag=a\n"
		   "Call-ID: call\nCSeq: 7 INVITE\n\n");
	/* joined by a comma, sent-by in another case, from another flow than the one asked */
	snprintf(vias, sizeof(vias),
		 "v: SIP/2.0/WS CAP.example.org;flow=%s;branch=z9hG4bK1,"
		 "SIP/2.0/WS alice.invalid;branch=z9hG4bKabc\n",
		 token);
	response(3, 200, vias);
	assert_int_equal(routing_target(&r), 1);
	assert_true(routing_has_line(&r, "v: SIP/2.0/WS alice.invalid;branch=z9hG4bKabc"));

	snprintf(vias, sizeof(vias), "Via: SIP/2.0/WS cap.example.org;branch=z9hG4bK1;flow=%s\n",
		 token);
	response(2, 200, vias); /* no further Via */
	assert_int_equal(r.m->action, MESSAGE_DROP);
	assert_int_equal(r.m->fate, FATE_dropped_response_unknown);
	snprintf(vias, sizeof(vias),
		 "Via: SIP/2.0/WS cap.example.org;branch=z9hG4bK1;flow=%s\nVia: ,\n", token);
	response(2, 200, vias); /* none in what follows */
	assert_int_equal(r.m->fate, FATE_dropped_response_unknown);
	response(2, 200,
		 "Via: SIP/2.0/WS cap.example.org;branch=z9hG4bK1\nVia: SIP/2.0/WS a.invalid\n");
	assert_int_equal(r.m->fate, FATE_dropped_response_unknown);
	response(2, 200,
		 "Via: SIP/2.0/WS other.example.org;branch=z9hG4bK1\nVia: SIP/2.0/WS a.invalid\n");
	assert_int_equal(r.m->action, MESSAGE_DROP);
	assert_int_equal(r.m->fate, FATE_dropped_response_unknown);
	for (int i = 0; i < TOKEN; i++) { /* every single character changed */
		char bad[TOKEN + 1];

		memcpy(bad, token, sizeof(bad));
		bad[i] = bad[i] == 'x' ? 'y' : 'x';
		snprintf(vias, sizeof(vias),
			 "Via: SIP/2.0/WS cap.example.org;flow=%s\n"
			 "Via: SIP/2.0/WS alice.invalid;branch=z9hG4bKabc\n",
			 bad);
		response(2, 200, vias);
		assert_int_equal(r.m->action, MESSAGE_DROP);
		assert_int_equal(r.m->fate, FATE_dropped_response_forged);
	}
	routing_close(&r, 1);
	routing_open(&r, 1, "192.0.2.99", 1); /* the slot's next owner must not get it */
	snprintf(vias, sizeof(vias),
		 "Via: SIP/2.0/WS cap.example.org;branch=z9hG4bK1;flow=%s\n"
		 "Via: SIP/2.0/WS alice.invalid;branch=z9hG4bKabc\n",
		 token);
	response(2, 200, vias);
	assert_int_equal(r.m->action, MESSAGE_DROP);
	assert_int_equal(r.m->fate, FATE_dropped_flow_gone);
}

/* A contact that names somebody else's address does not get his requests. */
static void
contacts_do_not_hijack(void **state)
{
	(void)state;
	routing_fini(&r);
	routing_prepare(&r);
	snprintf(r.settings.routing_domains, SETTINGS_TEXT_MAX, "example.org");
	routing_start(&r);
	routing_open(&r, 1, "192.0.2.1", 4711);
	routing_open(&r, 3, "192.0.2.3", 4713);
	routing_say(&r, 3,
		    "REGISTER sip:example.org SIP/2.0\nVia: SIP/2.0/WS m.invalid;branch=z9hG4bK1\n"
		    "To: <sip:mallory@example.org>\nFrom: <sip:mallory@example.org>;tag=a\n"
		    "Call-ID: t\nCSeq: 1 REGISTER\nContact: <sip:bob@example.org>\n\n");
	assert_int_equal(routing_status(&r), 200);
	invite("z9hG4bK5", "");
	assert_int_equal(routing_status(&r), 404);
}

/* §16.3: Max-Forwards, Proxy-Require, and what the server itself is asked. */
static void
checks(void **state)
{
	static const struct {
		const char *start, *extra;
		int status;
		const char *line;
	} rows[] = {
		{ "OPTIONS sip:bob@example.org", "Max-Forwards: 0\n", 483, NULL },
		{ "OPTIONS sip:example.org", "Max-Forwards: 0\n", 200, "Allow: OPTIONS, REGISTER" },
		{ "OPTIONS sip:example.org", "", 200, "Supported: path, outbound, gruu" },
		{ "OPTIONS sip:cap.example.org", "", 200, "Accept: */*" },
		{ "OPTIONS sip:example.org", "Require: path, foo,outbound, bar\n", 420,
		  "Unsupported: foo, bar" },
		{ "OPTIONS sip:bob@example.org", "Proxy-Require: foo\nProxy-Require: path\n", 420,
		  "Unsupported: foo" },
		{ "CANCEL sip:bob@example.org", "Proxy-Require: foo\n", 0, NULL },
		{ "OPTIONS sip:bob@example.org", "Require: foo\n", 0, NULL }, /* for bob to say */
		{ "INVITE sip:example.org", "", 405, "Allow: OPTIONS, REGISTER" },
		{ "CANCEL sip:example.org", "", 481, NULL },
		{ "OPTIONS sip:bob@example.org", "Max-Forwards: 256\n", 400, NULL },
		{ "OPTIONS sip:bob@example.org", "Max-Forwards: 255\n", 0, "Max-Forwards: 254" },
		{ "OPTIONS sip:bob@example.org", "Max-Forwards: 1\n", 0, "Max-Forwards: 0" },
		{ "OPTIONS sip:bob@example.org", "Max-Forwards: 070\n", 0, "Max-Forwards: 69" },
	};

	(void)state;
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char method[16];

		sscanf(rows[i].start, "%15s", method);
		routing_say(&r, 1,
			    "%s SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n%s"
			    "To: <sip:bob@example.org>\nFrom: <sip:alice@example.org>;tag=a\n"
			    "Call-ID: t\nCSeq: 1 %s\n\n",
			    rows[i].start, rows[i].extra, method);
		if (routing_status(&r) != rows[i].status ||
		    (rows[i].status == 0 && routing_target(&r) != 2) ||
		    (rows[i].line && !routing_has_line(&r, rows[i].line)))
			fail_msg("%s %s: %d\n%s", rows[i].start, rows[i].extra, routing_status(&r),
				 r.out);
	}
	routing_say(&r, 1,
		    "ACK sip:example.org SIP/2.0\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\n"
		    "To: <sip:x@y.z>\nFrom: <sip:a@b.c>;tag=a\nCall-ID: t\nCSeq: 1 ACK\n\n");
	assert_int_equal(r.m->action, MESSAGE_DROP);
	assert_int_equal(r.m->fate, FATE_dropped_unroutable);
}

/* S-04 */
static void
opcodes(void **state)
{
	static const char head[] = "MESSAGE sip:bob@example.org SIP/2.0\r\n"
				   "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n"
				   "To: <sip:bob@example.org>\r\nFrom: <sip:a@b.c>;tag=a\r\n"
				   "Call-ID: t\r\nCSeq: 1 MESSAGE\r\n";
	static const struct {
		const char *rest;
		uint8_t in, out;
	} rows[] = {
		{ "\r\n\303\244", WS_OP_TEXT, WS_OP_TEXT },
		{ "\r\n\303\244", WS_OP_BINARY, WS_OP_TEXT },
		{ "\r\n\303", WS_OP_BINARY, WS_OP_BINARY },
		{ "\r\n\377x", WS_OP_BINARY, WS_OP_BINARY },
		/* T-10: the octets cut off behind the body break a character */
		{ "Content-Length: 1\r\n\r\n\303\244", WS_OP_TEXT, WS_OP_BINARY },
		{ "Content-Length: 2\r\n\r\n\303\244surplus", WS_OP_TEXT, WS_OP_TEXT },
	};
	char text[1024];

	(void)state;
	assert_int_equal(routing_register(&r, 2, "bob", 1), 200);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int n = snprintf(text, sizeof(text), "%s%s", head, rows[i].rest);

		routing_send_opcode(&r, 1, text, (size_t)n, rows[i].in);
		assert_int_equal(routing_target(&r), 2);
		assert_int_equal(r.m->out_opcode, rows[i].out);
		assert_null(strstr(r.out, "surplus"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTING_TEST(contacts_do_not_hijack, routing_setup),
		ROUTING_TEST(checks, routing_setup),
		ROUTING_TEST(message_is_forwarded, routing_setup),
		ROUTING_TEST(invite_gets_record_route, routing_setup),
		ROUTING_TEST(cancel_and_ack_follow_invite, routing_setup),
		ROUTING_TEST(ack_to_our_answer_is_absorbed, routing_setup),
		ROUTING_TEST(responses, routing_setup),
		ROUTING_TEST(opcodes, routing_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
