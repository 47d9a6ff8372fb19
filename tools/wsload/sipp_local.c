/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return 0;
	return ntohs(own.ss_family == AF_INET6 ?
			     ((const struct sockaddr_in6 *)(const void *)&own)->sin6_port :
			     ((const struct sockaddr_in *)(const void *)&own)->sin_port);
}

/* An address of the server's family; `text` NULL: any. */
static socklen_t
local_address(const struct worker *w, const char *text, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = w->plan->options.server.ss_family;
	if (out->ss_family == AF_INET6) {
		v6->sin6_port = htons(port);
		if (text && inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
			return 0;
		return sizeof(*v6);
	}
	v4->sin_port = htons(port);
	if (text && inet_pton(AF_INET, text, &v4->sin_addr) != 1)
		return 0;
	return sizeof(*v4);
}

int
sipp_local_bind(const struct worker *w, int fd, uint16_t *port)
{
	const struct sipp_options *o = &w->plan->options.sipp;
	struct sockaddr_storage address;
	socklen_t len = local_address(w, o->local_ip, (uint16_t)o->local_port, &address);
	int on = 1;

	if (!len)
		return -EAFNOSUPPORT;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address, len) < 0)
		return -errno;
	*port = port_of(fd);
	return 0;
}

static int
bind_listener(const struct sipp_run *run, int fd, int type)
{
	const struct options *o = &run->worker->plan->options;
	int on = 1;

	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&o->server, o->server_len) < 0 ? -errno : 0;
}

int
sipp_local_socket(const struct sipp_run *run, int type, uint16_t *port, const char **error)
{
	const struct options *o = &run->worker->plan->options;
	int fd = socket(o->server.ss_family, type | SOCK_CLOEXEC, 0);
	int result = fd < 0 ? -errno : 0;

	if (result == 0)
		result = run->scenario->answers ? bind_listener(run, fd, type) :
						  sipp_local_bind(run->worker, fd, port);
	if (result < 0) {
		*error = strerror(-result);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = port_of(fd);
	if (run->scenario->answers)
		fprintf(stderr, "wsload: listening on %s:%s:%u\n",
			type == SOCK_STREAM ? "tcp" : "udp", o->host, *port);
	return fd;
}
