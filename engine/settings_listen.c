/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>
#include "engine/settings.h"
#include "engine/settings_table.h"

/* Where the parts of "IP[:PORT]" or "[IPv6][:PORT]" are. */
struct parts {
	const char *address;
	size_t address_len;
	const char *port; /* NULL: none */
	bool brackets;
};

static bool
split(const char *rest, struct parts *parts)
{
	const char *end;

	*parts = (struct parts){ .address = rest, .brackets = *rest == '[' };
	if (parts->brackets) {
		parts->address++;
		end = strchr(parts->address, ']');
		if (!end)
			return false;
		parts->address_len = (size_t)(end - parts->address);
		end++;
	} else {
		parts->address_len = strcspn(rest, ":");
		end = rest + parts->address_len;
	}
	if (*end == ':')
		parts->port = end + 1;
	return *end == ':' || *end == '\0';
}

static bool
port_parse(const char *text, uint16_t *port)
{
	uint32_t n = 0;
	const char *at = text;

	while (*at >= '0' && *at <= '9' && n <= UINT16_MAX)
		n = n * 10 + (uint32_t)(*at++ - '0');
	if (at == text || *at != '\0' || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	return true;
}

/* The address in its usual form, so that two ways to write one are equal. */
static bool
address_parse(const struct parts *parts, char out[64])
{
	char text[64];
	unsigned char binary[sizeof(struct in6_addr)];
	int family = parts->brackets ? AF_INET6 : AF_INET;

	if (parts->address_len == 0 || parts->address_len >= sizeof(text))
		return false;
	memcpy(text, parts->address, parts->address_len);
	text[parts->address_len] = '\0';
	return inet_pton(family, text, binary) == 1 && inet_ntop(family, binary, out, 64) != NULL;
}

static bool
refuse_address(const char *where, const struct parts *parts, char error[SETTINGS_ERROR_MAX])
{
	unsigned char binary[sizeof(struct in6_addr)];

	if (!parts->brackets && inet_pton(AF_INET6, parts->address, binary) == 1)
		return settings_fail(error,
				     "listen '%.80s': an IPv6 address goes in brackets: "
				     "ws:[%.60s]:8080",
				     where, parts->address);
	return settings_fail(error,
			     "listen '%.80s': '%.*s' is not an IP address; names are not looked "
			     "up (examples: ws:127.0.0.1:8080, ws:[::1]:8080)",
			     where, parts->address_len < 60 ? (int)parts->address_len : 60,
			     parts->address);
}

bool
settings_listen(struct settings *s, const char *where, char error[SETTINGS_ERROR_MAX])
{
	struct settings_listener listener = { .port_default = true };
	struct parts parts;

	listener.tls = strncmp(where, "wss:", 4) == 0;
	if ((!listener.tls && strncmp(where, "ws:", 3) != 0) ||
	    !split(where + (listener.tls ? 4 : 3), &parts))
		return settings_fail(error,
				     "listen '%.80s': must be ws:IP[:PORT] or ws:[IPv6][:PORT], "
				     "or wss: for TLS",
				     where);
	if (s->listeners_len == SETTINGS_LISTENERS_MAX)
		return settings_fail(error,
				     "listen '%.80s': there are %d listeners already, which is "
				     "the limit",
				     where, SETTINGS_LISTENERS_MAX);
	if (!address_parse(&parts, listener.address))
		return refuse_address(where, &parts, error);
	if (parts.port) {
		listener.port_default = false;
		if (!port_parse(parts.port, &listener.port))
			return settings_fail(error,
					     "listen '%.80s': port '%.20s' must be a number "
					     "from 0 (any free one) to 65535",
					     where, parts.port);
	}
	s->listeners[s->listeners_len++] = listener;
	return true;
}

bool
settings_listen_core(struct settings_listener *out, const char *where,
		     char error[SETTINGS_ERROR_MAX])
{
	struct parts parts;

	*out = (struct settings_listener){ .core = true, .port = 5060 };
	if (!split(where, &parts) || !address_parse(&parts, out->address) ||
	    (parts.port && !port_parse(parts.port, &out->port)))
		return settings_fail(
			error, "edge.listen '%.80s': must be IP[:PORT], IPv6 in brackets", where);
	return true;
}
