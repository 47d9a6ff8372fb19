/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_DATAGRAM_H
#define RING_DATAGRAM_H
/* Slots with a datagram socket: ring_datagrams(), ring_send_datagram(). */
#include "ring/state.h"

/* Receiving may begin. */
void datagram_begin(struct ring *r, struct slot *s);

/* See ring_send_datagram(). */
int datagram_send(struct ring *r, struct slot *s, const struct iovec *pieces, uint32_t pieces_len);

#endif
