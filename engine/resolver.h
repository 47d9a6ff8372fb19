/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_RESOLVER_H
#define ENGINE_RESOLVER_H
/*
 * Where a server of the SIP core is, by RFC 3263 §4.2: NAPTR, SRV, A or AAAA through c-ares, on a
 * thread of its own. The transport is that of the URI: NAPTR is asked for the name of its SRV
 * records only. Loops ask and are rung; nothing here makes them wait.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "engine/flow.h"

struct resolver; /* opaque */

#define RESOLVER_TARGETS_MAX 8
#define RESOLVER_HOST_MAX 256

struct resolver_target {
	char address[46]; /* numeric, without brackets */
	uint16_t port;
};

enum resolver_state {
	RESOLVER_IDLE,
	RESOLVER_BUSY, /* with the resolver: nobody else looks at the rest */
	RESOLVER_DONE,
};

/* One question and its answer; the asker's, who fills it in down to `arg`. */
struct resolver_name {
	char host[RESOLVER_HOST_MAX];
	uint16_t port; /* 0: none was named, so ask for NAPTR and SRV */
	uint16_t port_default;
	enum flow_transport transport;
	bool tls;
	int family;              /* AF_INET or AF_INET6 */
	void (*done)(void *arg); /* called by the resolver's thread */
	void *arg;
	_Atomic uint32_t state;     /* enum resolver_state */
	struct resolver_name *next; /* the resolver's */
	/* the answer, in the order to try; none: it failed */
	uint32_t targets_len;
	struct resolver_target targets[RESOLVER_TARGETS_MAX];
	uint64_t expires_ns; /* CLOCK_MONOTONIC */
};

/*
 * `servers`: "IP[:PORT],..."; empty: those of the system. Its thread runs until resolver_free().
 * NULL: no memory, no thread, or servers that are none.
 */
struct resolver *resolver_new(const char *servers);

/* Nobody asks any more; answers under way are not told. */
void resolver_free(struct resolver *r);

/* Any thread; does not wait. `n` is not BUSY, and stays until it is DONE or resolver_free(). */
void resolver_ask(struct resolver *r, struct resolver_name *n);

#endif
