/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opening handshake as the server reads and answers it: W-S-01..17. Each request is given
 * whole, byte by byte and at every split, and gets the same verdict each time.
 */
#define _GNU_SOURCE /* memmem() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/ws_handshake.h"
#include "tests/feed.h"
#include "tests/unit/ws_handshake_vectors.h"

static const struct ws_handshake_policy sip_policy = {
	.protocol = { "sip", 3 },
	.protocol_required = true,
	.header_bytes = 2048,
	.target_bytes = 100,
};

/* ---- the runs ---- */

struct attempt {
	const struct ws_handshake_policy *policy;
	struct ws_handshake out;
	int result;
	size_t at; /* bytes given when the verdict came */
};

static bool
attempt_grow(void *arg, char *in, size_t len, size_t seen)
{
	struct attempt *a = arg;

	a->result = ws_handshake_parse(in, len, seen, a->policy, &a->out);
	a->at = len;
	return a->result == 0;
}

static const char *attempt_text;
static int attempt_want;
static size_t attempt_want_at;

static void
attempt_end(void *arg)
{
	struct attempt *a = arg;

	if (a->result != attempt_want)
		fail_msg("%.150s, %s: %d, not %d", attempt_text, feed_way(), a->result,
			 attempt_want);
	if (attempt_want_at && strcmp(feed_way(), "bytes") == 0 && a->at != attempt_want_at)
		fail_msg("%.150s: told at %zu, not at %zu", attempt_text, a->at, attempt_want_at);
}

static void
run(const char *text, size_t len, const struct ws_handshake_policy *policy, int want)
{
	struct attempt a = { .policy = policy };
	const struct feed_user user = { .arg = &a, .grow = attempt_grow, .end = attempt_end,
					.ways = FEED_ALL };

	attempt_text = text;
	attempt_want = want;
	feed_growing(text, len, &user);
}

static void
bad_requests_are_refused(void **state)
{
	(void)state;
	assert_true(sizeof(refused) / sizeof(refused[0]) >= 60);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		attempt_want_at = refused[i].at;
		run(refused[i].text, refused[i].len, &sip_policy, -(int)refused[i].error);
	}
	attempt_want_at = 0;
}

static void
good_requests_are_accepted(void **state)
{
	(void)state;
	assert_true(sizeof(accepted) / sizeof(accepted[0]) >= 20);
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		const struct accepted *v = &accepted[i];
		struct ws_handshake hs;

		run(v->text, v->len, &sip_policy, (int)v->len);
		assert_int_equal(ws_handshake_parse(v->text, v->len, 0, &sip_policy, &hs), v->len);
		assert_true(span_equal(hs.path, span_of(v->path, strlen(v->path))));
		assert_true(span_equal(hs.query, span_of(v->query, strlen(v->query))));
		assert_true(span_equal(hs.host, span_of(v->host, strlen(v->host))));
		assert_true(span_equal(hs.key, SPAN("dGhlIHNhbXBsZSBub25jZQ==")));
		assert_true(span_equal(hs.protocol, SPAN("sip")));
	}
}

/* No good request is good before its last byte, and each of its prefixes is incomplete. */
static void
incomplete_is_not_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		for (size_t len = 0; len < accepted[i].len; len++) {
			struct ws_handshake hs;

			assert_int_equal(ws_handshake_parse(feed_guarded(accepted[i].text, len),
							    len, 0, &sip_policy, &hs),
					 0);
		}
	}
}

/* W-S-15: what comes behind the head stays where it is. */
static void
pipelined_bytes_are_kept(void **state)
{
	static const char text[] = GET ALL END "\x81\x85\x01\x02\x03\x04" "frame";

	(void)state;
	run(text, sizeof(text) - 1, &sip_policy, (int)(sizeof(GET ALL END) - 1));
	run(GET ALL END "\r\n\x00 and any other byte", sizeof(GET ALL END) + 20, &sip_policy,
	    (int)(sizeof(GET ALL END) - 1));
}

/* The ABNF of §4.3 lets the last character before "==" have any bits, and a decoder drops them. */
static void
unused_bits_of_the_key_may_be_set(void **state)
{
	static const char text[] = WITH_KEY("dGhlIHNhbXBsZSBub25jZR==");

	(void)state;
	run(text, sizeof(text) - 1, &sip_policy, sizeof(text) - 1);
}

static void
origin_is_asked_for(void **state)
{
	struct ws_handshake_policy policy = sip_policy;
	static const char none[] = GET ALL END;
	static const char empty[] = GET ALL "Origin:\r\n" END;
	static const char one[] = GET ALL "Origin: https://example.org\r\n" END;
	struct ws_handshake hs;

	(void)state;
	policy.require_origin = true;
	run(none, sizeof(none) - 1, &policy, -WS_HANDSHAKE_ORIGIN_MISSING);
	run(empty, sizeof(empty) - 1, &policy, -WS_HANDSHAKE_ORIGIN_MISSING);
	run(one, sizeof(one) - 1, &policy, sizeof(one) - 1);
	assert_true(ws_handshake_parse(one, sizeof(one) - 1, 0, &policy, &hs) > 0);
	assert_true(hs.has_origin);
	assert_true(span_equal(hs.origin, SPAN("https://example.org")));
	assert_true(ws_handshake_parse(none, sizeof(none) - 1, 0, &sip_policy, &hs) > 0);
	assert_false(hs.has_origin);
}

/* Mode echo: any subprotocol, the first one offered; or none. */
static void
any_protocol_may_do(void **state)
{
	struct ws_handshake_policy policy = sip_policy;
	static const char none[] = GET HOST UPG CONN KEY VER END;
	static const char two[] = WITH_PROTOCOL(" b , a");
	static const char again[] = WITH_PROTOCOL("b, a, b");
	struct ws_handshake hs;

	(void)state;
	policy.protocol_required = false;
	assert_true(ws_handshake_parse(two, sizeof(two) - 1, 0, &policy, &hs) > 0);
	assert_int_equal(hs.protocol.len, 0); /* none of ours: 101 without the header */
	policy.protocol = SPAN("");
	assert_true(ws_handshake_parse(none, sizeof(none) - 1, 0, &policy, &hs) > 0);
	assert_int_equal(hs.protocol.len, 0);
	assert_true(ws_handshake_parse(two, sizeof(two) - 1, 0, &policy, &hs) > 0);
	assert_true(span_equal(hs.protocol, SPAN("b")));
	run(again, sizeof(again) - 1, &policy, -WS_HANDSHAKE_PROTOCOL_SYNTAX);
}

static void
fields_are_handed_out(void **state)
{
	static const char text[] = GET ALL "Cookie: a=b\r\nX:\r\n" END;
	struct ws_handshake hs;

	(void)state;
	assert_true(ws_handshake_parse(text, sizeof(text) - 1, 0, &sip_policy, &hs) > 0);
	assert_int_equal(hs.fields_len, 8);
	assert_true(span_equal(hs.fields[6].name, SPAN("Cookie")));
	assert_true(span_equal(hs.fields[6].value, SPAN("a=b")));
	assert_int_equal(hs.fields[7].value.len, 0);
	assert_true(span_equal(hs.target, SPAN("/")));
}

/* ---- W-S-16: limits ---- */

static char big[4096];

static size_t
big_request(const char *front, char fill, size_t many, const char *back)
{
	size_t len = strlen(front);

	memcpy(big, front, len);
	memset(big + len, fill, many);
	memcpy(big + len + many, back, strlen(back));
	return len + many + strlen(back);
}

static void
the_head_has_a_limit(void **state)
{
	const size_t fixed = sizeof(GET ALL "X: " "\r\n" END) - 1;
	size_t fits = sip_policy.header_bytes - fixed;
	size_t len = big_request(GET ALL "X: ", 'x', fits, "\r\n" END "frames");

	(void)state;
	run(big, len, &sip_policy, (int)sip_policy.header_bytes);
	len = big_request(GET ALL "X: ", 'x', fits + 1, "\r\n" END "frames");
	attempt_want_at = sip_policy.header_bytes;
	run(big, len, &sip_policy, -WS_HANDSHAKE_HEAD_TOO_LONG);
	len = big_request(GET ALL "X: ", 'x', 3000, "");
	run(big, len, &sip_policy, -WS_HANDSHAKE_HEAD_TOO_LONG);
	len = big_request(GET, 'x', 3000, "");
	run(big, len, &sip_policy, -WS_HANDSHAKE_HEAD_TOO_LONG);
	attempt_want_at = 0;
	/* an error further up is told, not the limit */
	len = big_request(GET "Host: a b\r\nX: ", 'x', 3000, "");
	run(big, len, &sip_policy, -WS_HANDSHAKE_HOST_SYNTAX);
}

static void
the_target_has_a_limit(void **state)
{
	const char *back = " HTTP/1.1\r\n" ALL END;
	size_t len = big_request("GET /", 'x', sip_policy.target_bytes - 1, back);

	(void)state;
	run(big, len, &sip_policy, (int)len);
	len = big_request("GET /", 'x', sip_policy.target_bytes, back);
	run(big, len, &sip_policy, -WS_HANDSHAKE_TARGET_TOO_LONG);
	len = big_request("GET /", 'x', 1000, "");
	run(big, len, &sip_policy, -WS_HANDSHAKE_TARGET_TOO_LONG);
	len = big_request("GET http://", 'x', 1000, "");
	run(big, len, &sip_policy, -WS_HANDSHAKE_TARGET_TOO_LONG);
}

static void
fields_have_a_limit(void **state)
{
	size_t len = strlen(GET ALL);

	(void)state;
	memcpy(big, GET ALL, len);
	for (unsigned i = 6; i < WS_HANDSHAKE_FIELDS_MAX; i++, len += 4)
		memcpy(big + len, "a:\r\n", 4);
	memcpy(big + len, END, 2);
	run(big, len + 2, &sip_policy, (int)len + 2);
	memcpy(big + len, "a:\r\n\r\n", 6);
	run(big, len + 6, &sip_policy, -WS_HANDSHAKE_FIELDS_TOO_MANY);
}

/* ---- answers ---- */

static void
the_101_is_written(void **state)
{
	char out[512], accept[WS_ACCEPT_LEN];
	struct writer w = writer_over(out, sizeof(out));
	const struct span key = SPAN("dGhlIHNhbXBsZSBub25jZQ==");

	(void)state;
	ws_handshake_accept_value(key, accept);
	assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_LEN); /* §1.3 */
	ws_handshake_write_101(&w, key, SPAN("sip"), SPAN(""));
	assert_true(span_equal(writer_text(&w),
			       SPAN("HTTP/1.1 101 Switching Protocols\r\n"
				    "Upgrade: websocket\r\n"
				    "Connection: Upgrade\r\n"
				    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
				    "Sec-WebSocket-Protocol: sip\r\n"
				    "\r\n")));
	w = writer_over(out, sizeof(out));
	ws_handshake_write_101(&w, key, SPAN(""), SPAN("permessage-deflate"));
	assert_true(span_equal(writer_text(&w),
			       SPAN("HTTP/1.1 101 Switching Protocols\r\n"
				    "Upgrade: websocket\r\n"
				    "Connection: Upgrade\r\n"
				    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
				    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
				    "\r\n")));
	w = writer_over(out, 60);
	ws_handshake_write_101(&w, key, SPAN("sip"), SPAN(""));
	assert_true(w.full);
}

static void
assert_has(struct span text, const char *part, bool has)
{
	bool found = memmem(text.at, text.len, part, strlen(part)) != NULL;

	if (found != has)
		fail_msg("%.*s: %s %s", (int)text.len, text.at, has ? "lacks" : "has", part);
}

static void
every_error_has_an_answer(void **state)
{
	(void)state;
	for (unsigned error = 1; error < WS_HANDSHAKE_ERROR_COUNT; error++) {
		char out[512], line[64];
		struct writer w = writer_over(out, sizeof(out));
		int status = ws_handshake_status(error);
		const char *words = ws_handshake_words(error);
		struct span text;

		ws_handshake_write_error(&w, error, status == 503 ? 7 : 0);
		text = writer_text(&w);
		assert_false(w.full);
		snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
		assert_memory_equal(out, line, strlen(line));
		snprintf(line, sizeof(line), "\r\nContent-Length: %zu\r\n", strlen(words) + 1);
		assert_has(text, line, true);
		assert_has(text, "\r\nConnection: close", true);
		assert_has(text, "\r\nSec-WebSocket-Version: 13\r\n", status == 426);
		assert_has(text, "\r\nUpgrade: websocket\r\n", status == 426);
		assert_has(text, "\r\nAllow: GET\r\n", status == 405);
		assert_has(text, "\r\nRetry-After: 7\r\n", status == 503);
		snprintf(line, sizeof(line), "\r\n\r\n%s\n", words);
		assert_memory_equal(out + text.len - strlen(line), line, strlen(line));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(good_requests_are_accepted),
		cmocka_unit_test(incomplete_is_not_an_error),
		cmocka_unit_test(pipelined_bytes_are_kept),
		cmocka_unit_test(unused_bits_of_the_key_may_be_set),
		cmocka_unit_test(origin_is_asked_for),
		cmocka_unit_test(any_protocol_may_do),
		cmocka_unit_test(fields_are_handed_out),
		cmocka_unit_test(the_head_has_a_limit),
		cmocka_unit_test(the_target_has_a_limit),
		cmocka_unit_test(fields_have_a_limit),
		cmocka_unit_test(the_101_is_written),
		cmocka_unit_test(every_error_has_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
