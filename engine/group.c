/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/group.h"

#include <stdlib.h>
#include <string.h>
#include "engine/resolver.h"

bool
group_init(struct group *g, const struct settings *settings, uint32_t loops)
{
	size_t members = (size_t)loops * settings->upstreams_len;
	bool names = false;

	memset(g, 0, sizeof(*g));
	g->settings = settings;
	g->loops = loops;
	if (!members)
		return true;
	for (uint32_t i = 0; i < settings->upstreams_len; i++)
		names |= *settings->upstreams[i].host != '\0';
	g->members = calloc(members, sizeof(*g->members));
	if (g->members && names)
		g->resolver = resolver_new(settings->dns_servers);
	if (g->members && (g->resolver || !names))
		return true;
	free(g->members);
	return false;
}

void
group_stop(struct group *g)
{
	resolver_free(g->resolver);
	g->resolver = NULL;
}

void
group_fini(struct group *g)
{
	group_stop(g);
	free(g->members);
}

static _Atomic uint64_t *
word(const struct group *g, uint32_t loop, uint32_t member, enum group_path path)
{
	return &g->members[loop * g->settings->upstreams_len + member].flows[path];
}

void
group_set(struct group *g, uint32_t loop, uint32_t member, enum group_path path, struct flow flow)
{
	/* relaxed: what a flow is, its own entry tells; a stale one is found out on delivery */
	atomic_store_explicit(word(g, loop, member, path), (uint64_t)flow.slot << 32 | flow.tag,
			      memory_order_relaxed);
}

struct flow
group_flow(const struct group *g, uint32_t loop, uint32_t member, enum group_path path)
{
	for (uint32_t i = 0; i < g->loops; i++) {
		uint64_t flow = atomic_load_explicit(word(g, (loop + i) % g->loops, member, path),
						     memory_order_relaxed);

		if (flow)
			return (struct flow){ (uint32_t)(flow >> 32), (uint32_t)flow };
	}
	return FLOW_NONE;
}

static struct span
without_brackets(struct span host)
{
	return host.len >= 2 && host.at[0] == '[' ? span_of(host.at + 1, host.len - 2) : host;
}

static bool
is_called(const struct settings_upstream *u, struct span host)
{
	return span_equal_nocase(span_of(u->address, strlen(u->address)), without_brackets(host)) ||
	       (*u->host && span_equal_nocase(span_of(u->host, strlen(u->host)), host)) ||
	       (*u->name && span_equal_nocase(span_of(u->name, strlen(u->name)), host));
}

int
group_find(const struct group *g, struct span host, uint16_t port)
{
	for (uint32_t i = 0; i < g->settings->upstreams_len; i++) {
		const struct settings_upstream *u = &g->settings->upstreams[i];

		if ((port ? port : u->tls ? 5061 : 5060) == u->port && is_called(u, host))
			return (int)i;
	}
	return -1;
}

bool
group_in_use(const struct group *g, uint32_t loop, uint32_t member)
{
	return !flow_is_none(group_flow(g, loop, member, GROUP_MAIN)) ||
	       !flow_is_none(group_flow(g, loop, member, GROUP_TCP));
}

int
group_pick(const struct group *g, uint32_t loop, uint64_t hash)
{
	uint32_t len = g->settings->upstreams_len, first = 0;
	uint64_t weights = 0;

	for (uint32_t i = 0; i < len; i++)
		weights += g->settings->upstreams[i].weight;
	if (!weights)
		return -1;
	for (hash %= weights; hash >= g->settings->upstreams[first].weight; first++)
		hash -= g->settings->upstreams[first].weight;
	for (uint32_t i = 0; i < len; i++)
		if (group_in_use(g, loop, (first + i) % len))
			return (int)((first + i) % len);
	return -1;
}
