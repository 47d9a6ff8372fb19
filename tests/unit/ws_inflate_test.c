/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflating messages, RFC 7692 §7.2.2: Z-05, Z-06 and W-F-12 on what was inflated. Every payload is
 * cut everywhere and comes out through every size of chunk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/ws_inflate.h"
#include "tests/deflate_bed.h"
#include "tests/feed.h"

#define OUT_MAX (1u << 18)

struct vector {
	const char *payload;
	size_t len;
	const char *text; /* that comes out; NULL: `error` */
	enum ws_error error;
	bool binary;
	uint64_t limit;
};

#define P(bytes) .payload = (bytes), .len = sizeof(bytes) - 1
#define BAD(bytes)                                                                                 \
	{                                                                                          \
		P(bytes), .error = WS_ERROR_DEFLATE_DATA                                           \
	}
#define GOOD(bytes, out)                                                                           \
	{                                                                                          \
		P(bytes), .text = (out)                                                            \
	}

#define HELLO "\xF2\x48\xCD\xC9\xC9\x07\x00"       /* §7.2.3.1 */
#define HELLO_AGAIN "\xF2\x00\x11\x00\x00"         /* §7.2.3.2 */
#define HELLO_FINAL "\xF3\x48\xCD\xC9\xC9\x07\x00" /* §7.2.3.4, first 7 */
#define TAIL "\x00\x00\xFF\xFF"

static const struct vector vectors[] = {
	/* no DEFLATE data */
	BAD("\x06"), /* BTYPE 11 */
	BAD("\xFF\xFF\xFF\xFF"),
	BAD("\x00\x05\x00\xFA\xFEHello\x00"), /* NLEN is not LEN's complement */
	BAD("\x04\xFE\xFF"),                  /* dynamic block with too many codes */
	BAD(HELLO_AGAIN),                     /* refers to what was not there */
	/* cut inside a block */
	BAD("\xF2"),
	BAD("\xF2\x48\xCD"),
	BAD("\xF2\x48\xCD\xC9\xC9\x07"),
	BAD("\xF3\x48\xCD\xC9\xC9\x07"),
	BAD("\x00\x05\x00\xFA\xFFHell"),
	BAD("\x00\x09\x00\xF6\xFFHello"), /* the tail would fill it up */
	BAD("\x00\x05"),
	/* something behind the end */
	BAD(HELLO TAIL "\x06"),
	BAD(HELLO_FINAL "\x06"),
	BAD(HELLO_FINAL "\x00\x00"),
	BAD(HELLO "\x00"),
	BAD(HELLO TAIL TAIL),
	/* not UTF-8, wherever it is cut, whatever is behind it */
	{ P("\x00\x02\x00\xFD\xFF\xC3\x28\x00"), .error = WS_ERROR_UTF8 },
	{ P("\x00\x02\x00\xFD\xFF\xC3\x28\x06"), .error = WS_ERROR_UTF8 },
	{ P("\x00\x03\x00\xFC\xFF\xED\xA0\x80\x00"), .error = WS_ERROR_UTF8 },
	{ P("\x00\x01\x00\xFE\xFF\xC3\x00"), .error = WS_ERROR_UTF8 },
	{ P("\x00\x01\x00\xFE\xFF\xC3\x06"), .error = WS_ERROR_DEFLATE_DATA },
	{ P("\x00\x02\x00\xFD\xFF\xC3\x28\x00"), .text = "\xC3\x28", .binary = true },
	{ P("\x00\x01\x00\xFE\xFF\xC3\x00\x01\x00\xFE\xFF\xA4\x00"), .text = "\xC3\xA4" },
	/* Z-06: the limit, of the inflated size */
	{ P(HELLO), .error = WS_ERROR_MESSAGE_TOO_BIG, .limit = 4 },
	{ P(HELLO), .error = WS_ERROR_MESSAGE_TOO_BIG, .limit = 1 },
	{ P(HELLO), .text = "Hello", .limit = 5 },
	{ P("\x00\x05\x00\xFA\xFFHello\x06"), .error = WS_ERROR_MESSAGE_TOO_BIG, .limit = 4 },
	{ P("\x00\x05\x00\xFA\xFFHello\x06"), .error = WS_ERROR_DEFLATE_DATA, .limit = 5 },
	{ P("\x00\x05\x00\xFA\xFFHel\xFFo\x06"), .error = WS_ERROR_UTF8, .limit = 4 },
	{ P("\x00\x05\x00\xFA\xFFHell\xFF\x06"), .error = WS_ERROR_MESSAGE_TOO_BIG, .limit = 4 },
	{ P("\x00"), .text = "", .limit = 1 },
	/* §7.2.3.1, .3, .4, .5, .6 */
	GOOD(HELLO, "Hello"),
	GOOD("\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00", "Hello"),
	GOOD(HELLO_FINAL "\x00", "Hello"),
	GOOD("\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00", "Hello"),
	GOOD("\x00", ""),
	/* BFINAL more than once, and in stored blocks */
	GOOD(HELLO_FINAL HELLO, "HelloHello"),
	GOOD(HELLO_FINAL HELLO_FINAL HELLO_FINAL "\x00", "HelloHelloHello"),
	GOOD("\x01\x05\x00\xFA\xFFHello\x01\x05\x00\xFA\xFFHello\x00", "HelloHello"),
	GOOD("\x00\x05\x00\xFA\xFFHello\x01", "Hello"),
	GOOD("\x03\x00\x03\x00\x03\x00\x00", ""),
	/* it ends no context: §7.2.3.4 says nothing of the kind */
	GOOD(HELLO_FINAL HELLO_AGAIN, "HelloHello"),
	/* whole without the tail: nothing at all, BFINAL at the end, a tail that was left there */
	GOOD("", ""),
	GOOD(HELLO_FINAL, "Hello"),
	GOOD(HELLO TAIL, "Hello"),
	/* many empty blocks */
	GOOD("\x00" TAIL "\x00" TAIL "\x00" TAIL HELLO, "Hello"),
};

struct run {
	struct ws_inflate *inflate;
	const struct vector *v;
	size_t step;  /* room at a time */
	size_t given; /* bytes of the payload */
	bool apart;   /* the end comes with a piece of its own, an empty one */
	bool keep;
	enum ws_inflate_status status;
	uint8_t *out; /* against the end of a block of `step` bytes, then joined in `all` */
	uint8_t all[64];
	size_t all_len;
};

static void
run_begin(void *arg)
{
	struct run *r = arg;

	if (r->keep) {
		ws_inflate_close(r->inflate);
		assert_int_equal(ws_inflate_open(r->inflate, 15), WS_OK);
	}
	ws_inflate_begin(r->inflate, !r->v->binary, r->keep, r->v->limit);
	r->status = WS_INFLATE_INPUT;
	r->given = 0;
	r->all_len = 0;
}

static void
run_piece(struct run *r, const uint8_t *bytes, size_t len, bool last)
{
	struct span in = span_of(bytes, len);

	if (r->status == WS_INFLATE_ERROR)
		return;
	do {
		struct writer out = writer_over(r->out, r->step);

		r->status = ws_inflate_run(r->inflate, &in, last, &out);
		assert_false(out.full);
		assert_true(r->all_len + out.len <= sizeof(r->all));
		memcpy(r->all + r->all_len, out.at, out.len);
		r->all_len += out.len;
		if (r->status == WS_INFLATE_OUTPUT)
			assert_int_equal(out.len, out.cap);
		else if (r->status != WS_INFLATE_ERROR)
			assert_int_equal(in.len, 0);
		if (r->v->limit)
			assert_true(r->all_len <= r->v->limit);
	} while (r->status == WS_INFLATE_OUTPUT);
}

static void
run_given(void *arg, uint8_t *bytes, size_t len)
{
	struct run *r = arg;

	r->given += len;
	run_piece(r, bytes, len, !r->apart && r->given == r->v->len);
}

static void
run_end(void *arg)
{
	struct run *r = arg;
	const struct vector *v = r->v;

	if (r->status == WS_INFLATE_INPUT)
		run_piece(r, NULL, 0, true);
	if (!v->text) {
		if (r->status != WS_INFLATE_ERROR || r->inflate->error != v->error)
			fail_msg("vector %zu, %s, room %zu: error %d", (size_t)(v - vectors),
				 feed_way(), r->step, r->inflate->error);
		return;
	}
	if (r->status != WS_INFLATE_END || r->all_len != strlen(v->text) ||
	    memcmp(r->all, v->text, r->all_len) != 0)
		fail_msg("vector %zu, %s, room %zu: status %d, error %d", (size_t)(v - vectors),
			 feed_way(), r->step, r->status, r->inflate->error);
}

static void
payloads_cut_everywhere(void **state)
{
	struct deflate_bed bed;
	struct ws_inflate inflate;

	(void)state;
	deflate_bed_init(&bed);
	ws_inflate_init(&inflate, &bed.memory);
	assert_int_equal(ws_inflate_open(&inflate, 15), WS_OK);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		for (size_t step = 1; step <= 32; step = step < 7 ? step + 1 : step * 2) {
			struct run r = { .inflate = &inflate, .v = &vectors[i], .step = step };
			struct feed_user user = {
				.arg = &r, .begin = run_begin, .piece = run_given, .end = run_end
			};

			r.out = malloc(step);
			assert_non_null(r.out);
			feed_pieces(r.v->payload, r.v->len, &user);
			r.apart = r.keep = true;
			feed_pieces(r.v->payload, r.v->len, &user);
			free(r.out);
		}
	}
	ws_inflate_close(&inflate);
	assert_int_equal(bed.blocks, 0);
	assert_int_equal(bed.memory.held, 0);
}

/* Inflate a whole message into out[OUT_MAX]; returns its length, or -1. */
static int
inflate_whole(struct ws_inflate *s, const void *bytes, size_t len, uint8_t *out)
{
	struct span in = span_of(bytes, len);
	struct writer w = writer_over(out, OUT_MAX);

	return ws_inflate_run(s, &in, true, &w) == WS_INFLATE_END ? (int)w.len : -1;
}

/* §7.2.3.2 */
static void
context_is_kept_or_not(void **state)
{
	struct deflate_bed bed;
	struct ws_inflate s;
	static uint8_t out[OUT_MAX];

	(void)state;
	deflate_bed_init(&bed);
	ws_inflate_init(&s, &bed.memory);
	assert_int_equal(ws_inflate_open(&s, 15), WS_OK);
	for (int i = 0; i < 3; i++) {
		ws_inflate_begin(&s, true, true, 0);
		assert_int_equal(inflate_whole(&s, i ? HELLO_AGAIN : HELLO, i ? 5 : 7, out), 5);
		assert_memory_equal(out, "Hello", 5);
		ws_inflate_begin(&s, true, true,
				 0); /* an empty one changes nothing, nor does none */
		assert_int_equal(inflate_whole(&s, "\0", (size_t)(i & 1), out), 0);
	}
	ws_inflate_begin(&s, true, false, 0);
	assert_int_equal(inflate_whole(&s, HELLO_AGAIN, 5, out), -1);
	assert_int_equal(s.error, WS_ERROR_DEFLATE_DATA);
	assert_int_equal(inflate_whole(&s, HELLO, 7, out), -1); /* it stays so */
	assert_int_equal(s.error, WS_ERROR_DEFLATE_DATA);
	ws_inflate_begin(&s, true, false, 0); /* the next connection's message */
	assert_int_equal(inflate_whole(&s, HELLO, 7, out), 5);
	/* given up halfway, with a byte that waits for room */
	ws_inflate_begin(&s, true, false, 0);
	assert_int_equal(ws_inflate_run(&s, &(struct span){ HELLO, 7 }, true,
					&(struct writer){ .at = (char *)out, .cap = 2 }),
			 WS_INFLATE_OUTPUT);
	ws_inflate_begin(&s, true, false, 0);
	assert_int_equal(inflate_whole(&s, HELLO, 7, out), 5);
	assert_memory_equal(out, "Hello", 5);
	ws_inflate_close(&s);
	ws_inflate_close(&s);
	assert_int_equal(bed.blocks, 0);
}

/* Inflate in pieces and chunks of random sizes. */
static size_t
inflate_in_pieces(struct ws_inflate *s, const uint8_t *bytes, size_t len, uint8_t *out,
		  uint32_t *seed)
{
	enum ws_inflate_status status = WS_INFLATE_INPUT;
	size_t given = 0, n = 0, most = 1u << deflate_bed_random(seed) % 16;
	struct span in = span_of(bytes, 0);

	while (status != WS_INFLATE_END) {
		struct writer w = writer_over(out + n, deflate_bed_random(seed) % most + 1);

		if (status == WS_INFLATE_INPUT) {
			size_t piece = deflate_bed_random(seed) % most + 1;

			if (piece > len - given)
				piece = len - given;
			in = span_of(bytes + given, piece);
			given += piece;
		}
		assert_true(n + w.cap <= OUT_MAX);
		status = ws_inflate_run(s, &in, given == len, &w);
		assert_int_not_equal(status, WS_INFLATE_ERROR);
		n += w.len;
	}
	return n;
}

/* Against zlib: all windows, levels and both modes. */
static void
zlib_messages_come_back(void **state)
{
	static uint8_t text[OUT_MAX / 2], packed[OUT_MAX], out[OUT_MAX];
	struct deflate_bed bed;
	struct ws_inflate s;
	uint32_t seed = 7692;

	(void)state;
	deflate_bed_init(&bed);
	ws_inflate_init(&s, &bed.memory);
	for (int round = 0; round < 7 * 2 * 20; round++) {
		int bits = 9 + round % 7;
		bool keep = round / 7 % 2;
		z_stream z = { 0 };

		assert_int_equal(deflateInit2(&z, round % 10, Z_DEFLATED, -bits, 1 + round % 9,
					      Z_DEFAULT_STRATEGY),
				 Z_OK);
		assert_int_equal(ws_inflate_open(&s, keep ? (uint8_t)bits : 15), WS_OK);
		for (int message = 0; message < 5; message++) {
			size_t len = deflate_bed_random(&seed) % (message ? 3000 : 70000) + 1;
			size_t n;

			deflate_bed_text(&seed, text, len);
			n = deflate_bed_deflate(&z, text, len, packed, sizeof(packed));
			ws_inflate_begin(&s, true, keep, len);
			assert_int_equal(inflate_in_pieces(&s, packed, n, out, &seed), len);
			assert_memory_equal(out, text, len);
			if (!keep)
				deflateReset(&z);
		}
		deflateEnd(&z);
		ws_inflate_close(&s);
	}
	assert_int_equal(bed.blocks, 0);
}

/* A megabyte of zeros in a kilobyte, again and again: up to a gigabyte, if somebody let it. */
static void
a_bomb_costs_no_more_than_the_limit(void **state)
{
	static uint8_t zeros[1u << 20], packed[4096], out[65536];
	struct deflate_bed bed;
	struct ws_inflate s;
	struct writer w = writer_over(out, sizeof(out));
	struct span in;
	z_stream z = { 0 };
	size_t len, pieces = 0;

	(void)state;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = zeros;
	z.avail_in = sizeof(zeros);
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
	len = sizeof(packed) - z.avail_out;
	deflateEnd(&z);
	assert_true(len < 1200);

	deflate_bed_init(&bed);
	bed.memory.cap = ws_inflate_cost(15);
	ws_inflate_init(&s, &bed.memory);
	assert_int_equal(ws_inflate_open(&s, 15), WS_OK);
	ws_inflate_begin(&s, false, false, sizeof(out) - 1);
	in = span_of(packed, len);
	assert_int_equal(ws_inflate_run(&s, &in, false, &w), WS_INFLATE_ERROR);
	assert_int_equal(s.error, WS_ERROR_MESSAGE_TOO_BIG);
	assert_int_equal(ws_error_close_code(s.error), 1009);
	assert_int_equal(w.len, sizeof(out) - 1);
	assert_int_equal(s.message_bytes, sizeof(out) - 1);
	assert_true(in.len > len / 2); /* nor was more read than had to be */

	/* without a limit it runs on, in the memory that it is given */
	ws_inflate_begin(&s, false, false, 0);
	for (uint64_t all = 0; all < 1u << 26; pieces++) {
		in = span_of(packed, len);
		do {
			w = writer_over(out, sizeof(out));
			assert_int_not_equal(ws_inflate_run(&s, &in, false, &w), WS_INFLATE_ERROR);
			all += w.len;
		} while (in.len || w.len == w.cap);
	}
	assert_int_equal(s.message_bytes, 1u << 26);
	assert_int_equal(pieces, 64);
	ws_inflate_close(&s);
	assert_int_equal(bed.blocks, 0);
}

static void
memory_is_taken_when_opened_or_refused(void **state)
{
	struct ws_deflate_budget budget = { .cap = ws_inflate_cost(15) + ws_inflate_cost(9) };
	struct deflate_bed bed, other;
	struct ws_inflate s, second;
	static uint8_t out[OUT_MAX];

	(void)state;
	for (uint8_t bits = 8; bits <= 15; bits++) {
		deflate_bed_init(&bed);
		ws_inflate_init(&s, &bed.memory);
		/* fails at each block in turn, until none is left to fail */
		for (bed.refuse_at = 1; ws_inflate_open(&s, bits) != WS_OK; bed.refuse_at++) {
			assert_int_equal(bed.blocks, 0);
			assert_int_equal(bed.memory.held, 0);
			bed.asked = 0;
		}
		assert_int_equal(bed.refuse_at, 3); /* tables and window */
		assert_true(bed.memory.held <= ws_inflate_cost(bits));
		assert_true(bed.memory.held > (size_t)1 << bits);
		/* and nothing more is asked for */
		bed.refuse_at = 1;
		for (int i = 0; i < 3; i++) {
			ws_inflate_begin(&s, true, i, 0);
			assert_int_equal(inflate_whole(&s, i ? HELLO_AGAIN : HELLO, i ? 5 : 7, out),
					 5);
		}
		ws_inflate_close(&s);
		assert_int_equal(bed.blocks, 0);
		assert_int_equal(bed.memory.held, 0);
		/* the bound of one connection */
		bed.refuse_at = 0;
		bed.memory.cap = ((size_t)1 << bits) + 1000;
		assert_int_equal(ws_inflate_open(&s, bits), WS_ERROR_DEFLATE_MEMORY);
		assert_int_equal(bed.blocks, 0);
		bed.memory.cap = ws_inflate_cost(bits);
		assert_int_equal(ws_inflate_open(&s, bits), WS_OK);
		ws_inflate_close(&s);
	}
	/* the bound of the process */
	deflate_bed_init(&bed);
	deflate_bed_init(&other);
	bed.memory.budget = other.memory.budget = &budget;
	ws_inflate_init(&s, &bed.memory);
	ws_inflate_init(&second, &other.memory);
	assert_int_equal(ws_inflate_open(&s, 15), WS_OK);
	assert_int_equal(ws_inflate_open(&second, 15), WS_ERROR_DEFLATE_MEMORY);
	assert_int_equal(ws_inflate_open(&second, 9), WS_OK);
	assert_int_equal(budget.held, bed.memory.held + other.memory.held);
	ws_inflate_close(&s);
	ws_inflate_close(&second);
	other.refuse_at = other.asked + 2;
	assert_int_equal(ws_inflate_open(&second, 15), WS_ERROR_DEFLATE_MEMORY);
	assert_int_equal(budget.held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payloads_cut_everywhere),
		cmocka_unit_test(context_is_kept_or_not),
		cmocka_unit_test(zlib_messages_come_back),
		cmocka_unit_test(a_bomb_costs_no_more_than_the_limit),
		cmocka_unit_test(memory_is_taken_when_opened_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
