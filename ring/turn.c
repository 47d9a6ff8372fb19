/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/turn.h"

#include "ring/close.h"
#include "ring/connect.h"
#include "ring/direct.h"
#include "ring/handover.h"
#include "ring/recv.h"
#include "ring/send.h"
#include "ring/wake.h"

/*
 * With DEFER_TASKRUN the kernel posts some 20 completions per enter; up to this many are drained.
 */
#define DRAIN_COMPLETIONS 256u
#define DRAIN_ENTERS_MAX 32u

/* Of so many waits, so many are begun with a spin on trial: at most 1/64 of the time is risked. */
#define TRIAL_PERIOD 1024u
#define TRIALS 16u

/* When the kernel does not take our requests for the moment. */
#define LEFTOVER_WAIT_NS UINT64_C(1000000)

static int
enter(struct ring *r, uint64_t wait_ns)
{
	state_count(&r->counters.enters, 1);
	return uring_enter(r->kernel, wait_ns);
}

static bool
make_room(struct ring *r, int *result)
{
	if (uring_sq_room(r->kernel) >= STATE_SQES_PER_SLOT)
		return true;
	state_count(&r->counters.enters, 1);
	*result = uring_submit(r->kernel);
	return *result == 0 && uring_sq_room(r->kernel) >= STATE_SQES_PER_SLOT;
}

/* Requests for all that is wanted. What finds no room stays in the FIFO. */
static int
flush(struct ring *r)
{
	uint32_t index;
	int result = 0;

	bufring_publish(&r->buffers);
	recv_feed(r);
	wake_arm(r);
	accept_reconcile(r);
	while (r->slots.todo.count > 0 && make_room(r, &result)) {
		struct slot *s;

		index = slot_fifo_take(&r->slots, &r->slots.todo);
		s = &r->slots.slots[index];
		if (!(s->flags & SLOT_USED))
			continue;
		connect_reconcile(r, s);
		handover_reconcile(r, s);
		/* The send before the receive: an answer is more urgent than more input. */
		send_reconcile(r, s);
		recv_reconcile(r, s);
		close_shut_reconcile(r, s);
		close_reconcile(r, s);
	}
	return result;
}

static uint64_t
nearer(uint64_t wait_ns, uint64_t now_ns, uint64_t due_ns)
{
	uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 1;

	return due_ns != UINT64_MAX && left_ns < wait_ns ? left_ns : wait_ns;
}

static uint64_t
bound_wait(const struct ring *r, uint64_t wait_ns)
{
	if (uring_ready(r->kernel) > 0)
		return 0;
	wait_ns = nearer(wait_ns, r->now_ns, accept_due_ns(r));
	wait_ns = nearer(wait_ns, r->now_ns, recv_feed_due_ns(r));
	if (r->slots.todo.count > 0 && wait_ns > LEFTOVER_WAIT_NS)
		wait_ns = LEFTOVER_WAIT_NS;
	return wait_ns;
}

/*
 * Does watching before sleeping pay? Yes, if the gaps of late were shorter than the longest spin.
 * But where both sides sleep, the gap is long because we sleep: so now and then, unless the ring is
 * nearly idle, a few spins are tried whatever the average says. If they win, the average follows.
 */
static bool
spin_pays(const struct ring *r)
{
	uint64_t idle_ns = (uint64_t)r->config.spin_ns * (TURN_GAP_CAP - 1);

	return r->gap_ns < r->config.spin_ns ||
	       (r->gap_ns < idle_ns && r->waits % TRIAL_PERIOD < TRIALS);
}

static void
average_gap(struct ring *r, uint64_t gap_ns)
{
	uint64_t cap_ns = (uint64_t)r->config.spin_ns * TURN_GAP_CAP;

	if (gap_ns > cap_ns)
		gap_ns = cap_ns;
	r->gap_ns = r->gap_ns - r->gap_ns / 8 + gap_ns / 8;
}

/* Watch shared memory for at most spin_ns: to sleep and be woken costs more than that. */
static bool
spin(struct ring *r, uint64_t since_ns, uint64_t wait_ns)
{
	uint64_t limit_ns = r->config.spin_ns < wait_ns ? r->config.spin_ns : wait_ns;

	do {
		if (uring_ready(r->kernel) > 0 || uring_has_work(r->kernel) ||
		    (r->on.has_mail && r->on.has_mail(r->arg))) {
			state_count(&r->counters.spins_won, 1);
			return true;
		}
	} while (uring_clock_ns(r->kernel) - since_ns < limit_ns);
	return false;
}

/* From here on the user's other threads ring, or it has work and we do not sleep. */
static uint64_t
before_sleep(struct ring *r, uint64_t wait_ns)
{
	return wait_ns > 0 && r->on.may_sleep && !r->on.may_sleep(r->arg) ? 0 : wait_ns;
}

static int
sleep_or_spin(struct ring *r, uint64_t wait_ns)
{
	/* What completes during the submission says nothing about how long the peers take. */
	bool idle = uring_unsubmitted(r->kernel) == 0;
	uint64_t since_ns;
	int result;

	if (!(r->features & 1u << RING_FEATURE_SPIN))
		return enter(r, before_sleep(r, wait_ns));
	r->waits++;
	if (!idle && spin_pays(r)) {
		result = enter(r, 0);
		if (result < 0 || uring_ready(r->kernel) > 0)
			return result;
		idle = true;
	}
	since_ns = uring_clock_ns(r->kernel);
	if (spin_pays(r) && spin(r, since_ns, wait_ns))
		wait_ns = 0;
	wait_ns = before_sleep(r, wait_ns);
	result = wait_ns > 0 || uring_has_work(r->kernel) ? enter(r, wait_ns) : 0;
	if (idle)
		average_gap(r, uring_clock_ns(r->kernel) - since_ns);
	return result;
}

static int
wait_for_completions(struct ring *r, uint64_t wait_ns)
{
	int result = 0;

	wait_ns = bound_wait(r, wait_ns);
	if (wait_ns > 0)
		result = sleep_or_spin(r, wait_ns);
	else if (uring_unsubmitted(r->kernel) > 0)
		result = enter(r, 0);
	for (uint32_t i = 0; result == 0 && i < DRAIN_ENTERS_MAX; i++) {
		if (!uring_has_work(r->kernel) || uring_ready(r->kernel) >= DRAIN_COMPLETIONS)
			break;
		result = enter(r, 0);
	}
	return result;
}

static void
dispatch(struct ring *r, const struct uring_cqe *cqe)
{
	switch (tag_op(cqe->tag)) {
	case TAG_RECEIVE:
		recv_completed(r, cqe);
		break;
	case TAG_SEND:
		send_completed(r, cqe);
		break;
	case TAG_PINNED:
		send_pinned_completed(r, cqe);
		break;
	case TAG_CONNECT:
		connect_completed(r, cqe);
		break;
	case TAG_INSTALL:
		direct_install_completed(r, cqe);
		break;
	case TAG_SHUT:
		close_shut_completed(r, cqe);
		break;
	case TAG_HANDED:
		handover_sent(r, cqe);
		break;
	case TAG_ARRIVED:
		handover_arrived(r, cqe);
		break;
	case TAG_WAKE:
		handover_wake_failed(cqe);
		break;
	case TAG_WOKEN:
		r->on.woken(r->arg);
		break;
	case TAG_CLOSE:
		close_completed(r, cqe);
		break;
	case TAG_ACCEPT:
		accept_completed(r, cqe);
		break;
	case TAG_BELL:
		wake_completed(r, cqe);
		break;
	case TAG_GUARD:
	case TAG_CANCEL:
	case TAG_LINGER:
	case TAG_PROBE:
		break;
	default:
		state_count(&r->counters.stale_completions, 1);
	}
}

int
turn_run(struct ring *r, uint64_t wait_ns)
{
	uint32_t n;
	int result = flush(r);

	if (result == 0)
		result = wait_for_completions(r, wait_ns);
	if (result < 0)
		return result;
	if (uring_overflowed(r->kernel))
		state_count(&r->counters.cq_overflows, 1);
	/*
	 * All out of the CQ before the first handler: handlers take their time, the kernel goes on.
	 */
	n = uring_harvest(r->kernel, r->harvest, r->harvest_max);
	r->now_ns = uring_clock_ns(r->kernel);
	state_count(&r->counters.turns, 1);
	state_count(&r->counters.completions, n);
	for (uint32_t i = 0; i < n; i++)
		dispatch(r, &r->harvest[i]);
	return 0;
}
