/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/datagram.h"

#include <assert.h>

/*
 * It stays an ordinary descriptor: there are few of them, and a plain system call sends. Receiving
 * is that of any slot, but for what recv.c asks SLOT_DATAGRAM for.
 */
void
datagram_begin(struct ring *r, struct slot *s)
{
	s->flags |= SLOT_DATAGRAM;
	state_todo(r, s);
}

int
datagram_send(struct ring *r, struct slot *s, const struct iovec *pieces, uint32_t pieces_len)
{
	int result;

	assert(s->flags & SLOT_DATAGRAM && !(s->flags & SLOT_CLOSING));
	result = uring_socket_send_datagram(s->fd, pieces, pieces_len);
	state_count(result < 0 ? &r->counters.datagrams_unsent : &r->counters.datagrams_sent, 1);
	if (result < 0)
		return result;
	state_count(&r->counters.bytes_out, (uint64_t)result);
	return 0;
}
