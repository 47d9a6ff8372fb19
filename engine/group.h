/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_GROUP_H
#define ENGINE_GROUP_H
/*
 * Mode edge: the servers of the SIP core, and the flows to them that are in use. The loop that has
 * a connection says so, any router reads it: a word for each loop, server and transport.
 *
 * A server with transport udp has a second flow over TCP, for what does not fit a datagram.
 */
#include <stdatomic.h>
#include "codec/span.h"
#include "engine/flow.h"
#include "engine/settings.h"

#define GROUP_HOST_MAX 96

enum group_path { GROUP_MAIN, GROUP_TCP, GROUP_PATHS };

struct group_member {
	_Atomic uint64_t flows[GROUP_PATHS]; /* slot, and tag in the lower half; 0: not in use */
};

struct group {
	const struct settings *settings;
	char host[GROUP_HOST_MAX]; /* host:port where the core reaches us; before any loop runs */
	uint32_t loops;
	struct resolver *resolver;    /* where an upstream has a name; else NULL */
	struct group_member *members; /* [loops][settings->upstreams_len] */
};

/* False: out of memory, or nobody to look names up. */
bool group_init(struct group *g, const struct settings *settings, uint32_t loops);
void group_fini(struct group *g);

/* No loop runs any more: nobody may be rung. */
void group_stop(struct group *g);

/* By the loop: this flow is in use from now on; FLOW_NONE: none is. */
void group_set(struct group *g, uint32_t loop, uint32_t member, enum group_path path,
	       struct flow flow);

/* FLOW_NONE: not in use. Rather one of this loop than another's. Any router's thread. */
struct flow group_flow(const struct group *g, uint32_t loop, uint32_t member, enum group_path path);

/* Is any of its flows? The same. */
bool group_in_use(const struct group *g, uint32_t loop, uint32_t member);

/* The server with this host and port, or -1. */
int group_find(const struct group *g, struct span host, uint16_t port);

/*
 * The server for a request with this hash: by weight among all, so that it is always the same; the
 * next one in use where that is not. -1: none is in use. Any router's thread.
 */
int group_pick(const struct group *g, uint32_t loop, uint64_t hash);

#endif
