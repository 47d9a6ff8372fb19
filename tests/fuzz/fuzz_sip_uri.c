/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two URIs, with a line feed between them. The parts of each, put together again, are the URI;
 * equality is reflexive and symmetric, and holds between a URI and itself with its user escaped.
 */
#include <assert.h>
#include <stdint.h>
#include "codec/sip_uri.h"
#include "codec/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 65536

static void
put_uri(struct writer *w, const struct sip_uri *uri, bool escape_user)
{
	static const char hex[] = "0123456789abcdef";
	struct span port = { NULL, 0 };

	writer_put(w, uri->scheme);
	writer_put_byte(w, ':');
	for (size_t i = 0; i < uri->user.len; i++) {
		char c = uri->user.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		/* Not inside of an escape: its digits would be escaped. */
		letter = letter && (i < 1 || uri->user.at[i - 1] != '%') &&
			 (i < 2 || uri->user.at[i - 2] != '%');
		if (!escape_user || !letter) {
			writer_put_byte(w, c);
			continue;
		}
		writer_put_byte(w, '%');
		writer_put_byte(w, hex[(unsigned char)c >> 4]);
		writer_put_byte(w, hex[c & 0xF]);
	}
	if (uri->password.at) {
		writer_put_byte(w, ':');
		writer_put(w, uri->password);
	}
	if (uri->has_user)
		writer_put_byte(w, '@');
	writer_put(w, uri->host);
	if (uri->port) {
		/* As written: leading zeros. */
		const char *at = uri->host.at + uri->host.len;

		port.at = at;
		do
			port.len++;
		while (at + port.len < uri->text.at + uri->text.len && at[port.len] >= '0' &&
		       at[port.len] <= '9');
		writer_put(w, port);
	}
	if (uri->params.len) {
		writer_put_byte(w, ';');
		writer_put(w, uri->params);
	}
	if (uri->headers.len) {
		writer_put_byte(w, '?');
		writer_put(w, uri->headers);
	}
}

static void
check_one(const struct sip_uri *uri)
{
	static char out[3 * TEXT_MAX];
	struct writer w = writer_over(out, sizeof(out));
	struct sip_uri again;
	struct span rest = uri->params, name, value, found;
	size_t parts = 0;

	assert(sip_uri_equal(uri, uri));
	if (uri->kind != SIP_SCHEME_SIP && uri->kind != SIP_SCHEME_SIPS)
		return;
	put_uri(&w, uri, false);
	assert(span_equal(writer_text(&w), uri->text));
	for (; sip_param_next(&rest, &name, &value); parts++)
		assert(sip_param(uri->params, name, &found) && sip_uri_param(uri, name, &found));
	if (parts > 16 || memchr(uri->params.at ? uri->params.at : "", '%', uri->params.len))
		return;
	w = writer_over(out, sizeof(out));
	put_uri(&w, uri, true);
	assert(!w.full && sip_uri_parse(writer_text(&w), &again) == SIP_OK);
	/* A parameter that stands twice with two values equals itself by its octets only. */
	if (!uri->params.len && !uri->headers.len)
		assert(sip_uri_equal(uri, &again) && sip_uri_equal(&again, uri));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char unescaped[TEXT_MAX];
	const uint8_t *cut = size ? memchr(data, '\n', size) : NULL;
	size_t first = cut ? (size_t)(cut - data) : size;
	struct span a = span_of(data, first);
	struct span b = cut ? span_of(cut + 1, size - first - 1) : span_of(data + size, 0);
	struct sip_uri x, y;
	enum sip_error x_error = sip_uri_parse(a, &x), y_error = sip_uri_parse(b, &y);

	if (a.len <= TEXT_MAX)
		assert(sip_unescape(a, unescaped) <= a.len);
	if (!x_error && a.len <= TEXT_MAX)
		check_one(&x);
	if (!x_error && !y_error)
		assert(sip_uri_equal(&x, &y) == sip_uri_equal(&y, &x));
	return 0;
}
