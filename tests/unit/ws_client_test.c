/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of the opening handshake, request and answers: W-L-03..09. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/ws_client.h"
#include "codec/ws_handshake.h"
#include "tests/feed.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define S101 "HTTP/1.1 101 Switching Protocols\r\n"
#define UPG "Upgrade: websocket\r\n"
#define CONN "Connection: Upgrade\r\n"
#define ACC "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SIP "Sec-WebSocket-Protocol: sip\r\n"
#define ALL UPG CONN ACC SIP
#define END "\r\n"

static const struct ws_client_request asked = {
	.host = { "example.org", 11 },
	.port = 80,
	.key = { KEY, 24 },
	.protocols = { "msrp, sip", 9 },
	.extensions = { "permessage-deflate; client_max_window_bits, x", 45 },
	.header_bytes = 2048,
};

/* ---- answers that fail the connection ---- */

static const struct refused {
	const char *text;
	size_t len;
	enum ws_client_error error;
	size_t at; /* bytes after which it is told; 0: not looked at */
} refused[] = {
#define NO(error, text) { text, sizeof(text) - 1, WS_CLIENT_##error, 0 }
#define NO_AT(error, at, text) { text, sizeof(text) - 1, WS_CLIENT_##error, at }
	NO_AT(NOT_HTTP, 1, "\x15\x03\x01\x00\x02\x02\x28"), /* TLS alert */
	NO_AT(NOT_HTTP, 1, "SSH-2.0-x\r\n"),
	NO_AT(NOT_HTTP, 1, "http/1.1 101 \r\n" ALL END),
	NO_AT(NOT_HTTP, 1, "\r\n" S101 ALL END),
	NO_AT(NOT_HTTP, 5, "HTTP 101 \r\n" ALL END),
	NO_AT(NOT_HTTP, 9, "HTTP/1.1\t101 x\r\n" ALL END),
	NO_AT(NOT_HTTP, 12, "HTTP/1.1 10\r\n" ALL END),
	NO_AT(NOT_HTTP, 13, "HTTP/1.1 101\r\n" ALL END), /* the space must be there */
	NO_AT(NOT_HTTP, 13, "HTTP/1.1 1011 x\r\n" ALL END),
	NO_AT(NOT_HTTP, 15, "HTTP/1.1 101 x\n" ALL END),
	NO_AT(NOT_HTTP, 14, "HTTP/1.1 101 \x00\r\n" ALL END),
	NO_AT(HTTP_VERSION, 8, "HTTP/1.0 101 x\r\n" ALL END),
	NO_AT(HTTP_VERSION, 6, "HTTP/2.0 101 x\r\n" ALL END),
	/* another status: with all it says */
	NO(STATUS, "HTTP/1.1 200 OK\r\n" ALL END),
	NO(STATUS, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\"\r\n" END),
	NO(STATUS, "HTTP/1.1 302 \r\nLocation: /\r\n" END "body"),
	NO(STATUS, "HTTP/1.1 999 ?\r\n" END),
	NO(STATUS, "HTTP/1.1 100 Continue\r\n" END "HTTP/1.1 403 No\r\n" END),
	/* field lines, as the server reads them */
	NO(FIELD_SYNTAX, S101 "Upgrade : websocket\r\n" CONN ACC SIP END),
	NO(FIELD_SYNTAX, S101 "Upgrade: websocket\n" CONN ACC SIP END),
	NO(FIELD_SYNTAX, S101 ALL "X: a\r\n folded\r\n" END),
	NO(FIELD_SYNTAX, S101 " X: a\r\n" ALL END),
	NO(FIELD_SYNTAX, S101 "no colon\r\n" ALL END),
	NO(FIELD_SYNTAX, S101 "X: \x01\r\n" ALL END),
	NO(FIELD_SYNTAX, "HTTP/1.1 404 x\r\nX\r\n" END),
	NO(FIELD_SYNTAX, S101 UPG "Connection: Up grade\r\n" ACC SIP END),
	NO(HEAD_TOO_LONG, S101 ALL), /* cut in the test */
	NO(INTERIM, "HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\n\r\n"
		    "HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\n" S101 ALL END),
	/* §4.1(2) */
	NO(UPGRADE, S101 CONN ACC SIP END),
	NO(UPGRADE, S101 "Upgrade: websockets\r\n" CONN ACC SIP END),
	NO(UPGRADE, S101 "Upgrade: websocket, h2c\r\n" CONN ACC SIP END),
	NO(UPGRADE, S101 "Upgrade:\r\n" CONN ACC SIP END),
	NO(UPGRADE, S101 UPG UPG CONN ACC SIP END),
	/* §4.1(3) */
	NO(CONNECTION, S101 UPG ACC SIP END),
	NO(CONNECTION, S101 UPG "Connection: close\r\n" ACC SIP END),
	NO(CONNECTION, S101 UPG "Connection: Upgraded\r\n" ACC SIP END),
	/* §4.1(4): exact, case-sensitive, whole */
	NO(ACCEPT_MISSING, S101 UPG CONN SIP END),
	NO(ACCEPT_TWICE, S101 UPG CONN ACC ACC SIP END),
#define WITH_ACCEPT(value) S101 UPG CONN "Sec-WebSocket-Accept: " value "\r\n" SIP END
	NO(ACCEPT, WITH_ACCEPT("")),
	NO(ACCEPT, WITH_ACCEPT("s3pPLMBiTxaQ9kYGzzhZRbK+xOo")),
	NO(ACCEPT, WITH_ACCEPT("s3pPLMBi")),
	NO(ACCEPT, WITH_ACCEPT("s3pPLMBiTxaQ9kYGzzhZRbK+xOo==")),
	NO(ACCEPT, WITH_ACCEPT("S3PPLMBITXAQ9KYGZZHZRBK+XOO=")),
	NO(ACCEPT, WITH_ACCEPT("s3pPLMBiTxaQ9kYGzzhZRbK+xOp=")),
	NO(ACCEPT, WITH_ACCEPT(KEY)),
	/* §4.1(6) */
#define WITH_PROTOCOL(line) S101 UPG CONN ACC line END
	NO(PROTOCOL_MISSING, WITH_PROTOCOL("")),
	NO(PROTOCOL_UNASKED, WITH_PROTOCOL("Sec-WebSocket-Protocol: xmpp\r\n")),
	NO(PROTOCOL_UNASKED, WITH_PROTOCOL("Sec-WebSocket-Protocol: SIP\r\n")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL("Sec-WebSocket-Protocol: sip, msrp\r\n")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL("Sec-WebSocket-Protocol:\r\n")),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL(SIP SIP)),
	NO(PROTOCOL_SYNTAX, WITH_PROTOCOL(SIP "Sec-WebSocket-Protocol: msrp\r\n")),
	/* §4.1(5) */
#define WITH_EXTENSION(value) S101 ALL "Sec-WebSocket-Extensions: " value "\r\n" END
	NO(EXTENSION_UNASKED, WITH_EXTENSION("permessage-bzip2")),
	NO(EXTENSION_UNASKED, WITH_EXTENSION("permessage-deflate, y")),
	NO(EXTENSION_UNASKED, WITH_EXTENSION("client_max_window_bits")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("x; =")),
	NO(EXTENSION_SYNTAX, WITH_EXTENSION("x y")),
#undef NO
#undef NO_AT
};

/* ---- answers that open it ---- */

static const struct {
	const char *text;
	size_t len;
	const char *protocol;
} accepted[] = {
#define YES(protocol, text) { text, sizeof(text) - 1, protocol }
	YES("sip", S101 ALL END),
	YES("sip", "HTTP/1.1 101 WebSocket Protocol Handshake\r\n" ALL END),
	YES("sip", "HTTP/1.1 101 \r\n" ALL END),
	YES("sip", "HTTP/1.2 101 a \tb\xE9\r\n" ALL END),
	YES("sip", S101 SIP ACC CONN UPG END),
	YES("sip", S101 "UPGRADE:WebSocket\r\nconnection: keep-alive, UPGRADE\r\n" ACC SIP END),
	YES("sip", S101 UPG "Connection: keep-alive\r\n" CONN ACC SIP END),
	YES("msrp", S101 UPG CONN ACC "Sec-WebSocket-Protocol: msrp\r\n" END),
	YES("sip", WITH_EXTENSION("permessage-deflate; client_max_window_bits=10")),
	YES("sip", WITH_EXTENSION("x\r\nSec-WebSocket-Extensions: permessage-deflate")),
	YES("sip", S101 ALL "Server: x\r\nDate: today\r\nContent-Length: 5\r\n" END),
	YES("sip", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n" END S101 ALL END),
	YES("sip", "HTTP/1.1 100 \r\n\r\nHTTP/1.1 100 \r\n\r\n" S101 ALL END),
#undef YES
};

struct attempt {
	const struct ws_client_request *request;
	struct ws_client_answer out;
	int result;
	size_t at;
};

static const char *attempt_text;
static int attempt_want;
static size_t attempt_want_at;

static bool
attempt_grow(void *arg, char *in, size_t len, size_t seen)
{
	struct attempt *a = arg;

	a->result = ws_client_parse(in, len, seen, a->request, &a->out);
	a->at = len;
	return a->result == 0;
}

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
run(const char *text, size_t len, const struct ws_client_request *request, int want)
{
	struct attempt a = { .request = request };
	const struct feed_user user = { .arg = &a, .grow = attempt_grow, .end = attempt_end,
					.ways = FEED_ALL };

	attempt_text = text;
	attempt_want = want;
	feed_growing(text, len, &user);
}

static void
bad_answers_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct ws_client_request request = asked;

		if (refused[i].error == WS_CLIENT_HEAD_TOO_LONG)
			request.header_bytes = (uint32_t)refused[i].len;
		attempt_want_at = refused[i].at;
		run(refused[i].text, refused[i].len, &request, -(int)refused[i].error);
	}
	attempt_want_at = 0;
}

static void
good_answers_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		struct ws_client_answer out;
		const char *protocol = accepted[i].protocol, *text = accepted[i].text;
		size_t whole = accepted[i].len;

		run(text, whole, &asked, (int)whole);
		assert_int_equal(ws_client_parse(text, whole, 0, &asked, &out), whole);
		assert_int_equal(out.status, 101);
		assert_true(span_equal(out.protocol, span_of(protocol, strlen(protocol))));
		for (size_t len = 0; len < whole; len++)
			assert_int_equal(
				ws_client_parse(feed_guarded(text, len), len, 0, &asked, &out), 0);
	}
}

static void
frames_behind_the_answer_are_kept(void **state)
{
	static const char text[] = S101 ALL END "\x81\x02hi";

	(void)state;
	run(text, sizeof(text) - 1, &asked, sizeof(text) - 1 - 4);
}

/* Nothing asked: nothing may be agreed. */
static void
what_was_not_asked_is_refused(void **state)
{
	struct ws_client_request request = asked;
	static const char plain[] = S101 UPG CONN ACC END;
	static const char sip[] = S101 ALL END;
	static const char extension[] = S101 UPG CONN ACC "Sec-WebSocket-Extensions: x\r\n" END;

	(void)state;
	request.protocols = request.extensions = SPAN("");
	run(plain, sizeof(plain) - 1, &request, sizeof(plain) - 1);
	run(sip, sizeof(sip) - 1, &request, -WS_CLIENT_PROTOCOL_UNASKED);
	run(extension, sizeof(extension) - 1, &request, -WS_CLIENT_EXTENSION_UNASKED);
}

static void
other_statuses_say_what_is_wanted(void **state)
{
	static const char text[] = "HTTP/1.1 401 Unauthorized\r\n"
				   "www-authenticate: Digest realm=\"a\"\r\n"
				   "WWW-Authenticate: Basic\r\n"
				   "Location: http://example.org/\r\n"
				   "Retry-After: 120\r\n"
				   "Content-Length: 2\r\n\r\nno";
	struct ws_client_answer out;

	(void)state;
	assert_int_equal(ws_client_parse(text, sizeof(text) - 1, 0, &asked, &out),
			 -WS_CLIENT_STATUS);
	assert_int_equal(out.status, 401);
	assert_true(span_equal(out.authenticate, SPAN("Digest realm=\"a\"")));
	assert_true(span_equal(out.location, SPAN("http://example.org/")));
	assert_true(span_equal(out.retry_after, SPAN("120")));
	assert_int_equal(out.fields_len, 5);
	assert_true(span_equal(out.fields[1].value, SPAN("Basic")));
}

static void
heads_and_fields_have_limits(void **state)
{
	static char text[4096];
	size_t len = sizeof(S101 ALL) - 1;

	(void)state;
	memcpy(text, S101 ALL, len);
	for (unsigned i = 4; i < WS_CLIENT_FIELDS_MAX; i++, len += 4)
		memcpy(text + len, "a:\r\n", 4);
	memcpy(text + len, END, 2);
	run(text, len + 2, &asked, (int)len + 2);
	memcpy(text + len, "a:\r\n\r\n", 6);
	run(text, len + 6, &asked, -WS_CLIENT_FIELDS_TOO_MANY);
	memset(text + 20, 'x', sizeof(text) - 20);
	attempt_want_at = asked.header_bytes;
	run(text, sizeof(text), &asked, -WS_CLIENT_HEAD_TOO_LONG);
	attempt_want_at = 0;
}

/* ---- the request ---- */

static void
the_key_is_base64(void **state)
{
	char key[WS_CLIENT_KEY_LEN];

	(void)state;
	ws_client_key((const uint8_t *)"the sample nonce", key);
	assert_memory_equal(key, KEY, sizeof(key)); /* §1.3 */
}

static void
the_request_is_written(void **state)
{
	struct ws_client_request r = asked;
	char out[1024];
	struct writer w = writer_over(out, sizeof(out));

	(void)state;
	ws_client_write(&w, &r);
	assert_true(span_equal(writer_text(&w),
			       SPAN("GET / HTTP/1.1\r\n"
				    "Host: example.org\r\n"
				    "Upgrade: websocket\r\n"
				    "Connection: Upgrade\r\n"
				    "Sec-WebSocket-Key: " KEY "\r\n"
				    "Sec-WebSocket-Version: 13\r\n"
				    "Sec-WebSocket-Protocol: msrp, sip\r\n"
				    "Sec-WebSocket-Extensions: permessage-deflate; "
				    "client_max_window_bits, x\r\n"
				    "\r\n")));
	r = (struct ws_client_request){ .host = SPAN("[::1]"), .port = 80, .secure = true,
					.resource = SPAN("/ws?a=b"), .key = SPAN(KEY),
					.protocols = SPAN("sip"),
					.origin = SPAN("https://example.org:8443"),
					.extra = SPAN("Cookie: a\r\nX: y\r\n") };
	w = writer_over(out, sizeof(out));
	ws_client_write(&w, &r);
	assert_true(span_equal(writer_text(&w),
			       SPAN("GET /ws?a=b HTTP/1.1\r\n"
				    "Host: [::1]:80\r\n"
				    "Upgrade: websocket\r\n"
				    "Connection: Upgrade\r\n"
				    "Sec-WebSocket-Key: " KEY "\r\n"
				    "Sec-WebSocket-Version: 13\r\n"
				    "Sec-WebSocket-Protocol: sip\r\n"
				    "Origin: https://example.org:8443\r\n"
				    "Cookie: a\r\nX: y\r\n"
				    "\r\n")));
	w = writer_over(out, 100);
	ws_client_write(&w, &r);
	assert_true(w.full);
}

/* What the client writes, the server takes; what the server answers, the client takes. */
static void
both_sides_agree(void **state)
{
	const struct ws_handshake_policy policy = { .protocol = SPAN("sip"),
						    .protocol_required = true,
						    .header_bytes = 2048,
						    .target_bytes = 100 };
	char request[1024], answer[1024];
	struct writer w = writer_over(request, sizeof(request));
	struct ws_client_answer out;
	struct ws_handshake hs;

	(void)state;
	ws_client_write(&w, &asked);
	assert_int_equal(ws_handshake_parse(w.at, w.len, 0, &policy, &hs), w.len);
	w = writer_over(answer, sizeof(answer));
	ws_handshake_write_101(&w, hs.key, hs.protocol, SPAN("x"));
	assert_int_equal(ws_client_parse(w.at, w.len, 0, &asked, &out), w.len);
	assert_true(span_equal(out.protocol, SPAN("sip")));
	assert_true(span_equal(out.extensions, SPAN("x")));
}

static void
ports_are_written_when_not_default(void **state)
{
	static const struct {
		uint16_t port;
		bool secure;
		const char *host;
	} ports[] = {
		{ 80, false, "Host: example.org\r\n" },
		{ 443, true, "Host: example.org\r\n" },
		{ 443, false, "Host: example.org:443\r\n" },
		{ 80, true, "Host: example.org:80\r\n" },
		{ 8080, false, "Host: example.org:8080\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct ws_client_request r = asked;
		char out[1024];
		struct writer w = writer_over(out, sizeof(out));

		r.port = ports[i].port;
		r.secure = ports[i].secure;
		ws_client_write(&w, &r);
		assert_memory_equal(out + strlen("GET / HTTP/1.1\r\n"), ports[i].host,
				    strlen(ports[i].host));
	}
}

static void
bad_requests_are_not_written(void **state)
{
#define BAD(field, value, want)                                                                   \
	do {                                                                                      \
		struct ws_client_request r = asked;                                               \
		r.field = value;                                                                  \
		assert_int_equal(ws_client_check(&r), WS_CLIENT_REQUEST_##want);                  \
	} while (0)

	(void)state;
	BAD(host, SPAN(""), HOST);
	BAD(host, SPAN("a b"), HOST);
	BAD(host, SPAN("example.org:80"), HOST);
	BAD(host, SPAN("::1"), HOST);
	BAD(host, SPAN("[::1]:80"), HOST);
	BAD(host, SPAN("a\r\nX: y"), HOST);
	BAD(port, 0, HOST);
	BAD(resource, SPAN("ws"), RESOURCE);
	BAD(resource, SPAN("/a b"), RESOURCE);
	BAD(resource, SPAN("/a#b"), RESOURCE);
	BAD(resource, SPAN("/\r\n"), RESOURCE);
	BAD(protocols, SPAN(" "), PROTOCOLS);
	BAD(protocols, SPAN("sip, sip"), PROTOCOLS);
	BAD(protocols, SPAN("sip msrp"), PROTOCOLS);
	BAD(protocols, SPAN("sip\r\nX: y"), PROTOCOLS);
	BAD(origin, SPAN("127.0.0.1:5060"), ORIGIN); /* W-L-05 */
	BAD(origin, SPAN("http://example.org/"), ORIGIN);
	BAD(origin, SPAN("://example.org"), ORIGIN);
	BAD(origin, SPAN("http://"), ORIGIN);
	BAD(extensions, SPAN(";"), EXTENSIONS);
	BAD(extensions, SPAN("a\r\nX: y"), EXTENSIONS);
	BAD(extensions, SPAN("a;b=\"\r\nX: y\""), EXTENSIONS);
	BAD(extra, SPAN("Cookie: a"), EXTRA);
	BAD(extra, SPAN("Cookie: a\r\n\r\n"), EXTRA);
	BAD(extra, SPAN("host: b\r\n"), EXTRA);
	BAD(extra, SPAN("X: y\r\nsec-websocket-key: z\r\n"), EXTRA);
	BAD(extra, SPAN("Content-Length: 1\r\n"), EXTRA);
	assert_int_equal(ws_client_check(&asked), WS_CLIENT_OK);
#undef BAD
}

static void
every_error_has_words(void **state)
{
	(void)state;
	for (unsigned error = 1; error < WS_CLIENT_ERROR_COUNT; error++)
		assert_true(strlen(ws_client_words(error)) > 0);
	assert_string_equal(ws_client_words(WS_CLIENT_STATUS), "answer's status is not 101");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_answers_fail),
		cmocka_unit_test(good_answers_open),
		cmocka_unit_test(frames_behind_the_answer_are_kept),
		cmocka_unit_test(what_was_not_asked_is_refused),
		cmocka_unit_test(other_statuses_say_what_is_wanted),
		cmocka_unit_test(heads_and_fields_have_limits),
		cmocka_unit_test(the_key_is_base64),
		cmocka_unit_test(the_request_is_written),
		cmocka_unit_test(both_sides_agree),
		cmocka_unit_test(ports_are_written_when_not_default),
		cmocka_unit_test(bad_requests_are_not_written),
		cmocka_unit_test(every_error_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
