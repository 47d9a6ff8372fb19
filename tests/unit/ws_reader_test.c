/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame and message reader, both roles, cut everywhere: W-F-01, 03..09, 11, 12, 14..17,
 * W-L-11, Z-04, and the Autobahn families 1 to 5 and 7 in unit form (6: ws_reader_utf8_test.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/ws_stream.h"

struct vector {
	const char *frames, *events; /* see tests/ws_stream.h */
	struct ws_limits limits;
	bool deflate;
};

#define V(in, out) .frames = in, .events = out

static const struct vector vectors[] = {
	/* W-F-01, W-L-11: the mask bit, in the second byte; for a client it is MASK_PRESENT */
	{ V("!T:Hello", "!MASK_MISSING@0h2") },
	{ V("!P:", "!MASK_MISSING@0h2") },
	{ V("t:a|!C:b", "!MASK_MISSING@1h2") },
	{ V("T:a|!X:", "T:a|!MASK_MISSING@1h2") },

	/* W-F-03, Autobahn 3: reserved bits, in the first byte */
	{ V("1T:a", "!RSV@0h1") },
	{ V("2B:a", "!RSV@0h1") },
	{ V("3P:a", "!RSV@0h1") },
	{ V("4T:a", "!RSV@0h1") },
	{ V("5O:a", "!RSV@0h1") },
	{ V("6X:", "!RSV@0h1") },
	{ V("7T:", "!RSV@0h1") },
	{ V("T:a|1T:b|P:", "T:a|!RSV@1h1") },
	{ V("t:a|4C:b", "!RSV@1h1") },
	/* Z-04: RSV1 with permessage-deflate, on the first frame of a message only */
	{ V("4T:\x80\xFF", "4T:\x80\xFF"), .deflate = true },
	{ V("4t:\xC3|C:\xFF", "4T:\xC3\xFF"), .deflate = true },
	{ V("4B:a|B:b|4t:c|P:d|C:e", "4B:a|B:b|P:d|4T:ce"), .deflate = true },
	{ V("4t:a|4C:b", "!RSV@1h1"), .deflate = true },
	{ V("4P:", "!RSV@0h1"), .deflate = true },
	{ V("4X:", "!RSV@0h1"), .deflate = true },
	{ V("6T:a", "!RSV@0h1"), .deflate = true },
	{ V("2T:a", "!RSV@0h1"), .deflate = true },
	{ V("T:\xFF", "!UTF8@0p1"), .deflate = true },

	/* W-F-05: lengths in their shortest form, the top bit clear */
	{ V("T/2:a", "!LENGTH_NOT_MINIMAL@0h4") },
	{ V("T/2*125:", "!LENGTH_NOT_MINIMAL@0h4") },
	{ V("B/8*126:", "!LENGTH_NOT_MINIMAL@0h10") },
	{ V("B/8:", "!LENGTH_NOT_MINIMAL@0h10") },
	{ V("B/8~65535:", "!LENGTH_NOT_MINIMAL@0h10") },
	{ V("B~9223372036854775808:", "!LENGTH_SIGN@0h3") },
	{ V("B~18446744073709551615:", "!LENGTH_SIGN@0h3") },
	{ V("B~9223372036854775807:", "") },

	/* W-F-07, Autobahn 5: fragments */
	{ V("C:a", "!CONTINUATION@0h1") },
	{ V("c:a", "!CONTINUATION@0h1") },
	{ V("C:", "!CONTINUATION@0h1") },
	{ V("T:a|C:b", "T:a|!CONTINUATION@1h1") },
	{ V("t:a|C:b|C:c|T:d", "T:ab|!CONTINUATION@2h1") },
	{ V("t:a|T:b", "!INTERLEAVED@1h1") },
	{ V("t:a|b:b", "!INTERLEAVED@1h1") },
	{ V("b:|B:", "!INTERLEAVED@1h1") },
	{ V("t:a|c:b|P:|t:c", "P:|!INTERLEAVED@3h1") },
	{ V("t:Hel|C:lo", "T:Hello") },
	{ V("b:|c:|C:", "B:") },
	{ V("t:|c:|C:a", "T:a") },
	{ V("t:a|c:|c:|C:", "T:a") },
	{ V("t:a|c:b|c:c|c:d|C:e", "T:abcde") },
	{ V("t:1|P:2|c:3|P:4|O:5|C:6", "P:2|P:4|O:5|T:136") },
	{ V("t:|P:x|C:y|B:z", "P:x|T:y|B:z") },
	{ V("t:a|P:|X:|C:b", "P:|X:|T:ab") },
	{ V("t:a|c:b", "t:ab") },

	/* W-F-09, Autobahn 2 and 5.1, 5.2: control frames */
	{ V("p:", "!CONTROL_FRAGMENTED@0h1") },
	{ V("o:a", "!CONTROL_FRAGMENTED@0h1") },
	{ V("x:", "!CONTROL_FRAGMENTED@0h1") },
	{ V("t:a|p:b", "!CONTROL_FRAGMENTED@1h1") },
	{ V("P*126:", "!CONTROL_LENGTH@0h2") },
	{ V("O~65536:", "!CONTROL_LENGTH@0h2") },
	{ V("X*126:", "!CONTROL_LENGTH@0h2") },
	{ V("P/2:a", "!CONTROL_LENGTH@0h2") },
	{ V("P:", "P:") },
	{ V("P:Hello", "P:Hello") },
	{ V("P:\xFF\xFE\xFD", "P:\xFF\xFE\xFD") },
	{ V("O:", "O:") },
	{ V("O:x|P:y|O:", "O:x|P:y|O:") },
	{ V("P:0|P:1|P:2|P:3|P:4|P:5|P:6|P:7|P:8|P:9",
	    "P:0|P:1|P:2|P:3|P:4|P:5|P:6|P:7|P:8|P:9") },

	/* W-F-17, Autobahn 7: a Close's length here, the rest in ws_close_test.c */
	{ V("X:a", "!CLOSE_LENGTH@0h2") },
	{ V("T:a|X:b", "T:a|!CLOSE_LENGTH@1h2") },
	{ V("X:", "X:") },
	{ V("X:\x03\xE8" "bye", "X:\x03\xE8" "bye") },
	{ V("X:\x03\xE8|X:\x03\xE9|P:", "X:\x03\xE8|X:\x03\xE9|P:") },

	/* The same where a whole message might be taken in one step */
	{ V("!T:long enough, masked wrongly", "!MASK_MISSING@0h2") },
	{ V("1T:long enough, with a bit", "!RSV@0h1") },
	{ V("4T:long enough, with a bit", "!RSV@0h1") },
	{ V("4T:long enough, with a bit", "4T:long enough, with a bit"), .deflate = true },
	{ V("t:a|T:long enough, in another", "!INTERLEAVED@1h1") },
	{ V("T:a|C:long enough, of nothing", "T:a|!CONTINUATION@1h1") },
	{ V("t:a|C:long enough, of something", "T:along enough, of something") },
	{ V("T:|T:|B:..\x81\x85" "keysHello, no frame",
	    "T:|T:|B:..\x81\x85" "keysHello, no frame") },
	{ V("T:|T:|b:..\x81\x05Hello, no frame|C:", "T:|T:|B:..\x81\x05Hello, no frame") },
	/* here the second byte and the key look like a header: 81 AF */
	{ V("T:|T:|T:|T:|T:|T:|B:a|P:as many bytes behind it as that header announces to come",
	    "T:|T:|T:|T:|T:|T:|B:a|P:as many bytes behind it as that header announces to come") },
	{ V("P:|P:|P:..\x81\x05Hello, no frame", "P:|P:|P:..\x81\x05Hello, no frame") },

	/* Autobahn 1: framing */
	{ V("T:", "T:") },
	{ V("B:", "B:") },
	{ V("T:Hello", "T:Hello") },
	{ V("B:\x80\xC0\xFF", "B:\x80\xC0\xFF") },
	{ V("T:a|B:b|T:|B:|T:c", "T:a|B:b|T:|B:|T:c") },
	{ V("T:\r\n\r\n", "T:\r\n\r\n") },

	/* W-F-16: limits, known with the length */
	{ V("T:Hello", "T:Hello"), .limits = { .message_bytes = 5 } },
	{ V("T:Hello!", "!MESSAGE_TOO_BIG@0h2"), .limits = { .message_bytes = 5 } },
	{ V("T*126:", "!MESSAGE_TOO_BIG@0h4"), .limits = { .message_bytes = 125 } },
	{ V("B~65536:", "!MESSAGE_TOO_BIG@0h10"), .limits = { .message_bytes = 65535 } },
	{ V("B~9223372036854775807:", "!MESSAGE_TOO_BIG@0h10"),
	  .limits = { .message_bytes = 1 } },
	{ V("t:abc|C:de", "T:abcde"), .limits = { .message_bytes = 5 } },
	{ V("t:abc|C:def", "!MESSAGE_TOO_BIG@1h2"), .limits = { .message_bytes = 5 } },
	{ V("t:abc|c:de|c:|P:long enough|C:f", "P:long enough|!MESSAGE_TOO_BIG@4h2"),
	  .limits = { .message_bytes = 5 } },
	{ V("t:abcde|C:|T:fghij", "T:abcde|T:fghij"), .limits = { .message_bytes = 5 } },
	{ V("t:a|C~9223372036854775807:", "!MESSAGE_TOO_BIG@1h10"),
	  .limits = { .message_bytes = UINT64_MAX / 2 } },
	{ V("P:a control frame is no message", "P:a control frame is no message"),
	  .limits = { .message_bytes = 1 } },
	{ V("4T:abc", "!MESSAGE_TOO_BIG@0h2"),
	  .limits = { .message_bytes = 2 }, .deflate = true },
	{ V("t:a|c:b|C:c|T:d", "T:abc|T:d"), .limits = { .fragments = 3 } },
	{ V("t:a|c:b|P:|c:c|C:d", "P:|!FRAGMENTS@4h1"), .limits = { .fragments = 3 } },
	{ V("t:|c:|c:|c:|C:", "!FRAGMENTS@3h1"), .limits = { .fragments = 3 } },
	{ V("T:a|T:b|T:c", "T:a|T:b|T:c"), .limits = { .fragments = 1 } },
	{ V("t:a|C:b", "!FRAGMENTS@1h1"), .limits = { .fragments = 1 } },
};

#undef V

/* Takes "@FhN" off an expected text, and tells the byte of the stream; 0: none. */
static size_t
expected_error_at(char *events, const struct stream *s)
{
	char *mark = strrchr(events, '@');
	char *bang = strrchr(events, '!');
	unsigned long frame, byte;

	if (!mark || !bang || mark < bang)
		return 0;
	*mark = '\0';
	frame = strtoul(mark + 1, &mark, 10);
	byte = strtoul(mark + 1, NULL, 10);
	assert_in_range(frame, 0, s->frames - 1);
	return (*mark == 'h' ? s->header_at[frame] : s->payload_at[frame]) + byte;
}

static struct stream stream;
static struct stream_reader reader;
static char wanted[STREAM_BYTES_MAX];
static size_t wanted_error_at;
static const char *current;

static void
end_and_compare(void *arg)
{
	stream_read_end(arg);
	if (strcmp(reader.text, wanted) != 0)
		fail_msg("%s as %s, %s: got %.200s, want %.200s", current,
			 reader.role == WS_SERVER ? "server" : "client", feed_way(), reader.text,
			 wanted);
	if (wanted_error_at && (wanted_error_at <= reader.error_from ||
				wanted_error_at > reader.error_to))
		fail_msg("%s as %s, %s: error in bytes %zu..%zu, not at %zu", current,
			 reader.role == WS_SERVER ? "server" : "client", feed_way(),
			 reader.error_from + 1, reader.error_to, wanted_error_at);
}

static void
run(const struct vector *v, enum ws_role role)
{
	const struct feed_user user = { .arg = &reader, .begin = stream_read_begin,
					.piece = stream_read_piece, .end = end_and_compare };
	char *wrong_mask;

	current = v->frames;
	stream_build(&stream, v->frames, role);
	snprintf(wanted, sizeof(wanted), "%s", v->events);
	wrong_mask = strstr(wanted, "MASK_MISSING");
	if (wrong_mask && role == WS_CLIENT)
		memcpy(wrong_mask, "MASK_PRESENT", strlen("MASK_PRESENT"));
	wanted_error_at = expected_error_at(wanted, &stream);
	reader.role = role;
	reader.limits = v->limits;
	reader.deflate = v->deflate;
	feed_pieces(stream.bytes, stream.len, &user);
}

static void
every_vector_however_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		run(&vectors[i], WS_SERVER);
		run(&vectors[i], WS_CLIENT);
	}
}

/* W-F-04, Autobahn 4: in the first byte, with and without FIN, alone and inside a message. */
static void
reserved_opcodes(void **state)
{
	(void)state;
	for (unsigned opcode = 0; opcode <= 0xF; opcode++) {
		char frames[64];

		if (opcode <= 2 || (opcode >= 8 && opcode <= 0xA))
			continue;
		for (unsigned form = 0; form < 6; form++) {
			bool inside = form % 3 == 2;
			const struct vector v = {
				.frames = frames,
				.events = inside ? "T:x|!OPCODE@2h1" : "!OPCODE@0h1",
			};

			snprintf(frames, sizeof(frames), "%s%c%x:%s", inside ? "T:x|t:y|" : "",
				 form < 3 ? '=' : '-', opcode, form % 3 ? "abc" : "");
			run(&v, WS_SERVER);
			run(&v, WS_CLIENT);
		}
	}
}

/* Autobahn 1.1 and 1.2: every length at which the encoding changes, in chops of many sizes. */
static void
lengths(void **state)
{
	static const size_t lens[] = { 0, 1, 124, 125, 126, 127, 128, 255, 256, 65535, 65536,
				       70000 };
	static const size_t chops[] = { 1, 2, 3, 7, 13, 125, 997, 4096, 65535, SIZE_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (size_t k = 0; k < 2 * sizeof(chops) / sizeof(chops[0]); k++) {
			size_t chop = chops[k / 2], want;
			char frames[64];

			reader.role = k % 2 ? WS_SERVER : WS_CLIENT;
			reader.limits = (struct ws_limits){ 0 };
			reader.deflate = false;
			snprintf(frames, sizeof(frames), "%c*%zu:|P:p", k % 4 < 2 ? 'T' : 'B',
				 lens[i]);
			stream_build(&stream, frames, reader.role);
			stream_read_begin(&reader);
			for (size_t at = 0; at < stream.len; at += chop) {
				size_t n = stream.len - at < chop ? stream.len - at : chop;

				stream_read_piece(&reader, feed_guarded(stream.bytes + at, n), n);
				if (n < chop)
					break;
			}
			want = lens[i] + strlen("T:|P:p");
			assert_int_equal(reader.text_len, want);
			assert_memory_equal(reader.text + want - 4, "|P:p", 4);
			assert_true(ws_reader_idle(&reader.reader));
		}
	}
}

static void
a_whole_message_is_one_event(void **state)
{
	static const char *const frames[] = { "T:", "T:Hello", "B:\xFF", "P:ping", "X:", "T*500:" };
	const struct ws_limits limits = { .message_bytes = 1000, .fragments = 4 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(frames) / sizeof(frames[0]); i++) {
		enum ws_role role = i % 2 ? WS_CLIENT : WS_SERVER;
		struct ws_reader r;
		struct ws_event ev;
		uint8_t *in;

		stream_build(&stream, frames[i / 2], role);
		in = feed_guarded(stream.bytes, stream.len);
		ws_reader_init(&r, role, false);
		assert_int_equal(ws_reader_next(&r, &limits, in, stream.len, &ev), stream.len);
		assert_true(ev.first && ev.last && ev.type != WS_EVENT_NONE);
		assert_int_equal(ev.frame_left, 0);
		assert_ptr_equal(ev.bytes + ev.len, in + stream.len);
		assert_true(ws_reader_idle(&r));
		assert_int_equal(ws_reader_next(&r, &limits, in, 0, &ev), 0);
		assert_int_equal(ev.type, WS_EVENT_NONE);
	}
}

static void
idle_is_between_messages_only(void **state)
{
	const struct ws_limits limits = { 0 };
	struct ws_reader r;
	struct ws_event ev;

	(void)state;
	stream_build(&stream, "t:ab|P:c|C:d", WS_SERVER);
	ws_reader_init(&r, WS_SERVER, false);
	assert_true(ws_reader_idle(&r));
	for (size_t i = 0; i < stream.len; i++) {
		assert_int_equal(ws_reader_next(&r, &limits, stream.bytes + i, 1, &ev), 1);
		assert_int_equal(ws_reader_idle(&r), i + 1 == stream.len);
		if (ev.type == WS_EVENT_DATA && ev.first)
			assert_int_equal(ev.frame_left, 1);
	}
}

/* The limits are shared and may be changed by a reload; a message in progress may be over them. */
static void
limits_may_shrink_in_a_message(void **state)
{
	struct ws_limits limits = { .message_bytes = 100, .fragments = 10 };
	struct ws_reader r;
	struct ws_event ev;

	(void)state;
	stream_build(&stream, "t*50:|C:a", WS_SERVER);
	ws_reader_init(&r, WS_SERVER, false);
	assert_int_equal(ws_reader_next(&r, &limits, stream.bytes, stream.header_at[1], &ev),
			 stream.header_at[1]);
	limits.message_bytes = 10;
	ws_reader_next(&r, &limits, stream.bytes + stream.header_at[1],
		       stream.len - stream.header_at[1], &ev);
	assert_int_equal(ev.type, WS_EVENT_ERROR);
	assert_int_equal(ev.error, WS_ERROR_MESSAGE_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_however_cut),
		cmocka_unit_test(reserved_opcodes),
		cmocka_unit_test(lengths),
		cmocka_unit_test(a_whole_message_is_one_event),
		cmocka_unit_test(limits_may_shrink_in_a_message),
		cmocka_unit_test(idle_is_between_messages_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
