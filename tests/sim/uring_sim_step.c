/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of a request: what the kernel does when it can go on.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sanitizer/asan_interface.h>

#include "ring/ring.h"
#include "tests/sim/uring_sim_world.h"

#define RECEIVES_IN_A_ROW 32

static bool
post_more(struct sim_request *q, int32_t res, uint32_t flags)
{
	/* A multishot whose completion overflows ends with it (measured). */
	bool more = q->multishot && !sim_cq_is_full(q->ring);

	sim_post(q->ring, q->tag, res, flags | (more ? IORING_CQE_F_MORE : 0));
	return more;
}

static enum sim_step
post_last(struct sim_request *q, int32_t res)
{
	sim_post(q->ring, q->tag, res, 0);
	return SIM_STEP_OVER;
}

/* -- receive -- */

bool
sim_buffer_take(struct uring *u, uint16_t *id, uint8_t **bytes, uint32_t *size)
{
	const struct io_uring_buf *b;

	if (u->buffer_head == __atomic_load_n(&u->buffers->tail, __ATOMIC_ACQUIRE))
		return false;
	b = &u->buffers->bufs[u->buffer_head++ & (u->buffer_entries - 1)];
	*id = b->bid;
	*bytes = (uint8_t *)(uintptr_t)b->addr;
	*size = b->len;
	return true;
}

static enum sim_step
receive_end(struct sim_request *q)
{
	struct sim_file *f = q->file;

	if (f->reset_in) {
		f->reset_in = false;
		return post_last(q, -ECONNRESET);
	}
	return post_last(q, 0);
}

static enum sim_step
receive_once(struct sim_request *q)
{
	const struct uring_sim_faults *faults = &sim_world->faults;
	struct sim_file *f = q->file;
	uint8_t *bytes;
	uint32_t size, n;
	uint16_t id;

	if (sim_chance(faults->receive_famine) || !sim_buffer_take(q->ring, &id, &bytes, &size))
		return post_last(q, -ENOBUFS);
	if (size > f->in.len)
		size = f->in.len;
	if (q->credit > 0 && size > q->credit)
		size = q->credit;
	if (size > 1 && sim_chance(faults->receive_short))
		size = 1 + uring_sim_random(size - 1);
	ASAN_UNPOISON_MEMORY_REGION(bytes, size);
	n = sim_pipe_take(&f->in, bytes, size);
	if (sim_chance(faults->receive_stop) || (q->credit > 0 && n >= q->credit))
		q->multishot = false;
	q->credit -= q->credit > 0 ? n : 0;
	if (!post_more(q, (int32_t)n,
		       IORING_CQE_F_BUFFER | (uint32_t)id << IORING_CQE_BUFFER_SHIFT))
		return SIM_STEP_OVER;
	return SIM_STEP_GOES;
}

bool
sim_buffers_gone(const struct uring *u)
{
	return u->buffer_head == __atomic_load_n(&u->buffers->tail, __ATOMIC_ACQUIRE);
}

static enum sim_step
receive_step(struct sim_request *q)
{
	static const int stops[] = { -ECANCELED, -EINTR };
	struct sim_file *f = q->file;
	enum sim_step result = SIM_STEP_WAITS;

	if (q->credit > 0 && sim_world->lacking & 1u << RING_FEATURE_RECV_CREDIT)
		return post_last(q, -EINVAL);
	/* What was on its way may still come before the cancellation. */
	if (q->canceled && (f->in.len == 0 || uring_sim_random(2) == 0))
		return post_last(q, -ECANCELED);
	if (f->in.len > 0 && sim_chance(sim_world->faults.receive_stop))
		return post_last(q, stops[uring_sim_random(2)]);
	if (f->in.len > 0 && sim_chance(sim_world->faults.reset))
		sim_break(f);
	for (int i = 0; i < RECEIVES_IN_A_ROW && f->in.len > 0; i++) {
		result = receive_once(q);
		if (result == SIM_STEP_OVER)
			return result;
	}
	/* Refused as soon as the last buffer is gone, data or not (measured). */
	if (sim_buffers_gone(q->ring))
		return post_last(q, -ENOBUFS);
	if (f->in.len == 0 && (f->fin_in || f->reset_in))
		return receive_end(q);
	return result;
}

/* -- send -- */

static enum sim_step
send_failed(struct sim_request *q)
{
	struct sim_file *f = q->file;

	if (q->done > 0)
		return post_last(q, (int32_t)q->done);
	if (f->reset_in) {
		f->reset_in = false;
		return post_last(q, -ECONNRESET);
	}
	return post_last(q, -EPIPE);
}

static bool
transmit(struct sim_request *q, uint32_t max)
{
	uint32_t n = q->len - q->done;

	if (n > max)
		n = max;
	n = sim_transmit(q->file, q->bytes + q->done, n);
	q->done += n;
	return n > 0;
}

static enum sim_step
send_try(struct sim_request *q)
{
	const struct uring_sim_faults *faults = &sim_world->faults;
	uint32_t max = q->len;

	if (sim_chance(faults->send_short))
		max = uring_sim_random(q->len);
	if (sim_chance(faults->send_again))
		max = 0;
	transmit(q, max);
	return post_last(q, q->done > 0 ? (int32_t)q->done : -EAGAIN);
}

static enum sim_step
send_stopped(struct sim_request *q, int result)
{
	return post_last(q, q->done > 0 ? (int32_t)q->done : result);
}

static enum sim_step
send_step(struct sim_request *q)
{
	static const int stops[] = { -ECANCELED, -EINTR };
	struct sim_file *f = q->file;
	bool moved;

	if (sim_chance(sim_world->faults.reset))
		sim_break(f);
	if (f->other == NULL || f->fin_out || f->broken)
		return send_failed(q);
	if (q->msg_flags & MSG_DONTWAIT)
		return send_try(q);
	if (q->canceled)
		return send_stopped(q, -ECANCELED);
	moved = transmit(q, sim_chance(sim_world->faults.send_short) ? 1 + q->len / 2 : q->len);
	if (q->done == q->len || (moved && !(q->msg_flags & MSG_WAITALL)))
		return post_last(q, (int32_t)q->done);
	if (sim_world->now_ns >= q->guard_ns)
		return send_stopped(q, -ECANCELED);
	if (sim_chance(sim_world->faults.send_stop))
		return send_stopped(q, stops[uring_sim_random(2)]);
	return moved ? SIM_STEP_GOES : SIM_STEP_WAITS;
}

/* -- accept, connect, poll -- */

static int
accept_error(void)
{
	static const int errors[] = {
		EMFILE, ENFILE, ENOMEM, ENOBUFS, ECONNABORTED, EPROTO, EPERM
	};

	if (sim_world->faults.accept_errno != 0)
		return -sim_world->faults.accept_errno;
	return -errors[uring_sim_random(sizeof(errors) / sizeof(errors[0]))];
}

static void
tell_peer(struct sim_request *q, const struct sim_file *f)
{
	if (q->peer == NULL)
		return;
	assert(*q->peer_len >= sizeof(f->address));
	memcpy(q->peer, &f->address, sizeof(f->address));
	*q->peer_len = sizeof(f->address);
}

static enum sim_step
accept_step(struct sim_request *q)
{
	struct sim_file *l = q->file;
	enum sim_step result = SIM_STEP_WAITS;

	if (q->canceled && (l->backlog_len == 0 || uring_sim_random(2) == 0))
		return post_last(q, -ECANCELED);
	while (l->backlog_len > 0) {
		int fd;

		if (sim_chance(sim_world->faults.accept_error))
			return post_last(q, accept_error());
		if (q->peer != NULL && l->backlog[0]->broken) {
			sim_file_put(sim_backlog_take(l));
			return post_last(q, -ECONNABORTED);
		}
		fd = q->to_table ? sim_table_open(q->ring, l->backlog[0]) :
				   sim_fd_open(l->backlog[0]);
		/* The table is full: what was accepted is closed (measured). */
		if (fd < 0 && q->to_table)
			sim_file_put(sim_backlog_take(l));
		if (fd < 0)
			return post_last(q, fd);
		tell_peer(q, sim_backlog_take(l));
		if (sim_chance(sim_world->faults.accept_stop))
			q->multishot = false;
		if (!post_more(q, fd, 0))
			return SIM_STEP_OVER;
		result = SIM_STEP_GOES;
	}
	return result;
}

static int
connect_error(void)
{
	static const int errors[] = { ECONNREFUSED, ETIMEDOUT,     ENETUNREACH,
				      EHOSTUNREACH, EADDRNOTAVAIL, EINTR };

	if (sim_world->faults.connect_errno != 0)
		return -sim_world->faults.connect_errno;
	return -errors[uring_sim_random(sizeof(errors) / sizeof(errors[0]))];
}

bool
sim_connect_is_due(const struct sim_request *q)
{
	int error;
	const struct sim_file *l = sim_listener_at(&q->address, &error);

	return l == NULL || !l->deaf || sim_world->now_ns >= q->guard_ns;
}

static enum sim_step
connect_step(struct sim_request *q)
{
	int error;
	struct sim_file *l = sim_listener_at(&q->address, &error);

	/* The answer may have come before the cancellation. */
	if (q->canceled && (uring_sim_random(2) == 0 || (l != NULL && l->deaf)))
		return post_last(q, -ECANCELED);
	if (l == NULL)
		return post_last(q, error);
	if (sim_chance(sim_world->faults.connect_error))
		return post_last(q, connect_error());
	if (l->deaf)
		return sim_world->now_ns >= q->guard_ns ? post_last(q, -ETIMEDOUT) : SIM_STEP_WAITS;
	sim_join(l, q->file);
	return post_last(q, 0);
}

static enum sim_step
poll_step(struct sim_request *q)
{
	if (q->canceled)
		return post_last(q, -ECANCELED);
	if (q->seen_rings == q->file->rings)
		return SIM_STEP_WAITS;
	q->seen_rings = q->file->rings;
	if (sim_chance(sim_world->faults.poll_stop))
		q->multishot = false;
	return post_more(q, POLLIN, 0) ? SIM_STEP_GOES : SIM_STEP_OVER;
}

/* -- all -- */

static enum sim_step
step_of(struct sim_request *q)
{
	switch (q->opcode) {
	case IORING_OP_RECV:
		return receive_step(q);
	case IORING_OP_SEND:
		return send_step(q);
	case IORING_OP_ACCEPT:
		return accept_step(q);
	case IORING_OP_CONNECT:
		return connect_step(q);
	default:
		assert(q->opcode == IORING_OP_POLL_ADD);
		return poll_step(q);
	}
}

/* Does the guard of this send fire in this step? Then its completion comes first (measured). */
static void
guard_fires(struct sim_request *q)
{
	if (q->guard_ns > sim_world->now_ns || q->done == q->len || sim_room(q->file) > 0)
		return;
	if (!q->guard_skips || sim_chance(sim_world->faults.guard_talks))
		sim_post(q->ring, q->guard_tag, -ETIME, 0);
}

static void
guard_is_over(const struct sim_request *q)
{
	if (q->guard_ns == UINT64_MAX || q->guard_ns <= sim_world->now_ns)
		return;
	if (!q->guard_skips || sim_chance(sim_world->faults.guard_talks))
		sim_post(q->ring, q->guard_tag, -ECANCELED, 0);
}

enum sim_step
sim_step(struct sim_request *q)
{
	enum sim_step result;

	if (q->opcode == IORING_OP_SEND)
		guard_fires(q);
	result = step_of(q);
	if (result == SIM_STEP_OVER && q->opcode == IORING_OP_SEND)
		guard_is_over(q);
	return result;
}
