/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>
#include "codec/sip_uri.h"
#include "engine/settings.h"
#include "engine/settings_table.h"

/* The address in its usual form; IPv6 comes in brackets (RFC 3261 §25). */
static bool
address_parse(struct span host, char out[64])
{
	char text[64];
	unsigned char binary[sizeof(struct in6_addr)];
	bool brackets = host.len > 2 && host.at[0] == '[';

	if (brackets)
		host = span_of(host.at + 1, host.len - 2);
	if (host.len == 0 || host.len >= sizeof(text))
		return false;
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	return inet_pton(brackets ? AF_INET6 : AF_INET, text, binary) == 1 &&
	       inet_ntop(brackets ? AF_INET6 : AF_INET, binary, out, 64) != NULL;
}

static bool
transport_is_ws(const struct sip_uri *uri)
{
	struct span transport;

	return sip_param(uri->params, SPAN("transport"), &transport) &&
	       span_equal_nocase(transport, SPAN("ws"));
}

static bool
take_name(struct settings_upstream *u, const struct sip_uri *uri)
{
	struct span name;

	u->name[0] = '\0';
	if (!sip_param(uri->params, SPAN("name"), &name))
		return true;
	if (!u->tls || name.len == 0 || name.len >= sizeof(u->name))
		return false;
	memcpy(u->name, name.at, name.len);
	u->name[name.len] = '\0';
	return u->name[strspn(u->name, SETTINGS_HOST_CHARACTERS)] == '\0';
}

bool
settings_upstream_parse(struct settings_upstream *u, const char *text,
			char error[SETTINGS_ERROR_MAX])
{
	struct sip_uri uri;

	if (sip_uri_parse(span_of(text, strlen(text)), &uri) != SIP_OK ||
	    uri.kind == SIP_SCHEME_OTHER || uri.kind == SIP_SCHEME_TEL)
		return settings_fail(
			error,
			"upstream '%.80s': must be sip:IP[:PORT];transport=ws, or sips: "
			"for TLS",
			text);
	if (!transport_is_ws(&uri))
		return settings_fail(error,
				     "upstream '%.80s': this version of sipring connects over "
				     "WebSocket only: add ;transport=ws",
				     text);
	if (!address_parse(uri.host, u->address))
		return settings_fail(error,
				     "upstream '%.80s': '%.*s' is not an IP address; names are not "
				     "looked up (example: sip:127.0.0.1:5080;transport=ws)",
				     text, uri.host.len < 60 ? (int)uri.host.len : 60, uri.host.at);
	u->port = uri.port;
	u->tls = uri.kind == SIP_SCHEME_SIPS;
	if (!take_name(u, &uri))
		return settings_fail(error,
				     "upstream '%.80s': ;name= must be the host name in the "
				     "certificate of a sips: upstream",
				     text);
	return true;
}

bool
settings_upstream(struct settings *s, const char *text, char error[SETTINGS_ERROR_MAX])
{
	if (s->upstreams_len == SETTINGS_UPSTREAMS_MAX)
		return settings_fail(error,
				     "upstream '%.80s': there are %d already, which is the limit",
				     text, SETTINGS_UPSTREAMS_MAX);
	if (!settings_upstream_parse(&s->upstreams[s->upstreams_len], text, error))
		return false;
	s->upstreams_len++;
	return true;
}
