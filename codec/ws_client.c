/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ws_client.h"
#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>
#include "codec/ws_extension.h"
#include "codec/ws_handshake.h"

/* What has been read of an answer beside what goes into struct ws_client_answer. */
struct client_scan {
	const struct ws_client_request *request;
	struct ws_client_answer *out;
	bool upgrade, connection, accept;
};

static const char *const client_words[WS_CLIENT_ERROR_COUNT] = {
#define WS_CLIENT_ERROR(symbol, words, duty) [WS_CLIENT_##symbol] = words,
#include "codec/ws_client_error.def"
#undef WS_CLIENT_ERROR
};

const char *
ws_client_words(enum ws_client_error error)
{
	assert(error > WS_CLIENT_OK && error < WS_CLIENT_ERROR_COUNT);
	return client_words[error];
}

void
ws_client_key(const uint8_t random[WS_CLIENT_RANDOM_LEN], char out[WS_CLIENT_KEY_LEN])
{
	unsigned char text[WS_CLIENT_KEY_LEN + 1]; /* EVP_EncodeBlock() ends it with NUL */
	int n = EVP_EncodeBlock(text, random, WS_CLIENT_RANDOM_LEN);

	assert(n == WS_CLIENT_KEY_LEN);
	memcpy(out, text, WS_CLIENT_KEY_LEN);
}

/* ---- the request ---- */

static void
client_put_field(struct writer *w, struct span name, struct span value)
{
	if (value.len == 0)
		return;
	writer_put(w, name);
	writer_put(w, SPAN(": "));
	writer_put(w, value);
	writer_put(w, SPAN("\r\n"));
}

void
ws_client_write(struct writer *w, const struct ws_client_request *request)
{
	assert(ws_client_check(request) == WS_CLIENT_OK);
	assert(request->key.len == WS_CLIENT_KEY_LEN);
	writer_put(w, SPAN("GET "));
	writer_put(w, request->resource.len ? request->resource : SPAN("/"));
	writer_put(w, SPAN(" HTTP/1.1\r\nHost: "));
	writer_put(w, request->host);
	if (request->port != (request->secure ? 443 : 80)) { /* W-L-03 */
		writer_put(w, SPAN(":"));
		writer_put_decimal(w, request->port);
	}
	writer_put(w, SPAN("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
	client_put_field(w, SPAN("Sec-WebSocket-Key"), request->key);
	client_put_field(w, SPAN("Sec-WebSocket-Version"), SPAN("13"));
	client_put_field(w, SPAN("Sec-WebSocket-Protocol"), request->protocols);
	client_put_field(w, SPAN("Sec-WebSocket-Extensions"), request->extensions);
	client_put_field(w, SPAN("Origin"), request->origin);
	writer_put(w, request->extra);
	writer_put(w, SPAN("\r\n"));
}

/* ---- the answer: §4.1, "the client MUST validate the server's response" ---- */

/* (2): the value is "websocket", it does not merely contain it. */
static enum ws_client_error
client_take_upgrade(struct client_scan *scan, struct span value)
{
	if (scan->upgrade || !span_equal_nocase(value, SPAN("websocket")))
		return WS_CLIENT_UPGRADE;
	scan->upgrade = true;
	return WS_CLIENT_OK;
}

static enum ws_client_error
client_take_connection(struct client_scan *scan, struct span value)
{
	return http_field_list_has(value, SPAN("upgrade"), false, &scan->connection)
		       ? WS_CLIENT_OK
		       : WS_CLIENT_FIELD_SYNTAX;
}

static enum ws_client_error
client_take_accept(struct client_scan *scan, struct span value)
{
	char wanted[WS_ACCEPT_LEN];

	if (scan->accept)
		return WS_CLIENT_ACCEPT_TWICE;
	scan->accept = true;
	ws_handshake_accept_value(scan->request->key, wanted);
	return span_equal(value, span_of(wanted, sizeof(wanted))) ? WS_CLIENT_OK
								  : WS_CLIENT_ACCEPT;
}

static enum ws_client_error
client_take_protocol(struct client_scan *scan, struct span value)
{
	struct span asked = scan->request->protocols, one;

	if (scan->out->protocol.len || !http_field_is_token(value))
		return WS_CLIENT_PROTOCOL_SYNTAX;
	while (http_field_list_next(&asked, &one)) {
		if (span_equal(one, value)) {
			scan->out->protocol = value;
			return WS_CLIENT_OK;
		}
	}
	return WS_CLIENT_PROTOCOL_UNASKED;
}

static enum ws_client_error
client_take_extensions(struct client_scan *scan, struct span value)
{
	struct ws_extension extension;
	struct span rest = value;
	enum ws_extension_read read;

	if (ws_extension_count(value) <= 0) /* 1#extension: §9.1 */
		return WS_CLIENT_EXTENSION_SYNTAX;
	while ((read = ws_extension_next(&rest, &extension)) == WS_EXTENSION_NEXT)
		if (!ws_extension_named(scan->request->extensions, extension.name))
			return WS_CLIENT_EXTENSION_UNASKED;
	assert(read == WS_EXTENSION_END);
	if (scan->out->extensions.len == 0)
		scan->out->extensions = value;
	return WS_CLIENT_OK;
}

#define CLIENT_COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define CLIENT_FIELD(name, what) { { name, sizeof(name) - 1 }, what }

static const struct {
	struct span name;
	enum ws_client_error (*take)(struct client_scan *scan, struct span value);
} client_upgrade_fields[] = {
	CLIENT_FIELD("Upgrade", client_take_upgrade),
	CLIENT_FIELD("Connection", client_take_connection),
	CLIENT_FIELD("Sec-WebSocket-Accept", client_take_accept),
	CLIENT_FIELD("Sec-WebSocket-Protocol", client_take_protocol),
	CLIENT_FIELD("Sec-WebSocket-Extensions", client_take_extensions),
};

/* Fields of other answers, of which the first is kept. */
static const struct {
	struct span name;
	size_t offset;
} client_other_fields[] = {
	CLIENT_FIELD("WWW-Authenticate", offsetof(struct ws_client_answer, authenticate)),
	CLIENT_FIELD("Location", offsetof(struct ws_client_answer, location)),
	CLIENT_FIELD("Retry-After", offsetof(struct ws_client_answer, retry_after)),
};

static void
client_keep(struct ws_client_answer *out, const struct http_field *field)
{
	for (size_t i = 0; i < CLIENT_COUNT(client_other_fields); i++) {
		struct span *slot =
			(struct span *)((char *)out + client_other_fields[i].offset);

		if (slot->len == 0 && span_equal_nocase(field->name, client_other_fields[i].name))
			*slot = field->value;
	}
}

static enum ws_client_error
client_take(struct client_scan *scan, const struct http_field *field)
{
	struct ws_client_answer *out = scan->out;

	if (out->fields_len == WS_CLIENT_FIELDS_MAX)
		return WS_CLIENT_FIELDS_TOO_MANY;
	out->fields[out->fields_len++] = *field;
	if (out->status != 101) {
		client_keep(out, field);
		return WS_CLIENT_OK;
	}
	for (size_t i = 0; i < CLIENT_COUNT(client_upgrade_fields); i++)
		if (span_equal_nocase(field->name, client_upgrade_fields[i].name))
			return client_upgrade_fields[i].take(scan, field->value);
	return WS_CLIENT_OK;
}

static bool
client_is_interim(int status)
{
	return status >= 100 && status <= 199 && status != 101;
}

/* What only the end of the head shows. */
static enum ws_client_error
client_judge(const struct client_scan *scan)
{
	if (client_is_interim(scan->out->status))
		return WS_CLIENT_OK;
	if (scan->out->status != 101)
		return WS_CLIENT_STATUS;
	if (!scan->upgrade)
		return WS_CLIENT_UPGRADE;
	if (!scan->connection)
		return WS_CLIENT_CONNECTION;
	if (!scan->accept)
		return WS_CLIENT_ACCEPT_MISSING;
	if (scan->request->protocols.len && scan->out->protocol.len == 0)
		return WS_CLIENT_PROTOCOL_MISSING;
	return WS_CLIENT_OK;
}

/*
 * status-line, RFC 9112 §4, from left to right: HTTP/1.x SP 3DIGIT SP, anything, CRLF. 1: read;
 * 0: incomplete; < 0: the error.
 */
static int
client_read_status(struct span *rest, int *status)
{
	static const char shape[] = "HTTP/d.d ddd ";
	struct span phrase;
	enum http_line line;
	int digits = 0;

	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		if (i == rest->len)
			return 0;
		if (shape[i] == 'd' ? rest->at[i] < '0' || rest->at[i] > '9'
				    : rest->at[i] != shape[i])
			return -WS_CLIENT_NOT_HTTP;
		if (shape[i] == 'd')
			digits = digits * 10 + (rest->at[i] - '0');
		if ((i == 5 && digits != 1) || (i == 7 && digits == 10))
			return -WS_CLIENT_HTTP_VERSION;
	}
	*status = digits % 1000;
	*rest = span_of(rest->at + sizeof(shape) - 1, rest->len - (sizeof(shape) - 1));
	line = http_field_read_text(rest, &phrase);
	if (line == HTTP_LINE_MALFORMED)
		return -WS_CLIENT_NOT_HTTP;
	return line == HTTP_LINE_FIELD;
}

/* Read one head; as client_read_status(). */
static int
client_read_head(struct span *rest, struct client_scan *scan)
{
	enum ws_client_error error = WS_CLIENT_OK;
	enum http_line line = HTTP_LINE_FIELD;
	struct http_field field;
	int n;

	memset(scan->out, 0, offsetof(struct ws_client_answer, fields));
	n = client_read_status(rest, &scan->out->status);
	if (n <= 0)
		return n;
	while (error == WS_CLIENT_OK && line == HTTP_LINE_FIELD) {
		line = http_field_read(rest, &field);
		if (line == HTTP_LINE_FIELD)
			error = client_take(scan, &field);
		else if (line == HTTP_LINE_END)
			error = client_judge(scan);
		else if (line == HTTP_LINE_MALFORMED)
			error = WS_CLIENT_FIELD_SYNTAX;
	}
	return error ? -(int)error : line == HTTP_LINE_END;
}

int
ws_client_parse(const char *in, size_t len, size_t seen, const struct ws_client_request *request,
		struct ws_client_answer *out)
{
	bool over = len >= request->header_bytes;
	struct client_scan scan = { .request = request, .out = out };
	struct span rest = span_of(in, over ? request->header_bytes : len);
	size_t all = rest.len;
	unsigned interim = 0;
	int n;

	assert(seen <= len && request->header_bytes <= INT_MAX);
	if (!over && !http_field_news(in, len, seen))
		return 0;
	n = client_read_head(&rest, &scan);
	while (n > 0 && client_is_interim(out->status)) { /* RFC 9110 §15.2: even unasked ones */
		if (interim++ == WS_CLIENT_INTERIM_MAX)
			return -WS_CLIENT_INTERIM;
		n = client_read_head(&rest, &scan);
	}
	if (n == 0 && over)
		return -WS_CLIENT_HEAD_TOO_LONG;
	return n > 0 ? (int)(all - rest.len) : n;
}
