/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/handover.h"

#include <errno.h>
#include <stdlib.h>

#define POINTER_BITS 56

/* Belongs to the sending ring until its message is gone, then to the receiving one. */
struct luggage {
	struct ring *to;
	struct sockaddr_storage peer;
	uint32_t listener;
	bool direct;
	bool packed; /* atomic: what the kernel does between the two threads, it does once more */
};

void
handover_wake(struct ring *from, struct ring *to)
{
	struct io_uring_sqe *sqe;

	if (uring_sq_room(from->kernel) == 0) {
		uring_socket_ring_bell(to->bell_fd);
		return;
	}
	sqe = uring_sqe(from->kernel);
	io_uring_prep_msg_ring(sqe, uring_descriptor(to->kernel), 0, tag_make(TAG_WOKEN, 0, 0), 0);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = tag_make(TAG_WAKE, 0, (uint32_t)to->bell_fd);
}

void
handover_wake_failed(const struct uring_cqe *cqe)
{
	if (cqe->res < 0)
		uring_socket_ring_bell((int)tag_slot(cqe->tag));
}

/* -- the count -- */

static bool
guest_sets_out(struct ring *to)
{
	/* Relaxed here and below: the word counts, no other data hangs on it. */
	uint32_t before = __atomic_fetch_add(&to->guests, 2, __ATOMIC_RELAXED);

	if (!(before & 1) && before / 2 < HANDOVER_GUESTS_MAX)
		return true;
	__atomic_fetch_sub(&to->guests, 2, __ATOMIC_RELAXED);
	return false;
}

static void
guest_is_there(struct ring *to)
{
	/*
	 * Release pairs with the acquire of handover_guests(): a ring that sees nobody on the way
	 * may end, and who failed to get there has touched it for the last time.
	 */
	__atomic_fetch_sub(&to->guests, 2, __ATOMIC_RELEASE);
}

void
handover_refuse(struct ring *r)
{
	__atomic_fetch_or(&r->guests, 1, __ATOMIC_RELAXED);
}

uint32_t
handover_guests(const struct ring *r)
{
	return __atomic_load_n(&r->guests, __ATOMIC_ACQUIRE) / 2;
}

/* -- the sending ring -- */

int
handover_begin(struct ring *from, uint32_t slot, struct ring *to)
{
	const struct accept_guest *guest = &from->acceptor.guest;
	struct slot *s = slot_get(&from->slots, slot);
	struct luggage *luggage;

	assert(guest->peer != NULL && guest->slot == slot && from != to);
	if (s->flags & SLOT_STAYS)
		return -EALREADY;
	if (s->flags & SLOT_DIRECT && !(to->features & 1u << RING_FEATURE_DIRECT))
		return -EOPNOTSUPP;
	luggage = malloc(sizeof(*luggage));
	if (luggage == NULL)
		return -ENOMEM;
	if (!guest_sets_out(to)) {
		free(luggage);
		return -EBUSY;
	}
	*luggage = (struct luggage){
		.to = to,
		.peer = *guest->peer,
		.listener = guest->listener,
		.direct = s->flags & SLOT_DIRECT,
	};
	s->send_bytes = (const uint8_t *)luggage;
	s->flags |= SLOT_HANDING;
	state_todo(from, s);
	return 0;
}

static struct luggage *
luggage_of(const struct slot *s)
{
	return (struct luggage *)(uintptr_t)s->send_bytes;
}

void
handover_reconcile(struct ring *r, struct slot *s)
{
	struct luggage *luggage;
	struct io_uring_sqe *sqe;
	uint64_t tag;

	if ((s->flags & (SLOT_HANDING | SLOT_HAND_OUT)) != SLOT_HANDING)
		return;
	luggage = luggage_of(s);
	assert((uintptr_t)luggage >> POINTER_BITS == 0);
	tag = (uint64_t)TAG_ARRIVED << POINTER_BITS | (uintptr_t)luggage;
	sqe = uring_sqe(r->kernel);
	/* An ordinary descriptor is the result of the completion there. */
	io_uring_prep_msg_ring(sqe, uring_descriptor(luggage->to->kernel), (uint32_t)s->fd, tag, 0);
	if (s->flags & SLOT_DIRECT) {
		sqe->len = 0;
		sqe->addr = IORING_MSG_SEND_FD;
		sqe->addr3 = (uint64_t)s->fd;
		sqe->file_index = IORING_FILE_INDEX_ALLOC;
	}
	sqe->user_data = slot_tag(&r->slots, s, TAG_HANDED);
	/* Our last look at it. Release pairs with the acquire of handover_arrived(). */
	__atomic_store_n(&luggage->packed, true, __ATOMIC_RELEASE);
	s->flags |= SLOT_HAND_OUT;
	r->requests++;
}

static void
comes_back(struct ring *r, struct slot *s)
{
	struct luggage *luggage = luggage_of(s);
	struct sockaddr_storage peer = luggage->peer;
	uint32_t listener = luggage->listener;

	guest_is_there(luggage->to);
	free(luggage);
	s->send_bytes = NULL;
	s->flags |= SLOT_STAYS;
	state_count(&r->counters.handover_errors, 1);
	accept_announce(r, slot_index(&r->slots, s), listener, &peer);
}

void
handover_sent(struct ring *r, const struct uring_cqe *cqe)
{
	struct slot *s = slot_of_tag(&r->slots, cqe->tag);

	if (s == NULL || !(s->flags & SLOT_HAND_OUT)) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	r->requests--;
	s->flags &= ~(uint32_t)(SLOT_HANDING | SLOT_HAND_OUT);
	state_todo(r, s);
	if (cqe->res < 0) {
		comes_back(r, s);
		return;
	}
	/* From now on the luggage is the other's. */
	s->send_bytes = NULL;
	state_count(&r->counters.handed_over, 1);
	if (s->flags & SLOT_DIRECT) { /* our entry still holds the socket too */
		s->flags |= SLOT_HANDED | SLOT_CLOSING;
		return;
	}
	slot_give_back(&r->slots, tag_slot(cqe->tag));
	accept_slot_freed(r);
}

/* -- the receiving ring -- */

void
handover_arrived(struct ring *r, const struct uring_cqe *cqe)
{
	struct luggage *luggage =
		(struct luggage *)(uintptr_t)(cqe->tag & ((UINT64_C(1) << POINTER_BITS) - 1));

	assert(__atomic_load_n(&luggage->packed, __ATOMIC_ACQUIRE));
	assert(luggage->to == r && cqe->res >= 0);
	accept_arrived(r, luggage->listener, &luggage->peer, cqe->res, luggage->direct);
	free(luggage);
	guest_is_there(r);
}
