/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec/ against the reference parser: on all captures and corpora, on messages and
 * values of our own, and on mutations of them by a seeded generator. A disagreement prints
 * the text and the round that made it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "tests/unit/sip_check.h"
#include "tests/unit/sip_data.h"
#include "tests/unit/sip_differential.h"

#define TEXT_MAX 16384
#define ROUNDS_PER_FILE 400
#define ROUNDS_PER_MESSAGE 30000
#define ROUNDS_PER_VALUE 20000

static uint64_t random_state;

/* xorshift64* */
static uint32_t
random_below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545F4914F6CDD1D) >> 33) % n;
}

static const char *const messages[] = {
	"OPTIONS sip:b:p@example.org:5060;lr;x=y SIP/2.0\r\n"
	"Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1;rport, SIP / 2.0 / UDP [2001:db8::1] : 50 "
	";a=\"b,;\"\r\n"
	"Max-Forwards: 70\r\n"
	"Route: <sip:c@d;lr>, \"e, \\\"f\" <sips:g@h?i=j&k=>;l=m ,<tel:+1>\r\n"
	"f: \"A \\\\ B\" <sip:a@example.org>;tag=1\r\n"
	"To: B C<sip:b@example.org> ; x = y\r\n"
	"i: 1@a\r\n"
	"CSeq: 1 OPTIONS\r\n"
	"m: sip:a@1.2.3.4:5060;transport=ws;q=0.5, <sip:[::ffff:1.2.3.4]>\r\n"
	"l: 3\r\n\r\nabc",
	"SIP/2.0 200 OK\r\n"
	"v:SIP/2.0/WSS\r\n\t1.2.3.4;received=::1;branch=z9hG4bK1;ttl=1\r\n"
	"From:sip:a@b.c.;tag=1\r\nt:<http://a?b>\r\nCall-ID:(<>)\r\nCSeq:00 X\r\n\r\n",
};

static const char *const values[] = {
	"sip:user;x=1/a:pa$s,@ex-ample.org.:5060;transport=ws;lr?a=b&c=%41",
	"sips:[2001:db8::9:1]:5061;maddr=[::1]",
	"\"A, \\\"B\\\" <\" <sip:a@b;c=d>;tag=e;+sip.instance=\"<urn:uuid:1>\";q=0.7",
	"Token1 token2 <sip:a@[1:2:3:4:5:6:7:8]> ; tag = x",
	"SIP / 2.0 / WS\r\n h.example : 5060 ; branch = z9hG4bK ;rport=5 ;received=[::1:2.3.4.5]",
	"SIP/2.0/TCP 1.2.3.4;received=1:2::3;rport;x=a:b;maddr=h.o-s.t1.",
	"sip:a@b ;tag=1:2",
	"2147483647\t INVITE",
	"sip:0.1.2.300",
	"tel:+1-2;a=b",
};

/* Octets that matter to some rule, rather than any. */
static char
random_octet(void)
{
	static const char marks[] = "\r\n \t\"\\<>,;:=@?&%/[].-+*()'~!$#0149aAfFzZ\0\x7F\x80\xFF";

	return random_below(8) ? marks[random_below(sizeof(marks) - 1)] : (char)random_below(256);
}

/* Change, take out, put in, or double a few octets; returns the new length. */
static size_t
mutate(char *text, size_t len)
{
	unsigned times = 1 + random_below(4);

	while (times-- > 0 && len > 0) {
		size_t at = random_below((uint32_t)len), n = 1 + random_below(6);

		n = n > len - at ? len - at : n;
		switch (random_below(5)) {
		case 0:
			memmove(text + at, text + at + n, len - at - n);
			len -= n;
			break;
		case 1:
			if (len + n > TEXT_MAX)
				break;
			memmove(text + at + n, text + at, len - at);
			len += n;
			break;
		case 2:
			if (len == TEXT_MAX)
				break;
			memmove(text + at + 1, text + at, len - at);
			len++;
			text[at] = random_octet();
			break;
		default:
			text[at] = random_octet();
		}
	}
	return len;
}

static void
agree(const char *what, struct span text, const char *from, unsigned round)
{
	if (!what)
		return;
	print_error("%s: from %s, round %u:\n", what, from, round);
	for (size_t i = 0; i < text.len; i++)
		print_error(text.at[i] >= ' ' && text.at[i] < 0x7F ? "%c" : "\\x%02x",
			    (unsigned char)text.at[i]);
	print_error("\n");
	fail();
}

static unsigned accepted, checked;

static void
compare_mutants(const char *from, struct span text, unsigned rounds)
{
	static char bytes[TEXT_MAX];
	struct span mutant;
	size_t len;

	random_state = 0x9E3779B97F4A7C15;
	for (unsigned round = 0; round < rounds; round++) {
		memcpy(bytes, text.at, text.len);
		len = round ? mutate(bytes, text.len) : text.len;
		mutant = guarded(span_of(bytes, len));
		agree(sip_differential(mutant), mutant, from, round);
		accepted += sip_differential_accepted();
		checked += sip_differential_checked();
	}
}

static void
compare_file(void *arg, const char *path, struct span text)
{
	(void)arg;
	text.len = text.len < TEXT_MAX ? text.len : TEXT_MAX;
	compare_mutants(path, text, ROUNDS_PER_FILE);
}

static void
messages_of_our_own_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct span text = guarded(text_of_string(messages[i]));

		agree(sip_differential(text), text, "the table", (unsigned)i);
		assert_true(sip_differential_checked());
		accepted = checked = 0;
		compare_mutants("the table", text_of_string(messages[i]), ROUNDS_PER_MESSAGE);
		/* The mutations are neither all good nor all bad. */
		assert_in_range(accepted, ROUNDS_PER_MESSAGE / 20, ROUNDS_PER_MESSAGE * 19 / 20);
		assert_in_range(checked, ROUNDS_PER_MESSAGE / 20, accepted - 1);
	}
}

static void
values_of_our_own_agree(void **state)
{
	static char bytes[TEXT_MAX];

	(void)state;
	random_state = 88172645463325252;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (unsigned round = 0; round < ROUNDS_PER_VALUE; round++) {
			size_t len = strlen(values[i]);
			struct span text;

			memcpy(bytes, values[i], len);
			len = round ? mutate(bytes, len) : len;
			text = guarded(span_of(bytes, len));
			agree(sip_differential_value(text), text, values[i], round);
		}
	}
}

static void
captures_and_corpora_agree(void **state)
{
	static const char *const folders[] = { "captures", "rfc4475", "rfc5118", "sip-corpus" };
	size_t files = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (sip_data_present(folders[i]))
			files += sip_data_each(folders[i], compare_file, NULL);
	if (!files)
		skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_our_own_agree),
		cmocka_unit_test(values_of_our_own_agree),
		cmocka_unit_test(captures_and_corpora_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
