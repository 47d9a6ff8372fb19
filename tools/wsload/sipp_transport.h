/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_TRANSPORT_H
#define WSLOAD_SIPP_TRANSPORT_H
/*
 * How the messages of scenarios travel: in frames of a WebSocket, one behind the other on TCP, or
 * in datagrams. What arrives goes to sipp_run_take(). On the worker's thread.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"

struct worker;
struct client;

/* Where the messages of a call go. */
struct sipp_peer {
	struct client *client; /* the connection; NULL: `address`, in datagrams */
	uint16_t local_port;
	socklen_t address_len;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
};

/* Messages are not lost on their way, and so not sent again. */
bool sipp_transport_is_reliable(const struct worker *w);

/* As it stands in Via: "UDP", "TCP", "WS", "WSS". */
const char *sipp_transport_name(const struct worker *w);

/* Where the call with this number goes; false: no connection is open. */
bool sipp_transport_peer(struct worker *w, uint64_t call, struct sipp_peer *out);

/* False: it cannot be sent; the connection is gone. */
bool sipp_transport_send(struct worker *w, const struct sipp_peer *peer, struct span message);

#endif
