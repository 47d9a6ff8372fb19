/* SPDX-License-Identifier: Apache-2.0 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/options_value.h"

/* Cuts HOST[:PORT] in two, *port is the usual one; false: no port that could be one. */
static bool
cut_port(char *host, const char **port)
{
	char *colon = host[0] == '[' ? strchr(host, ']') : strrchr(host, ':');
	uint32_t n;

	if (host[0] == '[') {
		if (!colon || (colon[1] && colon[1] != ':'))
			return false;
		colon = colon[1] ? colon + 1 : NULL;
	}
	if (!colon)
		return true;
	*colon = '\0';
	*port = colon + 1;
	return options_whole(*port, 1, 65535, &n);
}

static const char *
resolve(struct options *o, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char name[OPTIONS_TEXT_MAX];
	size_t len = strlen(o->host);

	memcpy(name, o->host, len + 1);
	if (name[0] == '[') {
		memmove(name, name + 1, len);
		name[len - 2] = '\0';
	}
	if (getaddrinfo(name, port, &hints, &found) != 0)
		return "the host has no address";
	memcpy(&o->server, found->ai_addr, found->ai_addrlen);
	o->server_len = found->ai_addrlen;
	freeaddrinfo(found);
	return NULL;
}

const char *
options_url(struct options *o, const char *url)
{
	bool secure = strncmp(url, "wss://", 6) == 0;
	const char *rest = url + (secure ? 6 : 5), *path, *port = secure ? "443" : "80";
	size_t len;

	if (!secure && strncmp(url, "ws://", 5) != 0)
		return "a URL begins with ws:// or wss://, as in ws://127.0.0.1:8080/";
	o->secure = secure;
	path = strchrnul(rest, '/');
	len = (size_t)(path - rest);
	if (len == 0 || len >= sizeof(o->host) || strlen(path) >= sizeof(o->path) ||
	    strpbrk(rest, " \r\n{}@#"))
		return "not a URL, try ws://127.0.0.1:8080/";
	memcpy(o->host, rest, len);
	o->host[len] = '\0';
	memcpy(o->path, *path ? path : "/", strlen(*path ? path : "/") + 1);
	if (!cut_port(o->host, &port))
		return "a port is a number from 1 to 65535, as in ws://127.0.0.1:8080/";
	o->port = (uint16_t)strtoul(port, NULL, 10);
	return resolve(o, port);
}
