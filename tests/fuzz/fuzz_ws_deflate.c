/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permessage-deflate. Byte 0 chooses window, limit and context, byte 1 how the input is cut. First
 * the rest is inflated as it is: never more than the limit comes out, the verdict does not depend
 * on the cuts. Then it is deflated and inflated: what comes back is what went in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ws_deflate.h"
#include "codec/ws_inflate.h"

#define LIMIT 65536u
#define OUT_MAX (LIMIT + 16u)

static uint8_t out[2][OUT_MAX];
static char packed[1 << 20];

static void *
take(void *arg, size_t len)
{
	(void)arg;
	return malloc(len);
}

static void
give(void *arg, void *block, size_t len)
{
	(void)arg;
	(void)len;
	free(block);
}

static void
check(int holds)
{
	if (!holds)
		abort();
}

/* Inflate in steps of `step` in and `room` out; returns the bytes that came out. */
static size_t
inflate_all(struct ws_inflate *s, struct span in, size_t step, size_t room, uint8_t *to)
{
	enum ws_inflate_status status = WS_INFLATE_INPUT;
	size_t len = 0;

	while (status != WS_INFLATE_END && status != WS_INFLATE_ERROR) {
		bool last = in.len <= step;
		struct span piece = span_of(in.at, last ? in.len : step);

		in = span_of(in.at + piece.len, in.len - piece.len);
		do {
			struct writer w =
				writer_over(to + len, OUT_MAX - len < room ? OUT_MAX - len : room);

			check(w.cap > 0);
			status = ws_inflate_run(s, &piece, last, &w);
			len += w.len;
			check(len <= LIMIT);
		} while (status == WS_INFLATE_OUTPUT);
	}
	return len;
}

static void
same_verdict(struct ws_deflate_memory *memory, struct span in, uint8_t choice, uint8_t cut)
{
	size_t len[2];
	enum ws_error error[2];

	for (int i = 0; i < 2; i++) {
		struct ws_inflate s;

		ws_inflate_init(&s, memory);
		check(ws_inflate_open(&s, (uint8_t)(8 + choice % 8)) == WS_OK);
		ws_inflate_begin(&s, choice & 0x10, false, LIMIT);
		len[i] = inflate_all(&s, in, i ? cut % 7 + 1u : SIZE_MAX, i ? cut + 1u : OUT_MAX,
				     out[i]);
		error[i] = s.error;
		ws_inflate_close(&s);
	}
	if (choice % 8 != WS_INFLATE_BITS_MAX - 8)
		return;
	check(error[0] == error[1]);
	check(error[0] != WS_OK || (len[0] == len[1] && memcmp(out[0], out[1], len[0]) == 0));
}

static void
there_and_back(struct ws_deflate_memory *memory, struct span in, uint8_t choice, uint8_t cut)
{
	uint8_t bits = (uint8_t)(9 + choice % 7);
	bool keep = choice & 0x20;
	struct ws_deflate d;
	struct ws_inflate s;

	ws_deflate_init(&d, (uint8_t)(cut % 10), (uint8_t)(cut % 9 + 1), memory);
	ws_inflate_init(&s, memory);
	check(ws_deflate_open(&d, bits) == WS_OK && ws_inflate_open(&s, bits) == WS_OK);
	for (int round = 0; round < 2; round++) {
		struct span left = in;
		struct writer w = writer_over(packed, sizeof(packed));
		enum ws_deflate_status status = WS_DEFLATE_INPUT;

		ws_deflate_begin(&d, keep);
		while (status != WS_DEFLATE_END) {
			size_t n = left.len < cut + 1u ? left.len : cut + 1u;
			struct span piece = span_of(left.at, n);

			left = span_of(left.at + n, left.len - n);
			status = ws_deflate_run(&d, &piece, left.len == 0, &w);
			check(status != WS_DEFLATE_OUTPUT);
		}
		ws_inflate_begin(&s, false, keep, LIMIT);
		check(inflate_all(&s, writer_text(&w), cut + 1u, OUT_MAX, out[0]) == in.len);
		check(s.error == WS_OK && (in.len == 0 || memcmp(out[0], in.at, in.len) == 0));
	}
	ws_deflate_close(&d);
	ws_inflate_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ws_deflate_memory memory = { .alloc = take, .release = give };
	struct span in;

	if (size < 2 || size > LIMIT)
		return 0;
	in = span_of(data + 2, size - 2);
	same_verdict(&memory, in, data[0], data[1]);
	there_and_back(&memory, in, data[0], data[1]);
	check(memory.held == 0);
	return 0;
}
