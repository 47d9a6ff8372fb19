/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_mask.h"
#include <string.h>
#include "codec/cpu.h"

#define MASK_HIGH_BITS 0x8080808080808080u
#define MASK_LONG 256 /* bytes; below, neither aligned stores nor AVX-512 win anything */

bool
ws_mask_apply_scalar(uint8_t *bytes, size_t len, const uint8_t key[4], unsigned phase)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= key[(phase + i) & 3];
		seen |= bytes[i];
	}
	return seen >= 0x80;
}

/* The key as it lies in memory, turned so that its first byte is that of index `by`. */
static inline uint32_t
mask_turn(uint32_t key, size_t by)
{
	unsigned bits = (unsigned)(by & 3) * 8;

	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		bits = 32 - bits;
	return key >> (bits & 31) | key << (-bits & 31);
}

/* Fewer than 8 bytes. */
static bool
mask_few(uint8_t *bytes, size_t len, uint32_t key)
{
	uint8_t keys[4], seen = 0;

	memcpy(keys, &key, 4);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= keys[i & 3];
		seen |= bytes[i];
	}
	return seen >= 0x80;
}

/*
 * Any machine: 8 bytes at a time. `key` begins at the first byte, as everywhere below. The last
 * word may overlap the one before it: it is read before that changes its bytes.
 */
static bool
mask_words(uint8_t *bytes, size_t len, uint32_t key)
{
	const uint64_t keys = (uint64_t)key << 32 | key;
	const uint64_t turned = mask_turn(key, len);
	uint64_t word, last, seen;

	if (len < 8)
		return mask_few(bytes, len, key);
	memcpy(&last, bytes + len - 8, 8);
	last ^= turned << 32 | turned;
	seen = last;
	for (size_t i = 0; i + 8 < len; i += 8) {
		memcpy(&word, bytes + i, 8);
		word ^= keys;
		memcpy(bytes + i, &word, 8);
		seen |= word;
	}
	memcpy(bytes + len - 8, &last, 8);
	return (seen & MASK_HIGH_BITS) != 0;
}

#if CPU_X86
#include <assert.h>
#include <immintrin.h>

/*
 * The first and the last vector overlap those between, so there is no loop over single bytes:
 * both are read before the others change their bytes and written after them. Between them the
 * addresses are aligned: a store across two cache lines costs twice.
 */
CPU_TARGET_AVX2 static bool
mask_avx2(uint8_t *bytes, size_t len, uint32_t key)
{
	size_t skip = len < MASK_LONG ? 32 : 32 - ((uintptr_t)bytes & 31);
	uint8_t *at = bytes + skip, *end = bytes + len - 32;
	__m256i keys = _mm256_set1_epi32((int)key);
	__m256i first, last, seen, a, b;

	assert(len >= 32);
	first = _mm256_xor_si256(_mm256_loadu_si256((const void *)bytes), keys);
	last = _mm256_xor_si256(_mm256_loadu_si256((const void *)end),
				_mm256_set1_epi32((int)mask_turn(key, len)));
	seen = _mm256_or_si256(first, last);
	keys = _mm256_set1_epi32((int)mask_turn(key, skip));
	for (; at + 32 < end; at += 64) {
		a = _mm256_xor_si256(_mm256_loadu_si256((const void *)at), keys);
		b = _mm256_xor_si256(_mm256_loadu_si256((const void *)(at + 32)), keys);
		_mm256_storeu_si256((void *)at, a);
		_mm256_storeu_si256((void *)(at + 32), b);
		seen = _mm256_or_si256(seen, _mm256_or_si256(a, b));
	}
	if (at < end) {
		a = _mm256_xor_si256(_mm256_loadu_si256((const void *)at), keys);
		_mm256_storeu_si256((void *)at, a);
		seen = _mm256_or_si256(seen, a);
	}
	_mm256_storeu_si256((void *)bytes, first);
	_mm256_storeu_si256((void *)end, last);
	return _mm256_movemask_epi8(seen) != 0;
}

CPU_TARGET_AVX512 static bool
mask_avx512(uint8_t *bytes, size_t len, uint32_t key)
{
	size_t skip = 64 - ((uintptr_t)bytes & 63);
	uint8_t *at = bytes + skip, *end = bytes + len - 64;
	__m512i keys = _mm512_set1_epi32((int)key);
	__m512i first, last, seen, a, b;

	assert(len >= 64);
	first = _mm512_xor_si512(_mm512_loadu_si512(bytes), keys);
	last = _mm512_xor_si512(_mm512_loadu_si512(end),
				_mm512_set1_epi32((int)mask_turn(key, len)));
	seen = _mm512_or_si512(first, last);
	keys = _mm512_set1_epi32((int)mask_turn(key, skip));
	for (; at + 64 < end; at += 128) {
		a = _mm512_xor_si512(_mm512_loadu_si512(at), keys);
		b = _mm512_xor_si512(_mm512_loadu_si512(at + 64), keys);
		_mm512_storeu_si512(at, a);
		_mm512_storeu_si512(at + 64, b);
		seen = _mm512_or_si512(seen, _mm512_or_si512(a, b));
	}
	if (at < end) {
		a = _mm512_xor_si512(_mm512_loadu_si512(at), keys);
		_mm512_storeu_si512(at, a);
		seen = _mm512_or_si512(seen, a);
	}
	_mm512_storeu_si512(bytes, first);
	_mm512_storeu_si512(end, last);
	return _mm512_movepi8_mask(seen) != 0;
}
#endif

bool
ws_mask_apply(uint8_t *bytes, size_t len, const uint8_t key[4], unsigned phase)
{
	uint32_t turned;

	memcpy(&turned, key, 4);
	turned = mask_turn(turned, phase);
#if CPU_X86
	if (len >= MASK_LONG && cpu_has_avx512())
		return mask_avx512(bytes, len, turned);
	if (len >= 32 && cpu_has_avx2())
		return mask_avx2(bytes, len, turned);
#endif
	return mask_words(bytes, len, turned);
}
