/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 of text messages through the reader (W-F-12, Autobahn family 6): every sequence in one
 * frame, a frame per byte, pings between, and an empty last frame; refused with the very byte
 * that makes it impossible. Sequences with NUL are in utf8_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/ws_stream.h"

enum { VALID = 0, CUT = -1 }; /* else: number (from 1) of the first byte that cannot be */

static const struct sequence {
	const char *bytes;
	int wrong;
} sequences[] = {
	/* 6.2, 6.5: text */
	{ "", VALID },
	{ "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!", VALID },
	{ "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5", VALID },
	/* 6.3, 6.4: fail fast */
	{ "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80" "edited", 13 },
	{ "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xF4\x90\x80\x80" "edited", 13 },
	/* 6.6: the same text cut at each byte */
	{ "\xCE", CUT },
	{ "\xCE\xBA", VALID },
	{ "\xCE\xBA\xE1", CUT },
	{ "\xCE\xBA\xE1\xBD", CUT },
	{ "\xCE\xBA\xE1\xBD\xB9", VALID },
	{ "\xCE\xBA\xE1\xBD\xB9\xCF", CUT },
	/* 6.7, 6.9: first and last of each length */
	{ "\x01", VALID },
	{ "\x7F", VALID },
	{ "\xC2\x80", VALID },
	{ "\xDF\xBF", VALID },
	{ "\xE0\xA0\x80", VALID },
	{ "\xEF\xBF\xBF", VALID },
	{ "\xF0\x90\x80\x80", VALID },
	{ "\xF4\x8F\xBF\xBF", VALID },
	/* 6.8, 6.10: five and six bytes, above U+10FFFF */
	{ "\xF8\x88\x80\x80\x80", 1 },
	{ "\xFC\x84\x80\x80\x80\x80", 1 },
	{ "\xF7\xBF\xBF\xBF", 1 },
	{ "\xFB\xBF\xBF\xBF\xBF", 1 },
	{ "\xFD\xBF\xBF\xBF\xBF\xBF", 1 },
	/* 6.11: around the surrogates and the end */
	{ "\xED\x9F\xBF", VALID },
	{ "\xEE\x80\x80", VALID },
	{ "\xEF\xBF\xBD", VALID },
	{ "\xF4\x90\x80\x80", 2 },
	/* 6.12: lonely continuations */
	{ "\x80", 1 },
	{ "\xBF", 1 },
	{ "\x80\xBF", 1 },
	{ "a\x80\xBF\x80", 2 },
	{ "\xC3\xA9\x80", 3 },
	{ "\xE2\x82\xAC\xAC", 4 },
	{ "\xF0\x9F\x98\x80\x80", 5 },
	/* 6.13, 6.15: lonely leads */
	{ "\xC2 \xC3 ", 2 },
	{ "\xDF\xDF", 2 },
	{ "\xE0 ", 2 },
	{ "\xEF\xEF", 2 },
	{ "\xF0 ", 2 },
	{ "\xF4\xF4", 2 },
	{ "\xF5", 1 },
	{ "\xF8 ", 1 },
	/* 6.14: the last continuation is missing */
	{ "\xC2", CUT },
	{ "\xDF", CUT },
	{ "\xE0\xA0", CUT },
	{ "\xEF\xBF", CUT },
	{ "\xF0\x90\x80", CUT },
	{ "\xF4\x8F\xBF", CUT },
	{ "\xF0\x90", CUT },
	{ "\xF0", CUT },
	{ "\xC2" "a", 2 },
	{ "\xE0\xA0" "a", 3 },
	{ "\xF0\x90\x80" "a", 4 },
	{ "\xE1\xBD\xCE\xBA", 3 },
	/* 6.16: impossible bytes */
	{ "\xFE", 1 },
	{ "\xFF", 1 },
	{ "ab\xFF" "c", 3 },
	{ "\xFE\xFE\xFF\xFF", 1 },
	/* 6.17 to 6.19: overlong */
	{ "\xC0\xAF", 1 },
	{ "\xC1\xBF", 1 },
	{ "\xC0\x80", 1 },
	{ "\xE0\x80\xAF", 2 },
	{ "\xE0\x9F\xBF", 2 },
	{ "\xE0\x80\x80", 2 },
	{ "\xF0\x80\x80\xAF", 2 },
	{ "\xF0\x8F\xBF\xBF", 2 },
	{ "\xF0\x80\x80\x80", 2 },
	/* 6.20, 6.21: surrogates, also in pairs */
	{ "\xED\xA0\x80", 2 },
	{ "\xED\xAD\xBF", 2 },
	{ "\xED\xB0\x80", 2 },
	{ "\xED\xBF\xBF", 2 },
	{ "\xED\xA0\x80\xED\xB0\x80", 2 },
	{ "\xED\xAF\xBF\xED\xBF\xBF", 2 },
	/* 6.22, 6.23: non-characters are characters here */
	{ "\xEF\xBF\xBE", VALID },
	{ "\xEF\xB7\x90", VALID },
	{ "\xF0\x9F\xBF\xBE", VALID },
	{ "\xF3\xBF\xBF\xBF", VALID },
	{ "\xF4\x8F\xBF\xBE", VALID },
	{ "\xEF\xBB\xBF" "BOM", VALID },
};

#define FILL_LEN 40 /* enough for a vector */

enum shape {
	ONE_FRAME,
	FRAME_PER_BYTE,
	FRAME_PER_BYTE_AND_PINGS,
	FRAME_PER_BYTE_AND_EMPTY_LAST,
	SHAPES,
};

static struct stream stream;
static struct stream_reader reader;
static char frames[STREAM_BYTES_MAX], wanted[STREAM_BYTES_MAX];

/* The frames of a text in some shape. */
static void
shape_frames(const char *text, enum shape shape)
{
	size_t len = strlen(text), n = 0;

	if (shape == ONE_FRAME || len == 0) {
		snprintf(frames, sizeof(frames), "T:%s", text);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		bool last = i + 1 == len && shape != FRAME_PER_BYTE_AND_EMPTY_LAST;
		char kind = i == 0 ? (last ? 'T' : 't') : (last ? 'C' : 'c');

		n += (size_t)snprintf(frames + n, 32, "%s%c:%c", n ? "|" : "", kind, text[i]);
		if (shape == FRAME_PER_BYTE_AND_PINGS && !last)
			n += (size_t)snprintf(frames + n, 32, "|P:");
	}
	if (shape == FRAME_PER_BYTE_AND_EMPTY_LAST)
		snprintf(frames + n, 32, "|C:");
}

/* Bytes of the stream up to and with the one that shows the error; 0: none. */
static size_t
error_at(const char *text, int wrong, enum shape shape)
{
	size_t len = strlen(text);
	size_t byte = wrong == CUT ? len : (size_t)wrong;

	if (wrong == VALID)
		return 0;
	if (shape == ONE_FRAME)
		return stream.payload_at[0] + byte;
	if (shape == FRAME_PER_BYTE_AND_PINGS)
		return stream.payload_at[(byte - 1) * 2] + 1;
	if (shape == FRAME_PER_BYTE_AND_EMPTY_LAST && wrong == CUT)
		return stream.payload_at[len]; /* the last header is whole */
	return stream.payload_at[byte - 1] + 1;
}

static void
expect(const char *text, size_t at, enum shape shape)
{
	size_t pings = 0, n = 0;

	if (shape == FRAME_PER_BYTE_AND_PINGS)
		for (unsigned f = 1; f < stream.frames; f += 2)
			pings += !at || stream.payload_at[f] < at;
	for (; pings; pings--)
		n += (size_t)snprintf(wanted + n, 8, "%sP:", n ? "|" : "");
	snprintf(wanted + n, sizeof(wanted) - n, "%s%s%s", n ? "|" : "", at ? "!UTF8" : "T:",
		 at ? "" : text);
}

static size_t wanted_at;

static void
end_and_compare(void *arg)
{
	stream_read_end(arg);
	if (strcmp(reader.text, wanted) != 0)
		fail_msg("%s, %s: got %s, want %s", frames, feed_way(), reader.text, wanted);
	if (wanted_at && (wanted_at <= reader.error_from || wanted_at > reader.error_to))
		fail_msg("%s, %s: error in bytes %zu..%zu, not at %zu", frames, feed_way(),
			 reader.error_from + 1, reader.error_to, wanted_at);
}

static void
run(const char *text, int wrong, enum shape shape, enum ws_role role)
{
	const struct feed_user user = { .arg = &reader, .begin = stream_read_begin,
					.piece = stream_read_piece, .end = end_and_compare };

	shape_frames(text, shape);
	stream_build(&stream, frames, role);
	wanted_at = error_at(text, wrong, strlen(text) ? shape : ONE_FRAME);
	expect(text, wanted_at, shape);
	reader.role = role;
	feed_pieces(stream.bytes, stream.len, &user);
}

static void
every_sequence_in_every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		for (unsigned shape = 0; shape < SHAPES; shape++) {
			run(sequences[i].bytes, sequences[i].wrong, shape, WS_SERVER);
			run(sequences[i].bytes, sequences[i].wrong, shape, WS_CLIENT);
		}
	}
}

/* Among so much ASCII that the vectors are used; behind what is cut, too, then it is wrong. */
static void
every_sequence_in_long_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		const char *bytes = sequences[i].bytes;
		int wrong = sequences[i].wrong;
		char text[200];

		memset(text, 'x', sizeof(text));
		memcpy(text + FILL_LEN, bytes, strlen(bytes));
		text[2 * FILL_LEN + strlen(bytes)] = '\0';
		if (wrong == CUT)
			wrong = (int)strlen(bytes) + 1;
		wrong = wrong == VALID ? VALID : wrong + FILL_LEN;
		run(text, wrong, ONE_FRAME, WS_SERVER);
		run(text, wrong, ONE_FRAME, WS_CLIENT);
	}
}

/* What is no text is not looked at. */
static void
binary_and_control_frames_may_hold_anything(void **state)
{
	static const char *const any[] = { "B:\xFF\xFE", "b:\xC3|C:(", "P:\x80", "O:\xC0\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		stream_build(&stream, any[i], WS_SERVER);
		reader.role = WS_SERVER;
		stream_read_begin(&reader);
		stream_read_piece(&reader, stream.bytes, stream.len);
		stream_read_end(&reader);
		assert_null(strchr(reader.text, '!'));
		assert_true(ws_reader_idle(&reader.reader));
	}
}

/* A message that follows a cut one's error, or a whole one, begins between characters. */
static void
each_message_begins_anew(void **state)
{
	(void)state;
	stream_build(&stream, "t:\xC3|C:\xA9|B:\xC3|T:\xC3\xA9|b:\xC3|C:|T:a", WS_SERVER);
	reader.role = WS_SERVER;
	stream_read_begin(&reader);
	stream_read_piece(&reader, stream.bytes, stream.len);
	assert_string_equal(reader.text, "T:\xC3\xA9|B:\xC3|T:\xC3\xA9|B:\xC3|T:a");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sequence_in_every_shape),
		cmocka_unit_test(every_sequence_in_long_text),
		cmocka_unit_test(binary_and_control_frames_may_hold_anything),
		cmocka_unit_test(each_message_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
