/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LISTENER_H
#define ENGINE_LISTENER_H
/* Listening sockets: made and bound before any loop runs. Any thread. */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "engine/settings.h"

#define LISTENER_URL_MAX 96
#define LISTENER_SOCKETS_MAX 64

struct listener {
	int fds[LISTENER_SOCKETS_MAX]; /* one for each loop */
	uint32_t fds_len;
	char url[LISTENER_URL_MAX]; /* "ws://127.0.0.1:8080", with the port really bound */
	char host
		[LISTENER_URL_MAX]; /* the same without scheme: our name in Via where none is set */
};

/*
 * Sockets, options that accepted sockets inherit, bind, listen. Several sockets share the address
 * (SO_REUSEPORT): the kernel spreads new connections over them. 0; or -errno, and `error` says
 * which address, why, and what helps; then nothing is left open.
 */
int listener_open(struct listener *l, const struct settings_listener *where, uint32_t sockets,
		  const struct settings *settings, char error[SETTINGS_ERROR_MAX]);
void listener_close(struct listener *l);

/* Where it is really bound. */
struct sockaddr_storage listener_address(const struct listener *l);

#endif
