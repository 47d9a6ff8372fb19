/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_stream.h"

#include <stdbool.h>
#include <string.h>
#include "codec/sip_addr.h"
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
	*line = span_between(rest->at, end);
	*rest = span_of(end, rest->len - line->len);
	return true;
}

/* T-10: bytes of the body. False: nobody can say. Two that differ are none. */
static bool
body_len(struct span head, uint32_t *out)
{
	struct span line, name, value;
	bool any = false;

	if (!line_next(&head, &line)) /* the start line */
		return false;
	while (line_next(&head, &line)) {
		const char *colon = memchr(line.at, ':', line.len);
		uint32_t n;

		if (!colon)
			continue;
		name = span_trim(span_between(line.at, colon));
		if (sip_field_lookup(name) != SIP_FIELD_CONTENT_LENGTH)
			continue;
		value = span_trim(span_between(colon + 1, span_end(line)));
		/* of UINT32_MAX and more the end is further away than any message's */
		if (!sip_delta_seconds(value, &n) || n == UINT32_MAX || (any && n != *out))
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
	static const char ping[] = { '\r', '\n', '\r', '\n' };
	uint32_t same = 0;

	while (same < sizeof(ping) && same < len && bytes[same] == ping[same])
		same++;
	if (same == len && same < sizeof(ping))
		return SIP_STREAM_MORE;
	if (same == 0)
		return SIP_STREAM_MESSAGE;
	if (same % 2)
		return SIP_STREAM_BROKEN;
	*used = same;
	return same == 2 ? SIP_STREAM_BLANK : SIP_STREAM_PING;
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
