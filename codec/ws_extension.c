/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_extension.h"
#include "codec/http_field.h"

static size_t
extension_token_len(struct span text)
{
	size_t n = 0;

	while (n < text.len && http_field_is_token_char(text.at[n]))
		n++;
	return n;
}

static struct span
extension_from(struct span text, size_t offset)
{
	return http_field_trim(span_of(text.at + offset, text.len - offset));
}

/*
 * A parameter's value in quotes must be a token once unescaped (§9.1). A token has no character
 * that needs a backslash, and nobody writes one: refused, so that values stay views.
 */
static size_t
extension_value(struct span text, struct span *value)
{
	size_t open = text.len && text.at[0] == '"' ? 1 : 0;

	value->at = text.at + open;
	value->len = extension_token_len(span_of(value->at, text.len - open));
	if (value->len == 0)
		return 0;
	if (!open)
		return value->len;
	if (value->len + 1 == text.len || text.at[value->len + 1] != '"')
		return 0;
	return value->len + 2;
}

enum ws_extension_read
ws_extension_param(struct span *params, struct ws_extension_param *out)
{
	struct span rest = http_field_trim(*params);
	size_t n;

	*out = (struct ws_extension_param){ 0 };
	if (rest.len == 0)
		return WS_EXTENSION_END;
	if (rest.at[0] != ';')
		return WS_EXTENSION_MALFORMED;
	rest = extension_from(rest, 1);
	n = extension_token_len(rest);
	if (n == 0)
		return WS_EXTENSION_MALFORMED;
	out->name = span_of(rest.at, n);
	rest = extension_from(rest, n);
	if (rest.len && rest.at[0] == '=') {
		out->has_value = true;
		rest = extension_from(rest, 1);
		n = extension_value(rest, &out->value);
		if (n == 0)
			return WS_EXTENSION_MALFORMED;
		rest = extension_from(rest, n);
	}
	*params = rest;
	return WS_EXTENSION_NEXT;
}

enum ws_extension_read
ws_extension_next(struct span *rest, struct ws_extension *out)
{
	struct ws_extension_param param;
	enum ws_extension_read read;
	struct span member, params;
	size_t n;

	if (!http_field_list_next(rest, &member))
		return WS_EXTENSION_END;
	n = extension_token_len(member);
	if (n == 0)
		return WS_EXTENSION_MALFORMED;
	out->name = span_of(member.at, n);
	out->params = params = extension_from(member, n);
	do
		read = ws_extension_param(&params, &param);
	while (read == WS_EXTENSION_NEXT);
	return read == WS_EXTENSION_END ? WS_EXTENSION_NEXT : WS_EXTENSION_MALFORMED;
}

int
ws_extension_count(struct span value)
{
	struct ws_extension extension;
	enum ws_extension_read read;
	int n = 0;

	while ((read = ws_extension_next(&value, &extension)) == WS_EXTENSION_NEXT)
		n++;
	return read == WS_EXTENSION_END ? n : -1;
}

bool
ws_extension_named(struct span value, struct span name)
{
	struct ws_extension extension;

	while (ws_extension_next(&value, &extension) == WS_EXTENSION_NEXT)
		if (span_equal(extension.name, name))
			return true;
	return false;
}
