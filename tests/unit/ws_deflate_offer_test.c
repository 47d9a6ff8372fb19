/* SPDX-License-Identifier: Apache-2.0 */
/* The agreement on permessage-deflate, RFC 7692 §5 and §7.1, both roles: Z-01..03. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "codec/ws_deflate_offer.h"
#include "codec/ws_extension.h"
#include "codec/ws_handshake.h"

static const struct ws_deflate_policy plain = { .enabled = true, .send_bits = 15, .recv_bits = 15 },
				      context = { .enabled = true,
						  .send_takeover = true,
						  .recv_takeover = true,
						  .send_bits = 15,
						  .recv_bits = 15 },
				      small = { .enabled = true,
						.send_takeover = true,
						.recv_takeover = true,
						.send_bits = 11,
						.recv_bits = 10 },
				      off = { .send_bits = 15, .recv_bits = 15 };

#define PD "permessage-deflate"
#define SN "; server_no_context_takeover"
#define CN "; client_no_context_takeover"
#define SB(bits) "; server_max_window_bits=" #bits
#define CB(bits) "; client_max_window_bits=" #bits

#define FIELDS_MAX 8

/* Header fields out of values with '|' between them. */
static size_t
fields_of(const char *values, struct http_field *out)
{
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(values, "|");

		assert_true(n + 2 <= FIELDS_MAX);
		out[n++] =
			(struct http_field){ SPAN("X-Sec-WebSocket-Extensions"), SPAN(PD SB(8)) };
		out[n++] = (struct http_field){ n & 2 ? SPAN("Sec-WebSocket-Extensions") :
							SPAN("sec-websocket-extensions"),
						span_of(values, len) };
		if (!values[len])
			return n;
		values += len + 1;
	}
}

/* ---- the server ---- */

struct offered {
	const struct ws_deflate_policy *policy;
	const char *offer, *answer; /* NULL: declined */
	struct ws_deflate_terms terms;
};

#define TERMS(st, rt, sb, rb)                                                                      \
	{                                                                                          \
		.agreed = true, .send_takeover = st, .recv_takeover = rt, .send_bits = sb,         \
		.recv_bits = rb                                                                    \
	}

static const struct offered offers[] = {
	/* another extension, or a name that only looks like it */
	{ &context, "", NULL, { 0 } },
	{ &context, "x-webkit-deflate-frame", NULL, { 0 } },
	{ &context, "permessage-deflat", NULL, { 0 } },
	{ &context, "permessage-deflate2", NULL, { 0 } },
	{ &context, "Permessage-Deflate", NULL, { 0 } },
	{ &context, "x; permessage-deflate", NULL, { 0 } },
	{ &context, "x; y=permessage-deflate", NULL, { 0 } },
	{ &off, PD, NULL, { 0 } },
	{ &off, PD "; client_max_window_bits", NULL, { 0 } },
	/* Z-01: unknown parameters, in a wrong case too */
	{ &context, PD "; x", NULL, { 0 } },
	{ &context, PD "; x=1", NULL, { 0 } },
	{ &context, PD SN "; x", NULL, { 0 } },
	{ &context, PD "; Server_no_context_takeover", NULL, { 0 } },
	{ &context, PD "; server_no_context_takeove", NULL, { 0 } },
	{ &context, PD "; server_no_context_takeovers", NULL, { 0 } },
	{ &context, PD "; server_max_window_bits_=10", NULL, { 0 } },
	/* Z-01: twice, whatever the value */
	{ &context, PD SN SN, NULL, { 0 } },
	{ &context, PD CN CN, NULL, { 0 } },
	{ &context, PD CN SN CN, NULL, { 0 } },
	{ &context, PD SB(10) SB(10), NULL, { 0 } },
	{ &context, PD SB(10) SB(11), NULL, { 0 } },
	{ &context, PD "; client_max_window_bits; client_max_window_bits", NULL, { 0 } },
	{ &context, PD "; client_max_window_bits" CB(10), NULL, { 0 } },
	{ &context, PD CB(10) "; client_max_window_bits", NULL, { 0 } },
	/* Z-01: values where none belong, none where one belongs */
	{ &context, PD SN "=1", NULL, { 0 } },
	{ &context, PD SN "=true", NULL, { 0 } },
	{ &context, PD CN "=10", NULL, { 0 } },
	{ &context, PD CN "=\"x\"", NULL, { 0 } },
	{ &context, PD "; server_max_window_bits", NULL, { 0 } },
	/* Z-03: 8 to 15, without leading zeros */
	{ &context, PD SB(7), NULL, { 0 } },
	{ &context, PD SB(16), NULL, { 0 } },
	{ &context, PD SB(0), NULL, { 0 } },
	{ &context, PD SB(1), NULL, { 0 } },
	{ &context, PD SB(20), NULL, { 0 } },
	{ &context, PD SB(100), NULL, { 0 } },
	{ &context, PD SB(09), NULL, { 0 } },
	{ &context, PD SB(010), NULL, { 0 } },
	{ &context, PD SB(-9), NULL, { 0 } },
	{ &context, PD SB(+9), NULL, { 0 } },
	{ &context, PD SB(9.0), NULL, { 0 } },
	{ &context, PD SB(x), NULL, { 0 } },
	{ &context, PD SB(1a), NULL, { 0 } },
	{ &context, PD SB(0x9), NULL, { 0 } },
	{ &context, PD SB(265), NULL, { 0 } },
	{ &context, PD CB(7), NULL, { 0 } },
	{ &context, PD CB(16), NULL, { 0 } },
	{ &context, PD CB(0), NULL, { 0 } },
	{ &context, PD CB(08), NULL, { 0 } },
	{ &context, PD CB(015), NULL, { 0 } },
	{ &context, PD CB(1), NULL, { 0 } },
	{ &context, PD "; client_max_window_bits=1:", NULL, { 0 } },
	{ &context, PD "; client_max_window_bits=1\xFF", NULL, { 0 } },
	{ &context, PD CB(999), NULL, { 0 } },
	/* Z-03: a window of 8 that we would have to write */
	{ &context, PD SB(8), NULL, { 0 } },
	{ &plain, PD SN SB(8), NULL, { 0 } },

	/* what the browsers send */
	{ &plain, PD "; client_max_window_bits", PD SN CN, TERMS(false, false, 15, 15) },
	{ &plain, PD, PD SN CN, TERMS(false, false, 15, 15) },
	{ &context, PD "; client_max_window_bits", PD, TERMS(true, true, 15, 15) },
	{ &context, PD, PD, TERMS(true, true, 15, 15) },
	/* each parameter, with its answer */
	{ &context, PD SN, PD SN, TERMS(false, true, 15, 15) },
	{ &context, PD CN, PD CN, TERMS(true, false, 15, 15) },
	{ &context, PD CN SN, PD SN CN, TERMS(false, false, 15, 15) },
	{ &context, PD SB(15), PD SB(15), TERMS(true, true, 15, 15) },
	{ &context, PD SB(9), PD SB(9), TERMS(true, true, 9, 15) },
	{ &context, PD SB(12) SN, PD SN SB(12), TERMS(false, true, 12, 15) },
	{ &context, PD CB(15), PD, TERMS(true, true, 15, 15) },
	{ &context, PD CB(14), PD CB(14), TERMS(true, true, 15, 14) },
	{ &context, PD CB(9), PD CB(9), TERMS(true, true, 15, 9) },
	{ &context, PD CB(8), PD CB(8), TERMS(true, true, 15, 9) },
	{ &context, PD "; server_max_window_bits=\"10\"", PD SB(10), TERMS(true, true, 10, 15) },
	{ &context, PD CB(12) SB(13) CN SN, PD SN CN SB(13) CB(12), TERMS(false, false, 13, 12) },
	{ &context, " " PD " ;server_max_window_bits = 10 ", PD SB(10), TERMS(true, true, 10, 15) },
	/* windows of ours: the smaller one; only what was offered is answered */
	{ &small, PD SB(15), PD CN SB(11), TERMS(true, false, 11, 15) },
	{ &small, PD SB(10), PD CN SB(10), TERMS(true, false, 10, 15) },
	{ &small, PD "; client_max_window_bits", PD CB(10), TERMS(true, true, 11, 10) },
	{ &small, PD CB(15), PD CB(10), TERMS(true, true, 11, 10) },
	{ &small, PD CB(9), PD CB(9), TERMS(true, true, 11, 9) },
	/* who cannot be held to our window is held to no context */
	{ &small, PD, PD CN, TERMS(true, false, 11, 15) },

	/* fallbacks, in order, in one field and over several: §5.1 */
	{ &context, PD SB(8) ", " PD, PD, TERMS(true, true, 15, 15) },
	{ &context, PD "; x, " PD SN ", " PD, PD SN, TERMS(false, true, 15, 15) },
	{ &context, "a, b; c=d, " PD SB(10) ", " PD, PD SB(10), TERMS(true, true, 10, 15) },
	{ &context, "x|" PD SB(12), PD SB(12), TERMS(true, true, 12, 15) },
	{ &context, PD SB(8) "|" PD SB(9), PD SB(9), TERMS(true, true, 9, 15) },
	{ &context, PD SN "|" PD SB(9), PD SN, TERMS(false, true, 15, 15) },
	{ &context, PD SN SN "," PD CB(7) "|,,|" PD CB(10), PD CB(10), TERMS(true, true, 15, 10) },
};

static void
assert_terms(const struct ws_deflate_terms *got, const struct ws_deflate_terms *want)
{
	assert_int_equal(got->agreed, want->agreed);
	assert_int_equal(got->send_takeover, want->send_takeover);
	assert_int_equal(got->recv_takeover, want->recv_takeover);
	assert_int_equal(got->send_bits, want->send_bits);
	assert_int_equal(got->recv_bits, want->recv_bits);
}

static void
offers_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		struct http_field fields[FIELDS_MAX];
		size_t n = fields_of(offers[i].offer, fields);
		const char *want = offers[i].answer ? offers[i].answer : "";
		char text[WS_DEFLATE_OFFER_LEN];
		struct writer value = writer_over(text, sizeof(text));
		struct ws_deflate_terms terms;

		memset(&terms, 0xFF, sizeof(terms));
		ws_deflate_offer_answer(offers[i].policy, fields, n, &value, &terms);
		assert_false(value.full);
		if (value.len != strlen(want) || memcmp(text, want, value.len) != 0)
			fail_msg("%s: %.*s", offers[i].offer, (int)value.len, text);
		assert_terms(&terms, &offers[i].terms);
	}
}

static void
no_field_is_no_offer(void **state)
{
	char text[WS_DEFLATE_OFFER_LEN];
	struct writer value = writer_over(text, sizeof(text));
	struct ws_deflate_terms terms;

	(void)state;
	ws_deflate_offer_answer(&plain, NULL, 0, &value, &terms);
	assert_int_equal(value.len, 0);
	assert_false(terms.agreed);
	assert_int_equal(ws_deflate_offer_accept(&plain, NULL, 0, &terms), WS_CLIENT_OK);
	assert_false(terms.agreed);
}

/* ---- the client ---- */

static void
offers_are_written(void **state)
{
	static const struct {
		const struct ws_deflate_policy *policy;
		const char *want;
	} wanted[] = {
		{ &off, "" },
		{ &plain, PD SN CN "; client_max_window_bits" },
		{ &context, PD "; client_max_window_bits" },
		{ &small, PD SB(10) CB(11) },
	};
	const struct ws_deflate_policy longest = { .enabled = true,
						   .send_bits = 10,
						   .recv_bits = 10 };
	char text[WS_DEFLATE_OFFER_LEN];
	struct writer value;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		value = writer_over(text, sizeof(text));
		ws_deflate_offer_write(wanted[i].policy, &value);
		assert_int_equal(value.len, strlen(wanted[i].want));
		assert_memory_equal(text, wanted[i].want, value.len);
	}
	value = writer_over(text, sizeof(text));
	ws_deflate_offer_write(&longest, &value);
	assert_false(value.full);
	assert_int_equal(ws_extension_count(writer_text(&value)), 1);
}

struct answered {
	const struct ws_deflate_policy *policy;
	const char *answer;
	enum ws_client_error error;
	struct ws_deflate_terms terms;
};

#define FAILS(policy, answer)                                                                      \
	{                                                                                          \
		policy, answer, WS_CLIENT_DEFLATE,                                                 \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define OPENS(policy, answer, ...)                                                                 \
	{                                                                                          \
		policy, answer, WS_CLIENT_OK, __VA_ARGS__                                          \
	}

static const struct answered answers[] = {
	/* not asked for at all */
	FAILS(&off, PD),
	/* unknown, twice, wrong values */
	FAILS(&context, PD "; x"),
	FAILS(&context, PD SN SN),
	FAILS(&context, PD CB(10) CB(10)),
	FAILS(&context, PD SN "=1"),
	FAILS(&context, PD CN "=1"),
	FAILS(&context, PD "; server_max_window_bits"),
	FAILS(&context, PD "; client_max_window_bits"), /* in an answer it has a value: §7.1.2.2 */
	FAILS(&context, PD SB(7)),
	FAILS(&context, PD SB(16)),
	FAILS(&context, PD SB(010)),
	FAILS(&context, PD CB(7)),
	FAILS(&context, PD CB(16)),
	FAILS(&context, PD CB(08)),
	/* beyond the offer */
	FAILS(&small, PD SB(11)),
	FAILS(&small, PD SB(15)),
	FAILS(&small, PD SB(10) CB(12)),
	FAILS(&small, PD SB(10) CB(15)),
	/* asked for, and not said */
	FAILS(&small, PD),
	FAILS(&small, PD CB(10)),
	FAILS(&plain, PD),
	FAILS(&plain, PD CN),
	/* twice, in one field or in two */
	FAILS(&context, PD ", " PD),
	FAILS(&context, PD "|" PD),
	FAILS(&context, PD SB(10) "|x," PD),

	/* declined */
	OPENS(&plain, "", { 0 }),
	OPENS(&plain, "x; y", { 0 }),
	OPENS(&off, "x; y", { 0 }),
	/* agreed */
	OPENS(&plain, PD SN, TERMS(false, false, 15, 15)),
	OPENS(&plain, PD SN CN, TERMS(false, false, 15, 15)),
	OPENS(&context, PD, TERMS(true, true, 15, 15)),
	OPENS(&context, PD SN, TERMS(true, false, 15, 15)),
	OPENS(&context, PD CN, TERMS(false, true, 15, 15)),
	OPENS(&context, "x, " PD SB(10), TERMS(true, true, 15, 10)),
	OPENS(&context, "x|" PD CB(10), TERMS(true, true, 10, 15)),
	OPENS(&context, PD SB(8), TERMS(true, true, 15, 9)),
	OPENS(&context, PD CB(9) SB(9), TERMS(true, true, 9, 9)),
	/* Z-03: a window that zlib cannot keep to; what is not compressed has none */
	OPENS(&context, PD CB(8), TERMS(true, true, 0, 15)),
	OPENS(&small, PD SB(10), TERMS(true, true, 11, 10)),
	OPENS(&small, PD SB(9) CB(10), TERMS(true, true, 10, 9)),
};

static void
answers_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct http_field fields[FIELDS_MAX];
		size_t n = fields_of(answers[i].answer, fields);
		struct ws_deflate_terms terms;
		enum ws_client_error error;

		memset(&terms, 0xFF, sizeof(terms));
		error = ws_deflate_offer_accept(answers[i].policy, fields, n, &terms);
		if (error != answers[i].error)
			fail_msg("%s (row %zu): %d", answers[i].answer, i, error);
		assert_terms(&terms, &answers[i].terms);
	}
}

/* ---- both ---- */

/* Each policy against each: the client takes what the server answers, and they mean the same. */
static void
both_sides_agree(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 28 * 28; i++) {
		struct ws_deflate_policy p[2];
		char offer[WS_DEFLATE_OFFER_LEN], answer[WS_DEFLATE_OFFER_LEN];
		struct writer offered = writer_over(offer, sizeof(offer));
		struct writer answered = writer_over(answer, sizeof(answer));
		struct ws_deflate_terms server, client;
		struct http_field field = { .name = SPAN("Sec-WebSocket-Extensions") };

		for (unsigned side = 0, k = i; side < 2; side++, k /= 28)
			p[side] = (struct ws_deflate_policy){
				.enabled = true,
				.send_takeover = k & 1,
				.recv_takeover = k & 2,
				.send_bits = (uint8_t)(9 + k % 28 / 4),
				.recv_bits = (uint8_t)(15 - k % 28 / 4 * 3 % 7),
			};
		ws_deflate_offer_write(&p[0], &offered);
		field.value = writer_text(&offered);
		ws_deflate_offer_answer(&p[1], &field, 1, &answered, &server);
		field.value = writer_text(&answered);
		assert_int_equal(ws_deflate_offer_accept(&p[0], &field, 1, &client), WS_CLIENT_OK);
		assert_true(server.agreed && client.agreed);
		/* each sends only what the other can take */
		assert_true(client.send_bits <= server.recv_bits);
		assert_true(server.send_bits <= client.recv_bits);
		assert_true(server.recv_takeover || !client.send_takeover);
		assert_true(client.recv_takeover || !server.send_takeover);
		for (unsigned side = 0; side < 2; side++) {
			const struct ws_deflate_terms *t = side ? &server : &client;

			assert_true(t->send_bits <= p[side].send_bits);
			assert_true(t->recv_bits <= p[side].recv_bits || !t->recv_takeover);
			assert_true(p[side].send_takeover || !t->send_takeover);
			assert_true(p[side].recv_takeover || !t->recv_takeover);
		}
	}
}

/* Requests of real clients, where they are there to be read. */
static void
captured_offers_are_accepted(void **state)
{
	static const char *const clients[] = { "chromium-jssip", "chromium-sipjs",
					       "firefox-jssip",  "firefox-sipjs",
					       "npm-ws",         "python-websockets" };
	const struct ws_handshake_policy policy = { .header_bytes = 8192, .target_bytes = 1024 };
	const char *data = getenv("SIPRING_SHARED_DATA");
	static struct ws_handshake request;

	(void)state;
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		char path[512], head[4096], text[WS_DEFLATE_OFFER_LEN];
		struct writer value = writer_over(text, sizeof(text));
		struct ws_deflate_terms terms;
		FILE *file;
		size_t len;

		snprintf(path, sizeof(path), "%s/captures/wire/handshake-%s.http",
			 data ? data : SIPRING_SOURCE_DIR "/../shared/data", clients[i]);
		file = fopen(path, "rb");
		if (!file) {
			print_message("SKIP: no %s\n", path);
			skip();
		}
		len = fread(head, 1, sizeof(head), file);
		fclose(file);
		assert_true(ws_handshake_parse(head, len, 0, &policy, &request) > 0);
		ws_deflate_offer_answer(&plain, request.fields, request.fields_len, &value, &terms);
		assert_true(terms.agreed);
		assert_int_equal(value.len, strlen(PD SN CN));
		assert_memory_equal(text, PD SN CN, value.len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_are_answered),
		cmocka_unit_test(no_field_is_no_offer),
		cmocka_unit_test(offers_are_written),
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(captured_offers_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
