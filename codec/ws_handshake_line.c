/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_handshake_line.h"
#include <assert.h>
#include "codec/http_uri.h"

/*
 * Every reader below takes the rest of the line, and returns the bytes it took, 0 when they are
 * not all there, or -(enum ws_handshake_error).
 */

#define LINE_METHOD_MAX 24 /* letters; the longest registered method has 17 */
#define LINE_VERSION "HTTP/1."

/* RFC 9112 §2.2: an empty line before the request line is passed over; one, not many. */
static int
line_read_empty(struct span in)
{
	if (in.len > 1 && in.at[1] != '\n')
		return -WS_HANDSHAKE_NOT_HTTP;
	return in.len > 1 ? 2 : 0;
}

static bool
line_is_method_char(char c)
{
	/* Other token characters are legal (RFC 9110 §9.1), but no method has them; so the
	 * banners of other protocols ("SSH-2.0-") are told from HTTP early. */
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

static int
line_read_method(struct span in)
{
	size_t n = 0;

	while (n < in.len && n <= LINE_METHOD_MAX && line_is_method_char(in.at[n]))
		n++;
	if (n > LINE_METHOD_MAX)
		return -WS_HANDSHAKE_NOT_HTTP;
	if (n == in.len)
		return 0;
	if (n == 0 || in.at[n] != ' ')
		return -WS_HANDSHAKE_NOT_HTTP;
	if (!span_equal(span_of(in.at, n), SPAN("GET"))) /* methods are case-sensitive */
		return -WS_HANDSHAKE_METHOD;
	return (int)n + 1;
}

/* Does text begin as `prefix` does (ASCII case folded), as far as it goes? */
static bool
line_begins(struct span text, struct span prefix)
{
	size_t n = text.len < prefix.len ? text.len : prefix.len;

	return span_equal_nocase(span_of(text.at, n), span_of(prefix.at, n));
}

/* The length of "http://" or "https://" in front; 0: an origin-form; -1: neither form (§3.2). */
static int
line_scheme_len(struct span target)
{
	if (target.len == 0 || target.at[0] == '/')
		return 0;
	if (line_begins(target, SPAN("http://")))
		return sizeof("http://") - 1;
	if (line_begins(target, SPAN("https://")))
		return sizeof("https://") - 1;
	return -1;
}

static int
line_read_target(struct span in, uint32_t max, struct span *target)
{
	size_t n = in.len <= max ? in.len : max;

	if (line_scheme_len(span_of(in.at, n)) < 0)
		return -WS_HANDSHAKE_TARGET;
	n = in.len && in.at[0] == '/' ? http_uri_path_len(span_of(in.at, n))
				      : http_uri_len(span_of(in.at, n));
	if (n == in.len)
		return 0;
	*target = span_of(in.at, n);
	if (n && (in.at[n] == '\r' || in.at[n] == '\n')) /* the form of HTTP/0.9 */
		return -WS_HANDSHAKE_HTTP_VERSION;
	if (in.at[n] == ' ')
		return n ? (int)n + 1 : -WS_HANDSHAKE_TARGET;
	return n == max ? -WS_HANDSHAKE_TARGET_TOO_LONG : -WS_HANDSHAKE_TARGET;
}

/* HTTP-version CRLF. §4.2.1(1) of RFC 6455: 1.1 or higher; HTTP/2 is not written like this. */
static int
line_read_version(struct span in)
{
	const struct span prefix = SPAN("HTTP/");
	const char *at = in.at + prefix.len;

	if (!span_equal(span_of(in.at, in.len < prefix.len ? in.len : prefix.len),
			span_of(prefix.at, in.len < prefix.len ? in.len : prefix.len)))
		return -WS_HANDSHAKE_NOT_HTTP;
	for (size_t i = 0; i < 5; i++) {
		if (prefix.len + i >= in.len)
			return 0;
		if ((i == 0 || i == 2) && (at[i] < '0' || at[i] > '9'))
			return -WS_HANDSHAKE_NOT_HTTP;
		if ((i == 0 && at[i] != '1') || (i == 2 && at[i] == '0'))
			return -WS_HANDSHAKE_HTTP_VERSION;
		if ((i == 1 && at[i] != '.') || (i == 3 && at[i] != '\r') ||
		    (i == 4 && at[i] != '\n'))
			return -WS_HANDSHAKE_NOT_HTTP;
	}
	return (int)prefix.len + 5;
}

/* Part a whole target. False: an authority that is none. */
static bool
line_part_target(struct ws_handshake *out)
{
	struct span rest = out->target;
	size_t authority = 0, path = 0;
	int scheme = line_scheme_len(rest);

	assert(scheme >= 0);
	if ((size_t)scheme > rest.len)
		return false;
	rest = span_of(rest.at + scheme, rest.len - (size_t)scheme);
	if (scheme) {
		while (authority < rest.len && rest.at[authority] != '/' &&
		       rest.at[authority] != '?')
			authority++;
		out->host = span_of(rest.at, authority);
		if (!http_uri_authority_valid(out->host))
			return false;
		rest = span_of(rest.at + authority, rest.len - authority);
		if (http_uri_path_len(rest) != rest.len)
			return false;
	}
	while (path < rest.len && rest.at[path] != '?')
		path++;
	out->path = path ? span_of(rest.at, path) : SPAN("/"); /* RFC 9110 §4.2.3 */
	if (path < rest.len)
		out->query = span_of(rest.at + path + 1, rest.len - path - 1);
	return true;
}

static struct span
line_after(struct span rest, int n)
{
	assert(n > 0 && (size_t)n <= rest.len);
	return span_of(rest.at + n, rest.len - (size_t)n);
}

int
ws_handshake_line_read(const char *in, size_t len, const struct ws_handshake_policy *policy,
		       struct ws_handshake *out)
{
	struct span rest = span_of(in, len);
	int n;

	if (len && in[0] == '\r') {
		n = line_read_empty(rest);
		if (n <= 0)
			return n;
		rest = line_after(rest, n);
	}
	n = line_read_method(rest);
	if (n <= 0)
		return n;
	rest = line_after(rest, n);
	n = line_read_target(rest, policy->target_bytes, &out->target);
	if (n <= 0)
		return n;
	if (!line_part_target(out))
		return -WS_HANDSHAKE_TARGET;
	rest = line_after(rest, n);
	n = line_read_version(rest);
	if (n <= 0)
		return n;
	return (int)(len - rest.len) + n;
}

size_t
ws_handshake_line_max(const struct ws_handshake_policy *policy)
{
	return sizeof("\r\nGET ") - 1 + policy->target_bytes + sizeof(" HTTP/1.1\r\n") - 1;
}
