/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shape delivers against what the parsers do, field by field: on messages of our own, on all
 * captures and corpora, and on mutations of them that keep the length, by a seeded generator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/scan.h"
#include "codec/sip_shape.h"
#include "tests/sip_same.h"
#include "tests/unit/sip_check.h"
#include "tests/unit/sip_data.h"

#define TEXT_MAX 16384
#define ROUNDS_PER_FILE 2000
#define ROUNDS_PER_MESSAGE 200000

static struct sip_shapes table;
static uint64_t random_state = 0x9E3779B97F4A7C15;
static unsigned hits, misses;

/* xorshift64* */
static uint32_t
random_below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545F4914F6CDD1D) >> 33) % n;
}

#define REQUEST                                                                                    \
	"MESSAGE sip:b%41ob;x=1:p@8pk1.invalid SIP/2.0\r\n"                                        \
	"Via: SIP/2.0/WS 8pk1-qv.4n0t2c.invalid:5060;branch=z9hG4bK5610243;rport"                  \
	";flow=aZ9x\r\n"                                                                           \
	"Via: SIP/2.0/WS 1.2.3.4;branch=z9hG4bK1, SIP/2.0/TCP a.example;received=::1\r\n"          \
	"Max-Forwards: 70\r\n"                                                                     \
	"To: Bob B2 <sip:bob@1.2.3.4>\r\n"                                                         \
	"From: \"A \\\"lice\" <sip:alice@example.com.>;tag=q7h2m0xk1d;x=y\r\n"                     \
	"Call-ID: 3v8s0lq5m1r7c2pw9k4y@h\r\n"                                                      \
	"CSeq: 1147483647 MESSAGE\r\n"                                                             \
	"Route: <sip:192.0.2.10:8080;transport=ws;lr>,\r\n <sip:c.example>\r\n"                    \
	"Contact: <sip:alice@8pk1qv4n0t2c.invalid;transport=ws>;"                                  \
	"+sip.instance=\"<urn:uuid:0c8e5a1f-7b32-4d96-a0e4-91f5d27b6c38>\"\r\n"                    \
	"X-Any: \xC3\xA4 1\r\n"

static const char *const messages[] = {
	REQUEST "Content-Length: 3\r\n\r\nabc",
	REQUEST "\r\nthe rest is the body",
	"SIP/2.0 200 OK\r\n"
	"v:SIP/2.0/WSS\r\n\t1.2.3.4;received=1.2.3.4;branch=z9hG4bK1;ttl=1\r\n"
	"From:sip:a@b.c.;tag=1\r\nt:<http://a?b>;tag=::a1\r\nCall-ID:(<a>)\r\nCSeq:00 X\r\n"
	"l: 0\r\n\r\n",
	"SIP/2.0 180 Ringing\r\n"
	"Via: SIP/2.0/WS h5.e7.invalid;branch=1;rport=5,SIP/2.0/WS b\r\n"
	"From: <sips:+49-1;a=1@[2001:db8::1]:5061>;tag=\"a1\"\r\n"
	"To: T0 k3n<tel:+1234>;tag=x%41y\r\n"
	"Call-ID: 1\r\nCSeq: 9 INVITE\r\nContent-Length: 00\r\n\r\n",
};

static void
compare_twins(const struct sip_shape *s, const char *text)
{
	struct sip_essentials fast, slow;

	assert_int_equal(sip_shape_fits(s, text), sip_shape_fits_scalar(s, text));
	sip_shape_move(&fast, s, text);
	sip_shape_move_scalar(&slow, s, text);
	assert_memory_equal(&fast, &slow, sizeof(fast));
}

/* Is what a shape says of this text, if one fits, what the parsers say? */
static void
compare(struct span text)
{
	static struct sip_msg fast, slow;
	static struct sip_essentials fast_head, slow_head;
	const struct sip_shape *s = &table.sets[0][0];

	/* the twins, wherever a shape of this length is */
	for (unsigned i = 0; i < SIP_SHAPE_SETS * SIP_SHAPE_WAYS; i++, s++)
		if (s->len == text.len)
			compare_twins(s, text.at);
	memset(&fast, 0xA5, sizeof(fast));
	memset(&fast_head, 0xA5, sizeof(fast_head));
	if (!sip_shape_find(&table, text.at, text.len, &fast, &fast_head)) {
		misses++;
		return;
	}
	hits++;
	assert_int_equal(sip_msg_parse(&slow, text.at, text.len), SIP_OK);
	assert_int_equal(sip_essentials_read(&slow, &slow_head), SIP_OK);
	assert_true(sip_same_index(&fast, &slow));
	assert_true(sip_same_essentials(&fast_head, &slow_head, slow.request));
}

/* An octet of another class, of the same one, or any. */
static char
random_octet(char old)
{
	static const char marks[] = "\r\n \t\"\\<>,;:=@?&%/[].-+*()'~!$#019afzAFZ\0\x7F\x80\xFF`{";

	switch (random_below(4)) {
	case 0:
		return marks[random_below(sizeof(marks) - 1)];
	case 1:
		return (char)random_below(256);
	case 2:
		return scan_is_digit(old) ? (char)('a' + random_below(26)) :
					    (char)('0' + random_below(10));
	default:
		return scan_is_digit(old)       ? (char)('0' + random_below(10)) :
		       scan_is(old, SCAN_ALPHA) ? (char)("aAzZ"[random_below(4)]) :
						  old;
	}
}

/* Letters and digits for letters and digits, from `at` on, as many as there are in a row. */
static void
change_run(char *text, size_t len, size_t at)
{
	static const char alike[] = "0123456789abcxyzABCXYZ";
	uint32_t kinds = random_below(2) ? 10 : sizeof(alike) - 1;

	for (; at < len && scan_is(text[at], SCAN_ALNUM); at++)
		text[at] = alike[random_below(kinds)];
}

static void
mutate(char *text, size_t len)
{
	unsigned times = 1 + random_below(3);

	while (times-- > 0) {
		size_t at = random_below((uint32_t)len), other = random_below((uint32_t)len);
		char old = text[at];

		switch (random_below(4)) {
		case 0:
			text[at] = text[other];
			text[other] = old;
			break;
		case 1:
			if (at + 3 <= len)
				memcpy(text + at, "%41", 3);
			break;
		case 2:
			change_run(text, len, at);
			break;
		default:
			text[at] = random_octet(old);
		}
	}
}

/* True: the text is a shape now. */
static bool
teach(struct span text)
{
	static struct sip_msg m;
	struct sip_essentials head;

	memset(&table, 0, sizeof(table));
	if (sip_msg_parse(&m, text.at, text.len) != SIP_OK)
		return false;
	sip_shape_missed(&table, &m);
	assert_false(sip_shape_find(&table, text.at, text.len, &m, &head));
	assert_int_equal(sip_msg_parse(&m, text.at, text.len), SIP_OK);
	sip_shape_missed(&table, &m);
	return sip_shape_find(&table, text.at, text.len, &m, &head);
}

static void
compare_mutants(struct span text, unsigned rounds)
{
	static char bytes[TEXT_MAX];

	for (unsigned round = 0; round < rounds; round++) {
		memcpy(bytes, text.at, text.len);
		if (round)
			mutate(bytes, text.len);
		compare(guarded(span_of(bytes, text.len)));
	}
}

static void
compare_file(void *arg, const char *path, struct span text)
{
	(void)arg;
	(void)path;
	if (text.len && text.len <= TEXT_MAX && teach(guarded(text)))
		compare_mutants(text, ROUNDS_PER_FILE);
}

static void
mutants_of_our_own_messages_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct span text = text_of_string(messages[i]);

		hits = misses = 0;
		assert_true(teach(guarded(text)));
		compare_mutants(text, ROUNDS_PER_MESSAGE);
		assert_in_range(hits, ROUNDS_PER_MESSAGE / 50, ROUNDS_PER_MESSAGE / 2);
	}
}

static void
mutants_of_captures_and_corpora_agree(void **state)
{
	static const char *const folders[] = { "captures", "rfc4475", "rfc5118", "sip-corpus" };
	size_t files = 0;

	(void)state;
	hits = misses = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (sip_data_present(folders[i]))
			files += sip_data_each(folders[i], compare_file, NULL);
	if (!files)
		skip();
	assert_true(hits > misses / 20 && misses > hits / 20);
}

/* Does the first message, once learned, let this one by: `old` replaced by `new`? */
static bool
fits(const char *old, const char *new)
{
	static char bytes[TEXT_MAX];
	static struct sip_msg m;
	struct sip_essentials head;
	struct span text = text_of_string(messages[0]);
	char *at;

	memcpy(bytes, text.at, text.len + 1);
	at = strstr(bytes, old);
	assert_non_null(at);
	assert_int_equal(strlen(old), strlen(new));
	memcpy(at, new, strlen(new));
	text = guarded(span_of(bytes, text.len));
	compare(text);
	return sip_shape_find(&table, text.at, text.len, &m, &head);
}

static void
a_shape_is_as_wide_as_it_may_be(void **state)
{
	(void)state;
	assert_true(teach(guarded(text_of_string(messages[0]))));
	assert_true(fits("3v8s0lq5", "abcDEF01"));
	assert_true(fits("z9hG4bK5610243", "z9hG4bKabcdefg"));
	assert_true(fits("q7h2m0xk1d", "0123456789"));
	assert_true(fits("1147483647", "2147483647"));
	assert_true(fits("8pk1-qv.4n0t2c", "1234-56.789012"));
	assert_true(fits("sip:bob@", "sip:e3e@"));
	assert_true(fits("\"A \\\"lice", "\"B \\\"lic3"));
	assert_true(fits("0c8e5a1f", "01234567"));
	assert_true(fits("flow=aZ9x", "flow=1234"));
	/* what other hops wrote */
	assert_true(fits("WS 1.2.3.4;branch=z9hG4bK1, SIP", "TL 5.x.y.9;bRANCH=a1b2c3d4, SIX"));
	assert_true(fits("received=::1", "rec3ived=::f"));
}

static void
what_means_something_is_parsed(void **state)
{
	static const char *const pairs[][2] = {
		{ "1147483647", "2147483648" }, { "1147483647", "9999999999" },
		{ "1147483647", "114748364a" }, { "%41", "%42" },
		{ "1.2.3.4>", "1.2.3.x>" },     { "-qv.4n0t2c.", "-qv-4n0t2c." },
		{ "c.invalid:", "c.1nvalid:" }, { "q7h2m0xk1d", "q7h2m0xk1\xC3" },
		{ "q7h2m0xk1d", "q7h2m0xk:d" }, { "Max-Forwards: 70", "Max-Forwards: 71" },
		{ "Length: 3", "Length: 2" },   { "MESSAGE sip", "MESSAGF sip" },
		{ ";rport", ";rporT" },         { "X-Any", "X-Anz" },
		{ ";flow", ";flox" },           { "K1, SIP", "K1;,SIP" },
	};

	(void)state;
	assert_true(teach(guarded(text_of_string(messages[0]))));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_false(fits(pairs[i][0], pairs[i][1]));
}

static void
learning_is_bounded(void **state)
{
	static struct sip_msg m;
	static char bytes[TEXT_MAX];
	struct span text = text_of_string(messages[0]);
	struct sip_essentials head;
	unsigned learned = 0;

	(void)state;
	assert_true(teach(guarded(text)));
	memcpy(bytes, text.at, text.len);
	/* names of fields, so that each is a shape of its own, with one key */
	for (unsigned i = 0; i < 16 * 64; i++) {
		char *name = strstr(bytes, "X-") + 2;

		name[0] = (char)('A' + i % 26);
		name[1] = (char)('A' + i / 26 % 26);
		name[2] = (char)('A' + i / 676);
		if (sip_shape_find(&table, bytes, text.len, &m, &head))
			continue;
		assert_int_equal(sip_msg_parse(&m, bytes, text.len), SIP_OK);
		sip_shape_missed(&table, &m);
		learned += sip_shape_find(&table, bytes, text.len, &m, &head);
	}
	assert_in_range(learned, 16 * 64 / SIP_SHAPE_PAUSE - 2, 16 * 64 / SIP_SHAPE_PAUSE);
}

static void
faults_and_surplus_are_not_learned(void **state)
{
	static const char *const bad[] = {
		"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/WS a;branch=1\r\nTo: sip:a\r\n"
		"From: sip:b\r\nCSeq: 1 OPTIONS\r\n\r\n",
		"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/WS a;branch=1\r\nTo: sip:a\r\n"
		"From: sip:b\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\nmore",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(teach(guarded(text_of_string(bad[i]))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shape_is_as_wide_as_it_may_be),
		cmocka_unit_test(what_means_something_is_parsed),
		cmocka_unit_test(learning_is_bounded),
		cmocka_unit_test(faults_and_surplus_are_not_learned),
		cmocka_unit_test(mutants_of_our_own_messages_agree),
		cmocka_unit_test(mutants_of_captures_and_corpora_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
