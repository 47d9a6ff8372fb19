/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_INFLATE_H
#define CODEC_WS_INFLATE_H
/*
 * permessage-deflate, the receiving side: messages back to what they were, RFC 7692 §7.2.2. Piece
 * by piece as the reader hands them out, into the caller's memory chunk by chunk.
 *
 * A state costs ws_inflate_cost(bits) and may serve
 *   - one connection whose peer keeps its context: with the agreed window, from handshake to end;
 *   - all connections of a loop that agreed on no context: one state with WS_INFLATE_BITS_MAX,
 *     for one whole message after the other. It cannot serve two messages at a time: of a message
 *     that comes in several turns the compressed pieces are gathered first.
 *
 * One thread at a time per state. Must not be moved while open: zlib points back to it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/span.h"
#include "codec/utf8.h"
#include "codec/writer.h"
#include "codec/ws_deflate_memory.h"
#include "codec/ws_frame.h"

#define WS_INFLATE_BITS_MIN 8
#define WS_INFLATE_BITS_MAX 15

enum ws_inflate_status {
	WS_INFLATE_INPUT,  /* all input is consumed: call again with the next piece */
	WS_INFLATE_OUTPUT, /* `out` is full and there is more: again, with the rest and with room */
	WS_INFLATE_END,    /* the message is whole */
	WS_INFLATE_ERROR,  /* `error` says which: fail the connection */
};

struct ws_inflate {
	z_stream z;
	struct ws_deflate_memory *memory;
	uint64_t limit;         /* inflated bytes of a message; 0: none */
	uint64_t message_bytes; /* inflated so far */
	enum ws_error error;    /* of this message */
	struct utf8 utf8;
	uint8_t bits;           /* of the window; 0: not open */
	bool begun;             /* a message is in progress */
	bool text;              /* check UTF-8 */
	bool boundary;          /* of the compressed data: between two blocks, between two bytes */
	bool carried;           /* `carry` came when `out` was full */
	uint8_t carry;
};

/* Takes no memory yet. */
void ws_inflate_init(struct ws_inflate *s, struct ws_deflate_memory *memory);

/* Takes all memory there will be need of: WS_OK, or WS_ERROR_DEFLATE_MEMORY and nothing is held. */
enum ws_error ws_inflate_open(struct ws_inflate *s, uint8_t bits);

/* Gives all memory back; harmless if not open. May be opened again. */
void ws_inflate_close(struct ws_inflate *s);

/*
 * A message begins, in a state that is open. `keep`: context takeover was agreed, what came
 * before is still referred to (then no message may have been left unfinished or failed). `limit`
 * is on the inflated bytes (Z-06): reached before any more memory is written to.
 */
void ws_inflate_begin(struct ws_inflate *s, bool text, bool keep, uint64_t limit);

/*
 * Inflate on: `in` is moved over what was consumed, what comes out is appended to `out` (never
 * more than there is room for; `full` is not set). `last`: the message ends with this piece (which
 * may be empty). Text is checked as it comes out. After an error: the same error again.
 */
enum ws_inflate_status ws_inflate_run(struct ws_inflate *s, struct span *in, bool last,
				      struct writer *out);

/* Bytes that an open state holds, at most: the window, and 7 KB of tables. */
static inline size_t
ws_inflate_cost(uint8_t bits)
{
	return ((size_t)1 << bits) + 7424;
}

#endif
