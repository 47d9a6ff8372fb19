/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/connect.h"

#include "ring/direct.h"

/*
 * While a slot connects it sends nothing: the address waits in the place of the bytes to send. The
 * kernel copies it when the request is submitted.
 */
void
connect_begin(struct ring *r, struct slot *s, const struct sockaddr *address, socklen_t len)
{
	s->flags |= SLOT_CONNECTING;
	s->send_bytes = (const uint8_t *)address;
	s->send_left = len;
	s->install = -1; /* not tried yet */
	state_todo(r, s);
}

void
connect_reconcile(struct ring *r, struct slot *s)
{
	struct io_uring_sqe *sqe;

	if (!(s->flags & SLOT_CONNECTING) || s->flags & SLOT_INSTALL_OUT)
		return;
	if (s->flags & SLOT_CONNECT_OUT) {
		if (s->flags & SLOT_CLOSING && !(s->flags & SLOT_CONNECT_CANCELED)) {
			state_cancel(r, slot_tag(&r->slots, s, TAG_CONNECT));
			s->flags |= SLOT_CONNECT_CANCELED;
		}
		return;
	}
	if (s->flags & SLOT_CLOSING) {
		s->flags &= ~(uint32_t)SLOT_CONNECTING;
		return;
	}
	/* One try: if the table does not take it, it connects as it is. */
	if (r->features & 1u << RING_FEATURE_DIRECT && s->install < 0) {
		direct_install(r, s);
		return;
	}
	sqe = uring_sqe(r->kernel);
	io_uring_prep_connect(sqe, s->fd, (const struct sockaddr *)(const void *)s->send_bytes,
			      s->send_left);
	direct_aim(sqe, s);
	sqe->user_data = slot_tag(&r->slots, s, TAG_CONNECT);
	s->flags |= SLOT_CONNECT_OUT;
	r->requests++;
}

void
connect_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct slot *s = slot_of_tag(&r->slots, cqe->tag);

	if (s == NULL || !(s->flags & SLOT_CONNECT_OUT)) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	r->requests--;
	s->flags &= ~(uint32_t)(SLOT_CONNECTING | SLOT_CONNECT_OUT | SLOT_CONNECT_CANCELED);
	s->send_bytes = NULL;
	s->send_left = 0;
	state_todo(r, s);
	if (s->flags & SLOT_CLOSING)
		return;
	if (cqe->res < 0)
		s->flags |= SLOT_ENDED; /* nothing will come */
	state_count(cqe->res < 0 ? &r->counters.connect_errors : &r->counters.connects, 1);
	r->on.connected(r->arg, slot_index(&r->slots, s), cqe->res);
}
