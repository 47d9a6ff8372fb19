/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/close.h"

#include "ring/send.h"

void
close_begin(struct ring *r, struct slot *s, bool abort)
{
	s->flags |= SLOT_CLOSING;
	if (abort)
		s->flags |= SLOT_ABORT;
	state_todo(r, s);
}

void
close_reconcile(struct ring *r, struct slot *s)
{
	struct io_uring_sqe *sqe;

	if (!(s->flags & SLOT_CLOSING) || slot_is_sending(s) ||
	    s->flags & (SLOT_CONNECT_OUT | SLOT_RECEIVE_OUT | SLOT_CLOSE_OUT))
		return;
	if (s->flags & SLOT_ABORT)
		uring_socket_linger_zero(s->fd);
	sqe = uring_sqe(r->kernel);
	io_uring_prep_close(sqe, s->fd);
	sqe->user_data = slot_tag(&r->slots, s, TAG_CLOSE);
	s->flags |= SLOT_CLOSE_OUT;
	r->requests++;
}

void
close_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct slot *s = slot_of_tag(&r->slots, cqe->tag);

	if (s == NULL || !(s->flags & SLOT_CLOSE_OUT)) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	r->requests--;
	send_give_up(r, s);
	slot_give_back(&r->slots, tag_slot(cqe->tag));
	accept_slot_freed(r);
	r->on.closed(r->arg, tag_slot(cqe->tag));
}
