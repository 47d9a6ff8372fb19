/* SPDX-License-Identifier: Apache-2.0 */
/* The map of a head: octet by octet, and the twins with each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/scan.h"
#include "codec/scan_map.h"
#include "tests/unit/sip_check.h"

struct reading {
	struct scan_map map;
	struct scan_ends ends;
};

static bool
bit(const uint64_t *words, size_t i)
{
	return words[i / SCAN_BLOCK] >> i % SCAN_BLOCK & 1;
}

static bool
is_mark(char c)
{
	return c == '-' || c == '.';
}

/* The octets that were read; behind the end of the text there are stops. */
static void
check_kinds(const struct reading *r, struct span text, size_t off)
{
	for (size_t i = off; i < r->ends.next; i++) {
		char c = i < text.len ? text.at[i] : ' ';

		assert_int_equal(bit(r->map.mark, i - off), is_mark(c));
		assert_int_equal(bit(r->map.stop, i - off), !is_mark(c) && !scan_is(c, SCAN_ALNUM));
	}
}

/* Each line end is told, up to the end of what was read or a CR or LF that stands alone. */
static void
check_lines(const struct reading *r, struct span text, size_t off)
{
	uint32_t told = 0;
	bool stray = false;

	for (size_t i = off; i < r->ends.next && i < text.len && !stray; i++) {
		bool after_cr = i > 0 && text.at[i - 1] == '\r';

		stray = after_cr != (text.at[i] == '\n');
		if (after_cr && !stray)
			assert_int_equal(r->ends.lf[told++], i);
	}
	stray |= r->ends.next > text.len && text.at[text.len - 1] == '\r';
	assert_int_equal(r->ends.len, told);
	assert_int_equal(r->ends.stray, stray);
}

static void
check_reading(struct span text, size_t off)
{
	struct reading fast, slow;

	memset(&fast, 0, sizeof(fast));
	memset(&slow, 0, sizeof(slow));
	scan_map_fill(&fast.map, &fast.ends, text.at, off, text.len);
	scan_map_fill_scalar(&slow.map, &slow.ends, text.at, off, text.len);
	assert_memory_equal(&slow, &fast, sizeof(fast));
	check_kinds(&fast, text, off);
	check_lines(&fast, text, off);
}

static void
each_octet_is_of_its_kind_at_each_place(void **state)
{
	char bytes[3 * SCAN_BLOCK + 5];

	(void)state;
	for (size_t len = 1; len <= sizeof(bytes); len += len < 140 ? 1 : 9) {
		for (int c = 0; c < 256; c++) {
			size_t at = (size_t)c * 7 % len;

			memset(bytes, 'x', sizeof(bytes));
			bytes[at * 5 % len] = '-';
			bytes[at] = (char)c;
			check_reading(guarded(span_of(bytes, len)), 0);
		}
	}
}

/* Of what makes heads, so that each thing stands next to each other at each place of a block. */
static void
random_heads_read_the_same(void **state)
{
	static const char *const parts[] = {
		"\r\n", "\r\n",           "\r\n",  "a",  "Via: x", "-", ".", " ", "\r", "\n",
		"\x80", "z9hG4bK7725098", "\r\n ", "\t", "@",      "[", "`", "{", "/",  ":"
	};
	char bytes[2 * SCAN_MAP_OCTETS + 100];
	uint64_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		size_t len = 0, want = round % 50 ? 1 + round % 400 : sizeof(bytes);
		unsigned rare = 10 + round % 90;

		while (len < want) {
			const char *part;
			size_t n;

			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			part = seed >> 33 & 63 ? parts[(seed >> 40) % rare % 20] : "\r\n\r\n";
			n = strlen(part);
			if (n > want - len)
				n = want - len;
			memcpy(bytes + len, part, n);
			len += n;
		}
		for (size_t off = 0; off < len; off += SCAN_BLOCK * (1 + round % 3))
			check_reading(guarded(span_of(bytes, len)), off);
	}
}

static void
it_ends_where_the_head_does(void **state)
{
	char bytes[6 * SCAN_BLOCK];
	struct reading r;

	(void)state;
	for (size_t at = 0; at + 4 <= sizeof(bytes); at++) {
		memset(bytes, 'x', sizeof(bytes));
		memcpy(bytes + at, "\r\n\r\n", 4);
		scan_map_fill(&r.map, &r.ends, bytes, 0, sizeof(bytes));
		assert_int_equal(r.ends.next, ((at + 3) / SCAN_BLOCK + 1) * SCAN_BLOCK);
		assert_false(r.ends.stray);
	}
	memset(bytes, 'x', sizeof(bytes));
	scan_map_fill(&r.map, &r.ends, bytes, 0, sizeof(bytes));
	assert_int_equal(r.ends.next, sizeof(bytes));
}

/* CRLFs only, at every distance from each other, over more than one map. */
static void
crlfs_are_told_once(void **state)
{
	char bytes[SCAN_MAP_OCTETS + 300];

	(void)state;
	for (size_t gap = 3; gap < 140; gap++) {
		size_t told = 0, due = 0;
		struct reading r;

		memset(bytes, 'x', sizeof(bytes));
		for (size_t i = 0; i + 2 <= sizeof(bytes); i += gap, due++)
			memcpy(bytes + i, "\r\n", 2);
		for (size_t off = 0; off < sizeof(bytes); off = r.ends.next) {
			scan_map_fill(&r.map, &r.ends, bytes, off, sizeof(bytes));
			told += r.ends.len;
		}
		assert_int_equal(told, due);
	}
}

static void
stops_and_marks_are_found(void **state)
{
	char bytes[4 * SCAN_BLOCK];
	struct reading r;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 5; i < sizeof(bytes); i += 3)
		bytes[i] = i % 2 ? '.' : '-';
	bytes[70] = bytes[sizeof(bytes) - 1] = '\t';
	scan_map_fill(&r.map, &r.ends, bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_int_equal(scan_map_stop(&r.map, i), i <= 70 ? 70 : sizeof(bytes) - 1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		for (size_t len = 1; len <= SCAN_BLOCK && i + len <= sizeof(bytes); len++) {
			uint64_t marks = scan_map_marks(&r.map, i, len);

			assert_int_equal(marks & 1, is_mark(bytes[i]));
			assert_int_equal(marks >> (len - 1), is_mark(bytes[i + len - 1]));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_octet_is_of_its_kind_at_each_place),
		cmocka_unit_test(random_heads_read_the_same),
		cmocka_unit_test(it_ends_where_the_head_does),
		cmocka_unit_test(crlfs_are_told_once),
		cmocka_unit_test(stops_and_marks_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
