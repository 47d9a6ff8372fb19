/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/send.h"

#include <errno.h>

#include "ring/direct.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_US UINT64_C(1000)

/* A send that comes late still gets a chance. */
#define GUARD_NS_MIN UINT64_C(1000000)

/*
 * What waits is sent in parts of this size, each with the full time: the time is for a peer that
 * does not read, not for one that is slower than the rest of its queue is long.
 */
#define GUARD_PART 16384u

/*
 * Try, then arm. A timeout linked to every send would cost 0.65-0.75 us each (+16..20 %: a second
 * request, its timer data, its completion through task work), though nearly all sends complete at
 * once and never start the timer. So a send first goes out unlinked with MSG_DONTWAIT: it cannot
 * wait, needs no guard, and costs what a plain send does. Only what the socket did not take goes
 * out again as a waiting send with its linked timeout. Either way no send can wait unguarded.
 * MSG_WAITALL: without it the kernel ends a half-done waiting send as a success.
 */
#define TRY_FLAGS (MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL)
#define GUARD_FLAGS (MSG_WAITALL | MSG_NOSIGNAL)

void
send_begin(struct ring *r, struct slot *s, const uint8_t *bytes, uint32_t len, uint32_t timeout_us)
{
	assert(s->send == SLOT_SEND_NONE && len > 0 && len <= INT32_MAX);
	s->send_bytes = bytes;
	s->send_left = len;
	s->send_timeout_us = timeout_us;
	s->send_deadline_ns = r->now_ns + timeout_us * NS_PER_US;
	s->send = r->config.send_guard == RING_GUARD_ALWAYS ? SLOT_SEND_WANT_GUARD :
							      SLOT_SEND_WANT_TRY;
	state_count(&r->counters.sends, 1);
	state_todo(r, s);
}

/*
 * Without a copy: out of this buffer, whose request it is from now on. Mostly a send that is tried:
 * one that waits goes in parts of GUARD_PART, fewer bytes than are usually worth it.
 *
 * Off unless asked for, because the kernel copies over loopback all the same, and a second
 * completion and the pages' accounting come on top. Echo here, 16 connections (bench/send_zc), CPU
 * against a plain send: 8 x 500 B 1.21, 16 KB 1.26 to 1.6, 60 KB 1.20 to 1.25 times. Over a network
 * card the copy is saved (some 0.5 us for 16 KB) and the second completion stays: longer sends may
 * pay there; that was not measured.
 */
static void
prep_pinned(struct ring *r, struct slot *s, struct io_uring_sqe *sqe, uint32_t len, int flags)
{
	uint32_t index = pinned_index(&r->pinned, s->send_bytes);

	pinned_hold(&r->pinned, index);
	r->pinned.buffers[index].owner = slot_tag(&r->slots, s, TAG_SEND);
	s->flags |= SLOT_SEND_PINNED;
	io_uring_prep_send_zc_fixed(sqe, s->fd, s->send_bytes, len, flags, 0, index);
	state_count(&r->counters.sends_zc, 1);
}

static uint64_t
tag_of(const struct ring *r, const struct slot *s)
{
	if (s->flags & SLOT_SEND_PINNED)
		return tag_make(TAG_PINNED, 0, pinned_index(&r->pinned, s->send_bytes));
	return slot_tag(&r->slots, s, TAG_SEND);
}

static struct io_uring_sqe *
submit(struct ring *r, struct slot *s, uint32_t len, int flags)
{
	struct io_uring_sqe *sqe = uring_sqe(r->kernel);

	s->flags &= ~(uint32_t)SLOT_SEND_PINNED;
	if (r->features & 1u << RING_FEATURE_SEND_ZC && len >= r->config.send_zc &&
	    pinned_index(&r->pinned, s->send_bytes) != PINNED_NONE)
		prep_pinned(r, s, sqe, len, flags);
	else
		io_uring_prep_send(sqe, s->fd, s->send_bytes, len, flags);
	direct_aim(sqe, s);
	sqe->user_data = tag_of(r, s);
	r->requests++;
	return sqe;
}

static void
submit_guarded(struct ring *r, struct slot *s)
{
	uint64_t left_ns = s->send_deadline_ns > r->now_ns ? s->send_deadline_ns - r->now_ns : 0;
	struct __kernel_timespec *ts;
	struct io_uring_sqe *sqe;

	/* Both in one submission, or the link is broken between them. */
	assert(uring_sq_room(r->kernel) >= 2);
	if (left_ns < GUARD_NS_MIN)
		left_ns = GUARD_NS_MIN;
	submit(r, s, s->send_left < GUARD_PART ? s->send_left : GUARD_PART, GUARD_FLAGS)->flags |=
		IOSQE_IO_LINK;
	sqe = uring_sqe(r->kernel);
	ts = uring_sqe_time(r->kernel, sqe);
	ts->tv_sec = (long long)(left_ns / NS_PER_S);
	ts->tv_nsec = (long long)(left_ns % NS_PER_S);
	io_uring_prep_link_timeout(sqe, ts, 0);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = slot_tag(&r->slots, s, TAG_GUARD);
	state_count(&r->counters.sends_guarded, 1);
}

void
send_reconcile(struct ring *r, struct slot *s)
{
	if (s->flags & SLOT_CLOSING) {
		if (slot_is_sending(s) && !(s->flags & SLOT_SEND_CANCELED)) {
			state_cancel(r, tag_of(r, s));
			s->flags |= SLOT_SEND_CANCELED;
		}
	} else if (s->send == SLOT_SEND_WANT_TRY) {
		submit(r, s, s->send_left, TRY_FLAGS);
		s->send = SLOT_SEND_TRY;
	} else if (s->send == SLOT_SEND_WANT_GUARD) {
		submit_guarded(r, s);
		s->send = SLOT_SEND_GUARD;
	}
}

static void
finish(struct ring *r, struct slot *s, int result)
{
	s->send = SLOT_SEND_NONE;
	s->send_bytes = NULL;
	if (result == -ETIME)
		state_count(&r->counters.sends_timed_out, 1);
	r->on.sent(r->arg, slot_index(&r->slots, s), result);
}

void
send_give_up(struct ring *r, struct slot *s)
{
	assert(!slot_is_sending(s));
	if (s->send != SLOT_SEND_NONE)
		finish(r, s, -ECANCELED);
}

/*
 * What to do about a request that did not take all: 0 to send the rest, else the result of the
 * whole. The timeout's own completion is not looked at: it may come before
 * this one, or not at all.
 */
static int
judge(const struct ring *r, const struct slot *s, int res)
{
	if (s->flags & SLOT_CLOSING)
		return -ECANCELED;
	if (res < 0 && res != -EAGAIN && res != -EINTR && res != -ECANCELED)
		return res;
	/*
	 * The linked timeout fires after the deadline, never before, so a guarded send that stopped
	 * earlier did so for another reason: a signal, or an error that the next send reports.
	 */
	if (s->send == SLOT_SEND_GUARD && r->now_ns >= s->send_deadline_ns)
		return -ETIME;
	return 0;
}

void
send_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct slot *s = slot_of_tag(&r->slots, cqe->tag);
	int result;

	if (s == NULL || !slot_is_sending(s)) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	r->requests--;
	state_todo(r, s);
	if (cqe->res > 0) {
		assert((uint32_t)cqe->res <= s->send_left);
		s->send_bytes += cqe->res;
		s->send_left -= (uint32_t)cqe->res;
		state_count(&r->counters.bytes_out, (uint64_t)cqe->res);
	}
	if (s->send_left == 0) {
		finish(r, s, 0);
		return;
	}
	if (s->send == SLOT_SEND_GUARD && cqe->res == (int)GUARD_PART &&
	    !(s->flags & SLOT_CLOSING)) { /* a whole part: the peer reads */
		s->send_deadline_ns = r->now_ns + s->send_timeout_us * NS_PER_US;
		s->send = r->config.send_guard == RING_GUARD_ALWAYS ? SLOT_SEND_WANT_GUARD :
								      SLOT_SEND_WANT_TRY;
		return;
	}
	if (cqe->res > 0)
		state_count(&r->counters.sends_short, 1);
	result = judge(r, s, cqe->res);
	if (result < 0)
		finish(r, s, result);
	else
		s->send = SLOT_SEND_WANT_GUARD;
}

/* This socket, or this kernel, does not do it: from here on with a copy, as if it had to wait. */
static bool
is_refused(struct ring *r, int res)
{
	if (res != -EOPNOTSUPP && res != -EINVAL && res != -ENOMEM && res != -ENOBUFS)
		return false;
	r->features &= ~(1u << RING_FEATURE_SEND_ZC);
	return true;
}

void
send_pinned_completed(struct ring *r, const struct uring_cqe *cqe)
{
	uint32_t index = tag_slot(cqe->tag);
	const struct uring_cqe as_send = {
		.tag = r->pinned.buffers[index].owner,
		.res = is_refused(r, cqe->res) ? -EAGAIN : cqe->res,
		.flags = cqe->flags,
	};

	/* The notification is the last one of a request; without one the first is. */
	if (!(cqe->flags & IORING_CQE_F_NOTIF))
		send_completed(r, &as_send);
	if (!(cqe->flags & IORING_CQE_F_MORE))
		pinned_drop(&r->pinned, index);
}
