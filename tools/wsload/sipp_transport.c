/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_transport.h"

#include <string.h>
#include "codec/ws_frame.h"
#include "tools/wsload/sipp_datagram.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/sipp_stream.h"
#include "tools/wsload/worker.h"

static enum sipp_network
network_of(const struct worker *w)
{
	return w->plan->options.sipp.network;
}

bool
sipp_transport_is_reliable(const struct worker *w)
{
	return network_of(w) != SIPP_UDP;
}

const char *
sipp_transport_name(const struct worker *w)
{
	switch (network_of(w)) {
	case SIPP_UDP:
		return "UDP";
	case SIPP_TCP:
		return "TCP";
	case SIPP_WEBSOCKET:
		break;
	}
	return w->plan->options.secure ? "WSS" : "WS";
}

bool
sipp_transport_peer(struct worker *w, uint64_t call, struct sipp_peer *out)
{
	const struct options *o = &w->plan->options;

	*out = (struct sipp_peer){ 0 };
	if (network_of(w) == SIPP_UDP) {
		memcpy(&out->address, &o->server, o->server_len);
		out->address_len = o->server_len;
		out->local_port = sipp_datagram_port(w->sipp->datagram);
		return true;
	}
	for (uint32_t i = 0; i < w->clients_len; i++) {
		struct client *c = &w->clients[(call - 1 + i) % w->clients_len];

		if (c->state != CLIENT_OPEN)
			continue;
		out->client = c;
		out->local_port = c->local_port;
		return true;
	}
	return false;
}

static bool
send_frame(struct worker *w, struct client *c, struct span message)
{
	char *at = client_begin_message(w, c, (uint32_t)message.len);

	if (!at)
		return false;
	memcpy(at, message.at, message.len);
	client_end_message(w, c, (uint32_t)message.len, (uint32_t)message.len, WS_OP_TEXT);
	return true;
}

bool
sipp_transport_send(struct worker *w, const struct sipp_peer *peer, struct span message)
{
	struct client *c = peer->client;

	if (c && c->state != CLIENT_OPEN)
		return false;
	if (network_of(w) == SIPP_WEBSOCKET)
		return send_frame(w, c, message);
	if (c ? !sipp_stream_send(w, c, message) :
		!sipp_datagram_send(w->sipp->datagram, peer, message))
		return false;
	tally_count(&w->tally, TALLY_messages_sent, 1);
	return true;
}
