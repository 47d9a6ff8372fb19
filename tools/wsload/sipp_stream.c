/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_stream.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/wsload/sipp_header.h"
#include "tools/wsload/sipp_local.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

#define BACKLOG 1024
#define MESSAGE_MAX (1u << 24)

bool
sipp_stream_listen(struct worker *w, const char **error)
{
	uint16_t port;
	int on = 1, fd = sipp_local_socket(w->sipp, SOCK_STREAM, &port, error);

	if (fd < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	w->sipp->listener = fd;
	w->sipp->listener_port = port;
	*error = "cannot listen";
	return listen(fd, BACKLOG) == 0 && ring_listen(w->ring, fd) >= 0;
}

void
sipp_stream_accepted(struct worker *w, uint32_t slot)
{
	for (uint32_t i = 0; i < w->clients_len; i++) {
		struct client *c = &w->clients[i];

		if (c->state != CLIENT_NEW && c->state != CLIENT_GONE)
			continue;
		c->slot = slot;
		c->state = CLIENT_OPEN;
		c->since_ns = w->now_ns;
		c->local_port = w->sipp->listener_port;
		w->by_slot[slot] = c;
		tally_count(&w->tally, TALLY_connected, 1);
		return;
	}
	ring_close(w->ring, slot, true);
}

bool
sipp_stream_send(struct worker *w, struct client *c, struct span message)
{
	if (!client_put(w, &c->out, message))
		return false;
	worker_put_dirty(w, c);
	return true;
}

/* The length of the first message; 0: more has to come; SIZE_MAX: it is none. */
static size_t
message_len(struct span text)
{
	size_t head = sipp_header_end(text);
	struct span value =
		head ? sipp_header_value(span_of(text.at, head), SPAN("Content-Length")) :
		       span_of(NULL, 0);
	size_t body = 0;

	if (!head)
		return text.len > MESSAGE_MAX ? SIZE_MAX : 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return SIZE_MAX;
		body = body * 10 + (size_t)(value.at[i] - '0');
		if (body > MESSAGE_MAX)
			return SIZE_MAX;
	}
	return head + body <= text.len ? head + body : 0;
}

/* CRLF between messages: keep-alives, and what careless peers add. */
static size_t
line_ends(struct span text)
{
	size_t n = 0;

	while (n < text.len && (text.at[n] == '\r' || text.at[n] == '\n'))
		n++;
	return n;
}

/* How much of it was taken. */
static size_t
take_messages(struct worker *w, struct client *c, struct span text)
{
	struct sipp_peer from = { .client = c, .local_port = c->local_port };
	size_t taken = 0, len;

	while (c->state < CLIENT_CLOSING) {
		taken += line_ends(span_of(text.at + taken, text.len - taken));
		len = message_len(span_of(text.at + taken, text.len - taken));
		if (len == 0)
			break;
		if (len == SIZE_MAX) {
			tally_count(&w->tally, TALLY_frames_bad, 1);
			client_abandon(w, c);
			break;
		}
		tally_count(&w->tally, TALLY_messages_received, 1);
		sipp_run_take(w->sipp, span_of(text.at + taken, len), &from);
		taken += len;
	}
	return taken;
}

void
sipp_stream_take(struct worker *w, struct client *c, uint8_t *bytes, size_t len)
{
	struct span text = span_of(bytes, len);
	size_t taken;

	if (c->in.len) {
		if (!client_put(w, &c->in, text)) {
			client_abandon(w, c);
			return;
		}
		text = span_of(c->in.at, c->in.len);
	}
	taken = take_messages(w, c, text);
	text = span_of(text.at + taken, text.len - taken);
	if (c->in.len) {
		memmove(c->in.at, text.at, text.len);
		c->in.len = (uint32_t)text.len;
	} else if (text.len && !client_put(w, &c->in, text)) {
		client_abandon(w, c);
	}
}
