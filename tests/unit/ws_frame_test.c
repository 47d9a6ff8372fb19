/* SPDX-License-Identifier: Apache-2.0 */
/* Frame headers as written (RFC 6455 §5.2, W-F-02, W-F-05, W-L-10), and the table of errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/ws_close.h"
#include "codec/ws_frame.h"
#include "tests/feed.h"

static const struct {
	uint64_t len;
	uint8_t opcode;
	bool fin;
	uint8_t bytes[10];
	size_t size;
} headers[] = {
	{ 0, WS_OP_TEXT, true, { 0x81, 0x00 }, 2 },
	{ 1, WS_OP_BINARY, false, { 0x02, 0x01 }, 2 },
	{ 5, WS_OP_CONTINUATION, true, { 0x80, 0x05 }, 2 },
	{ 5, WS_OP_CONTINUATION, false, { 0x00, 0x05 }, 2 },
	{ 0, WS_OP_CLOSE, true, { 0x88, 0x00 }, 2 },
	{ 125, WS_OP_PING, true, { 0x89, 0x7D }, 2 },
	{ 4, WS_OP_PONG, true, { 0x8A, 0x04 }, 2 },
	{ 125, WS_OP_TEXT, true, { 0x81, 0x7D }, 2 },
	{ 126, WS_OP_TEXT, true, { 0x81, 0x7E, 0x00, 0x7E }, 4 },
	{ 256, WS_OP_BINARY, true, { 0x82, 0x7E, 0x01, 0x00 }, 4 },
	{ 65535, WS_OP_TEXT, true, { 0x81, 0x7E, 0xFF, 0xFF }, 4 },
	{ 65536, WS_OP_TEXT, true, { 0x81, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0 }, 10 },
	{ 0x0123456789ABCDEF, WS_OP_BINARY, true,
	  { 0x82, 0x7F, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF }, 10 },
	{ INT64_MAX, WS_OP_BINARY, true,
	  { 0x82, 0x7F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, 10 },
};

static void
shortest_length_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		uint8_t out[WS_HEADER_MAX];
		size_t n = ws_frame_write_header(out, headers[i].opcode, headers[i].fin,
						 headers[i].len, NULL);

		assert_int_equal(n, headers[i].size);
		assert_memory_equal(out, headers[i].bytes, n);
		assert_int_equal(n, ws_frame_header_len(headers[i].len, WS_SERVER));
	}
}

static void
client_mask_follows_the_length(void **state)
{
	const uint8_t mask[4] = { 1, 2, 3, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		uint8_t out[WS_HEADER_MAX];
		size_t n = ws_frame_write_header(out, headers[i].opcode, headers[i].fin,
						 headers[i].len, mask);

		assert_int_equal(n, headers[i].size + 4);
		assert_int_equal(out[1], headers[i].bytes[1] | 0x80);
		assert_memory_equal(out + 2, headers[i].bytes + 2, headers[i].size - 2);
		assert_memory_equal(out + n - 4, mask, 4);
		assert_int_equal(n, ws_frame_header_len(headers[i].len, WS_CLIENT));
	}
}

static void
every_error_has_a_code_that_may_be_sent(void **state)
{
	(void)state;
	for (unsigned error = 1; error < WS_ERROR_COUNT; error++) {
		assert_true(ws_close_code_on_wire(ws_error_close_code(error)));
		assert_true(ws_error_words(error)[0] != '\0');
	}
	assert_int_equal(ws_error_close_code(WS_ERROR_UTF8), 1007);
	assert_int_equal(ws_error_close_code(WS_ERROR_MESSAGE_TOO_BIG), 1009);
	assert_int_equal(ws_error_close_code(WS_ERROR_MASK_MISSING), 1002);
	assert_string_equal(ws_error_words(WS_ERROR_OPCODE), "reserved opcode");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shortest_length_is_written),
		cmocka_unit_test(client_mask_follows_the_length),
		cmocka_unit_test(every_error_has_a_code_that_may_be_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
