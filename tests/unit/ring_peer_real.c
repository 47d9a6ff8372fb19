/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ring_peer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const peer_kernel = "real";

static struct rlimit saved_limit;

void
peer_begin(uint64_t seed)
{
	(void)seed;
	getrlimit(RLIMIT_NOFILE, &saved_limit);
	saved_limit.rlim_cur = saved_limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &saved_limit);
}

void
peer_end(void)
{
}

static void
make_small(int fd, bool small)
{
	const int bytes = 4096;

	if (!small)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int
peer_listen(bool small)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	make_small(fd, small);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0)
		abort(); /* no loopback, no test */
	return fd;
}

void
peer_unlisten(int fd)
{
	close(fd);
}

int
peer_connect(int listener, bool small)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	make_small(fd, small);
	getsockname(listener, (struct sockaddr *)&address, &len);
	/* Over loopback connect() is done when the backlog took it: nothing to wait for. */
	if (connect(fd, (struct sockaddr *)&address, len) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int
peer_socket(bool nonblocking)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);

	assert(fd >= 0);
	return fd;
}

void
peer_unsocket(int fd)
{
	close(fd);
}

void
peer_address(int listener, struct sockaddr_in *out)
{
	socklen_t len = sizeof(*out);

	if (getsockname(listener, (struct sockaddr *)out, &len) < 0)
		abort();
}

void
peer_address_refusing(struct sockaddr_in *out)
{
	int fd = peer_listen(false); /* so the port is nobody's */

	peer_address(fd, out);
	close(fd);
}

void
peer_address_unreachable(struct sockaddr_in *out)
{
	/* No TCP to a broadcast address, not even on loopback. */
	*out = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(9),
				     .sin_addr.s_addr = htonl(0x7fffffff) };
}

int
peer_accept(int listener)
{
	struct pollfd waiting = { .fd = listener, .events = POLLIN };
	int fd;

	if (poll(&waiting, 1, 0) == 0)
		return -EAGAIN;
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return -errno;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* In a backlog of 0 there is room for one; then SYNs are dropped. */
static int filler = -1;

int
peer_listen_deaf(void)
{
	int fd = peer_listen(false);

	if (listen(fd, 0) < 0)
		abort();
	filler = peer_connect(fd, false);
	assert(filler >= 0);
	return fd;
}

void
peer_undeafen(int listener)
{
	close(filler);
	close(peer_accept(listener));
}

int
peer_write(int peer, const void *bytes, size_t len)
{
	ssize_t n = send(peer, bytes, len, MSG_NOSIGNAL);

	return n < 0 ? -errno : (int)n;
}

int
peer_read(int peer, void *bytes, size_t size)
{
	ssize_t n = recv(peer, bytes, size, 0);

	return n < 0 ? -errno : (int)n;
}

void
peer_finish(int peer)
{
	shutdown(peer, SHUT_WR);
}

void
peer_close(int peer)
{
	close(peer);
}

void
peer_reset(int peer)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(peer);
}

void
peer_limit_descriptors(int32_t more)
{
	struct rlimit limit = saved_limit;
	int next;

	setrlimit(RLIMIT_NOFILE, &limit);
	next = dup(0); /* the lowest that is free */
	close(next);
	if (more < 0)
		limit.rlim_cur = 3;
	else if (more != INT32_MAX)
		limit.rlim_cur = (rlim_t)next + (rlim_t)more;
	setrlimit(RLIMIT_NOFILE, &limit);
}
