/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UTF-8 validator against the definition of RFC 3629 §3 and §4 (W-F-12), decoded here from
 * first principles, and against its scalar twin for every cut. The source is included, so that
 * the variant for machines without AVX2 is tested on any machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/utf8.c"
#include "tests/feed.h"

#define WHOLE SIZE_MAX /* no byte is wrong */

/*
 * How many bytes of the character at p the text has before a byte is impossible: *used bytes,
 * true: a whole character or a cut one at the end of the text.
 */
static bool
character_at(const uint8_t *p, size_t len, size_t *used)
{
	static const struct {
		uint8_t mask, mark, more;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0, 0 },
		{ 0xE0, 0xC0, 1, 0x80 },
		{ 0xF0, 0xE0, 2, 0x800 },
		{ 0xF8, 0xF0, 3, 0x10000 },
	};

	for (size_t form = 0; form < 4; form++) {
		uint32_t low, high;

		if ((p[0] & forms[form].mask) != forms[form].mark)
			continue;
		low = high = p[0] & (uint8_t)~forms[form].mask;
		for (unsigned i = 0; i <= forms[form].more; i++) {
			unsigned rest = 6u * (forms[form].more - i);

			if (i > 0 && i >= len) {
				*used = i;
				return true;
			}
			if (i > 0 && (p[i] & 0xC0) != 0x80) {
				*used = i;
				return false;
			}
			if (i > 0)
				low = high = low << 6 | (p[i] & 0x3F);
			/* Is there any code point with these bits in front? */
			high = (low << rest) | ((1u << rest) - 1);
			if (high < forms[form].least || low << rest > 0x10FFFF ||
			    (low << rest >= 0xD800 && high <= 0xDFFF)) {
				*used = i;
				return false;
			}
		}
		*used = forms[form].more + 1u;
		return true;
	}
	*used = 0;
	return false;
}

/* Index of the first impossible byte, or WHOLE; *cut: the text ends inside a character. */
static size_t
first_wrong(const uint8_t *text, size_t len, bool *cut)
{
	size_t i = 0, used;

	*cut = false;
	while (i < len) {
		if (!character_at(text + i, len - i, &used))
			return i + used;
		i += used;
	}
	/* The last character is cut if it has fewer bytes than its lead asks for. */
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		uint8_t lead = text[len - back];

		if (lead < 0x80 || (lead & 0xC0) == 0x80)
			continue;
		*cut = back < (lead >= 0xF0 ? 4u : lead >= 0xE0 ? 3u : 2u);
		break;
	}
	return WHOLE;
}

/* The verdict on text and every prefix, by one feeder in pieces that end at `at` and len. */
static void
check_cut(const uint8_t *text, size_t at, size_t len)
{
	struct utf8 wide = { 0 }, scalar = { 0 }, words = { 0 };
	bool ok = utf8_feed(&wide, text, at);

	assert_int_equal(ok, utf8_feed_scalar(&scalar, text, at));
	assert_int_equal(ok, utf8_feed_words(&words, text, at));
	assert_int_equal(words.state, scalar.state);
	if (ok) {
		assert_int_equal(wide.state, scalar.state);
		ok = utf8_feed(&wide, text + at, len - at);
		assert_int_equal(ok, utf8_feed_scalar(&scalar, text + at, len - at));
	}
	if (ok) {
		assert_int_equal(wide.state, scalar.state);
	} else { /* it stays so */
		assert_false(utf8_feed(&wide, (const uint8_t *)"a", 1));
		assert_false(utf8_feed_scalar(&scalar, (const uint8_t *)"a", 1));
	}
}

static void
check_text(const uint8_t *text, size_t len)
{
	bool cut;
	size_t wrong = first_wrong(text, len, &cut);
	struct utf8 u = { 0 };

	assert_int_equal(utf8_valid(text, len), wrong == WHOLE && !cut);
	assert_int_equal(utf8_feed(&u, text, len), wrong == WHOLE);
	if (wrong == WHOLE) {
		assert_int_equal(utf8_complete(&u), !cut);
		return;
	}
	utf8_reset(&u);
	assert_true(utf8_feed(&u, text, wrong));
	assert_false(utf8_feed(&u, text + wrong, 1)); /* W-F-12: at this byte, not later */
}

static void
every_sequence_up_to_three_bytes(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 1u << 24; n++) {
		const uint8_t text[3] = { (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
		struct utf8 u = { 0 }, s = { 0 };
		bool cut, ok;

		if (n < 256)
			check_text(text + 2, 1);
		if (n < 65536)
			check_text(text + 1, 2);
		ok = first_wrong(text, 3, &cut) == WHOLE;
		if (utf8_feed(&u, text, 3) != ok || utf8_feed_scalar(&s, text, 3) != ok ||
		    (ok && (utf8_complete(&u) == cut || utf8_complete(&s) == cut)))
			fail_msg("%02x %02x %02x", text[0], text[1], text[2]);
	}
}

/* Four bytes: every lead, and the bytes at both sides of every bound behind it. */
static void
every_kind_of_four_bytes(void **state)
{
	static const uint8_t next[] = {
		0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0,
		0xA1, 0xBE, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xFF,
	};
	const size_t n = sizeof(next);

	(void)state;
	for (size_t i = 0; i < 256 * n * n * n; i++) {
		const uint8_t text[4] = { (uint8_t)(i % 256), next[i / 256 % n],
					  next[i / 256 / n % n], next[i / 256 / n / n] };

		check_text(text, 4);
	}
}

/* The same at every place of a vector, its border and the tail. */
static void
every_pair_at_every_offset(void **state)
{
	uint8_t text[103];
	size_t lens[] = { 35, 64, 66, 67, 68, 70, 96, 103 };

	(void)state;
	for (uint32_t pair = 0x7F00; pair < 0x10000; pair += pair % 7 + 1) {
		const uint8_t bytes[4] = { (uint8_t)(pair >> 8), (uint8_t)pair, 0x80, 0xBF };
		size_t len = lens[pair % 8];
		size_t many = 1 + pair % 4, at = pair / 7 % (len - many + 1);

		memset(text, 'a', sizeof(text));
		memcpy(text + at, bytes, many);
		check_text(text, len);
		check_cut(text, at + 1 < len ? at + 1 : at, len);
	}
	for (size_t len = 30; len <= sizeof(text); len++) {
		for (size_t at = 0; at + 4 <= len; at++) {
			memset(text, 'a', sizeof(text));
			memcpy(text + at, "\xF0\x9F\x98\x80", 4);
			check_text(text, len);
			text[at + 3] = 'x';
			check_text(text, len);
			memcpy(text + at, "\xF4\x90\x80\x80", 4);
			check_text(text, len);
		}
		for (unsigned lead = 0x80; lead < 0x100; lead++) {
			memset(text, 'a', sizeof(text));
			text[len - 1] = (uint8_t)lead; /* nothing behind it tells */
			check_text(text, len);
		}
	}
}

/* Long ASCII is skipped in blocks: what is cut just before, inside or behind one must show. */
static void
cut_characters_around_blocks(void **state)
{
	static const char *const cut[] = { "\xC3", "\xE6\x97", "\xE6", "\xF0\x9F\x98", "\xF0\x9F",
					   "\xF0", "\xED\xA0", "\x80", "\xE6\x97\xA5\xA5" };
	static const char *const whole[] = { "", "\xC3\xA9", "\xE6\x97\xA5", "\xF0\x9F\x98\x80" };
	uint8_t text[460];

	(void)state;
	for (size_t len = 400; len <= sizeof(text); len += 15) {
		for (size_t at = 0; at < len; at++) {
			const char *odd = cut[(at + len) % 9], *good = whole[at % 4];
			size_t n = strlen(odd) < len - at ? strlen(odd) : len - at;

			memset(text, 'a', sizeof(text));
			memcpy(text + at % 37, good, strlen(good)); /* not ASCII from the front */
			check_text(text, len);
			memcpy(text + at, odd, n);
			check_text(text, len);
			check_cut(text, at / 2, len);
		}
	}
}

static uint64_t random_state = 0x9E3779B97F4A7C15u;

static uint32_t
random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % n;
}

static size_t
random_character(uint8_t *out)
{
	static const uint32_t bounds[] = { 0x80, 0x800, 0x10000, 0x110000 };
	uint32_t c;

	do
		c = random_below(bounds[random_below(4)]);
	while (c >= 0xD800 && c <= 0xDFFF);
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xC0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xE0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (c & 0x3F));
	return 4;
}

static size_t
random_text(uint8_t *text, size_t cap)
{
	size_t len = 0, want = random_below((uint32_t)cap - 4);

	while (len < want) {
		if (random_below(8) == 0)
			for (uint32_t n = random_below(70); n && len < want; n--)
				text[len++] = 'a';
		len += random_character(text + len);
	}
	return len;
}

static void
random_texts_every_split(void **state)
{
	uint8_t text[320];

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t len = random_text(text, sizeof(text));

		assert_true(utf8_valid(text, len));
		for (uint32_t damage = random_below(3); damage && len; damage--)
			text[random_below((uint32_t)len)] ^= (uint8_t)(1u << random_below(8));
		if (round % 5 == 0)
			len -= len ? random_below(len < 4 ? (uint32_t)len : 4) : 0;
		check_text(text, len);
		for (size_t at = 0; at <= len; at++)
			check_cut(text, at, len);
	}
}

static void
random_bytes(void **state)
{
	uint8_t text[200];

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		size_t len = random_below(sizeof(text));

		memset(text, 'a', sizeof(text));
		for (size_t i = 0; i < 6 && len; i++)
			text[random_below((uint32_t)len)] = (uint8_t)(0x80 | random_below(128));
		check_text(text, len);
	}
}

/* ---- the guard page: nothing is read outside the piece ---- */

static void
guard_begin(void *arg)
{
	utf8_reset(arg);
}

static void
guard_piece(void *arg, uint8_t *bytes, size_t len)
{
	assert_true(utf8_feed(arg, bytes, len));
}

static void
guard_end(void *arg)
{
	assert_true(utf8_complete(arg));
}

static void
pieces_at_a_guard_page(void **state)
{
	struct utf8 u;
	const struct feed_user user = { .arg = &u, .begin = guard_begin, .piece = guard_piece,
					.end = guard_end };
	uint8_t text[199];
	size_t len = 0;

	(void)state;
	while (len < sizeof(text) - 4)
		len += random_character(text + len);
	feed_pieces(text, len, &user);
	for (size_t n = 0; n <= len; n++) { /* and whatever is before it */
		bool cut;

		first_wrong(text, n, &cut);
		assert_int_equal(utf8_valid(feed_guarded(text, n), n), !cut);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sequence_up_to_three_bytes),
		cmocka_unit_test(every_kind_of_four_bytes),
		cmocka_unit_test(every_pair_at_every_offset),
		cmocka_unit_test(cut_characters_around_blocks),
		cmocka_unit_test(random_texts_every_split),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(pieces_at_a_guard_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
