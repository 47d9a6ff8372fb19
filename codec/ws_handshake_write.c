/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include "codec/ws_handshake.h"

static const struct {
	int status;
	struct span phrase;
} write_phrases[] = {
#define WRITE_PHRASE(status, text) { status, { text, sizeof(text) - 1 } }
	WRITE_PHRASE(400, "Bad Request"),
	WRITE_PHRASE(403, "Forbidden"),
	WRITE_PHRASE(404, "Not Found"),
	WRITE_PHRASE(405, "Method Not Allowed"),
	WRITE_PHRASE(408, "Request Timeout"),
	WRITE_PHRASE(414, "URI Too Long"),
	WRITE_PHRASE(426, "Upgrade Required"),
	WRITE_PHRASE(431, "Request Header Fields Too Large"),
	WRITE_PHRASE(503, "Service Unavailable"),
	WRITE_PHRASE(505, "HTTP Version Not Supported"),
#undef WRITE_PHRASE
};

static const struct span write_words[WS_HANDSHAKE_ERROR_COUNT] = {
#define WS_HANDSHAKE_ERROR(symbol, status, words, duty) \
	[WS_HANDSHAKE_##symbol] = { words, sizeof(words) - 1 },
#include "codec/ws_handshake_error.def"
#undef WS_HANDSHAKE_ERROR
};

static struct span
write_phrase(int status)
{
	size_t i = 0;

	while (write_phrases[i].status != status) {
		i++;
		assert(i < sizeof(write_phrases) / sizeof(write_phrases[0]));
	}
	return write_phrases[i].phrase;
}

static void
write_field(struct writer *w, struct span name, struct span value)
{
	writer_put(w, name);
	writer_put(w, SPAN(": "));
	writer_put(w, value);
	writer_put(w, SPAN("\r\n"));
}

void
ws_handshake_write_101(struct writer *w, struct span key, struct span protocol,
		       struct span extensions)
{
	char accept[WS_ACCEPT_LEN];

	ws_handshake_accept_value(key, accept);
	writer_put(w, SPAN("HTTP/1.1 101 Switching Protocols\r\n"
			   "Upgrade: websocket\r\n"
			   "Connection: Upgrade\r\n"));
	write_field(w, SPAN("Sec-WebSocket-Accept"), span_of(accept, sizeof(accept)));
	if (protocol.len)
		write_field(w, SPAN("Sec-WebSocket-Protocol"), protocol);
	if (extensions.len)
		write_field(w, SPAN("Sec-WebSocket-Extensions"), extensions);
	writer_put(w, SPAN("\r\n"));
}

void
ws_handshake_write_error(struct writer *w, enum ws_handshake_error error, unsigned retry_after)
{
	int status = ws_handshake_status(error);
	struct span body = write_words[error];

	writer_put(w, SPAN("HTTP/1.1 "));
	writer_put_decimal(w, (uint64_t)status);
	writer_put(w, SPAN(" "));
	writer_put(w, write_phrase(status));
	writer_put(w, SPAN("\r\nContent-Type: text/plain\r\nContent-Length: "));
	writer_put_decimal(w, body.len + 1);
	writer_put(w, SPAN("\r\n"));
	if (status == 426) { /* RFC 6455 §4.2.2, RFC 9110 §15.5.22 */
		write_field(w, SPAN("Connection"), SPAN("close, Upgrade"));
		write_field(w, SPAN("Upgrade"), SPAN("websocket"));
		write_field(w, SPAN("Sec-WebSocket-Version"), SPAN("13"));
	} else {
		write_field(w, SPAN("Connection"), SPAN("close"));
	}
	if (status == 405) /* RFC 9110 §15.5.6 */
		write_field(w, SPAN("Allow"), SPAN("GET"));
	if (retry_after) {
		writer_put(w, SPAN("Retry-After: "));
		writer_put_decimal(w, retry_after);
		writer_put(w, SPAN("\r\n"));
	}
	writer_put(w, SPAN("\r\n"));
	writer_put(w, body);
	writer_put(w, SPAN("\n"));
}
