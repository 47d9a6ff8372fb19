/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_header.h"

#include <string.h>
#include "codec/sip_msg.h"

size_t
sipp_header_end(struct span message)
{
	const char *at = message.len ? memmem(message.at, message.len, "\r\n\r\n", 4) : NULL;

	return at ? (size_t)(at - message.at) + 4 : 0;
}

/* The line at *pos with the lines that continue it; *pos goes behind it. */
static struct span
take_line(struct span text, size_t *pos, bool folds)
{
	const char *begin = text.at + *pos, *end = text.at + text.len, *at = begin;

	for (;;) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at) {
			at = end;
			break;
		}
		at++;
		if (!folds || at == end || (*at != ' ' && *at != '\t'))
			break;
	}
	*pos = (size_t)(at - text.at);
	while (at > begin && (at[-1] == '\n' || at[-1] == '\r'))
		at--;
	return span_of(begin, (size_t)(at - begin));
}

static struct span
name_of(struct span name)
{
	name = span_trim(name);
	if (name.len && name.at[name.len - 1] == ':')
		name.len--;
	return span_trim(name);
}

static bool
same_name(struct span a, struct span b)
{
	return span_equal_nocase(a, b) || (sip_field_lookup(a) != SIP_FIELD_OTHER &&
					   sip_field_lookup(a) == sip_field_lookup(b));
}

bool
sipp_header_next(struct span message, struct span name, struct sipp_header *h)
{
	size_t end = sipp_header_end(message);
	struct span head = span_of(message.at, end ? end : message.len);

	name = name_of(name);
	while (name.len && h->next < head.len) {
		struct span line = take_line(head, &h->next, true);
		const char *colon = line.len ? memchr(line.at, ':', line.len) : NULL;
		size_t before = colon ? (size_t)(colon - line.at) : 0;

		if (!colon || !same_name(span_trim(span_of(line.at, before)), name))
			continue;
		h->line = line;
		h->value = span_trim(span_of(colon + 1, line.len - before - 1));
		return true;
	}
	return false;
}

struct span
sipp_header_value(struct span message, struct span name)
{
	struct sipp_header h = { 0 };

	return sipp_header_next(message, name, &h) ? h.value : span_of(NULL, 0);
}

bool
sipp_header_line(struct span message, struct span begin, bool any_case, struct sipp_header *h)
{
	while (begin.len && h->next < message.len) {
		struct span line = take_line(message, &h->next, false);
		struct span first = span_of(line.at, begin.len);

		if (line.len < begin.len ||
		    !(any_case ? span_equal_nocase(first, begin) : span_equal(first, begin)))
			continue;
		h->line = line;
		h->value = span_trim(span_of(line.at + begin.len, line.len - begin.len));
		return true;
	}
	return false;
}

struct span
sipp_header_uri(struct span value)
{
	const char *open = value.len ? memchr(value.at, '<', value.len) : NULL, *close;
	size_t len;

	if (open) {
		len = (size_t)(span_end(value) - open) - 1;
		close = memchr(open + 1, '>', len);
		return span_of(open + 1, close ? (size_t)(close - open) - 1 : len);
	}
	close = value.len ? memchr(value.at, ';', value.len) : NULL;
	return span_trim(span_of(value.at, close ? (size_t)(close - value.at) : value.len));
}

struct span
sipp_header_tag(struct span value)
{
	const char *close = value.len ? memrchr(value.at, '>', value.len) : NULL;
	const char *at = close ? close : value.at, *end = span_end(value);

	while (at < end && (at = memchr(at, ';', (size_t)(end - at)))) {
		struct span rest;
		size_t len = 0;

		at++;
		rest = span_of(at, (size_t)(end - at));
		if (rest.len < 4 || !span_equal_nocase(span_of(rest.at, 4), SPAN("tag=")))
			continue;
		rest = span_of(rest.at + 4, rest.len - 4);
		while (len < rest.len && !memchr("; \t\r\n", rest.at[len], 5))
			len++;
		return span_of(rest.at, len);
	}
	return span_of(NULL, 0);
}
