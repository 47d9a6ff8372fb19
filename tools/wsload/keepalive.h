/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_KEEPALIVE_H
#define WSLOAD_KEEPALIVE_H
/*
 * Keep-alives of open clients, one at a time, each client at its own moment: a Ping and its Pong
 * (RFC 6455), or CRLF CRLF and its CRLF (RFC 5626 §4.4.1). On the worker's thread.
 */
#include "codec/span.h"

struct client;
struct worker;
struct ws_event;

/* The client is open: its first one comes at some moment within the interval. */
void keepalive_begin(struct worker *w, struct client *c);

/* It is time for the next one. */
void keepalive_send(struct worker *w, struct client *c);

void keepalive_take_pong(struct worker *w, struct client *c, const struct ws_event *ev);
void keepalive_take_crlf(struct worker *w, struct client *c);

#endif
