/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/recv.h"

#include <errno.h>

#include "ring/direct.h"

/*
 * A kernel that says -ENOBUFS while buffers are there (6.1.7: liburing #778) is asked
 * again after this time, not at once.
 */
#define FEED_AGAIN_NS UINT64_C(1000000)

/*
 * After so many bytes the receive ends (optlen), and is made anew unless the slot has its share:
 * otherwise one receive may take the whole pool within a turn.
 */
static uint32_t
credit(const struct ring *r, const struct slot *s)
{
	uint64_t bytes = (uint64_t)(r->share - s->leases) * r->buffers.buffer_bytes;

	/* where it runs out it would cut a datagram */
	if (!(r->features & 1u << RING_FEATURE_RECV_CREDIT) || s->flags & SLOT_DATAGRAM)
		return 0;
	return bytes < INT32_MAX ? (uint32_t)bytes : INT32_MAX;
}

static void
arm(struct ring *r, struct slot *s)
{
	struct io_uring_sqe *sqe = uring_sqe(r->kernel);

	if (s->flags & SLOT_FED) {
		io_uring_prep_recv(sqe, s->fd, NULL, 0, 0);
	} else {
		io_uring_prep_recv_multishot(sqe, s->fd, NULL, 0, 0);
		sqe->file_index = credit(r, s);
	}
	s->flags &= ~(uint32_t)SLOT_FED;
	sqe->flags = IOSQE_BUFFER_SELECT;
	direct_aim(sqe, s);
	sqe->buf_group = BUFRING_GROUP;
	sqe->user_data = slot_tag(&r->slots, s, TAG_RECEIVE);
	if (s->flags & SLOT_RECEIVED_BEFORE)
		state_count(&r->counters.receive_rearms, 1);
	s->flags |= SLOT_RECEIVE_OUT | SLOT_RECEIVED_BEFORE;
	r->requests++;
}

static void
join_line(struct ring *r, struct slot *s)
{
	s->flags |= SLOT_STARVED;
	slot_fifo_put(&r->slots, &r->slots.starved, slot_index(&r->slots, s));
}

static void
cancel(struct ring *r, struct slot *s)
{
	state_cancel(r, slot_tag(&r->slots, s, TAG_RECEIVE));
	s->flags |= SLOT_RECEIVE_CANCELED;
}

void
recv_reconcile(struct ring *r, struct slot *s)
{
	bool wanted = !(s->flags & (SLOT_CONNECTING | SLOT_CLOSING | SLOT_PAUSED | SLOT_ENDED |
				    SLOT_STARVED | SLOT_HANDING | SLOT_GREEDY));
	bool out = s->flags & SLOT_RECEIVE_OUT;

	/*
	 * A receive that was canceled and is wanted again is not armed before its last completion
	 * is there: two at once on one socket would race for the bytes.
	 */
	if (wanted && !out && r->slots.starved.count > 0 && !(s->flags & SLOT_FED))
		join_line(r, s);
	else if (wanted && !out)
		arm(r, s);
	else if (out && !(s->flags & SLOT_RECEIVE_CANCELED) &&
		 s->flags & (SLOT_CLOSING | SLOT_PAUSED | SLOT_GREEDY))
		cancel(r, s);
}

static void
starve(struct ring *r, struct slot *s)
{
	state_count(&r->counters.buffer_famines, 1);
	join_line(r, s);
	r->hungry = true;
	r->feed_again_ns = r->now_ns + FEED_AGAIN_NS;
}

uint64_t
recv_feed_due_ns(const struct ring *r)
{
	if (r->slots.starved.count == 0 || bufring_available(&r->buffers) == 0)
		return UINT64_MAX;
	return r->hungry && r->given_back_seen == r->buffers.given_back ? r->feed_again_ns : 0;
}

void
recv_feed(struct ring *r)
{
	uint32_t n = bufring_available(&r->buffers);

	if (recv_feed_due_ns(r) > r->now_ns)
		return;
	r->given_back_seen = r->buffers.given_back;
	r->hungry = false;
	for (; n > 0 && r->slots.starved.count > 0; n--) {
		struct slot *s = &r->slots.slots[slot_fifo_take(&r->slots, &r->slots.starved)];

		/* By now it may have another owner, who starves or not, or none. */
		if (s->flags & SLOT_STARVED)
			s->flags |= SLOT_FED;
		s->flags &= ~(uint32_t)SLOT_STARVED;
		state_todo(r, s);
	}
}

void
recv_lease_drop(struct ring *r, uint16_t buffer)
{
	struct slot *s = slot_of_tag(&r->slots, r->lessees[buffer]);

	if (!bufring_drop(&r->buffers, buffer) || s == NULL)
		return;
	s->leases--;
	if (s->flags & SLOT_GREEDY && s->leases <= r->share / 2) {
		s->flags &= ~(uint32_t)SLOT_GREEDY;
		r->greedy--;
		state_todo(r, s);
	}
}

static void
check_share(struct ring *r, struct slot *s)
{
	if (s->leases < r->share || s->flags & SLOT_GREEDY)
		return;
	s->flags |= SLOT_GREEDY;
	r->greedy++;
	state_count(&r->counters.receive_holds, 1);
	state_todo(r, s);
}

static void
end(struct ring *r, struct slot *s, int result)
{
	if (s->flags & (SLOT_CLOSING | SLOT_ENDED))
		return;
	s->flags |= SLOT_ENDED;
	r->on.ended(r->arg, slot_index(&r->slots, s), result);
}

static void
failed(struct ring *r, struct slot *s, int result)
{
	switch (-result) {
	case ENOBUFS:
		if (!(s->flags & SLOT_CLOSING))
			starve(r, s);
		break;
	case ECANCELED: /* paused or closing; or resumed meanwhile */
	case EAGAIN:
	case EINTR:
		break;
	default:
		end(r, s, result);
	}
}

static void
deliver(struct ring *r, struct slot *s, uint16_t buffer, uint32_t len)
{
	const struct ring_lease lease = {
		.bytes = bufring_bytes(&r->buffers, buffer),
		.len = len,
		.buffer = buffer,
	};

	state_count(&r->counters.receives, 1);
	state_count(&r->counters.bytes_in, len);
	r->on.received(r->arg, slot_index(&r->slots, s), &lease);
}

void
recv_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct slot *s = slot_of_tag(&r->slots, cqe->tag);
	bool leased = cqe->flags & IORING_CQE_F_BUFFER;
	uint16_t buffer = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
	bool stale = s == NULL || !(s->flags & SLOT_RECEIVE_OUT);

	if (leased) {
		bufring_take(&r->buffers, buffer, cqe->res > 0 ? (uint32_t)cqe->res : 0);
		r->lessees[buffer] = stale ? UINT64_MAX : slot_tag(&r->slots, s, TAG_NONE);
		if (!stale)
			s->leases++;
	}
	if (stale) {
		state_count(&r->counters.stale_completions, 1);
	} else {
		if (!(cqe->flags & IORING_CQE_F_MORE)) {
			s->flags &= ~(uint32_t)(SLOT_RECEIVE_OUT | SLOT_RECEIVE_CANCELED);
			r->requests--;
			state_todo(r, s);
		}
		if (cqe->res < 0)
			failed(r, s, cqe->res);
		else if (cqe->res == 0 && !(s->flags & SLOT_DATAGRAM))
			end(r, s, 0);
		else if (cqe->res > 0 && leased && !(s->flags & (SLOT_CLOSING | SLOT_ENDED)))
			deliver(r, s, buffer, (uint32_t)cqe->res);
	}
	if (leased)
		recv_lease_drop(r, buffer);
	if (!stale)
		check_share(r, s);
}
