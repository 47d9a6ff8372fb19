/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_close.h"
#include <assert.h>
#include <string.h>
#include "codec/utf8.h"

static const struct ws_close_row {
	uint16_t code;
	bool on_wire;
	const char *text;
} ws_close_rows[] = {
#define WS_CLOSE(symbol, number, wire, text) { number, wire, text },
#include "codec/ws_close.def"
#undef WS_CLOSE
};

static const struct ws_close_row *
close_row(uint16_t code)
{
	for (size_t i = 0; i < sizeof(ws_close_rows) / sizeof(ws_close_rows[0]); i++)
		if (ws_close_rows[i].code == code)
			return &ws_close_rows[i];
	return NULL;
}

bool
ws_close_code_on_wire(uint16_t code)
{
	const struct ws_close_row *row = close_row(code);

	/* §7.4.2: 3000-3999 are registered by libraries, 4000-4999 are private. */
	return row ? row->on_wire : code >= 3000 && code <= 4999;
}

const char *
ws_close_text(uint16_t code)
{
	const struct ws_close_row *row = close_row(code);

	return row ? row->text : "";
}

enum ws_error
ws_close_parse(const uint8_t *payload, size_t len, struct ws_close *out)
{
	assert(len <= WS_CONTROL_MAX);
	*out = (struct ws_close){ .code = WS_CLOSE_NO_STATUS };
	if (len == 0)
		return WS_OK;
	if (len == 1)
		return WS_ERROR_CLOSE_LENGTH;
	out->code = (uint16_t)(payload[0] << 8 | payload[1]);
	out->reason = span_of(payload + 2, len - 2);
	if (!ws_close_code_on_wire(out->code))
		return WS_ERROR_CLOSE_CODE;
	if (!utf8_valid(payload + 2, len - 2))
		return WS_ERROR_CLOSE_REASON;
	return WS_OK;
}

size_t
ws_close_write_body(uint8_t *out, uint16_t code, struct span reason)
{
	size_t len = reason.len;

	if (code == WS_CLOSE_NO_STATUS)
		return 0;
	assert(ws_close_code_on_wire(code));
	out[0] = (uint8_t)(code >> 8);
	out[1] = (uint8_t)code;
	if (len > WS_CONTROL_MAX - 2) {
		len = WS_CONTROL_MAX - 2;
		while (len && ((uint8_t)reason.at[len] & 0xC0) == 0x80)
			len--;
	}
	/* §5.5.1: the reason must be UTF-8; none at all is always right. */
	if (len == 0 || !utf8_valid((const uint8_t *)reason.at, len))
		return 2;
	memcpy(out + 2, reason.at, len);
	return 2 + len;
}

size_t
ws_close_write(uint8_t *out, uint16_t code, struct span reason)
{
	uint8_t body[WS_CONTROL_MAX];
	size_t len = ws_close_write_body(body, code, reason);
	size_t head = ws_frame_write_header(out, WS_OP_CLOSE, true, len, NULL);

	memcpy(out + head, body, len);
	return head + len;
}
