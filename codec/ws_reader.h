/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_WS_READER_H
#define CODEC_WS_READER_H
/*
 * The frame and message reader of one connection, RFC 6455 §5 and §6.2, either
 * role. It is fed bytes cut anywhere, unmasks them in place, checks every rule
 * of the framing, and hands out events whose bytes are views into the input.
 * It copies nothing and owns nothing: whoever needs a message whole that came in
 * several pieces joins the pieces.
 *
 * One thread at a time per reader.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/utf8.h"
#include "codec/ws_frame.h"

/* Shared by many readers; must outlive them. 0 means no limit. */
struct ws_limits {
	uint64_t message_bytes; /* payload of one message, all fragments together: 1009 */
	uint64_t compressed_extra; /* so much more on the wire if compressed: it may have grown */
	uint32_t fragments;     /* frames in one message: 1008 */
	uint32_t empty_fragments; /* of these, empty ones that do not end it: 1008 */
};

enum ws_event_type {
	WS_EVENT_NONE,  /* all input consumed, nothing to tell */
	WS_EVENT_DATA,  /* a piece of a text or binary message */
	WS_EVENT_PING,  /* a piece of a Ping payload */
	WS_EVENT_PONG,
	WS_EVENT_CLOSE, /* a piece of a Close payload: see ws_close_parse() once whole */
	WS_EVENT_ERROR, /* the peer broke a rule: send Close, then ignore all further input */
};

/*
 * `first` and `last` tell whether this piece begins and ends its message (for
 * DATA: the whole message over all fragments) or control frame. An unfragmented
 * message that lies whole in the input is exactly one event with both set. An
 * empty message is one event with len 0; an empty fragment that does not end its message
 * is no event. Pieces of a message never carry control payload; control events may come between
 * its pieces.
 */
struct ws_event {
	enum ws_event_type type;
	uint8_t opcode;         /* DATA: WS_OP_TEXT or WS_OP_BINARY */
	bool first;
	bool last;
	bool compressed;        /* DATA: RSV1 was set on the first frame (RFC 7692) */
	enum ws_error error;    /* ERROR only */
	uint8_t *bytes;         /* into the input; unmasked */
	size_t len;
	uint64_t frame_left;    /* payload bytes of this frame that are still to come */
};

enum ws_reader_state {
	WS_READER_HEADER,
	WS_READER_PAYLOAD,
	WS_READER_FAILED,
};

struct ws_reader {
	uint64_t payload_left;   /* of the current frame */
	uint64_t message_bytes;  /* of the current message so far */
	uint32_t fragments;      /* frames of the current message so far */
	uint32_t empty_fragments;
	uint8_t header[WS_HEADER_MAX];
	uint8_t header_len;      /* bytes gathered in header[] */
	uint8_t mask[4];
	uint8_t mask_phase;
	uint8_t opcode;          /* of the current frame */
	uint8_t message_opcode;  /* of the message in progress; 0 when none is */
	bool fin;                /* current frame */
	bool begun;              /* a piece of the current message was handed out */
	bool control_begun;      /* a piece of the current control frame was handed out */
	bool compressed;         /* current message */
	bool deflate;            /* RSV1 is legal: permessage-deflate was agreed */
	uint8_t role;            /* enum ws_role */
	uint8_t state;           /* enum ws_reader_state */
	struct utf8 utf8;
};

void ws_reader_init(struct ws_reader *r, enum ws_role role, bool deflate);

/*
 * Read on in in[0..len). Returns the bytes consumed (at least 1 when len > 0) and fills `ev`.
 * Call again with the rest until len is 0. After WS_EVENT_ERROR the reader
 * consumes everything and says WS_EVENT_NONE.
 *
 * A header is judged byte by byte as it comes: what its first bytes rule out is an error
 * before the rest is there. Text is checked as it comes (W-F-12: fail fast), except compressed
 * text, which the caller checks after inflating; the limit then counts compressed bytes. Close
 * payload is not looked at here, but a Close with one byte of it is refused by its length.
 */
size_t ws_reader_next(struct ws_reader *r, const struct ws_limits *limits, uint8_t *in,
		      size_t len, struct ws_event *ev);

/* Between messages and between frames: the reader holds nothing of the input. */
static inline bool
ws_reader_idle(const struct ws_reader *r)
{
	return r->state == WS_READER_HEADER && r->header_len == 0 && r->message_opcode == 0;
}

#endif
