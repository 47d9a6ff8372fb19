/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SCAN_MAP_H
#define CODEC_SCAN_MAP_H
/*
 * A head read once, 64 octets at a time: where its lines end, and a bit for each octet that can
 * end a run of characters. Every class of RFC 3261 §25.1 that runs are made of holds the letters,
 * the digits, '-' and '.'; so who looks for the end of a run of any class looks at the few other
 * octets only, and finds the next one with a shift and a count of zeros. Any thread; no state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_BLOCK 64 /* octets of one word of bits */
#define SCAN_MAP_BLOCKS 32
#define SCAN_MAP_OCTETS (SCAN_BLOCK * SCAN_MAP_BLOCKS) /* of a text, at most */

/* Bit i of word n stands for octet 64 n + i. */
struct scan_map {
	uint64_t stop[SCAN_MAP_BLOCKS]; /* neither letter, digit, '-' nor '.' */
	uint64_t mark[SCAN_MAP_BLOCKS]; /* '-' or '.' */
};

/* The line ends among the same octets: offsets, from the text's first octet, of the LF of CRLFs. */
struct scan_ends {
	uint32_t len;
	uint32_t next; /* offset of the octets behind those that were read */
	bool stray;    /* a CR or LF stands alone: no line end behind it is told */
	uint32_t lf[SCAN_MAP_OCTETS / 2];
};

/*
 * Fill both from text[off..len), off a multiple of SCAN_BLOCK and less than len, which is less than
 * 2^32. It ends with the block in which an empty line ends (no such line is missed but one that
 * begins before off), with one where a CR or LF stands alone, or after SCAN_MAP_BLOCKS. Octets of
 * the last block that are not there count as stops.
 */
void scan_map_fill(struct scan_map *map, struct scan_ends *ends, const char *text, size_t off,
		   size_t len);

/* The scalar twin: same contract, one octet at a time. */
void scan_map_fill_scalar(struct scan_map *map, struct scan_ends *ends, const char *text,
			  size_t off, size_t len);

/* The first stop at or behind octet i; there must be one in the map. */
static inline size_t
scan_map_stop(const struct scan_map *map, size_t i)
{
	size_t block = i / SCAN_BLOCK;
	uint64_t bits = map->stop[block] >> i % SCAN_BLOCK;

	if (__builtin_expect(bits != 0, 1))
		return i + (size_t)__builtin_ctzll(bits);
	do
		bits = map->stop[++block];
	while (!bits);
	return block * SCAN_BLOCK + (size_t)__builtin_ctzll(bits);
}

/* The marks among the `len` octets, 1 to 64, from octet i on: bit n for octet i + n. */
static inline uint64_t
scan_map_marks(const struct scan_map *map, size_t i, size_t len)
{
	size_t block = i / SCAN_BLOCK, shift = i % SCAN_BLOCK;
	uint64_t bits = map->mark[block] >> shift;

	if (shift + len > SCAN_BLOCK)
		bits |= map->mark[block + 1] << (SCAN_BLOCK - shift);
	return bits & UINT64_MAX >> (SCAN_BLOCK - len);
}

#endif
