/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/names.h"

#include <assert.h>

/*
 * "host", "host:port", "[v6]", "[v6]:port"; a bare IPv6 address has more than one colon and no
 * port.
 */
static struct names_entry
entry_of(struct span text)
{
	struct names_entry e = { .host = text };
	const char *colon = NULL;
	uint32_t port = 0;
	size_t colons = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == ':') {
			colon = text.at + i;
			colons++;
		} else if (text.at[i] == ']') {
			colon = NULL;
			colons = 0;
		}
	}
	if (colons != 1)
		return e;
	for (const char *c = colon + 1; c < text.at + text.len && port <= UINT16_MAX; c++)
		port = port * 10 + (uint32_t)(*c - '0');
	e.host.len = (size_t)(colon - text.at);
	e.port = (uint16_t)port;
	return e;
}

static void
self_add(struct names *n, struct span text, uint16_t port)
{
	struct names_entry e = entry_of(text);

	assert(n->self_len < NAMES_SELF_MAX);
	if (port)
		e.port = port;
	if (e.host.len)
		n->self[n->self_len++] = e;
}

static void
domains_add(struct names *n, struct span list)
{
	size_t from = 0;

	for (size_t i = 0; i <= list.len; i++) {
		if (i < list.len && list.at[i] != ',')
			continue;
		struct span name = span_trim(span_of(list.at + from, i - from));

		if (name.len && n->domains_len < NAMES_DOMAINS_MAX)
			n->domains[n->domains_len++] = entry_of(name);
		from = i + 1;
	}
}

void
names_init(struct names *n, const struct settings *settings, struct span host)
{
	n->domains_len = n->self_len = 0;
	domains_add(n, span_of(settings->routing_domains, strlen(settings->routing_domains)));
	n->every_domain = n->domains_len == 0;
	self_add(n, host, 0);
	self_add(n, span_of(settings->routing_host, strlen(settings->routing_host)), 0);
	for (uint32_t i = 0; i < settings->listeners_len; i++) {
		const struct settings_listener *l = &settings->listeners[i];

		self_add(n, span_of(l->address, strlen(l->address)), l->port);
	}
}

void
names_add_self(struct names *n, struct span host)
{
	self_add(n, host, 0);
}

/* An IPv6 address has brackets in a URI, and none in settings. */
static struct span
without_brackets(struct span host)
{
	if (host.len >= 2 && host.at[0] == '[')
		return span_of(host.at + 1, host.len - 2);
	return host;
}

static bool
matches(const struct names_entry *list, uint32_t len, const struct sip_uri *uri)
{
	struct span host = without_brackets(uri->host);

	for (uint32_t i = 0; i < len; i++) {
		if (list[i].port && uri->port && list[i].port != uri->port)
			continue;
		if (span_equal_nocase(without_brackets(list[i].host), host))
			return true;
	}
	return false;
}

bool
names_is_self(const struct names *n, const struct sip_uri *uri)
{
	return matches(n->self, n->self_len, uri);
}

bool
names_is_listed(const struct names *n, const struct sip_uri *uri)
{
	return matches(n->domains, n->domains_len, uri) || names_is_self(n, uri);
}

bool
names_is_ours(const struct names *n, const struct sip_uri *uri)
{
	return n->every_domain || names_is_listed(n, uri);
}

bool
names_is_invalid(const struct sip_uri *uri)
{
	struct span end = SPAN(".invalid");
	struct span host = uri->host;

	if (host.len && host.at[host.len - 1] == '.')
		host.len--;
	return host.len > end.len &&
	       span_equal_nocase(span_of(host.at + host.len - end.len, end.len), end);
}
