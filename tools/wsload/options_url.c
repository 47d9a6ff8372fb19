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

/* udp:HOST:PORT, tcp:HOST:PORT, sip:[USER@]HOST[:PORT][;transport=tcp]; false: none of them. */
static bool
is_plain(struct options *o, const char *url, const char **rest)
{
	bool sip = strncmp(url, "sip:", 4) == 0, tcp = strncmp(url, "tcp:", 4) == 0;
	const char *user = sip ? strchr(url, '@') : NULL;

	if (!sip && !tcp && strncmp(url, "udp:", 4) != 0)
		return false;
	*rest = user ? user + 1 : url + 4;
	*rest += strncmp(*rest, "//", 2) == 0 ? 2 : 0;
	if (sip)
		tcp = strcasestr(url, ";transport=tcp") != NULL;
	o->sipp.network = tcp ? SIPP_TCP : SIPP_UDP;
	return true;
}

/* Port 0: any, for who listens. */
static const char *
plain_url(struct options *o, const char *rest)
{
	const char *port = "5060";
	size_t len = strcspn(rest, ";");
	char *zero;

	if (len == 0 || len >= sizeof(o->host) || strpbrk(rest, " \r\n{}@#/"))
		return "not an address, try udp:127.0.0.1:5060";
	memcpy(o->host, rest, len);
	o->host[len] = '\0';
	memcpy(o->path, "/", 2);
	zero = len > 2 && strcmp(o->host + len - 2, ":0") == 0 ? o->host + len - 2 : NULL;
	if (zero) {
		*zero = '\0';
		port = "0";
	} else if (!cut_port(o->host, &port)) {
		return "a port is a number from 1 to 65535, as in udp:127.0.0.1:5060";
	}
	o->port = (uint16_t)strtoul(port, NULL, 10);
	return resolve(o, port);
}

const char *
options_url(struct options *o, const char *url)
{
	bool secure = strncmp(url, "wss://", 6) == 0;
	const char *rest = url + (secure ? 6 : 5), *path, *port = secure ? "443" : "80";
	size_t len;

	if (is_plain(o, url, &rest))
		return plain_url(o, rest);
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
