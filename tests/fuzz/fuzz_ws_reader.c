/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame and message reader, both roles. Input: a byte of role and limits, a byte that decides
 * the cuts, the stream. However the stream is cut, the same messages and control frames end in
 * the same order, and the same error ends them all.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "codec/utf8.h"
#include "codec/ws_close.h"
#include "codec/ws_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has come of a stream: a fold of all that ended, and what has not. */
struct story {
	uint64_t hash;
	enum ws_error error;
	struct part {
		bool open;
		uint64_t hash, len;
		struct utf8 utf8;
		uint8_t close[WS_CONTROL_MAX];
	} message, control;
};

/* Where pieces are read, and what came of them. */
struct room {
	uint8_t *memory; /* a block of its own, so that a sanitizer sees a byte read too far */
	size_t len;
	struct story story;
};

static uint64_t
fold(uint64_t hash, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001B3u;
	return hash;
}

static void
tell(struct story *s, const struct ws_event *ev, const struct ws_limits *limits)
{
	struct part *p = ev->type == WS_EVENT_DATA ? &s->message : &s->control;
	const uint8_t kind[3] = { (uint8_t)ev->type, ev->opcode, ev->compressed };
	struct ws_close close;

	assert(ev->first == !p->open && (ev->len || ev->last));
	if (ev->first)
		*p = (struct part){ .open = true, .hash = fold(0, kind, sizeof(kind)) };
	if (p == &s->control) {
		assert(p->len + ev->len <= WS_CONTROL_MAX);
		memcpy(p->close + p->len, ev->bytes, ev->len);
	} else if (ev->opcode == WS_OP_TEXT && !ev->compressed) {
		assert(utf8_feed_scalar(&p->utf8, ev->bytes, ev->len));
		assert(!ev->last || utf8_complete(&p->utf8));
	}
	p->hash = fold(p->hash, ev->bytes, ev->len);
	p->len += ev->len;
	if (!ev->last)
		return;
	assert(p != &s->message || !limits->message_bytes || p->len <= limits->message_bytes);
	if (ev->type == WS_EVENT_CLOSE)
		ws_close_parse(p->close, (size_t)p->len, &close);
	s->hash = fold(s->hash, (const uint8_t *)&p->hash, sizeof(p->hash));
	p->open = false;
}

/* One piece, in the last bytes of `room`: it is unmasked in place. */
static void
read_piece(struct ws_reader *r, const struct ws_limits *limits, struct room *room,
	   const uint8_t *bytes, size_t len)
{
	uint8_t *copy = room->memory + room->len - len;
	struct story *s = &room->story;

	memcpy(copy, bytes, len);
	for (size_t at = 0; at < len;) {
		struct ws_event ev;
		size_t n = ws_reader_next(r, limits, copy + at, len - at, &ev);

		assert(n > 0 && n <= len - at);
		assert(!s->error || ev.type == WS_EVENT_NONE);
		if (ev.type == WS_EVENT_ERROR)
			s->error = ev.error;
		else if (ev.type != WS_EVENT_NONE)
			tell(s, &ev, limits);
		at += n;
	}
}

static void
finish(struct story *s)
{
	/* What came of a message before its error depends on the cuts. */
	if (s->error)
		return;
	s->hash = fold(s->hash, (const uint8_t *)&s->message.open, sizeof(bool));
	if (s->message.open)
		s->hash = fold(s->hash, (const uint8_t *)&s->message.hash, sizeof(uint64_t));
	if (s->control.open)
		s->hash = fold(s->hash, (const uint8_t *)&s->control.hash, sizeof(uint64_t));
}

/* Read the stream in pieces that `cuts` decides: whole, byte by byte, or of changing sizes. */
static struct story
read_stream(const uint8_t *data, size_t size, uint8_t options, int cuts)
{
	struct room room = { .memory = malloc(size), .len = size };
	const struct ws_limits limits = { .message_bytes = options & 4 ? options : 0,
					  .fragments = options & 8 ? options >> 4 : 0 };
	uint32_t state = (uint32_t)cuts * 2654435761u + 1;
	struct ws_reader r;

	assert(room.memory);
	ws_reader_init(&r, options & 1 ? WS_CLIENT : WS_SERVER, options & 2);
	for (size_t at = 0, n; at < size; at += n) {
		n = cuts < 0 ? size : 1;
		if (cuts > 0) {
			state = state * 1664525u + 1013904223u;
			n = 1 + (state >> 24) % (2u * (uint32_t)cuts);
		}
		if (n > size - at)
			n = size - at;
		read_piece(&r, &limits, &room, data + at, n);
	}
	finish(&room.story);
	free(room.memory);
	return room.story;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct story whole, pieces;

	if (size < 3)
		return 0;
	whole = read_stream(data + 2, size - 2, data[0], -1);
	pieces = read_stream(data + 2, size - 2, data[0], data[1]);
	assert(whole.error == pieces.error && whole.hash == pieces.hash);
	return 0;
}
