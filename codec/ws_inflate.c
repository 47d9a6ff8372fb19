/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_inflate.h"
#include <assert.h>

#define INFLATE_CHUNK (1u << 30) /* zlib counts in unsigned int */

/* z.data_type: between blocks, not the last one, and no bit of the last byte left. */
#define INFLATE_BOUNDARY 128

/* The end of the empty stored block that the sender took away: §7.2.1 (3), Z-05. */
static const uint8_t inflate_tail[4] = { 0x00, 0x00, 0xFF, 0xFF };

void
ws_inflate_init(struct ws_inflate *s, struct ws_deflate_memory *memory)
{
	*s = (struct ws_inflate){ .memory = memory };
}

/*
 * zlib would take the window at the end of the first message; setting no dictionary takes it now.
 */
static int
inflate_open(z_stream *z, uint8_t bits)
{
	int result = inflateInit2(z, -(int)bits);

	if (result == Z_OK) {
		result = inflateSetDictionary(z, inflate_tail, 0);
		if (result != Z_OK)
			inflateEnd(z);
	}
	assert(result == Z_OK || result == Z_MEM_ERROR);
	return result;
}

enum ws_error
ws_inflate_open(struct ws_inflate *s, uint8_t bits)
{
	assert(s->bits == 0 && bits >= WS_INFLATE_BITS_MIN && bits <= WS_INFLATE_BITS_MAX);
	s->z = (z_stream){ .zalloc = ws_deflate_memory_take, .zfree = ws_deflate_memory_give,
			   .opaque = s->memory };
	if (inflate_open(&s->z, bits) != Z_OK)
		return WS_ERROR_DEFLATE_MEMORY;
	s->bits = bits;
	s->begun = false;
	s->boundary = true;
	s->error = WS_OK;
	return WS_OK;
}

void
ws_inflate_close(struct ws_inflate *s)
{
	if (s->bits)
		inflateEnd(&s->z);
	s->bits = 0;
}

void
ws_inflate_begin(struct ws_inflate *s, bool text, bool keep, uint64_t limit)
{
	assert(s->bits && !(keep && (s->begun || s->error)));
	if (!keep) {
		inflateReset(&s->z);
		s->boundary = true;
	}
	s->limit = limit;
	s->message_bytes = 0;
	s->error = WS_OK;
	utf8_reset(&s->utf8);
	s->begun = true;
	s->text = text;
	s->carried = false;
}

/*
 * One call of zlib: from `in` to at[0..room), as far as either goes. Returns the bytes that came
 * out; `in` is moved.
 */
static size_t
inflate_step(struct ws_inflate *s, struct span *in, void *at, size_t room)
{
	uInt in_len = in->len < INFLATE_CHUNK ? (uInt)in->len : INFLATE_CHUNK;
	uInt out_len = room < INFLATE_CHUNK ? (uInt)room : INFLATE_CHUNK;
	int result;

	s->z.next_in = (const Bytef *)in->at;
	s->z.avail_in = in_len;
	s->z.next_out = at;
	s->z.avail_out = out_len;
	result = inflate(&s->z, Z_SYNC_FLUSH);
	in_len -= s->z.avail_in;
	out_len -= s->z.avail_out;
	if (in_len)
		*in = span_of(in->at + in_len, in->len - in_len);
	if (result == Z_STREAM_END) {
		/*
		 * A block with BFINAL, §7.2.3.4: it ends with its byte, and blocks may follow. It
		 * does not end the context: only the end of a message does, where that was agreed.
		 */
		inflateResetKeep(&s->z);
		s->boundary = true;
	} else if (result == Z_OK) {
		s->boundary = s->z.data_type == INFLATE_BOUNDARY;
	} else if (result != Z_BUF_ERROR) { /* that is: nothing to do */
		assert(result == Z_DATA_ERROR);
		s->error = WS_ERROR_DEFLATE_DATA;
	}
	return out_len;
}

/*
 * Some bytes of the message have come out. What is wrong with them came before what zlib may have
 * found wrong behind them: which error is told does not depend on the cuts.
 */
static void
inflate_took(struct ws_inflate *s, const void *at, size_t len)
{
	s->message_bytes += len;
	if (s->text && !utf8_feed(&s->utf8, at, len))
		s->error = WS_ERROR_UTF8;
}

/*
 * No room is left, in `out` or below the limit. Whether there is more to come shows only with a
 * byte that does come: over the limit it is one too many, else it waits for room.
 */
static void
inflate_probe(struct ws_inflate *s, struct span *in)
{
	if (inflate_step(s, in, &s->carry, 1) == 0)
		return;
	if (s->limit && s->message_bytes == s->limit) {
		s->error = WS_ERROR_MESSAGE_TOO_BIG;
		return;
	}
	s->carried = true;
	inflate_took(s, &s->carry, 1);
}

/*
 * The end of the payload. A conforming sender leaves the first byte of an empty stored block there,
 * whose other four are put back here and bring nothing out. What ends cleanly between two blocks is
 * whole without them: no byte at all (all that zlib gives at a second flush in a row, for an
 * empty message), or a BFINAL block without the 00 behind it. What ends inside a block was cut.
 */
static enum ws_inflate_status
inflate_end(struct ws_inflate *s)
{
	struct span tail = span_of(inflate_tail, sizeof(inflate_tail));
	uint8_t nothing;

	if (!s->boundary &&
	    (inflate_step(s, &tail, &nothing, 1) > 0 || tail.len || !s->boundary))
		s->error = WS_ERROR_DEFLATE_DATA;
	else if (s->text && !utf8_complete(&s->utf8))
		s->error = WS_ERROR_UTF8;
	if (s->error)
		return WS_INFLATE_ERROR;
	s->begun = false;
	return WS_INFLATE_END;
}

/* Room in `out` that the limit lets be used. */
static size_t
inflate_room(const struct ws_inflate *s, const struct writer *out)
{
	size_t room = out->cap - out->len;

	if (s->limit && s->limit - s->message_bytes < room)
		room = (size_t)(s->limit - s->message_bytes);
	return room;
}

enum ws_inflate_status
ws_inflate_run(struct ws_inflate *s, struct span *in, bool last, struct writer *out)
{
	bool more = true;

	assert(s->begun && out->len <= out->cap);
	if (s->error == WS_OK && s->carried) {
		if (out->len == out->cap)
			return WS_INFLATE_OUTPUT;
		writer_put_byte(out, (char)s->carry);
		s->carried = false;
	}
	while (s->error == WS_OK && !s->carried && more) {
		size_t room = inflate_room(s, out);

		if (room == 0) {
			inflate_probe(s, in);
		} else {
			char *at = out->at + out->len;
			size_t n = inflate_step(s, in, at, room);

			out->len += n;
			inflate_took(s, at, n);
		}
		more = in->len > 0 || s->z.avail_out == 0;
	}
	if (s->error)
		return WS_INFLATE_ERROR;
	if (s->carried)
		return WS_INFLATE_OUTPUT;
	return last ? inflate_end(s) : WS_INFLATE_INPUT;
}
