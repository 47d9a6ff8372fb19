/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_WS_STREAM_H
#define TESTS_WS_STREAM_H
/*
 * WebSocket streams and what a reader must say about them, both as short texts, so that a test is
 * one line of a table.
 *
 * Frames, separated by '|': [RSV as a digit 1..7] ['!': mask bit wrong for the role] kind
 * [options] ':' payload. RSV1 is 4, as in the byte. Kinds: T text, B binary, C continuation,
 * P ping, O pong, X close; lower case: FIN is not set; '=' and a hex digit: any opcode, with FIN;
 * '-' and a hex digit: without. Options: '/2' or '/8': the length in that many extra bytes;
 * '*N': N bytes 'a' instead of a payload; '~N': only a header that announces N bytes.
 *
 * Events: whole messages and control frames in the order they end, in the letters above, '4'
 * in front of a compressed message; a message that has not ended in lower case, at the end;
 * '!' and the symbol of an error. '@FhN' or '@FpN' behind it: the error shows with byte N (from 1)
 * of the header or payload of frame F (from 0), neither sooner nor later. What came of the
 * message in which the error is, is not shown.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "codec/ws_frame.h"
#include "codec/ws_mask.h"
#include "codec/ws_reader.h"
#include "tests/feed.h"

#define STREAM_FRAMES_MAX 64
#define STREAM_BYTES_MAX (1u << 18)

struct stream {
	uint8_t bytes[STREAM_BYTES_MAX];
	size_t len;
	size_t header_at[STREAM_FRAMES_MAX], payload_at[STREAM_FRAMES_MAX];
	unsigned frames;
};

static const char *const stream_error_names[] = {
	"OK",
#define WS_ERROR(symbol, code, words, duty) #symbol,
#include "codec/ws_error.def"
#undef WS_ERROR
};

static const char stream_kinds[] = "CTB.....XPO....."; /* by opcode */

static inline uint8_t
stream_opcode(const char **text, bool *fin)
{
	char c = *(*text)++;
	const char *kind;

	if (c == '=' || c == '-') {
		char hex[2] = { *(*text)++, 0 };

		*fin = c == '=';
		return (uint8_t)strtoul(hex, NULL, 16);
	}
	*fin = c < 'a';
	kind = strchr(stream_kinds, c & ~0x20);
	assert(kind && *kind != '.');
	return (uint8_t)(kind - stream_kinds);
}

static inline void
stream_put_length(struct stream *s, uint64_t len, unsigned form)
{
	unsigned bytes = form ? form : len < 126 ? 0 : len <= 0xFFFF ? 2 : 8;

	s->bytes[s->len++] |= bytes == 8 ? 127 : bytes == 2 ? 126 : (uint8_t)len;
	for (unsigned i = bytes; i-- > 0;)
		s->bytes[s->len++] = (uint8_t)(len >> 8 * i);
}

static inline void
stream_put_payload(struct stream *s, const char *payload, size_t len, bool masked)
{
	/* Each frame has another key; every third one the zero key, which is legal. */
	uint8_t f = (uint8_t)(s->frames % 3 == 2 ? 0 : s->frames * 29 + 1);
	const uint8_t key[4] = { f, (uint8_t)(f * 3), (uint8_t)(f * 5), (uint8_t)(f * 7) };

	if (masked) {
		memcpy(s->bytes + s->len, key, 4);
		s->len += 4;
	}
	s->payload_at[s->frames++] = s->len;
	assert(s->len + len <= STREAM_BYTES_MAX && s->frames <= STREAM_FRAMES_MAX);
	memcpy(s->bytes + s->len, payload, len);
	if (masked)
		ws_mask_apply_scalar(s->bytes + s->len, len, key, 0);
	s->len += len;
}

static inline void
stream_add(struct stream *s, const char **text, enum ws_role reader)
{
	static char filler[STREAM_BYTES_MAX];
	bool fin, announced = false, masked = reader == WS_SERVER;
	unsigned rsv = 0, form = 0;
	const char *payload = NULL;
	uint64_t len = 0;
	uint8_t opcode;

	if (**text >= '1' && **text <= '7')
		rsv = (unsigned)(*(*text)++ - '0');
	if (**text == '!') {
		masked = !masked;
		(*text)++;
	}
	opcode = stream_opcode(text, &fin);
	if (**text == '/') {
		form = (unsigned)((*text)[1] - '0');
		*text += 2;
	}
	if (**text == '*' || **text == '~') {
		announced = **text == '~';
		len = strtoull(*text + 1, NULL, 10);
		*text += 1 + strspn(*text + 1, "0123456789");
		memset(filler, 'a', sizeof(filler));
		payload = filler;
	}
	assert(**text == ':');
	(*text)++;
	if (!payload) {
		payload = *text;
		len = strcspn(payload, "|");
		*text += len;
	}
	s->header_at[s->frames] = s->len;
	s->bytes[s->len++] = (uint8_t)((fin ? 0x80 : 0) | rsv << 4 | opcode);
	s->bytes[s->len] = masked ? 0x80 : 0;
	stream_put_length(s, len, form);
	stream_put_payload(s, payload, announced ? 0 : (size_t)len, masked);
}

/* The bytes of `frames` as they come to a reader of this role. */
static inline void
stream_build(struct stream *s, const char *frames, enum ws_role reader)
{
	s->len = 0;
	s->frames = 0;
	while (*frames) {
		stream_add(s, &frames, reader);
		assert(*frames == '|' || *frames == '\0');
		if (*frames == '|')
			frames++;
	}
}

/* ---- reading ---- */

struct stream_reader {
	struct ws_reader reader;
	struct ws_limits limits;
	enum ws_role role;
	bool deflate;
	size_t fed;             /* bytes before the current piece */
	size_t error_from, error_to; /* the piece an error came with */
	char text[STREAM_BYTES_MAX]; /* the events so far */
	size_t text_len;
	char open[2][STREAM_BYTES_MAX]; /* data message and control frame in progress */
	size_t open_len[2];
	bool is_open[2];
	struct ws_event first[2];
};

static inline void
stream_read_begin(void *arg)
{
	struct stream_reader *r = arg;

	ws_reader_init(&r->reader, r->role, r->deflate);
	r->fed = r->error_to = r->text_len = 0;
	r->is_open[0] = r->is_open[1] = false;
	r->text[0] = '\0';
}

static inline void
stream_read_say(struct stream_reader *r, const char *head, const char *bytes, size_t len)
{
	r->text_len += (size_t)snprintf(r->text + r->text_len, 80, "%s%s",
					r->text_len ? "|" : "", head);
	memcpy(r->text + r->text_len, bytes, len);
	r->text_len += len;
	r->text[r->text_len] = '\0';
}

static inline void
stream_read_whole(struct stream_reader *r, int which, char kind)
{
	const char head[] = { '4', kind, ':', '\0' };
	bool compressed = r->first[which].compressed;

	stream_read_say(r, compressed ? head : head + 1, r->open[which], r->open_len[which]);
	r->is_open[which] = false;
}

static inline void
stream_read_event(struct stream_reader *r, const struct ws_event *ev)
{
	int which = ev->type != WS_EVENT_DATA;

	assert(ev->first == !r->is_open[which]);
	if (ev->first) {
		r->first[which] = *ev;
		r->open_len[which] = 0;
		r->is_open[which] = true;
	}
	assert(ev->opcode == r->first[which].opcode);
	assert(ev->compressed == r->first[which].compressed);
	assert(ev->len || ev->last);
	memcpy(r->open[which] + r->open_len[which], ev->bytes, ev->len);
	r->open_len[which] += ev->len;
	if (ev->last)
		stream_read_whole(r, which, stream_kinds[ev->opcode]);
}

static inline void
stream_read_piece(void *arg, uint8_t *bytes, size_t len)
{
	struct stream_reader *r = arg;
	bool failed = r->error_to != 0;

	for (size_t at = 0; at < len;) {
		struct ws_event ev;
		size_t n = ws_reader_next(&r->reader, &r->limits, bytes + at, len - at, &ev);

		assert(n > 0 && n <= len - at);
		assert(!failed || (ev.type == WS_EVENT_NONE && n == len - at));
		if (ev.type == WS_EVENT_ERROR) {
			char head[64];

			failed = true;
			r->error_from = r->fed;
			r->error_to = r->fed + len;
			snprintf(head, sizeof(head), "!%s", stream_error_names[ev.error]);
			r->is_open[0] = r->is_open[1] = false;
			stream_read_say(r, head, "", 0);
		} else if (ev.type != WS_EVENT_NONE) {
			assert(ev.bytes >= bytes && ev.bytes + ev.len <= bytes + at + n);
			stream_read_event(r, &ev);
		}
		at += n;
	}
	r->fed += len;
}

static inline void
stream_read_end(void *arg)
{
	struct stream_reader *r = arg;

	for (int which = 1; which >= 0; which--)
		if (r->is_open[which])
			stream_read_whole(r, which,
					  (char)(stream_kinds[r->first[which].opcode] | 0x20));
}

#endif
