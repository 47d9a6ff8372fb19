/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_FRAME_H
#define CODEC_WS_FRAME_H
/*
 * WebSocket frame headers, RFC 6455 §5.2. Reading and writing of the 2 to 14
 * header bytes; nothing here looks at payload. Any thread; no state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_opcode {
	WS_OP_CONTINUATION = 0x0,
	WS_OP_TEXT = 0x1,
	WS_OP_BINARY = 0x2,
	WS_OP_CLOSE = 0x8,
	WS_OP_PING = 0x9,
	WS_OP_PONG = 0xA,
};

enum ws_role {
	WS_SERVER, /* reads masked frames, writes unmasked ones (W-F-01, W-F-02) */
	WS_CLIENT, /* the reverse (W-L-10, W-L-11) */
};

enum ws_error {
	WS_OK,
#define WS_ERROR(symbol, code, words, duty) WS_ERROR_##symbol,
#include "codec/ws_error.def"
#undef WS_ERROR
	WS_ERROR_COUNT
};

enum ws_close_code {
#define WS_CLOSE(symbol, number, wire, text) WS_CLOSE_##symbol = number,
#include "codec/ws_close.def"
#undef WS_CLOSE
};

#define WS_HEADER_MAX 14  /* bytes: 2 + 8 length + 4 mask */
#define WS_CONTROL_MAX 125 /* payload bytes of a control frame, §5.5 */

/* The close code and the log words that belong to an error; WS_OK has none (asserts). */
uint16_t ws_error_close_code(enum ws_error error);
const char *ws_error_words(enum ws_error error);

/* The reason text sent with a close code of ours; "" where none is fitting. */
const char *ws_close_text(uint16_t code);

/*
 * Write the header of an unfragmented or fragmented frame of `len` payload
 * bytes into out[WS_HEADER_MAX]; minimal length encoding (W-F-05). `mask` is
 * NULL for the server role, 4 key bytes for the client role (§5.3). Returns the
 * number of bytes written.
 */
size_t ws_frame_write_header(uint8_t *out, uint8_t opcode, bool fin, uint64_t len,
			     const uint8_t *mask);

/* Bytes that ws_frame_write_header() will write for this length. */
static inline size_t
ws_frame_header_len(uint64_t len, enum ws_role role)
{
	return (len < 126 ? 2u : len <= 0xFFFF ? 4u : 10u) + (role == WS_CLIENT ? 4u : 0u);
}

#endif
