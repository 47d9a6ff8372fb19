/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a Close frame, RFC 6455 §5.5.1 and §7.4: W-F-17, W-C-06; Autobahn family 7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/ws_close.h"
#include "tests/feed.h"

static const struct {
	const char *bytes;
	size_t len;
	enum ws_error error;
	uint16_t code;
} bodies[] = {
#define BODY(text, error, code) { text, sizeof(text) - 1, error, code }
	BODY("\x03", WS_ERROR_CLOSE_LENGTH, 0), /* 7.3.2 */
	BODY("\x00", WS_ERROR_CLOSE_LENGTH, 0),
	BODY("\x00\x00", WS_ERROR_CLOSE_CODE, 0),
	BODY("\xFF\xFF", WS_ERROR_CLOSE_CODE, 0),
	BODY("\x03\xED", WS_ERROR_CLOSE_CODE, 0), /* 1005 */
	BODY("\x03\xEE", WS_ERROR_CLOSE_CODE, 0), /* 1006 */
	BODY("\x03\xF7", WS_ERROR_CLOSE_CODE, 0), /* 1015 */
	BODY("\x03\xE8\x80", WS_ERROR_CLOSE_REASON, 0),
	BODY("\x03\xE8" "abc\xC3", WS_ERROR_CLOSE_REASON, 0),
	BODY("\x03\xE8\xED\xA0\x80", WS_ERROR_CLOSE_REASON, 0),
	BODY("\x03\xE8\xCE\xBA\xE1\xBD\xB9\xF4\x90\x80\x80" "edited", WS_ERROR_CLOSE_REASON, 0),
	BODY("\x03\xED\x80", WS_ERROR_CLOSE_CODE, 0), /* the code is judged first */
	BODY("", WS_OK, WS_CLOSE_NO_STATUS),
	BODY("\x03\xE8", WS_OK, 1000),
	BODY("\x03\xE8" "bye", WS_OK, 1000),
	BODY("\x03\xE9\xE2\x82\xAC", WS_OK, 1001),
	BODY("\x13\x87", WS_OK, 4999),
#undef BODY
};

static void
bodies_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct ws_close close;
		const uint8_t *body = feed_guarded(bodies[i].bytes, bodies[i].len);

		assert_int_equal(ws_close_parse(body, bodies[i].len, &close), bodies[i].error);
		if (bodies[i].error)
			continue;
		assert_int_equal(close.code, bodies[i].code);
		assert_int_equal(close.reason.len, bodies[i].len ? bodies[i].len - 2 : 0);
		if (close.reason.len)
			assert_ptr_equal(close.reason.at, body + 2);
	}
}

/* Whole-range check against the list of RFC.md W-C-06, written as it is there. */
static void
every_code_is_judged(void **state)
{
	(void)state;
	for (unsigned code = 0; code <= 0xFFFF; code++) {
		bool legal = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
			     (code >= 3000 && code <= 4999);
		const uint8_t body[2] = { (uint8_t)(code >> 8), (uint8_t)code };
		struct ws_close close;

		assert_int_equal(ws_close_code_on_wire((uint16_t)code), legal);
		assert_int_equal(ws_close_parse(body, 2, &close),
				 legal ? WS_OK : WS_ERROR_CLOSE_CODE);
	}
}

static void
longest_reason_is_read(void **state)
{
	uint8_t body[WS_CONTROL_MAX];
	struct ws_close close;

	(void)state;
	memset(body, '*', sizeof(body));
	body[0] = 0x03;
	body[1] = 0xE8;
	assert_int_equal(ws_close_parse(feed_guarded(body, sizeof(body)), sizeof(body), &close),
			 WS_OK);
	assert_int_equal(close.reason.len, 123);
}

static void
frames_are_written(void **state)
{
	uint8_t out[4 + WS_CONTROL_MAX];
	char reason[200];

	(void)state;
	assert_int_equal(ws_close_write(out, WS_CLOSE_NO_STATUS, SPAN("ignored")), 2);
	assert_memory_equal(out, "\x88\x00", 2);
	assert_int_equal(ws_close_write(out, WS_CLOSE_NORMAL, SPAN("")), 4);
	assert_memory_equal(out, "\x88\x02\x03\xE8", 4);
	assert_int_equal(ws_close_write(out, WS_CLOSE_GOING_AWAY, SPAN("going away")), 14);
	assert_memory_equal(out, "\x88\x0C\x03\xE9going away", 14);
	assert_int_equal(ws_close_write(out, WS_CLOSE_NORMAL, SPAN("\xC3(")), 4); /* not UTF-8 */

	memset(reason, 'x', sizeof(reason));
	assert_int_equal(ws_close_write(out, WS_CLOSE_POLICY, span_of(reason, 123)), 127);
	assert_int_equal(out[1], 125);
	assert_int_equal(ws_close_write(out, WS_CLOSE_POLICY, span_of(reason, 124)), 127);
}

static void
a_long_reason_is_cut_between_characters(void **state)
{
	uint8_t out[4 + WS_CONTROL_MAX];
	struct ws_close close;
	char reason[300];

	(void)state;
	for (size_t before = 0; before < 4; before++) {
		size_t len = before, n;

		memset(reason, 'x', before);
		while (len + 4 <= sizeof(reason)) {
			memcpy(reason + len, "\xF0\x9F\x98\x80", 4);
			len += 4;
		}
		n = ws_close_write(out, 4000, span_of(reason, len));
		assert_in_range(n, 124, 127);
		assert_int_equal(out[1], n - 2);
		assert_int_equal(ws_close_parse(out + 2, n - 2, &close), WS_OK);
		assert_memory_equal(close.reason.at, reason, close.reason.len);
	}
}

static void
texts_fit_their_codes(void **state)
{
	(void)state;
	assert_string_equal(ws_close_text(WS_CLOSE_NORMAL), "");
	assert_string_equal(ws_close_text(WS_CLOSE_TOO_BIG), "message too big");
	assert_string_equal(ws_close_text(4711), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_judged),
		cmocka_unit_test(every_code_is_judged),
		cmocka_unit_test(longest_reason_is_read),
		cmocka_unit_test(frames_are_written),
		cmocka_unit_test(a_long_reason_is_cut_between_characters),
		cmocka_unit_test(texts_fit_their_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
