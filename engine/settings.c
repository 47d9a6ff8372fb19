/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/settings.h"
#include <assert.h>
#include <stdarg.h>
#include <string.h>
#include "engine/settings_table.h"

#define NAME_MAX_BYTES 64 /* longer names are not looked up */
#define DEFAULT_LISTENER "ws:127.0.0.1:8080"
/* What forwarding adds to a message at most: Via, Record-Route, frame header. */
#define FORWARD_GROWTH 4096u
/* In mode echo, ms: a conformance suite may stop for seconds, and a timeout then fails its case. */
#define ECHO_PATIENCE 20000u
/* In mode edge, ms. */
#define EDGE_CONNECT 2000u
#define EDGE_RECONNECT_FIRST 500u
#define EDGE_RECONNECT_MAX 10000u

bool
settings_fail(char error[SETTINGS_ERROR_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, SETTINGS_ERROR_MAX, format, args);
	va_end(args);
	return false;
}

void
settings_init(struct settings *s)
{
	char error[SETTINGS_ERROR_MAX];

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < settings_table_len; i++)
		settings_table_default(&settings_table[i], s);
	if (!settings_domain_add(s, "default", false, error) ||
	    !settings_domain_add(s, "client", true, error))
		assert(!"the first domains");
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes of text[0..len) without the blanks at its ends; *text moves to the first. */
static size_t
trim(const char **text, size_t len)
{
	while (len && is_blank(**text)) {
		(*text)++;
		len--;
	}
	while (len && is_blank((*text)[len - 1]))
		len--;
	return len;
}

static bool
refuse_unknown(const char *name, char error[SETTINGS_ERROR_MAX])
{
	const char *nearest;

	if (settings_table_is_future(name))
		return settings_fail(
			error, "setting '%s': this version of sipring does not have it yet", name);
	nearest = settings_table_nearest(name);
	if (nearest)
		return settings_fail(error, "no setting is called '%s'; did you mean '%s'?", name,
				     nearest);
	return settings_fail(error, "no setting is called '%s'; --print-config lists all", name);
}

bool
settings_set(struct settings *s, const char *assignment, char error[SETTINGS_ERROR_MAX])
{
	const char *equals = strchr(assignment, '=');
	const char *name_at = assignment;
	const char *value_at;
	char name[NAME_MAX_BYTES], value[SETTINGS_TEXT_MAX];
	size_t name_len, value_len;
	const struct settings_row *row;

	if (!equals)
		return settings_fail(error, "'%.80s': must be NAME=VALUE", assignment);
	name_len = trim(&name_at, (size_t)(equals - assignment));
	value_at = equals + 1;
	value_len = trim(&value_at, strlen(value_at));
	if (name_len == 0)
		return settings_fail(error, "'%.80s': must be NAME=VALUE, the name is missing",
				     assignment);
	if (name_len >= sizeof(name))
		return settings_fail(error, "no setting has a name as long as '%.*s...'",
				     NAME_MAX_BYTES, name_at);
	memcpy(name, name_at, name_len);
	name[name_len] = '\0';
	if (value_len >= sizeof(value))
		return settings_fail(error, "setting '%s': its value is longer than %d bytes", name,
				     SETTINGS_TEXT_MAX - 1);
	memcpy(value, value_at, value_len);
	value[value_len] = '\0';
	if (strcmp(name, "listen") == 0)
		return settings_listen(s, value, error);
	if (strcmp(name, "upstream") == 0)
		return settings_upstream(s, value, error);
	if (strcmp(name, "tls.server_domain") == 0 || strcmp(name, "tls.client_domain") == 0)
		return settings_domain_add(s, value, name[4] == 'c', error);
	if (strcmp(name, "policy.rule") == 0)
		return settings_policy_add(s, value, error);
	row = settings_table_find(name);
	if (!row)
		return refuse_unknown(name, error);
	if (!(row->is_domain ? settings_domain_set(s, row, value, error) :
			       settings_table_parse(row, s, value, error)))
		return false;
	s->given[row - settings_table] = true;
	return true;
}

static bool
check_numbers(const struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	if (s->expires_min_s > s->expires_default_s)
		return settings_fail(error,
				     "registrar.min_expires (%u s) is more than "
				     "registrar.default_expires (%u s)",
				     s->expires_min_s, s->expires_default_s);
	if (s->expires_default_s > s->expires_max_s)
		return settings_fail(error,
				     "registrar.default_expires (%u s) is more than "
				     "registrar.max_expires (%u s)",
				     s->expires_default_s, s->expires_max_s);
	if (s->handshake_target_bytes > s->handshake_bytes)
		return settings_fail(
			error,
			"handshake_target_bytes (%u) is more than handshake_bytes (%u), "
			"of which the target is a part",
			s->handshake_target_bytes, s->handshake_bytes);
	if (s->contacts_max > s->bindings_max)
		return settings_fail(error,
				     "registrar.max_contacts (%u) is more than "
				     "registrar.max_bindings (%u)",
				     s->contacts_max, s->bindings_max);
	return true;
}

static bool
check_host(const struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	if (s->routing_host[strspn(s->routing_host, SETTINGS_HOST_CHARACTERS ":[]")] != '\0')
		return settings_fail(error,
				     "setting 'routing.host': '%.80s' is no host[:port]: letters, "
				     "digits, '-', '.', or an IPv6 address in brackets",
				     s->routing_host);
	return true;
}

/* Each name once around the loop; "a, b" and "a,b" are the same. */
static bool
check_domains(const struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	const char *at = s->routing_domains;

	while (*at) {
		const char *name = at;
		size_t len = strcspn(at, ",");
		bool last = at[len] == '\0';

		at += len + !last;
		len = trim(&name, len);
		if (len == 0 || (!last && *at == '\0'))
			return settings_fail(error,
					     "setting 'routing.domains': an empty name in "
					     "'%.80s'; names are separated by one comma",
					     s->routing_domains);
		if (strspn(name, SETTINGS_HOST_CHARACTERS ":[]") < len)
			return settings_fail(error,
					     "setting 'routing.domains': '%.*s' is no domain",
					     len < 80 ? (int)len : 80, name);
	}
	return true;
}

static bool
check_listeners(const struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	for (uint32_t i = 0; i < s->listeners_len; i++)
		for (uint32_t k = 0; k < i; k++)
			if (s->listeners[i].port != 0 &&
			    s->listeners[i].port == s->listeners[k].port &&
			    strcmp(s->listeners[i].address, s->listeners[k].address) == 0)
				return settings_fail(error, "listen: %s port %u is named twice",
						     s->listeners[i].address, s->listeners[i].port);
	return true;
}

static uint32_t
power_of_two(uint32_t n)
{
	uint32_t power = 1;

	assert(n <= UINT32_C(1) << 31);
	while (power < n)
		power *= 2;
	return power;
}

static bool
check_upstreams(const struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	bool edge = s->mode == SETTINGS_MODE_EDGE;

	if (s->upstreams_len && s->mode != SETTINGS_MODE_ECHO && !edge)
		return settings_fail(
			error, "upstream: only modes edge and echo connect out (and mode embed, "
			       "by sipring_connect()): --routing edge?");
	if (edge && !s->upstreams_len)
		return settings_fail(
			error, "routing.mode edge needs an upstream, the SIP core: --upstream "
			       "'sip:IP[:PORT];transport=tcp'");
	for (uint32_t i = 0; i < s->upstreams_len; i++)
		if (!edge && s->upstreams[i].transport != FLOW_WS)
			return settings_fail(error,
					     "upstream %s: mode echo connects over WebSocket only: "
					     "add ;transport=ws",
					     s->upstreams[i].address);
	if (s->ws_reconnect_first_ms > s->ws_reconnect_max_ms)
		return settings_fail(
			error, "ws_reconnect_first = %u must not be above ws_reconnect_max = %u",
			s->ws_reconnect_first_ms, s->ws_reconnect_max_ms);
	return true;
}

/* Mode edge: one of the few it lives on is missed sooner than one of many servers. */
static void
be_quick(struct settings *s)
{
	if (!s->given[SETTINGS_AT_tcp_connect_timeout_ms])
		s->tcp_connect_timeout_ms = EDGE_CONNECT;
	if (!s->given[SETTINGS_AT_ws_reconnect_first_ms])
		s->ws_reconnect_first_ms = EDGE_RECONNECT_FIRST;
	if (!s->given[SETTINGS_AT_ws_reconnect_max_ms] &&
	    s->ws_reconnect_first_ms <= EDGE_RECONNECT_MAX)
		s->ws_reconnect_max_ms = EDGE_RECONNECT_MAX;
	if (!s->ws_subprotocols[0])
		memcpy(s->ws_subprotocols, "sip", sizeof("sip"));
}

static void
upstream_port(const struct settings *s, struct settings_upstream *u)
{
	u->port_default = u->port == 0;
	if (u->port)
		return;
	if (u->transport == FLOW_WS)
		u->port = (uint16_t)(u->tls ? s->wss_port : s->ws_port);
	else
		u->port = u->tls ? 5061 : 5060;
}

static bool
check_edge(struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	if (s->mode != SETTINGS_MODE_EDGE)
		return true;
	if (!settings_listen_core(&s->core_listener, s->edge_listen, error))
		return false;
	for (uint32_t i = 0; i < s->upstreams_len; i++)
		if (!*s->upstreams[i].host &&
		    !strchr(s->upstreams[i].address, ':') !=
		    !strchr(s->core_listener.address, ':'))
			return settings_fail(error, "upstream %s and edge.listen %s: IPv4 and IPv6",
					     s->upstreams[i].address, s->core_listener.address);
	return true;
}

static void
be_patient(struct settings *s)
{
	if (!s->given[SETTINGS_AT_tcp_connect_timeout_ms])
		s->tcp_connect_timeout_ms = ECHO_PATIENCE;
	if (!s->given[SETTINGS_AT_ws_handshake_timeout_ms])
		s->ws_handshake_timeout_ms = ECHO_PATIENCE;
	if (!s->given[SETTINGS_AT_ws_send_timeout_ms])
		s->ws_send_timeout_ms = ECHO_PATIENCE;
	if (!s->given[SETTINGS_AT_wss_tls_handshake_timeout_ms])
		s->wss_tls_handshake_timeout_ms = ECHO_PATIENCE;
	if (!s->given[SETTINGS_AT_wss_handshake_timeout_ms])
		s->wss_handshake_timeout_ms = ECHO_PATIENCE;
	if (!s->given[SETTINGS_AT_wss_send_timeout_ms])
		s->wss_send_timeout_ms = ECHO_PATIENCE;
}

bool
settings_finish(struct settings *s, char error[SETTINGS_ERROR_MAX])
{
	bool embed = s->routing_mode == SETTINGS_MODE_EMBED;
	bool listens = s->listeners_len > 0 || embed || settings_listen(s, DEFAULT_LISTENER, error);

	assert(listens);
	if (embed && !s->ws_subprotocols[0])
		memcpy(s->ws_subprotocols, "sip", sizeof("sip")); /* RFC 7118 §4 */
	for (uint32_t i = 0; i < s->listeners_len; i++) {
		if (s->listeners[i].port_default)
			s->listeners[i].port =
				(uint16_t)(s->listeners[i].tls ? s->wss_port : s->ws_port);
		s->listeners[i].port_default = false;
	}
	for (uint32_t i = 0; i < s->upstreams_len; i++)
		upstream_port(s, &s->upstreams[i]);
	s->receive_buffers = power_of_two(s->receive_buffers);
	s->queue_messages = power_of_two(s->queue_messages);
	if (s->ws_send_queue < s->ws_max_message + FORWARD_GROWTH)
		s->ws_send_queue = s->ws_max_message + FORWARD_GROWTH;
	if (s->ws_max_fragments == 0)
		s->ws_max_fragments = s->ws_max_message / 64 > 1024 ? s->ws_max_message / 64 : 1024;
	s->mode = (enum settings_mode)s->routing_mode;
	if (s->mode == SETTINGS_MODE_ECHO)
		be_patient(s);
	else if (s->mode == SETTINGS_MODE_EDGE)
		be_quick(s);
	s->guard = (enum settings_guard)s->send_guard;
	s->origin_required = s->require_origin == SETTINGS_ORIGIN_AUTO ?
				     s->mode == SETTINGS_MODE_REGISTRAR ||
					     s->mode == SETTINGS_MODE_EDGE :
				     s->require_origin == SETTINGS_ORIGIN_1;
	return check_numbers(s, error) && check_host(s, error) && check_domains(s, error) &&
	       check_listeners(s, error) && check_upstreams(s, error) &&
	       check_edge(s, error) && settings_domain_check(s, error) &&
	       settings_auth_finish(s, error) && settings_policy_finish(s, error);
}
