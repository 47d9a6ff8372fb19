/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_LOCAL_H
#define WSLOAD_SIPP_LOCAL_H
/* Sockets with the local address that the options ask for. */
#include <stdint.h>

struct sipp_run;
struct worker;

/*
 * A bound socket of this type. Where the scenario answers it is bound to the address of the URL,
 * and said on stderr; else to -i and -p. -1: *error says why.
 */
int sipp_local_socket(const struct sipp_run *run, int type, uint16_t *port, const char **error);

/* Bind a client's socket to -i and -p, and tell the port that it got. 0 or -errno. */
int sipp_local_bind(const struct worker *w, int fd, uint16_t *port);

#endif
