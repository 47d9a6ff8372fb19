/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/utf8.h"
#include <assert.h>
#include "codec/cpu.h"

#define UTF8_WIDE 32   /* bytes in a vector */
#define UTF8_BLOCK 128 /* bytes looked through at once for one that is not ASCII */

/* What may come next. RFC 3629 §4: only the byte after E0, ED, F0 and F4 has bounds of its own. */
enum utf8_state {
	UTF8_BETWEEN,
	UTF8_ONE_MORE,
	UTF8_TWO_MORE,
	UTF8_THREE_MORE,
	UTF8_AFTER_E0, /* A0..BF: no overlong form */
	UTF8_AFTER_ED, /* 80..9F: no surrogate */
	UTF8_AFTER_F0, /* 90..BF: no overlong form */
	UTF8_AFTER_F4, /* 80..8F: nothing above U+10FFFF */
	UTF8_INVALID,
};

static const struct {
	uint8_t low, high, next;
} utf8_step[] = {
	[UTF8_ONE_MORE] = { 0x80, 0xBF, UTF8_BETWEEN },
	[UTF8_TWO_MORE] = { 0x80, 0xBF, UTF8_ONE_MORE },
	[UTF8_THREE_MORE] = { 0x80, 0xBF, UTF8_TWO_MORE },
	[UTF8_AFTER_E0] = { 0xA0, 0xBF, UTF8_ONE_MORE },
	[UTF8_AFTER_ED] = { 0x80, 0x9F, UTF8_ONE_MORE },
	[UTF8_AFTER_F0] = { 0x90, 0xBF, UTF8_TWO_MORE },
	[UTF8_AFTER_F4] = { 0x80, 0x8F, UTF8_TWO_MORE },
	[UTF8_INVALID] = { 1, 0, UTF8_INVALID }, /* no byte mends it */
};

/* The state after a first byte 0x80 + index. */
static const uint8_t utf8_lead[128] = {
	[0x00 ... 0x41] = UTF8_INVALID,   /* continuations, and C0, C1: overlong */
	[0x42 ... 0x5F] = UTF8_ONE_MORE,
	[0x60] = UTF8_AFTER_E0,
	[0x61 ... 0x6C] = UTF8_TWO_MORE,
	[0x6D] = UTF8_AFTER_ED,
	[0x6E ... 0x6F] = UTF8_TWO_MORE,
	[0x70] = UTF8_AFTER_F0,
	[0x71 ... 0x73] = UTF8_THREE_MORE,
	[0x74] = UTF8_AFTER_F4,
	[0x75 ... 0x7F] = UTF8_INVALID,
};

static inline uint8_t
utf8_next(uint8_t state, uint8_t byte)
{
	assert(state <= UTF8_INVALID);
	if (state == UTF8_BETWEEN)
		return byte < 0x80 ? UTF8_BETWEEN : utf8_lead[byte - 0x80];
	if (byte < utf8_step[state].low || byte > utf8_step[state].high)
		return UTF8_INVALID;
	return utf8_step[state].next;
}

bool
utf8_feed_scalar(struct utf8 *u, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		u->state = utf8_next(u->state, bytes[i]);
		if (u->state == UTF8_INVALID)
			return false;
	}
	return true;
}

/* Any machine: 8 bytes at a time where they are ASCII. */
static bool
utf8_feed_words(struct utf8 *u, const uint8_t *bytes, size_t len)
{
	for (; len >= 8; bytes += 8, len -= 8) {
		if (u->state == UTF8_BETWEEN && (utf8_word(bytes) & UTF8_HIGH_BITS) == 0)
			continue;
		if (!utf8_feed_scalar(u, bytes, 8))
			return false;
	}
	return utf8_feed_scalar(u, bytes, len);
}

#if CPU_X86
#include <immintrin.h>

/*
 * Validation of 32 bytes at once by table lookup, after Keiser and Lemire, "Validating UTF-8 in
 * less than one instruction per byte" (2020). Every error but a wrong number of continuations
 * shows in two neighbouring bytes: each bit below is one such error, and is in all three of the
 * table entries that the nibbles of a wrong pair select.
 */
enum {
	PAIR_LEAD_THEN_NO_CONTINUATION = 0x01,
	PAIR_ASCII_THEN_CONTINUATION = 0x02,
	PAIR_OVERLONG_2 = 0x04,  /* C0, C1 */
	PAIR_OVERLONG_3 = 0x08,  /* E0, then 80..9F */
	PAIR_SURROGATE = 0x10,   /* ED, then A0..BF */
	PAIR_F_THEN_8X = 0x20,   /* F0: overlong; F5..FF: too large */
	PAIR_F_THEN_9X_BX = 0x40, /* F4..FF: too large */
	PAIR_CONTINUATIONS = 0x80, /* an error unless a lead 2 or 3 bytes back asks for it */
};

#define PAIR_ANY_LOW \
	(PAIR_LEAD_THEN_NO_CONTINUATION | PAIR_ASCII_THEN_CONTINUATION | PAIR_CONTINUATIONS)
#define PAIR_LOW_5_UP (PAIR_ANY_LOW | PAIR_F_THEN_8X | PAIR_F_THEN_9X_BX)
#define PAIR_SECOND_CONTINUATION \
	(PAIR_ASCII_THEN_CONTINUATION | PAIR_OVERLONG_2 | PAIR_CONTINUATIONS)

/*
 * By the upper nibble of the first byte, its lower nibble, the upper nibble of the second byte.
 * Then the constants of the arithmetic: as loads they are cheaper than what compilers make of
 * them, and a short text needs them once.
 */
enum { ROW_FIRST_HIGH, ROW_FIRST_LOW, ROW_SECOND_HIGH, ROW_NIBBLE, ROW_E0, ROW_F0, ROW_TOP, ROWS };

static const uint8_t pair_rows[ROWS][16] = {
	[ROW_FIRST_HIGH] = {
		[0x0 ... 0x7] = PAIR_ASCII_THEN_CONTINUATION,
		[0x8 ... 0xB] = PAIR_CONTINUATIONS,
		[0xC] = PAIR_LEAD_THEN_NO_CONTINUATION | PAIR_OVERLONG_2,
		[0xD] = PAIR_LEAD_THEN_NO_CONTINUATION,
		[0xE] = PAIR_LEAD_THEN_NO_CONTINUATION | PAIR_OVERLONG_3 | PAIR_SURROGATE,
		[0xF] = PAIR_LEAD_THEN_NO_CONTINUATION | PAIR_F_THEN_8X | PAIR_F_THEN_9X_BX,
	},
	[ROW_FIRST_LOW] = {
		[0x0] = PAIR_ANY_LOW | PAIR_OVERLONG_2 | PAIR_OVERLONG_3 | PAIR_F_THEN_8X,
		[0x1] = PAIR_ANY_LOW | PAIR_OVERLONG_2,
		[0x2 ... 0x3] = PAIR_ANY_LOW,
		[0x4] = PAIR_ANY_LOW | PAIR_F_THEN_9X_BX,
		[0x5 ... 0xC] = PAIR_LOW_5_UP,
		[0xD] = PAIR_LOW_5_UP | PAIR_SURROGATE,
		[0xE ... 0xF] = PAIR_LOW_5_UP,
	},
	[ROW_SECOND_HIGH] = {
		[0x0 ... 0x7] = PAIR_LEAD_THEN_NO_CONTINUATION,
		[0x8] = PAIR_SECOND_CONTINUATION | PAIR_OVERLONG_3 | PAIR_F_THEN_8X,
		[0x9] = PAIR_SECOND_CONTINUATION | PAIR_OVERLONG_3 | PAIR_F_THEN_9X_BX,
		[0xA ... 0xB] = PAIR_SECOND_CONTINUATION | PAIR_SURROGATE | PAIR_F_THEN_9X_BX,
		[0xC ... 0xF] = PAIR_LEAD_THEN_NO_CONTINUATION,
	},
	[ROW_NIBBLE] = { [0 ... 15] = 0x0F },
	[ROW_E0] = { [0 ... 15] = 0xE0 - 0x80 },
	[ROW_F0] = { [0 ... 15] = 0xF0 - 0x80 },
	[ROW_TOP] = { [0 ... 15] = 0x80 },
};

struct pair_vectors {
	__m256i row[ROWS];
};

CPU_TARGET_AVX2 static inline __m256i
pair_row(int row)
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)pair_rows[row]));
}

/* One by one: a compiler that does not unroll a loop would keep them in memory. */
CPU_TARGET_AVX2 static inline struct pair_vectors
pair_vectors(void)
{
	return (struct pair_vectors){ { pair_row(0), pair_row(1), pair_row(2), pair_row(3),
					pair_row(4), pair_row(5), pair_row(6) } };
}

CPU_TARGET_AVX2 static inline __m256i
pair_lookup(const struct pair_vectors *t, int row, __m256i nibbles)
{
	return _mm256_shuffle_epi8(t->row[row], _mm256_and_si256(nibbles, t->row[ROW_NIBBLE]));
}

/* Non-zero bytes where now[i], given the three bytes before it, cannot be. */
CPU_TARGET_AVX2 static inline __m256i
pair_errors(const struct pair_vectors *t, __m256i now, const __m256i before[3])
{
	__m256i pairs = _mm256_and_si256(
		_mm256_and_si256(pair_lookup(t, ROW_FIRST_HIGH, _mm256_srli_epi16(before[0], 4)),
				 pair_lookup(t, ROW_FIRST_LOW, before[0])),
		pair_lookup(t, ROW_SECOND_HIGH, _mm256_srli_epi16(now, 4)));
	/* Bit 7 is set where a lead E0.. two bytes back or F0.. three bytes back asks for a
	 * continuation that is not the second byte of its character. */
	__m256i asked = _mm256_or_si256(_mm256_subs_epu8(before[1], t->row[ROW_E0]),
					_mm256_subs_epu8(before[2], t->row[ROW_F0]));

	return _mm256_xor_si256(_mm256_and_si256(asked, t->row[ROW_TOP]), pairs);
}

/* The 32 bytes at p, of which at least three bytes before p may be read. */
CPU_TARGET_AVX2 static inline __m256i
utf8_errors_at(const struct pair_vectors *t, const uint8_t *p)
{
	const __m256i before[3] = { _mm256_loadu_si256((const void *)(p - 1)),
				    _mm256_loadu_si256((const void *)(p - 2)),
				    _mm256_loadu_si256((const void *)(p - 3)) };

	return pair_errors(t, _mm256_loadu_si256((const void *)p), before);
}

/* The first 32 bytes of a text that begins between characters. */
CPU_TARGET_AVX2 static inline __m256i
utf8_errors_first(const struct pair_vectors *t, __m256i now)
{
	__m256i shifted = _mm256_permute2x128_si256(now, now, 0x08); /* zero, lower half */
	const __m256i before[3] = { _mm256_alignr_epi8(now, shifted, 15),
				    _mm256_alignr_epi8(now, shifted, 14),
				    _mm256_alignr_epi8(now, shifted, 13) };

	return pair_errors(t, now, before);
}

CPU_TARGET_AVX2 static inline bool
utf8_ascii_at(const uint8_t *p)
{
	return _mm256_movemask_epi8(_mm256_loadu_si256((const void *)p)) == 0;
}

CPU_TARGET_AVX2 static inline bool
utf8_ascii_block(const uint8_t *p)
{
	__m256i a = _mm256_loadu_si256((const void *)p);
	__m256i b = _mm256_loadu_si256((const void *)(p + 32));

	a = _mm256_or_si256(a, _mm256_loadu_si256((const void *)(p + 64)));
	b = _mm256_or_si256(b, _mm256_loadu_si256((const void *)(p + 96)));
	return _mm256_movemask_epi8(_mm256_or_si256(a, b)) == 0;
}

/* How many bytes, in whole vectors or all of them, are ASCII in front; len >= UTF8_WIDE. */
CPU_TARGET_AVX2 static inline size_t
utf8_ascii_front(const uint8_t *bytes, size_t len)
{
	size_t done = 0;

	while (len - done >= UTF8_BLOCK && utf8_ascii_block(bytes + done))
		done += UTF8_BLOCK;
	for (; len - done >= UTF8_WIDE; done += UTF8_WIDE)
		if (!utf8_ascii_at(bytes + done))
			return done;
	return done == len || utf8_ascii_at(bytes + len - UTF8_WIDE) ? len : done;
}

/* Does bytes[done..len) break a rule? bytes[0..done) does not, and is whole vectors. */
CPU_TARGET_AVX2 static inline bool
utf8_wrong_avx2(const uint8_t *bytes, size_t done, size_t len)
{
	const struct pair_vectors t = pair_vectors();
	__m256i errors = _mm256_setzero_si256();
	bool cut = false;

	if (done == 0) {
		errors = utf8_errors_first(&t, _mm256_loadu_si256((const void *)bytes));
		done = UTF8_WIDE;
	}
	while (len - done >= UTF8_WIDE) {
		size_t stop = len - done >= UTF8_BLOCK ? done + UTF8_BLOCK : len - UTF8_WIDE + 1;
		const uint8_t *p = bytes + done;

		if (len - done >= UTF8_BLOCK && utf8_ascii_block(p)) {
			cut |= p[-1] >= 0xC0 || p[-2] >= 0xE0 || p[-3] >= 0xF0;
			done = stop;
		}
		for (; done < stop; done += UTF8_WIDE)
			errors = _mm256_or_si256(errors, utf8_errors_at(&t, bytes + done));
	}
	if (done < len) /* the last vector overlaps the one before it */
		errors = _mm256_or_si256(errors, utf8_errors_at(&t, bytes + len - UTF8_WIDE));
	return cut || !_mm256_testz_si256(errors, errors);
}

/* Moves the bytes of a vector up by 16 - n, zeros below, if loaded from [n]. */
static const uint8_t utf8_up[32] = {
	[0 ... 15] = 0x80,
	[16] = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
};

/* A text of 8 to 32 bytes in the upper end of a vector; below it zeros, which are ASCII. */
CPU_TARGET_AVX2 static inline __m256i
utf8_short_vector(const uint8_t *bytes, size_t len)
{
	__m128i low = _mm_setzero_si128(), high, up;

	if (len >= 16) {
		high = _mm_loadu_si128((const void *)(bytes + len - 16));
		up = _mm_loadu_si128((const void *)(utf8_up + len - 16));
		low = _mm_shuffle_epi8(_mm_loadu_si128((const void *)bytes), up);
	} else {
		/* in two shifts, as one of 64 is none */
		uint64_t first = utf8_word(bytes) << (15 - len) * 8 << 8;

		high = _mm_set_epi64x((int64_t)utf8_word(bytes + len - 8), (int64_t)first);
	}
	return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

CPU_TARGET_AVX2 static inline bool
utf8_short_wrong(const uint8_t *bytes, size_t len)
{
	const struct pair_vectors t = pair_vectors();
	__m256i errors = utf8_errors_first(&t, utf8_short_vector(bytes, len));

	return !_mm256_testz_si256(errors, errors);
}

/* Where the last character of bytes[0..len) begins if it may be cut, else len. */
static inline size_t
utf8_last_lead(const uint8_t *bytes, size_t len)
{
	for (size_t back = 1; back <= 3; back++)
		if (bytes[len - back] >= 0xC0)
			return len - back;
	return len;
}

/* Too long for one vector, and too short for a second with the three bytes before it. */
static inline bool
utf8_awkward(size_t len)
{
	return len > UTF8_WIDE && len < UTF8_WIDE + 3;
}

CPU_TARGET_AVX2 static bool
utf8_feed_avx2(struct utf8 *u, const uint8_t *bytes, size_t len)
{
	size_t done = 0;
	bool wrong;

	assert(u->state == UTF8_BETWEEN && len >= 8 && !utf8_awkward(len));
	if (len <= UTF8_WIDE) {
		wrong = utf8_short_wrong(bytes, len);
	} else {
		done = utf8_ascii_front(bytes, len);
		if (done == len)
			return true;
		wrong = utf8_wrong_avx2(bytes, done, len);
	}
	if (wrong) {
		u->state = UTF8_INVALID;
		return false;
	}
	/* The vectors do not see what only the next byte would show: an impossible lead at the
	 * very end. Nor do they tell the state. The scalar twin does both. */
	done = utf8_last_lead(bytes, len);
	return done == len || utf8_feed_scalar(u, bytes + done, len - done);
}
#endif

bool
utf8_feed_any(struct utf8 *u, const uint8_t *bytes, size_t len)
{
#if CPU_X86
	if (cpu_has_avx2()) {
		for (; len && (u->state != UTF8_BETWEEN || utf8_awkward(len)); bytes++, len--) {
			u->state = utf8_next(u->state, *bytes);
			if (u->state == UTF8_INVALID)
				return false;
		}
		if (len >= 8)
			return utf8_feed_avx2(u, bytes, len);
	}
#endif
	return utf8_feed_words(u, bytes, len);
}

bool
utf8_valid(const uint8_t *bytes, size_t len)
{
	struct utf8 u = { .state = UTF8_BETWEEN };

	return utf8_feed(&u, bytes, len) && utf8_complete(&u);
}
