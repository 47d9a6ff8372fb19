/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masking (RFC 6455 §5.3, W-F-14): every length, phase and alignment against the definition.
 * The source is included, so that the variants this machine would not choose are tested, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/ws_mask.c"
#include "tests/feed.h"

#define LEN_MAX 600 /* beyond MASK_LONG, twice */
#define AROUND 64 /* bytes watched on both sides */

_Static_assert(LEN_MAX > 2 * MASK_LONG, "every path is taken");

static const uint8_t keys[][4] = {
	{ 0x37, 0xFA, 0x21, 0x3D },
	{ 0, 0, 0, 0 }, /* legal */
	{ 0xFF, 0xFF, 0xFF, 0xFF },
	{ 0x00, 0x00, 0x00, 0x80 },
	{ 0x01, 0x02, 0x04, 0x08 },
};

static void
check(size_t len, size_t align, const uint8_t key[4], unsigned phase)
{
	_Alignas(64) uint8_t wide[LEN_MAX + 2 * AROUND];
	uint8_t scalar[LEN_MAX + 2 * AROUND], plain[LEN_MAX];
	uint8_t *at = wide + AROUND / 2 + align;
	uint8_t seen = 0;
	bool high;

	for (size_t i = 0; i < sizeof(wide); i++)
		wide[i] = scalar[i] = (uint8_t)(i * 7 + 3);
	for (size_t i = 0; i < len; i++) {
		plain[i] = at[i] ^ key[(phase + i) % 4];
		seen |= plain[i];
	}
	high = ws_mask_apply(at, len, key, phase);
	assert_int_equal(high, seen >= 0x80);
	assert_memory_equal(at, plain, len);
	for (size_t i = 0; i < sizeof(wide); i++)
		if (wide + i < at || wide + i >= at + len)
			assert_int_equal(wide[i], (uint8_t)(i * 7 + 3));
	assert_int_equal(ws_mask_apply_scalar(scalar + (at - wide), len, key, phase), high);
	assert_memory_equal(wide, scalar, sizeof(wide));
}

static void
every_length_phase_and_alignment(void **state)
{
	(void)state;
	for (size_t len = 0; len <= LEN_MAX; len++)
		for (size_t align = 0; align < 64; align += len < 80 ? 1 : 7)
			for (unsigned phase = 0; phase < 4; phase++)
				check(len, align, keys[(len + align) % 5], phase);
}

static void
one_high_byte_anywhere_is_seen(void **state)
{
	const uint8_t key[4] = { 0x11, 0x22, 0x33, 0x44 };
	uint8_t bytes[LEN_MAX];

	(void)state;
	for (size_t len = 1; len <= LEN_MAX; len++) {
		for (size_t at = 0; at <= len; at++) {
			memset(bytes, 'a', len);
			if (at < len)
				bytes[at] = 0x80;
			ws_mask_apply_scalar(bytes, len, key, 1);
			assert_int_equal(ws_mask_apply(bytes, len, key, 1), at < len);
		}
	}
}

static void
unmasking_in_pieces_is_unmasking_whole(void **state)
{
	const uint8_t key[4] = { 0xDE, 0xAD, 0xBE, 0xEF };
	uint8_t whole[LEN_MAX], pieces[LEN_MAX];

	(void)state;
	for (size_t cut = 0; cut <= LEN_MAX; cut++) {
		for (size_t i = 0; i < LEN_MAX; i++)
			whole[i] = pieces[i] = (uint8_t)i;
		ws_mask_apply(whole, LEN_MAX, key, 0);
		ws_mask_apply(pieces, cut, key, 0);
		ws_mask_apply(pieces + cut, LEN_MAX - cut, key, cut & 3);
		assert_memory_equal(whole, pieces, LEN_MAX);
	}
}

static void
the_example_of_the_rfc(void **state)
{
	uint8_t bytes[] = { 0x7F, 0x9F, 0x4D, 0x51, 0x58 }; /* §5.7 */

	(void)state;
	assert_false(ws_mask_apply(bytes, sizeof(bytes), keys[0], 0));
	assert_memory_equal(bytes, "Hello", 5);
}

static void
every_variant_agrees(void **state)
{
	(void)state;
	for (size_t len = 0; len <= LEN_MAX; len++) {
		for (size_t high = 0; high <= len; high += len < 70 ? 1 : 13) {
			_Alignas(64) uint8_t room[LEN_MAX + 64];
			uint8_t start[LEN_MAX], want[LEN_MAX], *got = room + (len + high) % 64;
			uint32_t key;
			bool seen;

			memcpy(&key, keys[4], 4);
			for (size_t i = 0; i < len; i++)
				start[i] = (uint8_t)(i & 0x3F);
			if (high < len)
				start[high] = 0xFF;
			memcpy(want, start, len);
			seen = ws_mask_apply_scalar(want, len, keys[4], 0);
			memcpy(got, start, len);
			assert_int_equal(mask_words(got, len, key), seen);
			assert_memory_equal(got, want, len);
#if CPU_X86
			memcpy(got, start, len);
			if (len >= 32 && cpu_has_avx2()) {
				assert_int_equal(mask_avx2(got, len, key), seen);
				assert_memory_equal(got, want, len);
			}
			memcpy(got, start, len);
			if (len >= 64 && cpu_has_avx512()) {
				assert_int_equal(mask_avx512(got, len, key), seen);
				assert_memory_equal(got, want, len);
			}
#endif
		}
	}
}

static void
nothing_outside_is_touched(void **state)
{
	uint8_t bytes[LEN_MAX] = { 0 };

	(void)state;
	for (size_t len = 0; len <= LEN_MAX; len++)
		ws_mask_apply(feed_guarded(bytes, len), len, keys[4], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_phase_and_alignment),
		cmocka_unit_test(one_high_byte_anywhere_is_seen),
		cmocka_unit_test(unmasking_in_pieces_is_unmasking_whole),
		cmocka_unit_test(the_example_of_the_rfc),
		cmocka_unit_test(every_variant_agrees),
		cmocka_unit_test(nothing_outside_is_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
