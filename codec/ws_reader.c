/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_reader.h"
#include <assert.h>
#include <string.h>
#include "codec/ws_mask.h"

/* A frame header as far as it has come. */
struct reader_head {
	uint64_t len; /* of the payload; valid once size <= bytes there are */
	uint8_t size; /* bytes of the header if they are all there, else more than there are */
	uint8_t opcode;
	bool fin;
	bool compressed;
};

static inline bool
reader_is_control(uint8_t opcode)
{
	return opcode >= WS_OP_CLOSE;
}

/* Byte 0: FIN, RSV, opcode (§5.2), and whether such a frame may come now (§5.4). */
static enum ws_error
reader_judge_first(const struct ws_reader *r, const struct ws_limits *limits,
		   const struct reader_head *head, uint8_t rsv)
{
	if (rsv && !(rsv == 0x40 && r->deflate && !reader_is_control(head->opcode) &&
		     head->opcode != WS_OP_CONTINUATION)) /* RFC 7692 §6: first frame only */
		return WS_ERROR_RSV;
	if ((head->opcode & 7) > 2)
		return WS_ERROR_OPCODE;
	if (reader_is_control(head->opcode))
		return head->fin ? WS_OK : WS_ERROR_CONTROL_FRAGMENTED;
	if (head->opcode == WS_OP_CONTINUATION && !r->message_opcode)
		return WS_ERROR_CONTINUATION;
	if (head->opcode != WS_OP_CONTINUATION && r->message_opcode)
		return WS_ERROR_INTERLEAVED;
	if (limits->fragments && r->message_opcode && r->fragments >= limits->fragments)
		return WS_ERROR_FRAGMENTS;
	return WS_OK;
}

/* Byte 1: MASK and the 7-bit length. */
static enum ws_error
reader_judge_second(const struct ws_reader *r, uint8_t opcode, uint8_t byte)
{
	bool masked = byte & 0x80;
	uint8_t len = byte & 0x7F;

	if (r->role == WS_SERVER && !masked)
		return WS_ERROR_MASK_MISSING;
	if (r->role == WS_CLIENT && masked)
		return WS_ERROR_MASK_PRESENT;
	if (reader_is_control(opcode) && len > WS_CONTROL_MAX)
		return WS_ERROR_CONTROL_LENGTH;
	if (opcode == WS_OP_CLOSE && len == 1)
		return WS_ERROR_CLOSE_LENGTH;
	return WS_OK;
}

static enum ws_error
reader_judge_limit(const struct ws_reader *r, const struct ws_limits *limits,
		   const struct reader_head *head)
{
	uint64_t before = r->message_opcode ? r->message_bytes : 0, limit;

	if (reader_is_control(head->opcode))
		return WS_OK;
	if (limits->empty_fragments && head->len == 0 && !head->fin && r->message_opcode &&
	    r->empty_fragments >= limits->empty_fragments)
		return WS_ERROR_EMPTY_FRAGMENTS;
	if (limits->message_bytes == 0)
		return WS_OK;
	limit = limits->message_bytes + ((r->message_opcode ? r->compressed : head->compressed) ?
						 limits->compressed_extra :
						 0);
	if (before > limit || head->len > limit - before)
		return WS_ERROR_MESSAGE_TOO_BIG;
	return WS_OK;
}

static uint64_t
reader_big_endian(const uint8_t *bytes, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n = n << 8 | bytes[i];
	return n;
}

/* Bytes 2 and up: the extended length, of which `len` header bytes are there. */
static enum ws_error
reader_judge_length(const uint8_t *bytes, size_t len, struct reader_head *head)
{
	size_t extra = (bytes[1] & 0x7F) == 126 ? 2 : (bytes[1] & 0x7F) == 127 ? 8 : 0;

	head->len = bytes[1] & 0x7F;
	head->size = (uint8_t)(2 + extra);
	if (extra == 0)
		return WS_OK;
	if (extra == 8 && len > 2 && bytes[2] & 0x80)
		return WS_ERROR_LENGTH_SIGN;
	if (len < 2 + extra)
		return WS_OK;
	head->len = reader_big_endian(bytes + 2, extra);
	if (head->len < 126 || (extra == 8 && head->len <= 0xFFFF))
		return WS_ERROR_LENGTH_NOT_MINIMAL;
	return WS_OK;
}

/* Judge the first `len` (at least 1) bytes of a header, from left to right. */
static enum ws_error
reader_judge(const struct ws_reader *r, const struct ws_limits *limits, const uint8_t *bytes,
	     size_t len, struct reader_head *head)
{
	enum ws_error error;

	head->opcode = bytes[0] & 0x0F;
	head->fin = bytes[0] & 0x80;
	head->compressed = bytes[0] & 0x40;
	head->size = 2;
	error = reader_judge_first(r, limits, head, bytes[0] & 0x70);
	if (error || len < 2)
		return error;
	error = reader_judge_second(r, head->opcode, bytes[1]);
	if (error)
		return error;
	error = reader_judge_length(bytes, len, head);
	if (!error && head->size <= len)
		error = reader_judge_limit(r, limits, head);
	if (r->role == WS_SERVER)
		head->size = (uint8_t)(head->size + 4);
	return error;
}

static void
reader_fail(struct ws_reader *r, enum ws_error error, struct ws_event *ev)
{
	assert(error != WS_OK);
	*ev = (struct ws_event){ .type = WS_EVENT_ERROR, .error = error };
	r->state = WS_READER_FAILED;
}

static void
reader_begin_frame(struct ws_reader *r, const struct reader_head *head, const uint8_t *bytes)
{
	r->opcode = head->opcode;
	r->fin = head->fin;
	r->payload_left = head->len;
	r->header_len = 0;
	r->state = WS_READER_PAYLOAD;
	if (r->role == WS_SERVER)
		memcpy(r->mask, bytes + head->size - 4, 4);
	r->mask_phase = 0;
	if (reader_is_control(head->opcode)) {
		r->control_begun = false;
		return;
	}
	if (head->opcode != WS_OP_CONTINUATION) {
		r->message_opcode = head->opcode;
		r->message_bytes = 0;
		r->fragments = 0;
		r->empty_fragments = 0;
		r->compressed = head->compressed;
		r->begun = false;
		assert(utf8_complete(&r->utf8)); /* the text before ended whole */
	}
	r->message_bytes += head->len;
	r->fragments++;
	r->empty_fragments += head->len == 0 && !head->fin;
}

/* Returns the bytes consumed; the state says whether the header is whole. */
static size_t
reader_header(struct ws_reader *r, const struct ws_limits *limits, const uint8_t *in, size_t len,
	      struct ws_event *ev)
{
	struct reader_head head;
	enum ws_error error;
	size_t used = 0;

	if (r->header_len == 0) {
		error = reader_judge(r, limits, in, len, &head);
		if (error) {
			reader_fail(r, error, ev);
			return len;
		}
		if (head.size <= len) {
			reader_begin_frame(r, &head, in);
			return head.size;
		}
		memcpy(r->header, in, len);
		r->header_len = (uint8_t)len;
		return len;
	}
	while (used < len) {
		assert(r->header_len < WS_HEADER_MAX);
		r->header[r->header_len++] = in[used++];
		error = reader_judge(r, limits, r->header, r->header_len, &head);
		if (error) {
			reader_fail(r, error, ev);
			return len;
		}
		if (head.size <= r->header_len) {
			reader_begin_frame(r, &head, r->header);
			break;
		}
	}
	return used;
}

static void
reader_control_event(struct ws_reader *r, uint8_t *bytes, size_t len, struct ws_event *ev)
{
	ev->type = r->opcode == WS_OP_PING ? WS_EVENT_PING :
		   r->opcode == WS_OP_PONG ? WS_EVENT_PONG :
					     WS_EVENT_CLOSE;
	ev->opcode = r->opcode;
	ev->first = !r->control_begun;
	ev->last = r->payload_left == 0;
	ev->bytes = bytes;
	ev->len = len;
	ev->frame_left = r->payload_left;
	r->control_begun = true;
}

static void
reader_data_event(struct ws_reader *r, uint8_t *bytes, size_t len, bool high, struct ws_event *ev)
{
	bool last = r->fin && r->payload_left == 0;

	if (r->message_opcode == WS_OP_TEXT && !r->compressed) {
		if ((high || !utf8_complete(&r->utf8)) &&
		    (!utf8_feed(&r->utf8, bytes, len) || (last && !utf8_complete(&r->utf8)))) {
			reader_fail(r, WS_ERROR_UTF8, ev);
			return;
		}
	}
	if (len == 0 && !last)
		return;
	ev->type = WS_EVENT_DATA;
	ev->opcode = r->message_opcode;
	ev->first = !r->begun;
	ev->last = last;
	ev->compressed = r->compressed;
	ev->bytes = bytes;
	ev->len = len;
	ev->frame_left = r->payload_left;
	r->begun = true;
	if (last)
		r->message_opcode = 0;
}

static size_t
reader_payload(struct ws_reader *r, uint8_t *in, size_t len, struct ws_event *ev)
{
	bool high = true; /* what a server sends is not unmasked: utf8_feed() looks itself */

	if (len > r->payload_left)
		len = (size_t)r->payload_left;
	if (len == 0 && r->payload_left)
		return 0;
	r->payload_left -= len;
	if (r->payload_left == 0)
		r->state = WS_READER_HEADER;
	if (r->role == WS_SERVER) {
		high = ws_mask_apply(in, len, r->mask, r->mask_phase);
		r->mask_phase = (uint8_t)((r->mask_phase + len) & 3);
	}
	if (reader_is_control(r->opcode))
		reader_control_event(r, in, len, ev);
	else
		reader_data_event(r, in, len, high, ev);
	return len;
}

/*
 * A plain header: all there, of the only frame of a message that is not long and not compressed,
 * and within the limits. 0: it is something else, which reader_judge() has to look at.
 */
static inline size_t
reader_plain_header(const struct ws_reader *r, const struct ws_limits *limits, const uint8_t *in,
		    size_t *payload)
{
	bool masked = r->role == WS_SERVER;
	size_t len = in[1] & 0x7F, size = masked ? 6 : 2;

	if ((in[0] != (0x80 | WS_OP_TEXT) && in[0] != (0x80 | WS_OP_BINARY)) ||
	    in[1] >> 7 != masked || len == 127)
		return 0;
	if (len == 126) {
		len = (size_t)in[2] << 8 | in[3];
		size += 2;
		if (len < 126)
			return 0;
	}
	*payload = len;
	return limits->message_bytes == 0 || len <= limits->message_bytes ? size : 0;
}

/*
 * By far the most messages are one plain frame that lies whole in the input: such a one leaves no
 * trace in the reader. Returns the bytes consumed, 0 where it is not such a message.
 */
static inline size_t
reader_plain_message(struct ws_reader *r, const struct ws_limits *limits, uint8_t *in, size_t len,
		     struct ws_event *ev)
{
	bool high = true;
	size_t size, payload;

	if (len < WS_HEADER_MAX)
		return 0;
	size = reader_plain_header(r, limits, in, &payload);
	if (size == 0 || payload > len - size)
		return 0;
	if (r->role == WS_SERVER)
		high = ws_mask_apply(in + size, payload, in + size - 4, 0);
	if (high && in[0] == (0x80 | WS_OP_TEXT) && !utf8_valid(in + size, payload)) {
		reader_fail(r, WS_ERROR_UTF8, ev);
		return len;
	}
	*ev = (struct ws_event){ .type = WS_EVENT_DATA,
				 .opcode = in[0] & 0x0F,
				 .first = true,
				 .last = true,
				 .bytes = in + size,
				 .len = payload };
	return size + payload;
}

void
ws_reader_init(struct ws_reader *r, enum ws_role role, bool deflate)
{
	*r = (struct ws_reader){ .role = (uint8_t)role, .deflate = deflate };
	r->state = WS_READER_HEADER;
}

size_t
ws_reader_next(struct ws_reader *r, const struct ws_limits *limits, uint8_t *in, size_t len,
	       struct ws_event *ev)
{
	size_t used = 0;

	if (ws_reader_idle(r)) {
		used = reader_plain_message(r, limits, in, len, ev);
		if (used)
			return used;
	}
	*ev = (struct ws_event){ .type = WS_EVENT_NONE };
	if (len == 0 || r->state == WS_READER_FAILED)
		return len;
	if (r->state == WS_READER_HEADER)
		used = reader_header(r, limits, in, len, ev);
	if (r->state == WS_READER_PAYLOAD)
		used += reader_payload(r, in + used, len - used, ev);
	assert(used > 0 && used <= len);
	return r->state == WS_READER_FAILED ? len : used;
}
