/* SPDX-License-Identifier: Apache-2.0 */
/* A client's socket, and the beginning of its connection. */
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tools/wsload/client.h"
#include "tools/wsload/sipp_local.h"
#include "tools/wsload/worker.h"

static int
new_socket(const struct worker *w, struct client *c)
{
	const struct options *o = &w->plan->options;
	int fd = socket(o->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in source = { .sin_family = AF_INET };
	int error;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (w->sipp && !o->sources_len) {
		error = sipp_local_bind(w, fd, &c->local_port);
		if (error < 0)
			close(fd);
		return error < 0 ? error : fd;
	}
	if (!o->sources_len)
		return fd;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	source.sin_addr = o->sources[c->number % o->sources_len];
	if (bind(fd, (const struct sockaddr *)&source, sizeof(source)) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* Why connections could not even begin is nothing that the server says: so it is told, once. */
static void
not_begun(struct worker *w, struct client *c, int error)
{
	if (!w->note[0])
		snprintf(w->note, sizeof(w->note), "no connection could be begun: %s%s",
			 strerror(-error),
			 error == -EMFILE || error == -ENFILE || error == -ENOBUFS ?
				 "; raise ulimit -n, or give more --threads" :
				 "");
	c->state = CLIENT_GONE;
	client_fault(w, c, TALLY_connect_failed);
}

bool
client_open(struct worker *w, struct client *c)
{
	const struct options *o = &w->plan->options;
	int fd = new_socket(w, c), error = fd;

	assert(c->state == CLIENT_NEW || c->state == CLIENT_GONE);
	if (fd >= 0) {
		error = ring_connect(w->ring, fd, (const struct sockaddr *)&o->server,
				     o->server_len, &c->slot);
		if (error < 0)
			close(fd);
	}
	if (error < 0) {
		not_begun(w, c, error);
		return false;
	}
	w->by_slot[c->slot] = c;
	c->state = CLIENT_CONNECTING;
	c->since_ns = w->now_ns;
	return true;
}
