/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_OPERATION_H
#define WSLOAD_OPERATION_H
/* Operations: starting them, knowing the messages that belong to them, ending them. */
#include <stdbool.h>
#include <stdint.h>
#include "codec/span.h"

struct worker;
struct client;

/* All operations of the client are free; does it start any at all? */
void operation_init(struct worker *w, struct client *c);
bool operation_starts(const struct worker *w, const struct client *c);

/* Start one that was meant to start at start_ns. The client has a free operation. */
void operation_begin(struct worker *w, struct client *c, uint64_t start_ns);

/* Send the REGISTER that comes before all operations. */
void operation_register(struct worker *w, struct client *c);

/* For operations that are a connection's whole life: it has opened; both sides said Close. */
void operation_opened(struct worker *w, struct client *c);
void operation_closed(struct worker *w, struct client *c);

/* A whole message came. */
void operation_message(struct worker *w, struct client *c, struct span bytes);

/* Count what is under way for longer than the time-out, or all of it, as lost. */
void operation_expire(struct worker *w, struct client *c, bool all);

#endif
