/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who finds whom: sockets that are to be connected, listeners by their address, backlogs.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/uring_sim_world.h"

struct sim_file *
sim_file_to_connect(int fd)
{
	struct sim_file *f = sim_file_of(fd);

	if (f == NULL && fd >= 0 && fd < SIM_REAL_FDS_MAX)
		f = sim_world->real[fd] = sim_file_new(SIM_STREAM);
	assert(f != NULL && f->kind == SIM_STREAM && !f->connected);
	return f;
}

struct sim_file *
sim_listener_at(const struct sockaddr_storage *address, int *error)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	uint32_t host = ntohl(in4->sin_addr.s_addr);
	in_port_t port;

	if (address->ss_family == AF_INET ? host >> 24 != 127 || host == 0x7fffffff :
					    !IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)) {
		*error = -ENETUNREACH;
		return NULL;
	}
	*error = -ECONNREFUSED;
	port = address->ss_family == AF_INET ? in4->sin_port : in6->sin6_port;
	for (uint32_t i = 0; i < sim_world->ports; i++)
		if (sim_world->listeners[i]->address.sin_port == port)
			return sim_world->listeners[i];
	return NULL;
}

void
sim_join(struct sim_file *l, struct sim_file *client)
{
	struct sim_file *server = sim_file_new(SIM_STREAM);

	if (l->backlog_len == l->backlog_size) {
		l->backlog_size = l->backlog_size * 2 + 16;
		l->backlog = realloc(l->backlog, l->backlog_size * sizeof(struct sim_file *));
		assert(l->backlog != NULL);
	}
	server->other = client;
	client->other = server;
	server->connected = client->connected = true;
	server->address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(1024 + sim_world->clients_len % 60000)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	client->address = l->address;
	l->backlog[l->backlog_len++] = server;
}

struct sim_file *
sim_backlog_take(struct sim_file *l)
{
	struct sim_file *f = l->backlog[0];

	l->backlog_len--;
	memmove(l->backlog, l->backlog + 1, l->backlog_len * sizeof(struct sim_file *));
	return f;
}
