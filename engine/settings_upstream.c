/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>
#include "codec/sip_addr.h"
#include "codec/sip_uri.h"
#include "engine/names.h"
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

/* RFC 3263 §4.1: without the parameter UDP, and for sips: TCP. */
static bool
take_transport(struct settings_upstream *u, const struct sip_uri *uri)
{
	static const struct span names[FLOW_TRANSPORTS] = {
		[FLOW_WS] = { "ws", 2 },
		[FLOW_UDP] = { "udp", 3 },
		[FLOW_TCP] = { "tcp", 3 },
	};
	struct span transport;

	u->transport = u->tls ? FLOW_TCP : FLOW_UDP;
	if (!sip_param(uri->params, SPAN("transport"), &transport))
		return true;
	for (uint8_t i = 0; i < FLOW_TRANSPORTS; i++) {
		u->transport = i;
		if (span_equal_nocase(transport, names[i]))
			return !u->tls || i != FLOW_UDP;
	}
	return false;
}

static bool
take_weight(struct settings_upstream *u, const struct sip_uri *uri)
{
	struct span weight;
	uint32_t n;

	u->weight = 1;
	if (!sip_param(uri->params, SPAN("weight"), &weight))
		return true;
	if (!sip_delta_seconds(weight, &n) || n == 0 || n > SETTINGS_WEIGHT_MAX)
		return false;
	u->weight = (uint16_t)n;
	return true;
}

/* An address, or a name that somebody may know. */
static bool
take_host(struct settings_upstream *u, const struct sip_uri *uri)
{
	u->host[0] = u->address[0] = '\0';
	if (address_parse(uri->host, u->address))
		return true;
	u->address[0] = '\0';
	if (u->transport == FLOW_WS || uri->host.len >= sizeof(u->host) || uri->host.at[0] == '[' ||
	    names_is_invalid(uri))
		return false;
	memcpy(u->host, uri->host.at, uri->host.len);
	u->host[uri->host.len] = '\0';
	return true;
}

static bool
take_name(struct settings_upstream *u, const struct sip_uri *uri)
{
	struct span name;

	u->name[0] = '\0';
	if (!sip_param(uri->params, SPAN("name"), &name)) {
		memcpy(u->name, u->host, u->tls ? sizeof(u->name) : 0); /* RFC 5922 §7.1 */
		return true;
	}
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
			"upstream '%.80s': must be sip:IP[:PORT];transport=ws (or tcp, udp), or "
			"sips: for TLS",
			text);
	u->tls = uri.kind == SIP_SCHEME_SIPS;
	if (!take_transport(u, &uri))
		return settings_fail(error,
				     "upstream '%.80s': ;transport= must be ws, tcp or udp, and "
				     "not udp with sips:",
				     text);
	if (!take_weight(u, &uri))
		return settings_fail(error, "upstream '%.80s': ;weight= must be from 1 to %d", text,
				     SETTINGS_WEIGHT_MAX);
	if (!take_host(u, &uri))
		return settings_fail(error,
				     "upstream '%.80s': '%.*s' is not an IP address; names are "
				     "looked up with ;transport=tcp and udp only (example: "
				     "sip:127.0.0.1:5080;transport=ws)",
				     text, uri.host.len < 60 ? (int)uri.host.len : 60, uri.host.at);
	u->port = uri.port;
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
