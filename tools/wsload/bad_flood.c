/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "engine/clock.h"
#include "tools/wsload/bad.h"

#define FLOOD 100000u
#define BATCH 512u
#define UNREAD_MAX (64u << 20) /* bytes of requests that a server may take from who never reads */
#define BLOCKED_MS 1500        /* takes nothing for so long: it holds back */

/* A server may have had enough; then it says so, or just goes. */
static bool
had_enough(const struct bad_peer *p, enum bad_end end)
{
	return end == BAD_ENDED || (end == BAD_CLOSE && p->code == 1008);
}

/* FLOOD frames of the kind, many in one send; what comes back is read meanwhile. */
static bool
flood(struct bad_peer *p, uint8_t first, struct span payload, char got[BAD_GOT_MAX])
{
	static uint8_t batch[BATCH * 16];
	const uint8_t mask[4] = { 0 };
	enum bad_end end = BAD_SILENCE;
	size_t len = 0;

	for (uint32_t i = 0; i < BATCH; i++) {
		size_t header = ws_frame_write_header(batch + len, first, true, payload.len, mask);

		memcpy(batch + len + header, payload.at, payload.len);
		len += header + payload.len;
	}
	for (uint32_t i = 0; i < FLOOD / BATCH; i++) {
		bool taken = bad_peer_send(p, batch, len, BLOCKED_MS);

		do
			end = bad_peer_await(p, 0);
		while (end == BAD_MESSAGE || end == BAD_PONG);
		if (end != BAD_SILENCE || !taken)
			break;
	}
	if (end == BAD_SILENCE) {
		len = bad_peer_options(p, p->message);
		memcpy(batch, p->message, len);
		bad_peer_text(p, batch, len);
		end = bad_peer_await_answer(p, bad_timeout_ms(p));
	}
	bad_say(got, p, end);
	if (end == BAD_MESSAGE)
		snprintf(got, BAD_GOT_MAX, "answered with 200");
	return end == BAD_MESSAGE || had_enough(p, end);
}

bool
bad_flood_pings(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return flood(p, WS_OP_PING, SPAN("ping"), got);
}

bool
bad_flood_crlf(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return flood(p, WS_OP_TEXT, SPAN("\r\n\r\n"), got);
}

/* Ask and ask; read `read_bytes` after each request. Does the server take it without end? */
static bool
ask_without_reading(struct bad_peer *p, size_t read_bytes, char got[BAD_GOT_MAX])
{
	char request[4096], byte;
	uint64_t sent = 0;

	if (p->plan->requests[SCENARIO_OPTIONS].request.len > sizeof(request))
		return false;
	while (sent < UNREAD_MAX) {
		size_t len = bad_peer_options(p, request);

		errno = 0;
		if (!bad_peer_frame(p, 0x80 | WS_OP_TEXT, request, len)) {
			snprintf(got, BAD_GOT_MAX, "%s after %.1f MB",
				 errno == EAGAIN ? "held back" : "disconnected",
				 (double)sent / 1e6);
			return true;
		}
		sent += len;
		for (size_t i = 0; i < read_bytes; i++)
			if (recv(p->fd, &byte, 1, MSG_DONTWAIT) == 0)
				break;
	}
	snprintf(got, BAD_GOT_MAX, "takes %.0f MB without an end", (double)sent / 1e6);
	return false;
}

bool
bad_flood_slow_reader(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return ask_without_reading(p, 1, got);
}

bool
bad_flood_zero_window(struct bad_peer *p, char got[BAD_GOT_MAX])
{
	return ask_without_reading(p, 0, got);
}
