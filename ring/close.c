/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/close.h"

#include "ring/compat.h"
#include "ring/direct.h"
#include "ring/send.h"

void
close_shut_write(struct ring *r, struct slot *s)
{
	if (!(s->flags & SLOT_DIRECT)) {
		uring_socket_shutdown_write(s->fd);
		return;
	}
	s->flags |= SLOT_SHUT_WANTED;
	state_todo(r, s);
}

/*
 * shutdown() needs a descriptor: the socket gets one for a moment. The request that needs none is
 * done by a worker thread of the kernel and costs 12 us instead of 0.9 us; it is for the case that
 * there is no descriptor.
 */
void
close_shut_reconcile(struct ring *r, struct slot *s)
{
	struct io_uring_sqe *sqe;

	if ((s->flags & (SLOT_SHUT_WANTED | SLOT_SHUT_OUT | SLOT_CLOSING)) != SLOT_SHUT_WANTED)
		return;
	sqe = uring_sqe(r->kernel);
	if (s->flags & SLOT_SHUT_SLOWLY)
		io_uring_prep_shutdown(sqe, s->fd, SHUT_WR);
	else
		io_uring_prep_rw(COMPAT_OP_FIXED_FD_INSTALL, sqe, s->fd, NULL, 0, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->user_data = slot_tag(&r->slots, s, TAG_SHUT);
	s->flags |= SLOT_SHUT_OUT;
	r->requests++;
}

void
close_shut_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct slot *s = slot_of_tag(&r->slots, cqe->tag);
	bool slowly;

	if (s == NULL || !(s->flags & SLOT_SHUT_OUT)) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	r->requests--;
	slowly = s->flags & SLOT_SHUT_SLOWLY;
	s->flags &= ~(uint32_t)SLOT_SHUT_OUT;
	if (!slowly && cqe->res < 0)
		s->flags |= SLOT_SHUT_SLOWLY;
	else
		s->flags &= ~(uint32_t)SLOT_SHUT_WANTED;
	if (!slowly && cqe->res >= 0) {
		uring_socket_shutdown_write(cqe->res);
		uring_socket_close(cqe->res);
	}
	state_todo(r, s);
}

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
	    s->flags & (SLOT_REQUESTS_OUT | SLOT_CLOSE_OUT))
		return;
	/* Both in one submission, or the link is broken between them. */
	assert(uring_sq_room(r->kernel) >= 2);
	if (s->flags & SLOT_ABORT)
		direct_linger_zero(r, s);
	sqe = uring_sqe(r->kernel);
	if (s->flags & SLOT_DIRECT)
		io_uring_prep_close_direct(sqe, (uint32_t)s->fd);
	else
		io_uring_prep_close(sqe, s->fd);
	sqe->user_data = slot_tag(&r->slots, s, TAG_CLOSE);
	s->flags |= SLOT_CLOSE_OUT;
	r->requests++;
}

void
close_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct slot *s = slot_of_tag(&r->slots, cqe->tag);
	bool silent;

	if (s == NULL || !(s->flags & SLOT_CLOSE_OUT)) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	r->requests--;
	send_give_up(r, s);
	silent = s->flags & SLOT_HANDED;
	if (s->flags & SLOT_GREEDY)
		r->greedy--;
	slot_give_back(&r->slots, tag_slot(cqe->tag));
	accept_slot_freed(r);
	if (!silent)
		r->on.closed(r->arg, tag_slot(cqe->tag));
}
