/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, descriptors, sockets; and the clients' side of them.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/uring_sim_world.h"

struct sim_file *
sim_file_new(enum sim_kind kind)
{
	struct sim_file *f = calloc(1, sizeof(*f));

	assert(f != NULL);
	f->kind = kind;
	f->references = 1;
	sim_world->files++;
	return f;
}

static struct sim_file *
listener_new(void)
{
	struct sim_file *f = sim_file_new(SIM_LISTENER);

	assert(sim_world->ports < SIM_LISTENERS_MAX);
	sim_world->listeners[sim_world->ports] = f;
	f->address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(1024 + sim_world->ports++)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	return f;
}

static void
pipe_drop(struct sim_pipe *p)
{
	free(p->bytes);
	*p = (struct sim_pipe){ 0 };
}

static void
disconnect(struct sim_file *f)
{
	struct sim_file *other = f->other;

	if (other == NULL)
		return;
	/* As TCP: who closes without having read all, or with linger 0, sends a RST. */
	if (f->linger_zero || f->in.len > 0) {
		pipe_drop(&other->in);
		other->reset_in = true;
		other->broken = true;
	}
	other->fin_in = true;
	other->other = NULL;
	f->other = NULL;
}

void
sim_file_put(struct sim_file *f)
{
	assert(f->references > 0);
	if (--f->references > 0)
		return;
	disconnect(f);
	for (uint32_t i = 0; i < f->backlog_len; i++)
		sim_file_put(f->backlog[i]);
	free(f->backlog);
	pipe_drop(&f->in);
	free(f);
	sim_world->files--;
}

void
sim_break(struct sim_file *f)
{
	struct sim_file *ends[2] = { f, f->other };

	for (int i = 0; i < 2; i++) {
		if (ends[i] == NULL)
			continue;
		pipe_drop(&ends[i]->in);
		ends[i]->reset_in = true;
		ends[i]->broken = true;
		ends[i]->fin_in = true;
		ends[i]->other = NULL;
	}
}

static uint32_t
pipe_room(const struct sim_pipe *p)
{
	return p->len < sim_world->socket_bytes ? sim_world->socket_bytes - p->len : 0;
}

uint32_t
sim_room(const struct sim_file *f)
{
	return f->other != NULL ? pipe_room(&f->other->in) : 0;
}

uint32_t
sim_transmit(struct sim_file *f, const uint8_t *bytes, uint32_t len)
{
	struct sim_pipe *p = &f->other->in;
	uint32_t room = pipe_room(p);

	if (len > room)
		len = room;
	if (p->bytes == NULL || p->size < sim_world->socket_bytes) {
		uint8_t *grown = malloc(sim_world->socket_bytes);
		uint32_t had;

		assert(grown != NULL);
		had = sim_pipe_take(p, grown, p->len);
		free(p->bytes);
		*p = (struct sim_pipe){ .bytes = grown,
					.len = had,
					.size = sim_world->socket_bytes };
	}
	for (uint32_t i = 0; i < len; i++)
		p->bytes[(p->head + p->len + i) % p->size] = bytes[i];
	p->len += len;
	return len;
}

uint32_t
sim_pipe_take(struct sim_pipe *p, uint8_t *out, uint32_t size)
{
	uint32_t n = p->len < size ? p->len : size;

	for (uint32_t i = 0; i < n; i++)
		out[i] = p->bytes[(p->head + i) % p->size];
	if (n > 0)
		p->head = (p->head + n) % p->size;
	p->len -= n;
	return n;
}

struct sim_file *
sim_file_of(int fd)
{
	if (fd >= SIM_FD_BASE && fd < SIM_FD_BASE + (int)SIM_FDS_MAX)
		return sim_world->fds[fd - SIM_FD_BASE];
	if (fd >= 0 && fd < SIM_REAL_FDS_MAX)
		return sim_world->real[fd];
	return NULL;
}

int
sim_fd_open(struct sim_file *f)
{
	if (sim_world->fds_open >= sim_world->fds_max)
		return -EMFILE;
	for (uint32_t i = 0; i < SIM_FDS_MAX; i++) {
		if (sim_world->fds[i] == NULL) {
			sim_world->fds[i] = f;
			sim_world->fds_open++;
			return SIM_FD_BASE + (int)i;
		}
	}
	return -EMFILE;
}

int
sim_fd_close(int fd)
{
	struct sim_file *f = sim_file_of(fd);

	if (f == NULL)
		return -EBADF;
	if (fd < SIM_FD_BASE) {
		assert(f->kind == SIM_STREAM);
		sim_world->real[fd] = NULL;
		close(fd);
	} else {
		sim_world->fds[fd - SIM_FD_BASE] = NULL;
		sim_world->fds_open--;
	}
	sim_file_put(f);
	return 0;
}

uint32_t
uring_sim_descriptors(void)
{
	return sim_world->fds_open;
}

bool
uring_sim_has_descriptors(uint32_t more)
{
	return sim_world->fds_open + more <= sim_world->fds_max;
}

static int
open_fd(struct sim_file *f)
{
	int fd = sim_fd_open(f);

	if (fd < 0)
		sim_file_put(f);
	return fd;
}

/* -- the face: ring/uring.h's sockets -- */

int
uring_socket_check_listener(int fd)
{
	struct sim_file *f = sim_file_of(fd);

	if (f == NULL && fd >= 0 && fd < SIM_REAL_FDS_MAX)
		f = sim_world->real[fd] = listener_new();
	if (f == NULL)
		return -EBADF;
	return f->kind == SIM_LISTENER ? 0 : -EINVAL;
}

int
uring_socket_peer(int fd, struct sockaddr_storage *peer)
{
	const struct sim_file *f = sim_file_of(fd);

	assert(f != NULL);
	if (f->broken)
		return -ENOTCONN;
	memset(peer, 0, sizeof(*peer));
	memcpy(peer, &f->address, sizeof(f->address));
	return 0;
}

void
uring_socket_linger_zero(int fd)
{
	sim_file_of(fd)->linger_zero = true;
}

void
sim_shut_write(struct sim_file *f)
{
	f->fin_out = true;
	if (f->other != NULL)
		f->other->fin_in = true;
}

void
uring_socket_shutdown_write(int fd)
{
	sim_shut_write(sim_file_of(fd));
}

void
uring_socket_close(int fd)
{
	int result = sim_fd_close(fd);

	assert(result == 0);
	(void)result;
}

int
uring_socket_pair(int fds[2])
{
	struct sim_file *ends[2] = { sim_file_new(SIM_STREAM), sim_file_new(SIM_STREAM) };

	ends[0]->other = ends[1];
	ends[1]->other = ends[0];
	ends[0]->connected = ends[1]->connected = true;
	if (sim_world->fds_open + 2 > sim_world->fds_max) {
		sim_file_put(ends[0]);
		sim_file_put(ends[1]);
		return -EMFILE;
	}
	for (int i = 0; i < 2; i++)
		fds[i] = sim_fd_open(ends[i]);
	return 0;
}

int
uring_socket_stream(void)
{
	return open_fd(sim_file_new(SIM_STREAM));
}

/* This world has streams only. */
int
uring_socket_send_datagram(int fd, const struct iovec *pieces, uint32_t pieces_len)
{
	(void)fd;
	(void)pieces;
	(void)pieces_len;
	return -EOPNOTSUPP;
}

int
uring_socket_reserve(void)
{
	return open_fd(sim_file_new(SIM_OTHER));
}

int
uring_socket_open_bell(void)
{
	return open_fd(sim_file_new(SIM_BELL));
}

void
uring_socket_ring_bell(int fd)
{
	sim_file_of(fd)->rings++;
}

/* -- the clients -- */

int
uring_sim_listen(void)
{
	int fd = open_fd(listener_new());

	assert(fd >= 0);
	return fd;
}

int
uring_sim_socket(void)
{
	return open_fd(sim_file_new(SIM_STREAM));
}

void
uring_sim_address(int listener, struct sockaddr_in *out)
{
	*out = sim_file_of(listener)->address;
}

void
uring_sim_deafen(int listener, bool deaf)
{
	sim_file_of(listener)->deaf = deaf;
}

static struct sim_file *
client_of(int client)
{
	assert(client >= 0 && (uint32_t)client < sim_world->clients_len);
	assert(sim_world->clients[client] != NULL);
	return sim_world->clients[client];
}

static int
client_new(struct sim_file *f)
{
	if (sim_world->clients_len == sim_world->clients_size) {
		uint32_t size = sim_world->clients_size * 2 + 16;

		sim_world->clients = realloc(sim_world->clients, size * sizeof(struct sim_file *));
		assert(sim_world->clients != NULL);
		sim_world->clients_size = size;
	}
	sim_world->clients[sim_world->clients_len] = f;
	return (int)sim_world->clients_len++;
}

int
uring_sim_connect(int listener)
{
	struct sim_file *l = sim_file_of(listener), *client;

	if (l == NULL || l->kind != SIM_LISTENER)
		return -ECONNREFUSED;
	client = sim_file_new(SIM_STREAM);
	sim_join(l, client);
	return client_new(client);
}

int
uring_sim_accept(int listener)
{
	struct sim_file *l = sim_file_of(listener);

	return l->backlog_len > 0 ? client_new(sim_backlog_take(l)) : -EAGAIN;
}

int
uring_sim_write(int client, const void *bytes, size_t len)
{
	struct sim_file *f = client_of(client);

	assert(!f->fin_out);
	if (f->reset_in) {
		f->reset_in = false;
		return -ECONNRESET;
	}
	if (f->other == NULL || f->broken)
		return -EPIPE;
	return (int)sim_transmit(f, bytes, (uint32_t)len);
}

int
uring_sim_read(int client, void *bytes, size_t size)
{
	struct sim_file *f = client_of(client);

	if (f->in.len > 0)
		return (int)sim_pipe_take(&f->in, bytes, (uint32_t)size);
	if (f->reset_in) {
		f->reset_in = false;
		return -ECONNRESET;
	}
	return f->fin_in ? 0 : -EAGAIN;
}

void
uring_sim_finish(int client)
{
	sim_shut_write(client_of(client));
}

void
uring_sim_close(int client)
{
	sim_file_put(client_of(client));
	sim_world->clients[client] = NULL;
}

void
uring_sim_reset(int client)
{
	client_of(client)->linger_zero = true;
	uring_sim_close(client);
}

void
uring_sim_end(void)
{
	assert(sim_world->rings == NULL && sim_world->requests == NULL);
	for (uint32_t i = 0; i < sim_world->clients_len; i++)
		if (sim_world->clients[i] != NULL)
			uring_sim_close((int)i);
	for (uint32_t i = 0; i < SIM_FDS_MAX; i++)
		if (sim_world->fds[i] != NULL && sim_world->fds[i]->kind == SIM_LISTENER)
			sim_fd_close(SIM_FD_BASE + (int)i);
	for (int i = 0; i < SIM_REAL_FDS_MAX; i++)
		if (sim_world->real[i] != NULL && sim_world->real[i]->kind == SIM_LISTENER)
			sim_file_put(sim_world->real[i]);
	assert(sim_world->fds_open == 0 && sim_world->files == 0);
	free(sim_world->clients);
	free(sim_world);
	sim_world = NULL;
}
