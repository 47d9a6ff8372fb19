/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/http_field.h"
#include <assert.h>

enum {
	HTTP_TOKEN = 1, /* tchar */
	HTTP_VALUE = 2, /* field-vchar, SP, HTAB, obs-text */
};

#define HTTP_BOTH (HTTP_TOKEN | HTTP_VALUE)

static const uint8_t http_chars[256] = {
	['\t'] = HTTP_VALUE,
	[' '] = HTTP_VALUE,
	['!'] = HTTP_BOTH,
	['"'] = HTTP_VALUE,
	['#' ... '\''] = HTTP_BOTH,
	['(' ... ')'] = HTTP_VALUE,
	['*' ... '+'] = HTTP_BOTH,
	[','] = HTTP_VALUE,
	['-' ... '.'] = HTTP_BOTH,
	['/'] = HTTP_VALUE,
	['0' ... '9'] = HTTP_BOTH,
	[':' ... '@'] = HTTP_VALUE,
	['A' ... 'Z'] = HTTP_BOTH,
	['[' ... ']'] = HTTP_VALUE,
	['^' ... 'z'] = HTTP_BOTH,
	['{'] = HTTP_VALUE,
	['|'] = HTTP_BOTH,
	['}'] = HTTP_VALUE,
	['~'] = HTTP_BOTH,
	[0x80 ... 0xFF] = HTTP_VALUE,
};

static inline size_t
http_run(struct span text, uint8_t class)
{
	size_t n = 0;

	while (n < text.len && http_chars[(uint8_t)text.at[n]] & class)
		n++;
	return n;
}

static inline struct span
http_from(struct span text, size_t offset)
{
	assert(offset <= text.len);
	return span_of(text.at + offset, text.len - offset);
}

bool
http_field_is_token_char(char c)
{
	return http_chars[(uint8_t)c] & HTTP_TOKEN;
}

bool
http_field_is_token(struct span text)
{
	return text.len && http_run(text, HTTP_TOKEN) == text.len;
}

struct span
http_field_trim(struct span text)
{
	while (text.len && (text.at[0] == ' ' || text.at[0] == '\t'))
		text = http_from(text, 1);
	while (text.len && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* CR LF at text.at[at]. */
static enum http_line
http_line_end(struct span text, size_t at)
{
	if (at < text.len && text.at[at] != '\r')
		return HTTP_LINE_MALFORMED;
	if (at + 1 < text.len && text.at[at + 1] != '\n')
		return HTTP_LINE_MALFORMED;
	return at + 1 < text.len ? HTTP_LINE_END : HTTP_LINE_PARTIAL;
}

enum http_line
http_field_read_text(struct span *rest, struct span *text)
{
	size_t n = http_run(*rest, HTTP_VALUE);
	enum http_line end = http_line_end(*rest, n);

	if (end != HTTP_LINE_END)
		return end;
	*text = span_of(rest->at, n);
	*rest = http_from(*rest, n + 2);
	return HTTP_LINE_FIELD;
}

enum http_line
http_field_read(struct span *rest, struct http_field *out)
{
	size_t name = http_run(*rest, HTTP_TOKEN);
	struct span after;
	enum http_line line;

	if (name == 0) { /* a fold (RFC 9112 §5.2) and an empty name end here, too */
		line = http_line_end(*rest, 0);
		if (line == HTTP_LINE_END)
			*rest = http_from(*rest, 2);
		return line;
	}
	if (name == rest->len)
		return HTTP_LINE_PARTIAL;
	if (rest->at[name] != ':') /* no space before the colon: RFC 9112 §5.1 */
		return HTTP_LINE_MALFORMED;
	after = http_from(*rest, name + 1);
	line = http_field_read_text(&after, &out->value);
	if (line != HTTP_LINE_FIELD)
		return line;
	out->name = span_of(rest->at, name);
	out->value = http_field_trim(out->value);
	*rest = after;
	return HTTP_LINE_FIELD;
}

bool
http_field_news(const char *in, size_t len, size_t seen)
{
	assert(seen <= len);
	if (seen < HTTP_FIELD_EAGER || in[seen - 1] == '\r')
		return true;
	for (size_t i = seen; i < len; i++) {
		if (http_chars[(uint8_t)in[i]] & HTTP_VALUE)
			continue;
		if (in[i] != '\r' || (i + 1 < len && in[i + 1] != '\n'))
			return true;
	}
	return false;
}

bool
http_field_list_next(struct span *rest, struct span *member)
{
	while (rest->len) {
		bool quoted = false;
		size_t n = 0;

		for (; n < rest->len && (quoted || rest->at[n] != ','); n++) {
			if (rest->at[n] == '"')
				quoted = !quoted;
			else if (quoted && rest->at[n] == '\\' && n + 1 < rest->len)
				n++;
		}
		*member = http_field_trim(span_of(rest->at, n));
		*rest = http_from(*rest, n < rest->len ? n + 1 : n);
		if (member->len)
			return true;
	}
	return false;
}

bool
http_field_list_has(struct span value, struct span word, bool versions, bool *found)
{
	struct span member;

	while (http_field_list_next(&value, &member)) {
		size_t name = http_run(member, HTTP_TOKEN);

		if (name == 0)
			return false;
		if (name < member.len && (!versions || member.at[name] != '/' ||
					  !http_field_is_token(http_from(member, name + 1))))
			return false;
		if (span_equal_nocase(member, word))
			*found = true;
	}
	return true;
}
