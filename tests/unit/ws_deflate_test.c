/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deflating messages, RFC 7692 §7.2.1: Z-05; zlib itself inflates them, and so does our own other
 * half.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/ws_deflate.h"
#include "codec/ws_inflate.h"
#include "tests/deflate_bed.h"
#include "tests/feed.h"

#define TEXT_MAX (1u << 16)
#define OUT_MAX (1u << 18)

static const char sip[] = "OPTIONS sip:b@example.com SIP/2.0\r\n"
			  "Via: SIP/2.0/WS a.invalid;branch=z9hG4bKa\r\n"
			  "Via: SIP/2.0/WS b.invalid;branch=z9hG4bKb\r\n"
			  "Content-Length: 0\r\n\r\n";

/* A whole message in one call. Returns its length; asserts that it fits. */
static size_t
deflate_whole(struct ws_deflate *d, const void *text, size_t len, uint8_t *out)
{
	struct span in = span_of(text, len);
	struct writer w = writer_over(out, OUT_MAX);

	assert_int_equal(ws_deflate_run(d, &in, true, &w), WS_DEFLATE_END);
	assert_int_equal(in.len, 0);
	return w.len;
}

static void
deflate_gives(struct ws_deflate *d, bool keep, const char *text, const void *want, size_t want_len)
{
	uint8_t *out = malloc(OUT_MAX);

	assert_non_null(out);
	ws_deflate_begin(d, keep);
	assert_int_equal(deflate_whole(d, text, strlen(text), out), want_len);
	assert_memory_equal(out, want, want_len);
	free(out);
}

static void
examples_of_the_rfc(void **state)
{
	struct deflate_bed bed;
	struct ws_deflate d;

	(void)state;
	deflate_bed_init(&bed);
	ws_deflate_init(&d, 6, 8, &bed.memory);
	assert_int_equal(ws_deflate_open(&d, 15), WS_OK);
	/* §7.2.3.1 and §7.2.3.2 */
	deflate_gives(&d, true, "Hello", "\xF2\x48\xCD\xC9\xC9\x07\x00", 7);
	deflate_gives(&d, true, "Hello", "\xF2\x00\x11\x00\x00", 5);
	/* §7.2.3.6: one byte, also twice in a row, with context and without */
	deflate_gives(&d, true, "", "\x00", 1);
	deflate_gives(&d, true, "", "\x00", 1);
	deflate_gives(&d, true, "Hello", "\x02\x13\x00\x00", 4);
	deflate_gives(&d, false, "", "\x00", 1);
	deflate_gives(&d, false, "", "\x00", 1);
	deflate_gives(&d, false, "Hello", "\xF2\x48\xCD\xC9\xC9\x07\x00", 7);
	deflate_gives(&d, false, "Hello", "\xF2\x48\xCD\xC9\xC9\x07\x00", 7);
	ws_deflate_close(&d);
	/* §7.2.3.3 */
	ws_deflate_init(&d, 0, 8, &bed.memory);
	assert_int_equal(ws_deflate_open(&d, 15), WS_OK);
	deflate_gives(&d, false, "Hello", "\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00", 11);
	ws_deflate_close(&d);
	assert_int_equal(bed.blocks, 0);
}

/* A gather list in, chunks of at most `room` out. */
struct gather {
	struct ws_deflate *deflate;
	size_t len, given, room;
	bool apart; /* the end comes with a piece of its own, an empty one */
	enum ws_deflate_status status;
	uint8_t out[1024];
	size_t out_len;
};

static void
gather_begin(void *arg)
{
	struct gather *g = arg;

	ws_deflate_begin(g->deflate, false);
	g->status = WS_DEFLATE_INPUT;
	g->given = g->out_len = 0;
}

static void
gather_run(struct gather *g, const uint8_t *bytes, size_t len, bool last)
{
	struct span in = span_of(bytes, len);

	do {
		uint8_t *chunk = malloc(g->room);
		struct writer w = writer_over(chunk, g->room);

		assert_non_null(chunk);
		g->status = ws_deflate_run(g->deflate, &in, last, &w);
		assert_false(w.full);
		assert_true(g->out_len + w.len <= sizeof(g->out));
		memcpy(g->out + g->out_len, w.at, w.len);
		g->out_len += w.len;
		free(chunk);
	} while (g->status == WS_DEFLATE_OUTPUT);
	assert_int_equal(in.len, 0);
}

static void
gather_piece(void *arg, uint8_t *bytes, size_t len)
{
	struct gather *g = arg;

	g->given += len;
	gather_run(g, bytes, len, !g->apart && g->given == g->len);
}

static void
gather_end(void *arg)
{
	struct gather *g = arg;
	uint8_t back[1024];
	z_stream z = { 0 };

	if (g->status != WS_DEFLATE_END)
		gather_run(g, NULL, 0, true);
	assert_int_equal(g->status, WS_DEFLATE_END);
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	assert_int_equal(deflate_bed_inflate(&z, g->out, g->out_len, back, sizeof(back)), g->len);
	assert_memory_equal(back, sip, g->len);
	assert_int_equal(z.data_type, 128); /* a block ends there */
	inflateEnd(&z);
}

static void
messages_in_pieces_and_chunks(void **state)
{
	struct deflate_bed bed;
	struct ws_deflate d;

	(void)state;
	deflate_bed_init(&bed);
	ws_deflate_init(&d, 6, 1, &bed.memory);
	assert_int_equal(ws_deflate_open(&d, 9), WS_OK);
	for (size_t room = WS_DEFLATE_ROOM_MIN; room < 200; room += room < 40 ? 1 : 17) {
		for (size_t len = 0; len < sizeof(sip); len += len < 6 ? 1 : 73) {
			struct gather g = { .deflate = &d, .room = room, .len = len };
			struct feed_user user = { .arg = &g,
						  .begin = gather_begin,
						  .piece = gather_piece,
						  .end = gather_end,
						  .ways = FEED_WHOLE | FEED_BYTES | FEED_SPLITS };

			feed_pieces(sip, len, &user);
			g.apart = true;
			feed_pieces(sip, len, &user);
		}
	}
	ws_deflate_close(&d);
	assert_int_equal(bed.blocks, 0);
}

/* Every window is kept to, in both modes: zlib with no larger one reads all. */
static void
zlib_reads_all_windows(void **state)
{
	static uint8_t text[TEXT_MAX], packed[OUT_MAX], back[OUT_MAX];
	struct deflate_bed bed;
	struct ws_deflate d;
	uint32_t seed = 1951;

	(void)state;
	deflate_bed_init(&bed);
	for (int round = 0; round < 7 * 2 * 9; round++) {
		uint8_t bits = (uint8_t)(9 + round % 7), mem_level = (uint8_t)(1 + round / 7 % 9);
		bool keep = round & 1;
		z_stream z = { 0 };

		ws_deflate_init(&d, (uint8_t)(1 + round % 9), mem_level, &bed.memory);
		assert_int_equal(ws_deflate_open(&d, bits), WS_OK);
		assert_true(bed.memory.held <= ws_deflate_cost(bits, mem_level));
		assert_int_equal(inflateInit2(&z, -(int)bits), Z_OK);
		for (int message = 0; message < 5; message++) {
			size_t len = deflate_bed_random(&seed) % (message ? 3000 : TEXT_MAX);
			size_t n;

			deflate_bed_text(&seed, text, len);
			ws_deflate_begin(&d, keep);
			n = deflate_whole(&d, text, len, packed);
			assert_true(n <= ws_deflate_bound(len));
			assert_int_equal(
				deflate_bed_inflate(&z, packed, n, back, 1 + message % 2 * 99),
				len);
			assert_memory_equal(back, text, len);
			if (!keep)
				inflateReset(&z);
		}
		inflateEnd(&z);
		ws_deflate_close(&d);
	}
	assert_int_equal(bed.blocks, 0);
}

static void
noise_fits_the_bound_and_gains_nothing(void **state)
{
	static uint8_t noise[TEXT_MAX], out[OUT_MAX];
	struct deflate_bed bed;
	struct ws_deflate d;
	uint32_t seed = 1;

	(void)state;
	deflate_bed_init(&bed);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)deflate_bed_random(&seed);
	for (uint8_t mem_level = 1; mem_level <= 9; mem_level++) {
		ws_deflate_init(&d, mem_level, mem_level, &bed.memory);
		assert_int_equal(ws_deflate_open(&d, (uint8_t)(9 + mem_level % 7)), WS_OK);
		for (size_t len = 1; len <= sizeof(noise); len = len * 3 / 2 + 1) {
			struct span in = span_of(noise, len);
			struct writer w = writer_over(out, ws_deflate_bound(len));

			ws_deflate_begin(&d, true);
			assert_int_equal(ws_deflate_run(&d, &in, true, &w), WS_DEFLATE_END);
			in = span_of(noise, len);
			w = writer_over(out, len);
			ws_deflate_begin(&d, false);
			assert_int_equal(ws_deflate_run(&d, &in, true, &w), WS_DEFLATE_OUTPUT);
			/* given up; the next message knows nothing of it */
			deflate_gives(&d, false, "Hello", "\xF2\x48\xCD\xC9\xC9\x07\x00", 7);
		}
		ws_deflate_close(&d);
	}
	assert_int_equal(bed.blocks, 0);
}

static void
a_text_gains(void **state)
{
	struct deflate_bed bed;
	struct ws_deflate d;
	struct span in = span_of(sip, sizeof(sip) - 1);
	uint8_t out[sizeof(sip) - 1];
	struct writer w = writer_over(out, sizeof(out));

	(void)state;
	deflate_bed_init(&bed);
	ws_deflate_init(&d, 6, 8, &bed.memory);
	assert_int_equal(ws_deflate_open(&d, 15), WS_OK);
	ws_deflate_begin(&d, false);
	assert_int_equal(ws_deflate_run(&d, &in, true, &w), WS_DEFLATE_END);
	assert_true(w.len < sizeof(sip) * 3 / 4);
	ws_deflate_close(&d);
}

/* Ours to ours, with and without context, interleaved as on one connection. */
static void
both_halves_agree(void **state)
{
	static uint8_t text[TEXT_MAX], packed[OUT_MAX], back[OUT_MAX];
	struct deflate_bed bed;
	struct ws_deflate d;
	struct ws_inflate s;
	uint32_t seed = 42;

	(void)state;
	deflate_bed_init(&bed);
	ws_deflate_init(&d, 6, 5, &bed.memory);
	ws_inflate_init(&s, &bed.memory);
	for (int round = 0; round < 400; round++) {
		uint8_t bits = (uint8_t)(9 + round / 58);
		bool keep = round % 58 >= 29;
		size_t len = round % 5 ? deflate_bed_random(&seed) % 2000 : 0;
		struct writer w = writer_over(back, sizeof(back));
		struct span in;

		assert_int_equal(ws_deflate_open(&d, bits),
				 WS_OK); /* with another window now and then */
		if (round % 58 == 0) {
			ws_inflate_close(&s);
			assert_int_equal(ws_inflate_open(&s, bits), WS_OK);
		}
		deflate_bed_text(&seed, text, len);
		ws_deflate_begin(&d, keep);
		in = span_of(packed, deflate_whole(&d, text, len, packed));
		ws_inflate_begin(&s, true, keep, TEXT_MAX);
		assert_int_equal(ws_inflate_run(&s, &in, true, &w), WS_INFLATE_END);
		assert_int_equal(w.len, len);
		assert_memory_equal(back, text, len);
	}
	ws_inflate_close(&s);
	ws_deflate_close(&d);
	assert_int_equal(bed.blocks, 0);
	assert_int_equal(bed.memory.held, 0);
}

static void
memory_is_taken_when_opened_or_refused(void **state)
{
	struct deflate_bed bed;
	struct ws_deflate d;

	(void)state;
	for (uint8_t bits = 9; bits <= 15; bits++) {
		uint8_t mem_level = (uint8_t)(bits - 6);

		deflate_bed_init(&bed);
		ws_deflate_init(&d, 6, mem_level, &bed.memory);
		/* fails at each block in turn, until none is left to fail */
		for (bed.refuse_at = 1; ws_deflate_open(&d, bits) != WS_OK; bed.refuse_at++) {
			assert_int_equal(bed.blocks, 0);
			assert_int_equal(bed.memory.held, 0);
			bed.asked = 0;
		}
		assert_true(bed.refuse_at > 2);
		assert_true(bed.memory.held <= ws_deflate_cost(bits, mem_level));
		assert_true(bed.memory.held > ws_deflate_cost(bits, mem_level) - 6144);
		/* and nothing more is asked for */
		bed.refuse_at = 1;
		for (int i = 0; i < 3; i++)
			deflate_gives(&d, false, "Hello", "\xF2\x48\xCD\xC9\xC9\x07\x00", 7);
		assert_int_equal(ws_deflate_open(&d, bits), WS_OK); /* it is */
		/* another window: the old one is gone, the new one refused */
		assert_int_equal(ws_deflate_open(&d, bits == 15 ? 9 : 15), WS_ERROR_DEFLATE_MEMORY);
		assert_int_equal(bed.blocks, 0);
		bed.refuse_at = 0;
		bed.memory.cap = ws_deflate_cost(bits, mem_level) - 6144;
		assert_int_equal(ws_deflate_open(&d, bits), WS_ERROR_DEFLATE_MEMORY);
		assert_int_equal(bed.blocks, 0);
		bed.memory.cap = ws_deflate_cost(bits, mem_level);
		assert_int_equal(ws_deflate_open(&d, bits), WS_OK);
		ws_deflate_close(&d);
		ws_deflate_close(&d);
		assert_int_equal(bed.memory.held, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_of_the_rfc),
		cmocka_unit_test(messages_in_pieces_and_chunks),
		cmocka_unit_test(zlib_reads_all_windows),
		cmocka_unit_test(noise_fits_the_bound_and_gains_nothing),
		cmocka_unit_test(a_text_gains),
		cmocka_unit_test(both_halves_agree),
		cmocka_unit_test(memory_is_taken_when_opened_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
