/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_RING_PEER_H
#define TESTS_UNIT_RING_PEER_H
/*
 * The other side of the ring's connections, on the real kernel (ring_peer_real.c) or on the
 * simulated one (ring_peer_sim.c): the same scenarios run on both. Nothing here waits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

extern const char *const peer_kernel; /* "real" or "sim" */

void peer_begin(uint64_t seed);
void peer_end(void);

/* A listening socket; with small socket buffers if asked for. */
int peer_listen(bool small);
void peer_unlisten(int fd);

/* A client >= 0, or -errno. */
int peer_connect(int listener, bool small);

/* Bytes taken, -EAGAIN or -errno. */
int peer_write(int peer, const void *bytes, size_t len);

/* Bytes read, 0 at the end of the stream, -EAGAIN or -errno. */
int peer_read(int peer, void *bytes, size_t size);
void peer_finish(int peer); /* FIN */
void peer_close(int peer);
void peer_reset(int peer);

/* -- who the ring connects to -- */

/* A socket for ring_connect(), and its end where it stayed the caller's. */
int peer_socket(bool nonblocking);
void peer_unsocket(int fd);

/* Where a listener is; where nobody listens; where no way leads. */
void peer_address(int listener, struct sockaddr_in *out);
void peer_address_refusing(struct sockaddr_in *out);
void peer_address_unreachable(struct sockaddr_in *out);

/* The ring's connection as a peer >= 0, or -EAGAIN. */
int peer_accept(int listener);

/* A listener that answers no connect until it is told to. One at a time. */
int peer_listen_deaf(void);
void peer_undeafen(int listener);

/*
 * Let the process have no more descriptors than it has now, plus `more`; -1: no new one even when
 * some are closed; INT32_MAX: as before. For requests that are submitted from now on.
 */
void peer_limit_descriptors(int32_t more);

#endif
