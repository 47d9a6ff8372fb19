/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of one size: the cap, alignment, no two users of one block, and that memory goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/pool.h"

/* Sizes around the alignment, the size of a message, and blocks larger than the smallest slab. */
static const size_t sizes[] = { 1, 63, 64, 65, 512, 4000, 8192, 70000, 1048576 };

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void
gives_no_more_than_its_cap(void **state)
{
	struct pool p;
	void *blocks[3];

	(void)state;
	pool_init(&p, 100, 0);
	assert_null(pool_take(&p));
	pool_fini(&p);
	pool_init(&p, 100, 3);
	for (int i = 0; i < 3; i++) {
		blocks[i] = pool_take(&p);
		assert_non_null(blocks[i]);
	}
	assert_null(pool_take(&p));
	assert_int_equal(p.used, 3);
	pool_give(&p, blocks[1]);
	blocks[1] = pool_take(&p);
	assert_non_null(blocks[1]);
	assert_null(pool_take(&p));
	for (int i = 0; i < 3; i++)
		pool_give(&p, blocks[i]);
	assert_int_equal(p.used, 0);
	pool_fini(&p);
}

static void
unused_it_holds_nothing(void **state)
{
	struct pool p;

	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		pool_init(&p, sizes[i], 10);
		assert_int_equal(pool_bytes_held(&p), 0);
		pool_fini(&p);
	}
}

static void
blocks_are_aligned_and_apart(void **state)
{
	enum { BLOCKS = 50 };
	uint8_t *blocks[BLOCKS];
	struct pool p;

	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		pool_init(&p, sizes[i], BLOCKS);
		for (int k = 0; k < BLOCKS; k++) {
			blocks[k] = pool_take(&p);
			assert_non_null(blocks[k]);
			assert_int_equal((uintptr_t)blocks[k] % POOL_ALIGN, 0);
			memset(blocks[k], k, sizes[i]);
		}
		for (int k = 0; k < BLOCKS; k++) {
			assert_int_equal(blocks[k][0], k);
			assert_int_equal(blocks[k][sizes[i] - 1], k);
			assert_int_equal(blocks[k][sizes[i] / 2], k);
			pool_give(&p, blocks[k]);
		}
		pool_fini(&p);
	}
}

/* Random takes and gives; each block holds its number, so that one handed out twice shows. */
static void
a_block_has_one_user(void **state)
{
	enum { BLOCKS = 2000, STEPS = 200000 };
	static uint32_t *blocks[BLOCKS];
	uint64_t seed = 7;
	uint32_t out = 0;
	struct pool p;

	(void)state;
	pool_init(&p, 500, BLOCKS);
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t i, fill = step / 20000 % 2; /* in turns mostly taking, mostly giving */

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		i = (uint32_t)(seed >> 33) % BLOCKS;
		if (!blocks[i] && (fill || seed >> 62 == 0)) {
			blocks[i] = pool_take(&p);
			assert_non_null(blocks[i]);
			blocks[i][0] = blocks[i][100] = i;
			out++;
		} else if (blocks[i] && (!fill || seed >> 62 == 0)) {
			assert_int_equal(blocks[i][0], i);
			assert_int_equal(blocks[i][100], i);
			pool_give(&p, blocks[i]);
			blocks[i] = NULL;
			out--;
		}
		assert_int_equal(p.used, out);
	}
	for (uint32_t i = 0; i < BLOCKS; i++)
		if (blocks[i])
			pool_give(&p, blocks[i]);
	pool_fini(&p);
}

static void
memory_goes_back_after_a_storm(void **state)
{
	enum { BLOCKS = 20000 };
	static void *blocks[BLOCKS];
	struct pool p;
	size_t rest;

	(void)state;
	pool_init(&p, 2048, UINT32_MAX);
	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = pool_take(&p);
		assert_non_null(blocks[i]);
		memset(blocks[i], 1, 2048);
	}
	assert_true(pool_bytes_held(&p) >= (size_t)BLOCKS * 2048);
	assert_true(pool_bytes_held(&p) <= (size_t)BLOCKS * 2048 * 11 / 10 + POOL_SLAB_BYTES);
	/* not in the order in which they were taken */
	for (int i = 0; i < BLOCKS; i += 2)
		pool_give(&p, blocks[i]);
	for (int i = BLOCKS - 1; i > 0; i -= 2)
		pool_give(&p, blocks[i]);
	pool_trim(&p);
#ifndef POOL_MALLOC /* some were needed since the last one, so they may be again */
	assert_true(pool_bytes_held(&p) >= (size_t)BLOCKS * 2048);
#endif
	pool_trim(&p);
	rest = pool_bytes_held(&p);
	assert_true(rest <= POOL_RESERVE_BYTES);
	for (int round = 0; round < 1000; round++) {
		blocks[0] = pool_take(&p);
		pool_give(&p, blocks[0]);
	}
	assert_true(pool_bytes_held(&p) <= POOL_RESERVE_BYTES);
	pool_fini(&p);
	assert_true(POOL_RESERVE_BYTES >= POOL_SLAB_BYTES);
}

/* Waves of the same height map memory once; the part of it that lower ones do not need goes. */
static void
a_wave_finds_the_memory_of_the_last(void **state)
{
	enum { BLOCKS = 20000, LOW = 4000 };
	static void *blocks[BLOCKS];
	uint32_t slabs = 0;
	struct pool p;

	(void)state;
	pool_init(&p, 2048, UINT32_MAX);
	for (int wave = 0; wave < 10; wave++) {
		int high = wave < 7 ? BLOCKS : LOW;

		for (int i = 0; i < high; i++)
			blocks[i] = pool_take(&p);
		if (wave == 0)
			slabs = p.slabs;
		assert_true(wave < 8 ? p.slabs == slabs : p.slabs <= slabs / 2);
		for (int i = 0; i < high; i++)
			pool_give(&p, blocks[i]);
		if (wave > 0)
			pool_trim(&p);
	}
	pool_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_no_more_than_its_cap),
		cmocka_unit_test(unused_it_holds_nothing),
		cmocka_unit_test(blocks_are_aligned_and_apart),
		cmocka_unit_test(a_block_has_one_user),
		cmocka_unit_test(memory_goes_back_after_a_storm),
		cmocka_unit_test(a_wave_finds_the_memory_of_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
