/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_DATAGRAM_H
#define WSLOAD_SIPP_DATAGRAM_H
/*
 * UDP: one socket, with a ring of its own, for struct ring takes only datagram sockets that are
 * connected. Datagrams come by one multishot receive into a pool of buffers, with the address they
 * come from.
 */
#include <stdbool.h>
#include <stdint.h>
#include "tools/wsload/sipp_transport.h"

struct sipp_run;
struct sipp_datagram;

/* Into run->datagram; bound, where the scenario answers, to the address of the URL. */
bool sipp_datagram_open(struct sipp_run *run, const char **error);
void sipp_datagram_close(struct sipp_datagram *d);

uint16_t sipp_datagram_port(const struct sipp_datagram *d);

/* The bytes are copied. False: no memory. */
bool sipp_datagram_send(struct sipp_datagram *d, const struct sipp_peer *to, struct span message);

/* What is to be sent goes out, what came is handed to sipp_run_take(). 0 or -errno. */
int sipp_datagram_turn(struct sipp_datagram *d, uint64_t wait_ns);

#endif
