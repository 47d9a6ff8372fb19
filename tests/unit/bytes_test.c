/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers of any size: classes, accounting, the limit, and that memory goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/bytes.h"

static void
refuses_what_exceeds_the_limit(void **state)
{
	struct bytes_pool p;
	void *a, *b;
	size_t a_size = 1, b_size = 2048, size;

	(void)state;
	bytes_init(&p, 2560);
	size = SIZE_MAX;
	assert_null(bytes_alloc(&p, &size));
	assert_true(size == SIZE_MAX);
	size = 2561;
	assert_null(bytes_alloc(&p, &size));
	a = bytes_alloc(&p, &a_size);
	b = bytes_alloc(&p, &b_size);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(p.used_bytes, 2560);
	size = 1;
	assert_null(bytes_alloc(&p, &size));
	bytes_free(&p, a, a_size);
	a = bytes_alloc(&p, &size);
	assert_non_null(a);
	bytes_free(&p, a, size);
	bytes_free(&p, b, b_size);
	bytes_free(&p, NULL, 5);
	assert_int_equal(p.used, 0);
	bytes_fini(&p);
}

static void
gives_the_smallest_class_that_fits(void **state)
{
	static const struct {
		size_t wanted, got;
	} cases[] = {
		{ 0, 512 },        { 1, 512 },         { 512, 512 },       { 513, 2048 },
		{ 2048, 2048 },    { 2049, 8192 },     { 8193, 32768 },    { 32768, 32768 },
		{ 32769, 131072 }, { 131072, 131072 }, { 131073, 131073 }, { 16777216, 16777216 },
	};
	struct bytes_pool p;

	(void)state;
	assert_int_equal(BYTES_LARGEST, 131072);
	bytes_init(&p, SIZE_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = cases[i].wanted;
		uint8_t *buffer = bytes_alloc(&p, &size);

		assert_non_null(buffer);
		assert_int_equal(size, cases[i].got);
		assert_int_equal(p.used_bytes, size);
		assert_int_equal(p.used, 1);
		assert_true(bytes_held(&p) >= size);
		buffer[0] = buffer[size - 1] = 1;
		bytes_free(&p, buffer, size);
		assert_int_equal(p.used_bytes, 0);
	}
	bytes_fini(&p);
}

static void
memory_goes_back_after_a_storm(void **state)
{
	enum { BUFFERS = 2000 };
	static struct {
		uint8_t *at;
		size_t size;
	} out[BUFFERS];
	struct bytes_pool p;
	uint64_t seed = 3;

	(void)state;
	bytes_init(&p, SIZE_MAX);
	for (int i = 0; i < BUFFERS; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		out[i].size = 1 + (size_t)((seed >> 40) % 200000 >> seed % 9);
		out[i].at = bytes_alloc(&p, &out[i].size);
		assert_non_null(out[i].at);
		memset(out[i].at, i, out[i].size);
	}
	assert_true(bytes_held(&p) >= p.used_bytes);
	for (int i = 0; i < BUFFERS; i++) {
		assert_int_equal(out[i].at[out[i].size - 1], (uint8_t)i);
		bytes_free(&p, out[i].at, out[i].size);
	}
	assert_int_equal(p.used, 0);
	assert_int_equal(p.used_bytes, 0);
#ifndef POOL_MALLOC
	assert_true(bytes_is_spare(&p));
#endif
	bytes_trim(&p);
	bytes_trim(&p);
	assert_false(bytes_is_spare(&p));
	assert_true(bytes_held(&p) <= BYTES_CLASSES * (size_t)POOL_RESERVE_BYTES);
	bytes_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_exceeds_the_limit),
		cmocka_unit_test(gives_the_smallest_class_that_fits),
		cmocka_unit_test(memory_goes_back_after_a_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
