/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_CLOSE_H
#define CODEC_WS_CLOSE_H
/* The body of a Close frame, RFC 6455 §5.5.1 and §7.4. Any thread; no state. */
#include "codec/span.h"
#include "codec/ws_frame.h"

struct ws_close {
	uint16_t code;      /* WS_CLOSE_NO_STATUS for an empty body */
	struct span reason; /* view into the payload */
};

/* May this code be in a Close frame (W-C-06)? */
bool ws_close_code_on_wire(uint16_t code);

/* Read a whole, unmasked Close payload. WS_OK or the error to fail the connection with. */
enum ws_error ws_close_parse(const uint8_t *payload, size_t len, struct ws_close *out);

/*
 * Write a Close body into out[WS_CONTROL_MAX], for a role that masks; WS_CLOSE_NO_STATUS writes
 * an empty one. A reason that does not fit is cut at a character boundary, one that is not
 * UTF-8 is left out. Returns its length. Any other code that must not be sent asserts.
 */
size_t ws_close_write_body(uint8_t *out, uint16_t code, struct span reason);

/*
 * Write a whole unmasked server Close frame (header and body as above) into
 * out[4 + WS_CONTROL_MAX]. Returns its length.
 */
size_t ws_close_write(uint8_t *out, uint16_t code, struct span reason);

#endif
