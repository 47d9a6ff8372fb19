/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/http_uri.h"
#include <assert.h>
#include <stdint.h>

enum {
	URI_UNRESERVED = 1,
	URI_SUB_DELIMS = 2,
	URI_PATH_MORE = 4, /* ":" "@" "/" "?" */
	URI_HEX = 8,
	URI_ALPHA = 16,
	URI_SCHEME = 32,
	URI_BRACKET = 64,
};

#define URI_NAME (URI_UNRESERVED | URI_SUB_DELIMS)
#define URI_PATH (URI_NAME | URI_PATH_MORE)

static const uint8_t uri_chars[256] = {
	['!'] = URI_SUB_DELIMS,
	['$'] = URI_SUB_DELIMS,
	['&' ... '*'] = URI_SUB_DELIMS,
	['+'] = URI_SUB_DELIMS | URI_SCHEME,
	[','] = URI_SUB_DELIMS,
	['-' ... '.'] = URI_UNRESERVED | URI_SCHEME,
	['/'] = URI_PATH_MORE,
	['0' ... '9'] = URI_UNRESERVED | URI_HEX | URI_SCHEME,
	[':'] = URI_PATH_MORE,
	[';'] = URI_SUB_DELIMS,
	['='] = URI_SUB_DELIMS,
	['?' ... '@'] = URI_PATH_MORE,
	['A' ... 'F'] = URI_UNRESERVED | URI_HEX | URI_ALPHA | URI_SCHEME,
	['G' ... 'Z'] = URI_UNRESERVED | URI_ALPHA | URI_SCHEME,
	['['] = URI_BRACKET,
	[']'] = URI_BRACKET,
	['_'] = URI_UNRESERVED,
	['a' ... 'f'] = URI_UNRESERVED | URI_HEX | URI_ALPHA | URI_SCHEME,
	['g' ... 'z'] = URI_UNRESERVED | URI_ALPHA | URI_SCHEME,
	['~'] = URI_UNRESERVED,
};

static inline bool
uri_is(char c, uint8_t class)
{
	return uri_chars[(uint8_t)c] & class;
}

/* Characters of a class and %HH; stops at the first that is neither. */
static size_t
uri_run_escaped(struct span text, uint8_t class)
{
	size_t n = 0;

	while (n < text.len) {
		if (uri_is(text.at[n], class)) {
			n++;
			continue;
		}
		if (text.at[n] != '%')
			break;
		if (n + 1 < text.len && !uri_is(text.at[n + 1], URI_HEX))
			break;
		if (n + 2 < text.len && !uri_is(text.at[n + 2], URI_HEX))
			break;
		n = n + 3 < text.len ? n + 3 : text.len;
	}
	return n;
}

size_t
http_uri_path_len(struct span text)
{
	return uri_run_escaped(text, URI_PATH);
}

size_t
http_uri_len(struct span text)
{
	return uri_run_escaped(text, URI_PATH | URI_BRACKET);
}

static bool
uri_escapes_whole(struct span text)
{
	return !(text.len >= 1 && text.at[text.len - 1] == '%') &&
	       !(text.len >= 2 && text.at[text.len - 2] == '%');
}

static bool
uri_port_valid(struct span port)
{
	uint32_t n = 0;

	for (size_t i = 0; i < port.len; i++) {
		if (port.at[i] < '0' || port.at[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(port.at[i] - '0');
		if (n > 65535)
			return false;
	}
	return true;
}

/* dec-octet "." dec-octet "." dec-octet "." dec-octet, without leading zeros. */
static bool
uri_ipv4_valid(struct span text)
{
	size_t i = 0;

	for (unsigned octet = 0; octet < 4; octet++) {
		size_t from = i;
		unsigned n = 0;

		for (; i < text.len && i - from < 3 && text.at[i] >= '0' && text.at[i] <= '9'; i++)
			n = n * 10 + (unsigned)(text.at[i] - '0');
		if (i == from || n > 255 || (i - from > 1 && text.at[from] == '0'))
			return false;
		if (octet < 3 && (i == text.len || text.at[i++] != '.'))
			return false;
	}
	return i == text.len;
}

/*
 * IPv6address of RFC 3986 §3.2.2: eight groups, "::" once for one or more of them, IPv4 as the
 * last two. IPvFuture is refused: no version of it was ever assigned.
 */
static bool
uri_ipv6_valid(struct span text)
{
	unsigned groups = 0;
	bool gap = false;
	size_t i = 0, group_end = 0;

	while (i < text.len) {
		size_t from = i;

		if (text.at[i] == ':' && i + 1 < text.len && text.at[i + 1] == ':') {
			if (gap)
				return false;
			gap = true;
			i += 2;
			continue;
		}
		if (groups && i == group_end && text.at[i] == ':')
			from = ++i;
		while (i < text.len && i - from < 4 && uri_is(text.at[i], URI_HEX))
			i++;
		if (i < text.len && text.at[i] == '.') {
			groups += 2;
			return uri_ipv4_valid(span_of(text.at + from, text.len - from)) &&
			       (gap ? groups < 8 : groups == 8);
		}
		if (i == from || ++groups > 8 || (i < text.len && text.at[i] != ':'))
			return false;
		group_end = i;
	}
	return gap ? groups < 8 : groups == 8;
}

bool
http_uri_authority_valid(struct span authority)
{
	struct span host = authority, port = { 0 };

	if (authority.len && authority.at[0] == '[') {
		const char *close = memchr(authority.at, ']', authority.len);

		if (!close)
			return false;
		host.len = (size_t)(close + 1 - authority.at);
		if (!uri_ipv6_valid(span_of(host.at + 1, host.len - 2)))
			return false;
	} else {
		host.len = uri_run_escaped(authority, URI_NAME);
		if (host.len == 0 || !uri_escapes_whole(host))
			return false;
	}
	if (host.len == authority.len)
		return true;
	port = span_of(authority.at + host.len, authority.len - host.len);
	return port.at[0] == ':' && uri_port_valid(span_of(port.at + 1, port.len - 1));
}

bool
http_uri_origin_valid(struct span origin)
{
	size_t scheme = 0;

	if (span_equal(origin, SPAN("null")))
		return true;
	while (scheme < origin.len && uri_is(origin.at[scheme], URI_SCHEME))
		scheme++;
	if (scheme == 0 || !uri_is(origin.at[0], URI_ALPHA) || origin.len < scheme + 3 ||
	    memcmp(origin.at + scheme, "://", 3) != 0)
		return false;
	return http_uri_authority_valid(
		span_of(origin.at + scheme + 3, origin.len - scheme - 3));
}
