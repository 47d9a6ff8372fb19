/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_REGISTRATION_H
#define WSLOAD_REGISTRATION_H
/* The REGISTER that opens a client. Those that refresh it are operations. */
#include <stdint.h>

struct client;
struct worker;

/* Send it. */
void registration_begin(struct worker *w, struct client *c);

/* An answer to it came, in w->msg. */
void registration_take(struct worker *w, struct client *c, uint32_t serial);

#endif
