/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ring_peer.h"

#include <errno.h>

#include "ring/uring.h"
#include "tests/sim/uring_sim.h"

const char *const peer_kernel = "sim";

void
peer_begin(uint64_t seed)
{
	uring_sim_begin(seed);
}

void
peer_end(void)
{
	uring_sim_end();
}

int
peer_listen(bool small)
{
	if (small)
		uring_sim_limit_socket(8192);
	return uring_sim_listen();
}

void
peer_unlisten(int fd)
{
	(void)fd; /* with its world */
}

int
peer_connect(int listener, bool small)
{
	(void)small;
	return uring_sim_connect(listener);
}

int
peer_socket(bool nonblocking)
{
	(void)nonblocking;
	return uring_sim_socket();
}

void
peer_unsocket(int fd)
{
	uring_socket_close(fd);
}

void
peer_address(int listener, struct sockaddr_in *out)
{
	uring_sim_address(listener, out);
}

void
peer_address_refusing(struct sockaddr_in *out)
{
	*out = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(1),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

void
peer_address_unreachable(struct sockaddr_in *out)
{
	*out = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(9),
				     .sin_addr.s_addr = htonl(0x7fffffff) };
}

int
peer_accept(int listener)
{
	return uring_sim_accept(listener);
}

int
peer_listen_deaf(void)
{
	int fd = uring_sim_listen();

	uring_sim_deafen(fd, true);
	return fd;
}

void
peer_undeafen(int listener)
{
	uring_sim_deafen(listener, false);
}

int
peer_write(int peer, const void *bytes, size_t len)
{
	int n = uring_sim_write(peer, bytes, len);

	return n == 0 ? -EAGAIN : n;
}

int
peer_read(int peer, void *bytes, size_t size)
{
	return uring_sim_read(peer, bytes, size);
}

void
peer_finish(int peer)
{
	uring_sim_finish(peer);
}

void
peer_close(int peer)
{
	uring_sim_close(peer);
}

void
peer_reset(int peer)
{
	uring_sim_reset(peer);
}

void
peer_limit_descriptors(int32_t more)
{
	uint32_t max = UINT32_MAX;

	if (more < 0)
		max = 0;
	else if (more != INT32_MAX)
		max = uring_sim_descriptors() + (uint32_t)more;
	uring_sim_limit_descriptors(max);
}
