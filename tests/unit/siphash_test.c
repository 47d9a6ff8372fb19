/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 against the vectors of its authors: key 00..0f, text 00, 00 01, ... */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "engine/siphash.h"
#include "tests/feed.h"

static const uint64_t vectors[64] = {
	0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
	0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
	0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
	0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
	0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
	0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8,
	0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad,
	0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28, 0x32d892fad841c342,
	0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238, 0x15e034d40fa197ae,
	0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
	0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95,
	0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb,
	0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72, 0xa192d576b245165a,
	0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea, 0x245731c13ca42499,
	0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
	0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

/* The same texts by SipHash-1-3: of a second implementation, written from the paper. */
static const struct {
	size_t len;
	uint64_t value;
} vectors_1_3[] = {
	{ 0, 0xabac0158050fc4dc },  { 1, 0xc9f49bf37d57ca93 },  { 7, 0xd3927d989bb11140 },
	{ 8, 0x369095118d299a8e },  { 9, 0x25a48eb36c063de4 },  { 15, 0xd320d86d2a519956 },
	{ 16, 0xcc4fdd1a7d908b66 }, { 31, 0x2370dd1f8c21d1bc }, { 63, 0x9d199062b7bbb3a8 },
};

static uint8_t text[256];
static struct siphash_key key;

static int
setup(void **state)
{
	uint8_t bytes[SIPHASH_KEY_LEN];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	key = siphash_key_of(bytes);
	return 0;
}

static void
official_vectors(void **state)
{
	(void)state;
	assert_true(vectors[15] ==
		    UINT64_C(0xa129ca6149be45e5)); /* the one in the paper, appendix A */
	for (size_t len = 0; len < 64; len++)
		assert_true(siphash(&key, span_of(feed_guarded(text, len), len)) == vectors[len]);
}

static void
fewer_rounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors_1_3) / sizeof(vectors_1_3[0]); i++) {
		size_t len = vectors_1_3[i].len;

		assert_true(siphash_1_3(&key, span_of(feed_guarded(text, len), len)) ==
			    vectors_1_3[i].value);
	}
}

/* The first word of a text given as a number. */
static void
behind_a_word(void **state)
{
	(void)state;
	for (size_t len = 8; len < 64; len++)
		assert_true(siphash_behind(&key, UINT64_C(0x0706050403020100),
					   span_of(feed_guarded(text + 8, len - 8), len - 8)) ==
			    vectors[len]);
}

/* The same value however the text is cut into parts. */
static struct siphash fed;
static uint64_t wanted;

static void
begin(void *arg)
{
	(void)arg;
	siphash_init(&fed, &key);
}

static void
piece(void *arg, uint8_t *bytes, size_t len)
{
	(void)arg;
	siphash_feed(&fed, span_of(bytes, len));
}

static void
end(void *arg)
{
	(void)arg;
	if (siphash_value(&fed) != wanted)
		fail_msg("%s", feed_way());
}

static void
every_split(void **state)
{
	const struct feed_user user = { .begin = begin, .piece = piece, .end = end };

	(void)state;
	for (size_t len = 0; len < 40; len++) {
		wanted = vectors[len];
		feed_pieces(text, len, &user);
	}
	wanted = siphash(&key, span_of(text, sizeof(text)));
	feed_pieces(text, sizeof(text), &user);
}

static void
fields_differ(void **state)
{
	static const char *const pairs[][2] = {
		{ "ab", "c" }, { "a", "bc" }, { "abc", "" }, { "", "abc" }
	};
	uint64_t seen[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct siphash s;

		siphash_init(&s, &key);
		for (int k = 0; k < 2; k++)
			siphash_feed_field(&s, span_of(pairs[i][k], strlen(pairs[i][k])));
		seen[i] = siphash_value(&s);
		for (int k = 0; k < i; k++)
			assert_true(seen[i] != seen[k]);
	}
}

static void
keys_differ(void **state)
{
	struct siphash_key other = key;

	(void)state;
	other.k1 ^= UINT64_C(1) << 63;
	assert_true(siphash(&key, SPAN("text")) != siphash(&other, SPAN("text")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(official_vectors), cmocka_unit_test(behind_a_word),
		cmocka_unit_test(fewer_rounds),     cmocka_unit_test(every_split),
		cmocka_unit_test(fields_differ),    cmocka_unit_test(keys_differ),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
