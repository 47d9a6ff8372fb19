/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_STORM_H
#define WSLOAD_STORM_H
/*
 * The storm: when all clients are registered their connections break at once, without a Close, and
 * each comes back by the law of backoff.h. So does whoever the server drops later, as when it is
 * started again. An operation is a client's way back, from the break to the answer of REGISTER;
 * what fails on the way is tried again and is no fault. On the worker's thread.
 */
#include <stdbool.h>

struct client;
struct worker;

/* A connection broke, or could not be made. True: that is the storm's business. */
bool storm_takes(struct worker *w, struct client *c);

/* The connection is gone. True: the client will come back. */
bool storm_gone(struct worker *w, struct client *c);

/* Its wait is over. */
void storm_retry(struct worker *w, struct client *c);

/* It is registered. */
void storm_opened(struct worker *w, struct client *c);

/* The run is over: true for a client that waits, which then waits no more. */
bool storm_gives_up(struct worker *w, struct client *c);

#endif
