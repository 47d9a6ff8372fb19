/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_DEFLATE_H
#define CODEC_WS_DEFLATE_H
/*
 * permessage-deflate, the sending side: the payload of a compressed message, RFC 7692 §7.2.1. A
 * message goes in as pieces of a gather list and comes out chunk by chunk in the caller's memory.
 *
 * A state costs ws_deflate_cost(bits, mem_level) and may serve
 *   - one connection that keeps its context, from handshake to end. Each message that went in
 *     must come out whole and be sent, in this order: the peer keeps the same context;
 *   - all connections of a loop that agreed on no context: one state, for one whole message after
 *     the other. A message may be given up halfway and sent as it is.
 *
 * One thread at a time per state. Must not be moved while open: zlib points back to it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/span.h"
#include "codec/writer.h"
#include "codec/ws_deflate_memory.h"
#include "codec/ws_frame.h"

/* zlib has no raw stream with a window of 8 bits: Z-03. */
#define WS_DEFLATE_BITS_MIN 9
#define WS_DEFLATE_BITS_MAX 15
#define WS_DEFLATE_LEVEL_MAX 9     /* 0 (stored, of no use but for tests) to 9 */
#define WS_DEFLATE_MEM_LEVEL_MAX 9 /* 1 to 9 */

/* RSV1: set in byte 0 of the first frame of a compressed message, and of no other (Z-04). */
#define WS_DEFLATE_RSV1 0x40

/* Less room than this is no room: the last bytes are held back, and zlib wants 6 to end a flush. */
#define WS_DEFLATE_ROOM_MIN 16

enum ws_deflate_status {
	WS_DEFLATE_INPUT,  /* all input is consumed: call again with the next piece */
	WS_DEFLATE_OUTPUT, /* no room is left: call again with the rest and with room */
	WS_DEFLATE_END,    /* the message is whole, without the tail 00 00 FF FF (Z-05) */
};

struct ws_deflate {
	z_stream z;
	struct ws_deflate_memory *memory;
	uint8_t level, mem_level;
	uint8_t bits;     /* of the window; 0: not open */
	bool begun;       /* a message is in progress */
	bool filled;      /* it is not empty */
	uint8_t held_len;
	uint8_t held[4];  /* last bytes of what came out: the tail, if the message ends here */
};

/* Takes no memory yet. */
void ws_deflate_init(struct ws_deflate *d, uint8_t level, uint8_t mem_level,
		     struct ws_deflate_memory *memory);

/*
 * Takes all memory there will be need of: WS_OK, or WS_ERROR_DEFLATE_MEMORY and nothing is held.
 * A state that is open with another window is closed first.
 */
enum ws_error ws_deflate_open(struct ws_deflate *d, uint8_t bits);

/* Gives all memory back; harmless if not open. May be opened again. */
void ws_deflate_close(struct ws_deflate *d);

/*
 * A message begins, in a state that is open. `keep`: context takeover was agreed, what was sent
 * before is referred to (then no message may have been left unfinished).
 */
void ws_deflate_begin(struct ws_deflate *d, bool keep);

/*
 * Deflate on: `in` is moved over what was consumed, what comes out is appended to `out` (`full` is
 * not set). `last`: the message ends with this piece (which may be empty).
 *
 * Without context, to send compressed only what compression makes shorter: give an `out` as large
 * as the message; WS_DEFLATE_OUTPUT says that it gains nothing.
 */
enum ws_deflate_status ws_deflate_run(struct ws_deflate *d, struct span *in, bool last,
				      struct writer *out);

/* Room for a whole message of `len` bytes, whatever is in it. */
static inline size_t
ws_deflate_bound(size_t len)
{
	return len + (len + 7) / 8 + (len + 63) / 64 + 2 * WS_DEFLATE_ROOM_MIN;
}

/* Bytes that an open state holds, at most: window and chains, hash and symbols, and 6 KB. */
static inline size_t
ws_deflate_cost(uint8_t bits, uint8_t mem_level)
{
	return ((size_t)1 << (bits + 2)) + ((size_t)1 << (mem_level + 9)) + 6144;
}

#endif
