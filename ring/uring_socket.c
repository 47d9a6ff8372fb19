/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring/uring.h"

int
uring_socket_check_listener(int fd)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return -errno;
	return listens ? 0 : -EINVAL;
}

int
uring_socket_peer(int fd, struct sockaddr_storage *peer)
{
	socklen_t len = sizeof(*peer);

	return getpeername(fd, (struct sockaddr *)peer, &len) < 0 ? -errno : 0;
}

void
uring_socket_linger_zero(int fd)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void
uring_socket_shutdown_write(int fd)
{
	shutdown(fd, SHUT_WR);
}

void
uring_socket_close(int fd)
{
	close(fd);
}

int
uring_socket_stream(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int
uring_socket_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

int
uring_socket_send_datagram(int fd, const struct iovec *pieces, uint32_t pieces_len)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)pieces,
				  .msg_iovlen = pieces_len };
	ssize_t n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : (int)n;
}

int
uring_socket_reserve(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int
uring_socket_open_bell(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void
uring_socket_ring_bell(int fd)
{
	const uint64_t one = 1;
	const int saved = errno; /* we may be in a signal handler */

	/*
	 * The counter is never read: the ring polls for the edge, and 2^64 rings do not
	 * happen. So this cannot block, and its only failure is a descriptor that is not ours.
	 */
	if (write(fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}
