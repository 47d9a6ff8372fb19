/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/scan_map.h"

#include <assert.h>
#include <string.h>
#include "codec/cpu.h"
#include "codec/scan.h"

/* What one block holds, a bit for each octet. */
struct block_bits {
	uint64_t cr, lf, stop, mark;
};

typedef struct block_bits block_read(const char *p);

/* Where the reading is, and what a block has to know of the one before it. */
struct cursor {
	uint64_t cr;    /* 1: it ended with a CR */
	uint64_t ends;  /* its line ends, the last two of them lowest */
	uint64_t stray; /* CRs (one further on) and LFs that stand alone */
	uint32_t *lf;   /* where the next line end goes */
	uint32_t off;   /* of the block */
	uint32_t block; /* its number in the map */
};

/* Note the block at hand. True: the last one, for an octet that stands alone or an empty line. */
static inline bool
put_block(struct scan_map *map, struct cursor *c, const struct block_bits *b)
{
	uint64_t due = b->cr << 1 | c->cr; /* where LFs have to be */
	uint64_t lf = b->lf & due, empty = lf & (lf << 2 | c->ends);

	map->stop[c->block] = b->stop;
	map->mark[c->block++] = b->mark;
	c->cr = b->cr >> (SCAN_BLOCK - 1);
	c->ends = lf >> (SCAN_BLOCK - 2);
	c->stray = b->lf ^ due;
	if (c->stray)
		lf &= (c->stray & -c->stray) - 1;
	for (; lf; lf &= lf - 1)
		*c->lf++ = c->off + (uint32_t)__builtin_ctzll(lf);
	c->off += SCAN_BLOCK;
	return (c->stray | empty) != 0;
}

/*
 * Inlined into each variant of it, so that each reads its blocks without a call. Of a block that
 * is not whole a copy is read.
 */
static inline __attribute__((always_inline)) void
fill(block_read *read, struct scan_map *map, struct scan_ends *ends, struct span text, size_t off)
{
	struct cursor c = {
		.cr = off && text.at[off - 1] == '\r',
		.lf = ends->lf,
		.off = (uint32_t)off,
	};
	size_t there = text.len - off, len = there < SCAN_MAP_OCTETS ? there : SCAN_MAP_OCTETS;
	const char *p = text.at + off, *const end = p + len, *const whole = end - len % SCAN_BLOCK;
	struct block_bits b;
	bool last = false;

	assert(off % SCAN_BLOCK == 0 && off < text.len);
	for (; p < whole && !last; p += SCAN_BLOCK) {
		b = read(p);
		last = put_block(map, &c, &b);
	}
	if (!last && p < end) {
		char rest[SCAN_BLOCK] = { 0 };

		memcpy(rest, p, (size_t)(end - p));
		b = read(rest);
		put_block(map, &c, &b);
	}
	ends->len = (uint32_t)(c.lf - ends->lf);
	ends->next = c.off;
	ends->stray = c.stray != 0;
}

static inline struct block_bits
read_scalar(const char *p)
{
	struct block_bits b = { 0 };

	for (int i = 0; i < SCAN_BLOCK; i++) {
		bool mark = p[i] == '-' || p[i] == '.';

		b.cr |= (uint64_t)(p[i] == '\r') << i;
		b.lf |= (uint64_t)(p[i] == '\n') << i;
		b.mark |= (uint64_t)mark << i;
		b.stop |= (uint64_t)(!mark && !scan_is(p[i], SCAN_ALNUM)) << i;
	}
	return b;
}

void
scan_map_fill_scalar(struct scan_map *map, struct scan_ends *ends, const char *text, size_t off,
		     size_t len)
{
	fill(read_scalar, map, ends, span_of(text, len), off);
}

#if CPU_X86
#include <immintrin.h>

/*
 * An octet is looked up by its two halves, and is of the kinds that both tables agree on: DIGIT,
 * letters of the even rows of ASCII, of its odd ones, or MARK, the bit that movemask reads.
 */
#define DIGIT 1
#define EVEN 2
#define ODD 4
#define MARK (-128)
#define ALL (DIGIT | EVEN | ODD)
#define LOW_HALVES                                                                                 \
	DIGIT | ODD, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, EVEN | ODD, EVEN, EVEN,          \
		EVEN | MARK, EVEN | MARK, EVEN
#define HIGH_HALVES 0, 0, MARK, DIGIT, EVEN, ODD, EVEN, ODD, 0, 0, 0, 0, 0, 0, 0, 0

/* In memory, so that the compiler keeps them in registers and does not make them anew. */
static const struct {
	char low[32], high[32], cr[32], lf[32];
} table __attribute__((aligned(32))) = {
	.low = { LOW_HALVES, LOW_HALVES },
	.high = { HIGH_HALVES, HIGH_HALVES },
	.cr = { [0 ... 31] = '\r' },
	.lf = { [0 ... 31] = '\n' },
};

CPU_TARGET_AVX2 static inline __m256i
load(const char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

CPU_TARGET_AVX2 static inline uint64_t
bits_of(__m256i first, __m256i second)
{
	return (uint32_t)_mm256_movemask_epi8(first) |
	       (uint64_t)(uint32_t)_mm256_movemask_epi8(second) << 32;
}

CPU_TARGET_AVX2 static inline uint64_t
where(__m256i first, __m256i second, __m256i all)
{
	return bits_of(_mm256_cmpeq_epi8(first, all), _mm256_cmpeq_epi8(second, all));
}

CPU_TARGET_AVX2 static inline __m256i
kinds(__m256i x)
{
	const __m256i half = _mm256_set1_epi8(0x0F);
	__m256i low = _mm256_and_si256(x, half);
	__m256i high = _mm256_and_si256(_mm256_srli_epi16(x, 4), half);

	return _mm256_and_si256(_mm256_shuffle_epi8(load(table.low), low),
				_mm256_shuffle_epi8(load(table.high), high));
}

CPU_TARGET_AVX2 static inline struct block_bits
read_avx2(const char *p)
{
	__m256i first = load(p), second = load(p + 32);
	__m256i first_kinds = kinds(first), second_kinds = kinds(second);

	return (struct block_bits){
		.cr = where(first, second, load(table.cr)),
		.lf = where(first, second, load(table.lf)),
		.stop = where(first_kinds, second_kinds, _mm256_setzero_si256()),
		.mark = bits_of(first_kinds, second_kinds),
	};
}

CPU_TARGET_AVX2 static void
fill_avx2(struct scan_map *map, struct scan_ends *ends, struct span text, size_t off)
{
	fill(read_avx2, map, ends, text, off);
}
#endif

void
scan_map_fill(struct scan_map *map, struct scan_ends *ends, const char *text, size_t off,
	      size_t len)
{
#if CPU_X86
	if (cpu_has_avx2()) {
		fill_avx2(map, ends, span_of(text, len), off);
		return;
	}
#endif
	scan_map_fill_scalar(map, ends, text, off, len);
}
