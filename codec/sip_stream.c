/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_stream.h"

#include <stdbool.h>
#include <string.h>
#include "codec/sip_msg.h"

/* One past the empty line that ends the head; 0: it is not there yet. */
static size_t
head_end(const struct sip_stream *s, const char *bytes, size_t len)
{
	size_t at = s->seen > 3 ? s->seen - 3 : 0;

	while (len - at >= 4) {
		const char *cr = memchr(bytes + at, '\r', len - at - 3);

		if (!cr)
			return 0;
		at = (size_t)(cr - bytes);
		if (memcmp(cr, "\r\n\r\n", 4) == 0)
			return at + 4;
		at++;
	}
	return 0;
}

/* The lines of a head, folded ones as one (§7.3.1); false at its end. */
static bool
line_next(struct span *rest, struct span *line)
{
	const char *end = rest->at;

	if (rest->len < 2 || (rest->at[0] == '\r' && rest->at[1] == '\n'))
		return false;
	do {
		end = memchr(end, '\n', rest->len - (size_t)(end - rest->at));
		if (!end)
			return false;
		end++;
	} while (end < rest->at + rest->len && (*end == ' ' || *end == '\t'));
	*line = span_of(rest->at, (size_t)(end - rest->at));
	*rest = span_of(end, rest->len - line->len);
	return true;
}

/* The number in this value; UINT32_MAX: it is none, or larger than any message. */
static uint32_t
number(struct span value)
{
	uint64_t n = 0;

	value = span_trim(value);
	if (!value.len)
		return UINT32_MAX;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return UINT32_MAX;
		n = n * 10 + (uint64_t)(value.at[i] - '0');
		if (n >= UINT32_MAX)
			return UINT32_MAX;
	}
	return (uint32_t)n;
}

/* T-10: bytes of the body. False: nobody can say. Two that differ are none. */
static bool
body_len(struct span head, uint32_t *out)
{
	struct span line, name;
	bool any = false;

	if (!line_next(&head, &line)) /* the start line */
		return false;
	while (line_next(&head, &line)) {
		const char *colon = memchr(line.at, ':', line.len);
		uint32_t n;

		if (!colon)
			continue;
		name = span_trim(span_of(line.at, (size_t)(colon - line.at)));
		if (sip_field_lookup(name) != SIP_FIELD_CONTENT_LENGTH)
			continue;
		n = number(span_of(colon + 1, line.len - (size_t)(colon + 1 - line.at)));
		if (n == UINT32_MAX || (any && n != *out))
			return false;
		*out = n;
		any = true;
	}
	return any;
}

/* Between two messages: an event, or MESSAGE when something else begins here. */
static enum sip_stream_event
blank(const char *bytes, size_t len, uint32_t *used)
{
	if (len == 0 || bytes[0] != '\r')
		return len ? SIP_STREAM_MESSAGE : SIP_STREAM_MORE;
	if (len < 3)
		return len < 2 || bytes[1] == '\n' ? SIP_STREAM_MORE : SIP_STREAM_BROKEN;
	if (bytes[1] != '\n')
		return SIP_STREAM_BROKEN;
	if (bytes[2] == '\r' && len < 4)
		return SIP_STREAM_MORE;
	*used = bytes[2] == '\r' ? 4 : 2;
	if (bytes[2] != '\r')
		return SIP_STREAM_BLANK;
	return bytes[3] == '\n' ? SIP_STREAM_PING : SIP_STREAM_BROKEN;
}

static enum sip_stream_event
find_end(struct sip_stream *s, const char *bytes, size_t len, uint32_t max)
{
	size_t head = head_end(s, bytes, len);
	uint32_t body = 0;

	if (!head) {
		s->seen = (uint32_t)len;
		return len > max ? SIP_STREAM_TOO_BIG : SIP_STREAM_MORE;
	}
	if (!body_len(span_of(bytes, head), &body))
		return SIP_STREAM_BROKEN;
	if (head > max || body > max - head)
		return SIP_STREAM_TOO_BIG;
	s->need = (uint32_t)head + body;
	return SIP_STREAM_MESSAGE;
}

enum sip_stream_event
sip_stream_next(struct sip_stream *s, const char *bytes, size_t len, uint32_t max, uint32_t *used)
{
	enum sip_stream_event event = SIP_STREAM_MESSAGE;

	if (!s->need && !s->seen)
		event = blank(bytes, len, used);
	if (event != SIP_STREAM_MESSAGE)
		return event;
	if (!s->need)
		event = find_end(s, bytes, len, max);
	if (event != SIP_STREAM_MESSAGE)
		return event;
	if (len < s->need)
		return SIP_STREAM_MORE;
	*used = s->need;
	*s = (struct sip_stream){ 0 };
	return SIP_STREAM_MESSAGE;
}
