/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/listener.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t
sockaddr_of(const struct settings_listener *where, struct sockaddr_storage *out)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, where->address, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(where->port);
		return sizeof(*in4);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(where->port);
	/* settings_listen() has let only addresses through */
	if (inet_pton(AF_INET6, where->address, &in6->sin6_addr) != 1)
		assert(!"listener address");
	return sizeof(*in6);
}

static const char *
cure(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "another process listens there; stop it, or choose another port (0: any "
		       "free one)";
	case EADDRNOTAVAIL:
		return "no interface of this machine has that address";
	case EACCES:
	case EPERM:
		return "ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE";
	case EAFNOSUPPORT:
		return "this kernel has no IPv6";
	default:
		return "see the system's limits";
	}
}

/* Accepted sockets inherit all of it. */
static int
set_options(int fd, int family, bool shared, const struct settings *s)
{
	int on = 1, lowat = (int)s->tcp_notsent_lowat;

	if (lowat && setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat)))
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on))) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))))
		return -errno;
	return 0;
}

/* A bound socket that does not listen yet. */
static int
socket_bind(const struct settings_listener *where, bool shared, const struct settings *s)
{
	struct sockaddr_storage address;
	socklen_t len = sockaddr_of(where, &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	if (fd < 0)
		return -errno;
	result = set_options(fd, address.ss_family, shared, s);
	if (!result && bind(fd, (struct sockaddr *)&address, len))
		result = -errno;
	if (result) {
		close(fd);
		return result;
	}
	return fd;
}

static struct sockaddr_storage
bound_address(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len))
		assert(!"getsockname");
	return address;
}

struct sockaddr_storage
listener_address(const struct listener *l)
{
	return bound_address(l->fds[0]);
}

static unsigned
bound_port(int fd)
{
	struct sockaddr_storage address = bound_address(fd);

	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port :
						     ((struct sockaddr_in *)&address)->sin_port);
}

/*
 * Sockets that share a port would share it with another process, too, and nobody would notice. So
 * a first one that does not share finds out whether the port is free, and which one it is.
 */
static int
find_port(struct settings_listener *where, const struct settings *s)
{
	int fd = socket_bind(where, false, s), result = 0;

	if (fd < 0)
		return fd;
	if (listen(fd, (int)s->backlog))
		result = -errno;
	where->port = (uint16_t)bound_port(fd);
	close(fd);
	return result;
}

static int
open_all(struct listener *l, const struct settings_listener *where, uint32_t sockets,
	 const struct settings *s)
{
	struct settings_listener at = *where;
	int result = sockets > 1 ? find_port(&at, s) : 0;

	while (!result && l->fds_len < sockets) {
		int fd = socket_bind(&at, sockets > 1, s);

		if (fd < 0)
			return fd;
		l->fds[l->fds_len++] = fd;
		if (listen(fd, (int)s->backlog))
			return -errno;
	}
	return result;
}

int
listener_open(struct listener *l, const struct settings_listener *where, uint32_t sockets,
	      const struct settings *settings, char error[SETTINGS_ERROR_MAX])
{
	const char *bracket = strchr(where->address, ':') ? "[" : "";
	const char *bracket_end = *bracket ? "]" : "";
	int result;

	assert(sockets > 0 && sockets <= LISTENER_SOCKETS_MAX);
	l->fds_len = 0;
	result = open_all(l, where, sockets, settings);
	if (result) {
		snprintf(error, SETTINGS_ERROR_MAX, "cannot listen on %s:%s%s%s:%u: %s (%s)",
			 where->core ? "tcp" :
			 where->tls  ? "wss" :
				       "ws",
			 bracket, where->address, bracket_end, where->port, strerror(-result),
			 cure(-result));
		listener_close(l);
		return result;
	}
	snprintf(l->host, sizeof(l->host), "%s%s%s:%u", bracket, where->address, bracket_end,
		 bound_port(l->fds[0]));
	snprintf(l->url, sizeof(l->url), "%s%.87s",
		 where->core ? "sip:" :
		 where->tls  ? "wss://" :
			       "ws://",
		 l->host);
	return 0;
}

void
listener_close(struct listener *l)
{
	/*
	 * The kernel takes an io_uring apart after its process has ended, and its accept request
	 * holds the socket until then. Shut down, the socket frees its port at once, for whoever
	 * comes next.
	 */
	while (l->fds_len) {
		int fd = l->fds[--l->fds_len];

		shutdown(fd, SHUT_RDWR);
		close(fd);
	}
}
