/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_deflate.h"
#include <assert.h>

#define DEFLATE_CHUNK (1u << 30) /* zlib counts in unsigned int */
#define DEFLATE_TAIL 4

void
ws_deflate_init(struct ws_deflate *d, uint8_t level, uint8_t mem_level,
		struct ws_deflate_memory *memory)
{
	assert(level <= WS_DEFLATE_LEVEL_MAX);
	assert(mem_level >= 1 && mem_level <= WS_DEFLATE_MEM_LEVEL_MAX);
	*d = (struct ws_deflate){ .memory = memory, .level = level, .mem_level = mem_level };
}

enum ws_error
ws_deflate_open(struct ws_deflate *d, uint8_t bits)
{
	int result;

	assert(bits >= WS_DEFLATE_BITS_MIN && bits <= WS_DEFLATE_BITS_MAX);
	if (d->bits == bits)
		return WS_OK;
	ws_deflate_close(d);
	d->z = (z_stream){ .zalloc = ws_deflate_memory_take, .zfree = ws_deflate_memory_give,
			   .opaque = d->memory };
	result = deflateInit2(&d->z, d->level, Z_DEFLATED, -(int)bits, d->mem_level,
			      Z_DEFAULT_STRATEGY);
	assert(result == Z_OK || result == Z_MEM_ERROR);
	if (result != Z_OK)
		return WS_ERROR_DEFLATE_MEMORY;
	d->bits = bits;
	d->begun = false;
	return WS_OK;
}

void
ws_deflate_close(struct ws_deflate *d)
{
	if (d->bits)
		deflateEnd(&d->z);
	d->bits = 0;
}

void
ws_deflate_begin(struct ws_deflate *d, bool keep)
{
	assert(d->bits && !(keep && d->begun));
	if (!keep)
		deflateReset(&d->z);
	d->begun = true;
	d->filled = false;
	d->held_len = 0;
}

/* One call of zlib: from `in` to what room there is. Returns whether it used up the room. */
static bool
deflate_step(struct ws_deflate *d, struct span *in, bool last, struct writer *out)
{
	size_t room = out->cap - out->len;
	uInt in_len = in->len < DEFLATE_CHUNK ? (uInt)in->len : DEFLATE_CHUNK;
	uInt out_len = room < DEFLATE_CHUNK ? (uInt)room : DEFLATE_CHUNK;
	bool flush = last && in_len == in->len;
	int result;

	d->z.next_in = (const Bytef *)in->at;
	d->z.avail_in = in_len;
	d->z.next_out = (Bytef *)out->at + out->len;
	d->z.avail_out = out_len;
	result = deflate(&d->z, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
	assert(result == Z_OK || result == Z_BUF_ERROR); /* that is: nothing to do */
	in_len -= d->z.avail_in;
	out->len += out_len - d->z.avail_out;
	if (in_len)
		*in = span_of(in->at + in_len, in->len - in_len);
	return d->z.avail_out == 0;
}

/* Put what was held back in front of what comes now. */
static void
deflate_unhold(struct ws_deflate *d, struct writer *out)
{
	writer_put(out, span_of(d->held, d->held_len));
	d->held_len = 0;
}

/* Hold back the last bytes of what is in out->at[from..). */
static void
deflate_hold(struct ws_deflate *d, struct writer *out, size_t from)
{
	size_t n = out->len - from < DEFLATE_TAIL ? out->len - from : DEFLATE_TAIL;

	out->len -= n;
	memcpy(d->held, out->at + out->len, n);
	d->held_len = (uint8_t)n;
}

/* zlib gives nothing at a second flush in a row: §7.2.3.6 is what it would have given. */
static enum ws_deflate_status
deflate_empty(struct ws_deflate *d, struct writer *out)
{
	writer_put_byte(out, 0x00);
	d->begun = false;
	return WS_DEFLATE_END;
}

enum ws_deflate_status
ws_deflate_run(struct ws_deflate *d, struct span *in, bool last, struct writer *out)
{
	size_t from = out->len;
	bool full;

	assert(d->begun && out->len <= out->cap);
	d->filled |= in->len > 0;
	if (in->len == 0 && !last)
		return WS_DEFLATE_INPUT;
	if (out->cap - out->len < WS_DEFLATE_ROOM_MIN)
		return WS_DEFLATE_OUTPUT;
	if (!d->filled)
		return deflate_empty(d, out);
	deflate_unhold(d, out);
	do
		full = deflate_step(d, in, last, out);
	while (in->len && !full);
	deflate_hold(d, out, from);
	if (in->len || (full && last))
		return WS_DEFLATE_OUTPUT;
	if (!last)
		return WS_DEFLATE_INPUT;
	assert(d->held_len == DEFLATE_TAIL && memcmp(d->held, "\0\0\xFF\xFF", DEFLATE_TAIL) == 0);
	d->begun = false;
	return WS_DEFLATE_END;
}
