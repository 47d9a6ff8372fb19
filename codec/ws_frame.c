/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_frame.h"
#include <assert.h>
#include <string.h>

static void
frame_put_big_endian(uint8_t *out, uint64_t n, unsigned bytes)
{
	while (bytes--) {
		out[bytes] = (uint8_t)n;
		n >>= 8;
	}
}

size_t
ws_frame_write_header(uint8_t *out, uint8_t opcode, bool fin, uint64_t len, const uint8_t *mask)
{
	size_t n = 2;

	assert(opcode <= 0xF && len >> 63 == 0);
	assert(opcode < WS_OP_CLOSE || (fin && len <= WS_CONTROL_MAX));
	out[0] = (uint8_t)((fin ? 0x80 : 0) | opcode);
	if (len < 126) {
		out[1] = (uint8_t)len;
	} else if (len <= 0xFFFF) {
		out[1] = 126;
		frame_put_big_endian(out + 2, len, 2);
		n = 4;
	} else {
		out[1] = 127;
		frame_put_big_endian(out + 2, len, 8);
		n = 10;
	}
	if (mask) {
		out[1] |= 0x80;
		memcpy(out + n, mask, 4);
		n += 4;
	}
	return n;
}
