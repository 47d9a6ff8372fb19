/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_HANDSHAKE_LINE_H
#define CODEC_WS_HANDSHAKE_LINE_H
/* The request line of an opening handshake, RFC 9112 §3. No state; any thread. */
#include "codec/ws_handshake.h"

/*
 * Read the request line, and one empty line before it (RFC 9112 §2.2), from in[0..len), judged
 * from left to right: the first byte that cannot be is the error. Returns the bytes of the line
 * and fills target, path, query and, of an absolute-form target, host; 0: incomplete, nothing
 * wrong yet; < 0: -(enum ws_handshake_error).
 */
int ws_handshake_line_read(const char *in, size_t len, const struct ws_handshake_policy *policy,
			   struct ws_handshake *out);

/* Longest line that ws_handshake_line_read() can still call incomplete. */
size_t ws_handshake_line_max(const struct ws_handshake_policy *policy);

#endif
