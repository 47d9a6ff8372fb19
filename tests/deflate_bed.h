/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DEFLATE_BED_H
#define TESTS_DEFLATE_BED_H
/*
 * What tests of permessage-deflate share: memory that is counted and can be made to fail, zlib used
 * directly as the other side, and texts that compress.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "codec/ws_deflate_memory.h"

struct deflate_bed {
	struct ws_deflate_memory memory;
	unsigned blocks;    /* that are out */
	unsigned refuse_at; /* this block, counted from 1, and all after it are refused; 0: none */
	unsigned asked;
};

static inline void *
deflate_bed_alloc(void *arg, size_t len)
{
	struct deflate_bed *bed = arg;
	void *block;

	bed->asked++;
	if (bed->refuse_at && bed->asked >= bed->refuse_at)
		return NULL;
	block = malloc(len);
	assert(block);
	bed->blocks++;
	return block;
}

static inline void
deflate_bed_release(void *arg, void *block, size_t len)
{
	struct deflate_bed *bed = arg;

	memset(block, 0xA5, len);
	free(block);
	bed->blocks--;
}

static inline void
deflate_bed_init(struct deflate_bed *bed)
{
	*bed = (struct deflate_bed){
		.memory = { .alloc = deflate_bed_alloc, .release = deflate_bed_release, .arg = bed }
	};
}

static inline uint32_t
deflate_bed_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Text of words that come again at all distances, with some noise; all of it ASCII. */
static inline void
deflate_bed_text(uint32_t *seed, uint8_t *out, size_t len)
{
	static const char *const words[] = {
		"Via: SIP/2.0/WS ", "branch=z9hG4bK", "<sip:alice@example.com>", "\r\n", ";tag=",
		"Content-Length: "
	};

	for (size_t n = 0; n < len;) {
		uint32_t r = deflate_bed_random(seed);
		const char *word = words[r % (sizeof(words) / sizeof(words[0]))];
		size_t back = r % 40000 + 1, run = deflate_bed_random(seed) % 60 + 3;

		if (r & 0x800 && back < n) {
			while (run-- && n < len) {
				out[n] = out[n - back];
				n++;
			}
		} else if (r & 0x1000) {
			while (*word && n < len)
				out[n++] = (uint8_t)*word++;
		} else {
			out[n++] = (uint8_t)(' ' + r % 90);
		}
	}
}

/* One message by zlib itself, as §7.2.1 says. Returns its length. */
static inline size_t
deflate_bed_deflate(z_stream *z, const uint8_t *text, size_t len, uint8_t *out, size_t cap)
{
	int result;

	z->next_in = text;
	z->avail_in = (uInt)len;
	z->next_out = out;
	z->avail_out = (uInt)cap;
	result = deflate(z, Z_SYNC_FLUSH);
	assert(result == Z_OK && z->avail_out > 0);
	assert(cap - z->avail_out >= 4);
	return cap - z->avail_out - 4;
}

/*
 * One message by zlib itself, as §7.2.2 says, `step` bytes of room at a time: with little room zlib
 * sees what lies beyond its window. Returns its length.
 */
static inline size_t
deflate_bed_inflate(z_stream *z, const uint8_t *in, size_t len, uint8_t *out, size_t step)
{
	static const uint8_t tail[4] = { 0x00, 0x00, 0xFF, 0xFF };
	size_t n = 0;

	for (int part = 0; part < 2; part++) {
		z->next_in = part ? tail : in;
		z->avail_in = part ? sizeof(tail) : (uInt)len;
		do {
			int result;

			z->next_out = out + n;
			z->avail_out = (uInt)step;
			result = inflate(z, Z_SYNC_FLUSH);
			assert(result == Z_OK || result == Z_BUF_ERROR);
			n += step - z->avail_out;
		} while (z->avail_in || z->avail_out == 0);
	}
	return n;
}

#endif
