/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CLUSTER_LISTEN_H
#define ENGINE_CLUSTER_LISTEN_H
/* The listening sockets of a process. */
#include "engine/cluster.h"

/* Number i; mode edge has one more than the settings name, for the SIP core. */
const struct settings_listener *cluster_listen_setting(const struct settings *s, uint32_t i);

/* All of them, one socket for each loop. False: c->error says why; some may be open. */
bool cluster_listen_open(struct cluster *c);
void cluster_listen_close(struct cluster *c);

/* Mode edge: what the core is told, and where datagrams leave from: the last listener. */
void cluster_listen_name(struct cluster *c);

#endif
