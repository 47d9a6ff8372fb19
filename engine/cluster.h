/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CLUSTER_H
#define ENGINE_CLUSTER_H
/*
 * All loops and routers of a process: how many, their threads, their listening sockets, their
 * start and end. Belongs to the thread that started it, unless said otherwise.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "engine/listener.h"
#include "engine/loop.h"
#include "engine/mesh.h"
#include "engine/settings.h"
#include "engine/stats.h"

struct cluster_loop;
struct cluster_router;
struct shared;
struct users;

struct cluster {
	const struct settings *settings;
	const struct embed_application *application; /* mode embed; else NULL */
	struct tls_set *tls; /* to start with, the owner's; NULL: no TLS */
	struct users *users; /* to start with; NULL: none, or cluster_start() has taken them over */
	struct ring_config ring; /* of each loop */
	uint32_t loops_len, routers_len;
	uint32_t threads_of_routers; /* 0: inline */
	uint32_t threads;            /* loops that run, or have run */
	struct cluster_loop *loops;
	struct cluster_router *routers;
	uint32_t started_routers;
	struct mesh mesh;
	struct shared *shared; /* by the routers */
	struct listener listeners[SETTINGS_LISTENERS_MAX + 1];
	uint32_t listeners_len;
	struct sockaddr_storage core_address; /* mode edge: of the listener for the SIP core */
	int ended_fd; /* becomes readable when the first loop has ended */
	char *error;  /* SETTINGS_ERROR_MAX bytes, the caller's */
};

struct embed;
struct embed_application;

/*
 * How many loops, and connections for each, these settings come to; disable: ring features to do
 * without; descriptors: that sockets may take at most. False: impossible, and `error` says why and
 * what helps. Starts nothing.
 */
bool cluster_plan(struct cluster *c, const struct settings *settings, uint32_t disable,
		  uint32_t descriptors, char error[SETTINGS_ERROR_MAX]);

/*
 * Bind, start all threads, accept. ended_fd: an eventfd.
 * False: the machine said no, `error` says why, and nothing runs.
 */
bool cluster_start(struct cluster *c, int ended_fd);

/* While it runs: all new TLS handshakes use this set. */
void cluster_offer_tls(struct cluster *c, struct tls_set *set);

/* While it runs: these are its users from now on, and it frees them. */
void cluster_offer_users(struct cluster *c, struct users *users);

/* Connections at once, all loops together. */
uint32_t cluster_connections_max(const struct cluster *c);

/*
 * Mode embed: the one of the router that serves this loop; a loop that is not there counts as one.
 * NULL: not started. Any thread, until cluster_free().
 */
struct embed *cluster_embed(const struct cluster *c, uint32_t loop);

/* While it runs. Any thread; async-signal-safe. */
void cluster_tell(struct cluster *c, enum loop_command command);

/* Wait until all loops have ended, free everything. 0, or the -errno that broke a loop. */
int cluster_wait(struct cluster *c);

/* Add up all counters. Any thread, while it runs or between cluster_wait() and cluster_free(). */
void cluster_sum(const struct cluster *c, struct stats *sum);

/* After cluster_wait(), or if it never started: the counters go. */
void cluster_free(struct cluster *c);

#endif
