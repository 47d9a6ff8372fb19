/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/clock.h"
#include "tools/wsload/bad.h"

#define FRAGMENT 7u
#define HUGE_BYTES 40000u /* of a body that a server should take */
#define STEP_MS 50
#define ENDED_WITHIN_MS 15000 /* a handshake that does not come about */

static char request[BAD_PEER_MESSAGE_MAX];

/* ---- frames that a rule forbids ---- */

static bool
unmasked(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	static const uint8_t frame[] = { 0x81, 4, '\r', '\n', '\r', '\n' };

	return bad_peer_send(p, frame, sizeof(frame), 1000) && bad_expect_close(p, 1002, got);
}

static bool
reserved_bit(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return bad_peer_frame(p, 0x80 | 0x20 | WS_OP_TEXT, "\r\n\r\n", 4) &&
	       bad_expect_close(p, 1002, got);
}

static bool
bad_opcode(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return bad_peer_frame(p, 0x80 | 0x3, "x", 1) && bad_expect_close(p, 1002, got);
}

static bool
long_ping(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return bad_peer_frame(p, 0x80 | WS_OP_PING, request, WS_CONTROL_MAX + 1) &&
	       bad_expect_close(p, 1002, got);
}

static bool
stray_fragment(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return bad_peer_frame(p, 0x80 | WS_OP_CONTINUATION, "x", 1) &&
	       bad_expect_close(p, 1002, got);
}

static bool
bad_utf8(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return bad_peer_text(p, "SIP \xc3\x28", 6) && bad_expect_close(p, 1007, got);
}

static bool
bad_close_code(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return bad_peer_frame(p, 0x80 | WS_OP_CLOSE, "\x03\xed", 2) && /* 1005 */
	       bad_expect_close(p, 1002, got);
}

/* ---- unusual, and allowed ---- */

static bool
one_byte_writer(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	static uint8_t frame[WS_HEADER_MAX + 2048];
	size_t len = bad_peer_options(p, request), header;
	const uint8_t mask[4] = { 0 }; /* its bytes are as they are; no secret here */

	if (len > sizeof(frame) - WS_HEADER_MAX)
		return false;
	header = ws_frame_write_header(frame, WS_OP_TEXT, true, len, mask);
	memcpy(frame + header, request, len);
	for (size_t i = 0; i < header + len; i++)
		if (!bad_peer_send(p, frame + i, 1, 1000))
			return bad_expect_answer(p, got);
	return bad_expect_answer(p, got);
}

static bool
fragments(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	size_t len = bad_peer_options(p, request);

	for (size_t i = 0; i < len; i += FRAGMENT) {
		bool last = i + FRAGMENT >= len;
		uint8_t first = (uint8_t)((i ? WS_OP_CONTINUATION : WS_OP_TEXT) | last << 7);

		if (!bad_peer_frame(p, first, request + i, last ? len - i : FRAGMENT) ||
		    (i == 10 * FRAGMENT && !bad_peer_frame(p, 0x80 | WS_OP_PING, "between", 7)))
			break;
	}
	return bad_expect_answer(p, got);
}

/* OPTIONS with a body as long as the SDP of a conference. */
static bool
huge_sdp(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	static const char zero[] = "Content-Length: 0\r\n\r\n";
	size_t len = bad_peer_options(p, request);
	char *at = memmem(request, len, zero, sizeof(zero) - 1);

	if (!at || len + HUGE_BYTES + 64 > sizeof(request))
		return false;
	len = (size_t)(at - request);
	len += (size_t)snprintf(
		at, 128, "Content-Type: application/sdp\r\nContent-Length: %u\r\n\r\n", HUGE_BYTES);
	for (uint32_t i = 0; i < HUGE_BYTES; i++)
		request[len + i] = "a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n"[i % 44];
	return bad_peer_text(p, request, len + HUGE_BYTES) && bad_expect_answer(p, got);
}

/* A header that promises 1 GB: to wait for it would be to lose already. */
static bool
endless_message(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	static const uint8_t header[] = { 0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4 };

	return bad_peer_send(p, header, sizeof(header), 1000) && bad_expect_close(p, 1009, got);
}

/* ---- who does not come to the point ---- */

static bool
silent(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return bad_expect_end(p, ENDED_WITHIN_MS, got);
}

/* The deadline is that of the whole head: no byte that trickles in moves it. */
static bool
slow_handshake(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	char head[4096];
	size_t len = bad_peer_request(p, head, sizeof(head));
	uint64_t until_ns = clock_now_ns() + ENDED_WITHIN_MS * CLOCK_NS_PER_MS;

	for (size_t i = 0; i + 4 < len && clock_now_ns() < until_ns; i++) {
		if (!bad_peer_send(p, head + i, 1, 1000))
			break;
		if (bad_expect_end(p, STEP_MS, got))
			return true;
	}
	return bad_expect_end(p, STEP_MS, got);
}

/* No Close, no FIN, and an answer on its way to nobody. */
static bool
abort_without_close(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	size_t len = bad_peer_options(p, request);
	bool sent = bad_peer_text(p, request, len);

	bad_peer_abort(p);
	snprintf(got, BAD_GOT_MAX, "gone");
	return sent;
}

#define PROTOCOL_ERROR "Close 1002"
#define ANSWERED "answered with 200"
#define BOUNDED "answered, held back or disconnected; nothing piles up"

const struct bad_case bad_cases[] = {
	{ "unmasked", "a frame without a mask", PROTOCOL_ERROR, unmasked, false, 0 },
	{ "rsv", "a reserved bit without an extension", PROTOCOL_ERROR, reserved_bit, false, 0 },
	{ "opcode", "an opcode that is not defined", PROTOCOL_ERROR, bad_opcode, false, 0 },
	{ "long-ping", "a Ping of 126 bytes", PROTOCOL_ERROR, long_ping, false, 0 },
	{ "stray", "a continuation of nothing", PROTOCOL_ERROR, stray_fragment, false, 0 },
	{ "close-code", "a Close with 1005", PROTOCOL_ERROR, bad_close_code, false, 0 },
	{ "utf8", "text that is not UTF-8", "Close 1007", bad_utf8, false, 0 },
	{ "endless", "a message of 1 GB, announced", "Close 1009", endless_message, false, 0 },
	{ "one-byte", "OPTIONS one byte at a time", ANSWERED, one_byte_writer, false, 0 },
	{ "fragments", "OPTIONS in frames of 7 bytes, a Ping between", ANSWERED, fragments, false,
	  0 },
	{ "huge-sdp", "OPTIONS with 40,000 bytes of SDP", ANSWERED, huge_sdp, false, 0 },
	{ "ping-flood", "100,000 Pings at once", BOUNDED, bad_flood_pings, false, 0 },
	{ "crlf-flood", "100,000 keep-alives at once", BOUNDED, bad_flood_crlf, false, 0 },
	{ "slow-reader", "asks fast, reads a byte at a time", BOUNDED, bad_flood_slow_reader, false,
	  4096 },
	{ "zero-window", "asks and never reads", BOUNDED, bad_flood_zero_window, false, 4096 },
	{ "abort", "RST while an answer is on its way", "gone", abort_without_close, false, 0 },
	{ "silent", "connects and says nothing", "ended within 15 s", silent, true, 0 },
	{ "slow-handshake", "a byte of the handshake every 50 ms", "ended within 15 s",
	  slow_handshake, true, 0 },
	{ NULL, NULL, NULL, NULL, false, 0 },
};
