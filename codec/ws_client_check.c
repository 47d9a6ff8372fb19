/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include "codec/http_uri.h"
#include "codec/ws_client.h"
#include "codec/ws_extension.h"

/* A list of at least one token, none of them twice: RFC 6455 §4.1(10). */
static bool
check_protocols(struct span list)
{
	struct span rest = list, one, other;
	bool any = false;

	while (http_field_list_next(&rest, &one)) {
		struct span behind = rest;

		if (!http_field_is_token(one))
			return false;
		while (http_field_list_next(&behind, &other))
			if (span_equal(one, other))
				return false;
		any = true;
	}
	return any;
}

/* Names that are the handshake's own, or would give the request a body. */
static bool
check_is_own_name(struct span name)
{
	static const struct span own[] = {
#define CHECK_OWN(name) { name, sizeof(name) - 1 }
		CHECK_OWN("Host"), CHECK_OWN("Upgrade"), CHECK_OWN("Connection"),
		CHECK_OWN("Origin"), CHECK_OWN("Content-Length"), CHECK_OWN("Transfer-Encoding"),
#undef CHECK_OWN
	};
	const struct span family = SPAN("Sec-WebSocket-");

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (span_equal_nocase(name, own[i]))
			return true;
	return name.len >= family.len && span_equal_nocase(span_of(name.at, family.len), family);
}

static bool
check_extra(struct span lines)
{
	struct http_field field;

	while (lines.len)
		if (http_field_read(&lines, &field) != HTTP_LINE_FIELD ||
		    check_is_own_name(field.name))
			return false;
	return true;
}

static bool
check_resource(struct span resource)
{
	return resource.len == 0 ||
	       (resource.at[0] == '/' && http_uri_path_len(resource) == resource.len);
}

/* Nothing that could end the line or be another field (the extras are lines of their own). */
static bool
check_is_value(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (((uint8_t)value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7F)
			return false;
	return true;
}

/* The port is a number of its own: none in the host. */
static bool
check_host(struct span host)
{
	return http_uri_authority_valid(host) &&
	       (host.at[0] == '[' ? host.at[host.len - 1] == ']'
				  : memchr(host.at, ':', host.len) == NULL);
}

enum ws_client_error
ws_client_check(const struct ws_client_request *request)
{
	if (!check_host(request->host) || request->port == 0)
		return WS_CLIENT_REQUEST_HOST;
	if (!check_resource(request->resource))
		return WS_CLIENT_REQUEST_RESOURCE;
	if (request->protocols.len && !check_protocols(request->protocols))
		return WS_CLIENT_REQUEST_PROTOCOLS;
	if (request->origin.len && !http_uri_origin_valid(request->origin))
		return WS_CLIENT_REQUEST_ORIGIN;
	if (request->extensions.len && (!check_is_value(request->extensions) ||
					ws_extension_count(request->extensions) <= 0))
		return WS_CLIENT_REQUEST_EXTENSIONS;
	if (!check_extra(request->extra))
		return WS_CLIENT_REQUEST_EXTRA;
	return WS_CLIENT_OK;
}
