/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_STREAM_H
#define WSLOAD_SIPP_STREAM_H
/*
 * SIP over TCP: messages one behind the other, told apart by Content-Length (RFC 3261 §18.3).
 * Connections are clients: those that are opened, and those that others open to us.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/span.h"

struct worker;
struct client;

/* Listen at the address of the URL. False: *error says why. */
bool sipp_stream_listen(struct worker *w, const char **error);

/* Somebody connected; it is a client from now on, or closed when there is none left. */
void sipp_stream_accepted(struct worker *w, uint32_t slot);

/* Bytes came: whole messages go to sipp_run_take(). */
void sipp_stream_take(struct worker *w, struct client *c, uint8_t *bytes, size_t len);

/* False: no memory. */
bool sipp_stream_send(struct worker *w, struct client *c, struct span message);

#endif
