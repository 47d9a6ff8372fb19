/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: what becomes of an SQE, which request goes on when, and in which order.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/uring_sim_world.h"

/* Would a step do something? */
static bool
is_due(const struct sim_request *q)
{
	const struct sim_file *f = q->file;

	if (sim_world->now_ns < q->not_before_ns)
		return false;
	if (q->canceled)
		return true;
	switch (q->opcode) {
	case IORING_OP_RECV:
		return f->in.len > 0 || f->fin_in || f->reset_in || sim_buffers_gone(q->ring);
	case IORING_OP_SEND:
		return f->other == NULL || f->fin_out || f->broken || sim_room(f) > 0 ||
		       sim_world->now_ns >= q->guard_ns;
	case IORING_OP_ACCEPT:
		return f->backlog_len > 0;
	case IORING_OP_CONNECT:
		return sim_connect_is_due(q);
	default:
		return q->seen_rings != f->rings;
	}
}

static void
request_free(struct sim_request *q)
{
	sim_file_put(q->file);
	free(q);
}

static void
unlink_request(struct sim_request **at)
{
	struct sim_request *q = *at;

	*at = q->next;
	if (sim_world->requests_end == &q->next)
		sim_world->requests_end = at;
}

void
sim_forget_requests(struct uring *u)
{
	struct sim_request **at = &sim_world->requests;

	while (*at != NULL) {
		struct sim_request *q = *at;

		if (q->ring != u) {
			at = &q->next;
			continue;
		}
		unlink_request(at);
		request_free(q);
	}
}

static void
post_stale(struct uring *u)
{
	static const int results[] = { 0, 5, -ECANCELED, -ECONNRESET };
	uint64_t tag;
	int32_t res;
	uint32_t size, flags = 0;
	uint8_t *bytes;
	uint16_t id;

	if (sim_world->stale_count == 0 || !sim_chance(sim_world->faults.stale))
		return;
	tag = sim_world->stale[uring_sim_random(sim_world->stale_count)];
	res = results[uring_sim_random(4)];
	if (res == 5 && sim_buffer_take(u, &id, &bytes, &size))
		flags = IORING_CQE_F_BUFFER | (uint32_t)id << IORING_CQE_BUFFER_SHIFT;
	/* Only a receive has a buffer to give back; its tags are the even entries. */
	if (flags != 0)
		tag = sim_world->stale[uring_sim_random(sim_world->stale_count) & ~1u];
	sim_post(u, tag, res, flags);
}

static bool
hold_back(struct sim_request *q)
{
	const struct uring_sim_faults *faults = &sim_world->faults;

	if (q->held || faults->delay_ns == 0 || !sim_chance(faults->delay))
		return false;
	q->held = true;
	q->not_before_ns = sim_world->now_ns + 1 + uring_sim_random((uint32_t)faults->delay_ns);
	return true;
}

/* Start somewhere in the list, so that the order of requests is not the order of completions. */
static struct sim_request **
somewhere(void)
{
	struct sim_request **at = &sim_world->requests;

	if (sim_world->faults.shuffle)
		for (uint32_t n = uring_sim_random(64); n > 0 && *at != NULL; n--)
			at = &(*at)->next;
	return at;
}

static uint32_t
work_from(struct uring *u, struct sim_request **at, uint32_t max)
{
	uint32_t n = 0;

	while (*at != NULL && n < max) {
		struct sim_request *q = *at;

		if (q->ring != u || !is_due(q) || hold_back(q)) {
			at = &q->next;
			continue;
		}
		n++;
		q->held = false;
		if (sim_step(q) == SIM_STEP_OVER) {
			unlink_request(at);
			request_free(q);
		} else {
			at = &q->next;
		}
	}
	return n;
}

bool
sim_work(struct uring *u, uint32_t max)
{
	uint32_t n;

	post_stale(u);
	n = work_from(u, somewhere(), max);
	n += work_from(u, &sim_world->requests, max - n);
	return n > 0;
}

bool
sim_has_work(const struct uring *u)
{
	for (const struct sim_request *q = sim_world->requests; q != NULL; q = q->next)
		if (q->ring == u && is_due(q))
			return true;
	return false;
}

uint64_t
sim_next_event_ns(void)
{
	uint64_t next_ns = UINT64_MAX;

	for (const struct sim_request *q = sim_world->requests; q != NULL; q = q->next) {
		if (q->not_before_ns > sim_world->now_ns && q->not_before_ns < next_ns)
			next_ns = q->not_before_ns;
		if (q->guard_ns > sim_world->now_ns && q->guard_ns < next_ns)
			next_ns = q->guard_ns;
	}
	return next_ns;
}

/* -- submission -- */

static void
cancel(struct uring *u, const struct io_uring_sqe *sqe)
{
	for (struct sim_request *q = sim_world->requests; q != NULL; q = q->next) {
		if (q->ring != u || q->tag != sqe->addr)
			continue;
		q->canceled = true;
		if (!(sqe->flags & IOSQE_CQE_SKIP_SUCCESS))
			sim_post(u, sqe->user_data, 0, 0);
		return;
	}
	sim_post(u, sqe->user_data, -ENOENT, 0);
}

/* Tags of requests that nobody waits for any more. */
static void
remember(uint64_t receive, uint64_t other)
{
	uint32_t at = sim_world->stale_count;

	if (receive == 0 || other == 0)
		return;
	if (at + 2 > SIM_STALE_MAX)
		at = uring_sim_random(SIM_STALE_MAX / 2) * 2;
	else
		sim_world->stale_count += 2;
	sim_world->stale[at] = receive;
	sim_world->stale[at + 1] = other;
}

static void
close_fd(struct uring *u, const struct io_uring_sqe *sqe)
{
	bool fixed = sqe->file_index > 0;
	struct sim_file *f = fixed ? sim_table_file(u, sqe->file_index - 1) : sim_file_of(sqe->fd);
	int result;

	/* A socket that was to be connected, and the request for it was never made. */
	if (f == NULL && !fixed)
		f = sim_file_to_connect(sqe->fd);
	assert(f != NULL);
	remember(f->tags[0], f->tags[1]);
	remember(f->tags[0], f->tags[2]);
	result = fixed ? sim_table_close(u, sqe->file_index - 1) : sim_fd_close(sqe->fd);
	sim_post(u, sqe->user_data, result, 0);
}

static struct sim_request *
request_new(struct uring *u, const struct io_uring_sqe *sqe, struct sim_file *f)
{
	struct sim_request *q = calloc(1, sizeof(*q));

	assert(q != NULL);
	*q = (struct sim_request){
		.ring = u,
		.file = f,
		.tag = sqe->user_data,
		.opcode = sqe->opcode,
		.guard_ns = UINT64_MAX,
	};
	f->references++;
	switch (sqe->opcode) {
	case IORING_OP_RECV:
		assert((sqe->ioprio & ~IORING_RECV_MULTISHOT) == 0 &&
		       (sqe->flags & ~IOSQE_FIXED_FILE) == IOSQE_BUFFER_SELECT &&
		       sqe->buf_group == 0 && sqe->len == 0 && f->connected);
		q->multishot = sqe->ioprio & IORING_RECV_MULTISHOT;
		q->credit = sqe->file_index; /* optlen */
		assert(q->credit == 0 || q->multishot);
		f->tags[0] = q->tag;
		break;
	case IORING_OP_SEND:
		assert(f->connected);
		q->bytes = (const uint8_t *)(uintptr_t)sqe->addr;
		q->len = sqe->len;
		q->msg_flags = (int)sqe->msg_flags;
		f->tags[1] = q->tag;
		break;
	case IORING_OP_ACCEPT:
		q->multishot = sqe->ioprio & IORING_ACCEPT_MULTISHOT;
		q->to_table = sqe->file_index == IORING_FILE_INDEX_ALLOC;
		q->peer = (struct sockaddr *)(uintptr_t)sqe->addr;
		q->peer_len = (socklen_t *)(uintptr_t)sqe->addr2;
		assert(q->to_table || sqe->file_index == 0);
		assert(q->peer == NULL || !q->multishot);
		break;
	case IORING_OP_CONNECT:
		assert(sqe->off <= sizeof(q->address) && sqe->len == 0 &&
		       (sqe->flags & ~IOSQE_FIXED_FILE) == 0);
		memcpy(&q->address, (const void *)(uintptr_t)sqe->addr, sqe->off);
		q->guard_ns = sim_world->now_ns + SIM_CONNECT_NS;
		f->tags[2] = q->tag;
		break;
	default:
		assert(sqe->opcode == IORING_OP_POLL_ADD && sqe->len == IORING_POLL_ADD_MULTI);
		q->multishot = true;
	}
	return q;
}

static uint32_t
guard(struct sim_request *q, const struct io_uring_sqe *sqe, const struct io_uring_sqe *linked)
{
	const struct __kernel_timespec *ts;

	if (!(sqe->flags & IOSQE_IO_LINK))
		return 1;
	assert(linked != NULL && linked->opcode == IORING_OP_LINK_TIMEOUT);
	ts = (const struct __kernel_timespec *)(uintptr_t)linked->addr;
	q->guard_ns = (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
	if (q->guard_ns < UINT64_MAX - sim_world->now_ns)
		q->guard_ns += sim_world->now_ns;
	q->guard_tag = linked->user_data;
	q->guard_skips = linked->flags & IOSQE_CQE_SKIP_SUCCESS;
	return 2;
}

uint32_t
sim_submit(struct uring *u, const struct io_uring_sqe *sqe, const struct io_uring_sqe *linked)
{
	struct sim_request *q;
	struct sim_file *f;
	uint32_t used;

	sim_world->activity++;
	if (sqe->opcode == IORING_OP_ASYNC_CANCEL || sqe->opcode == IORING_OP_CLOSE) {
		(sqe->opcode == IORING_OP_CLOSE ? close_fd : cancel)(u, sqe);
		return 1;
	}
	if (sim_table_submit(u, sqe))
		return 1;
	if (sqe->flags & IOSQE_FIXED_FILE)
		f = sim_table_file(u, (uint32_t)sqe->fd);
	else
		f = sqe->opcode == IORING_OP_CONNECT ? sim_file_to_connect(sqe->fd) :
						       sim_file_of(sqe->fd);
	assert(f != NULL); /* or the ring asks for something with a descriptor that is not open */
	q = request_new(u, sqe, f);
	used = guard(q, sqe, linked);
	/* The answer to a SYN takes its time, but for what is near. */
	if (q->opcode == IORING_OP_CONNECT && is_due(q))
		hold_back(q);
	if ((is_due(q) || q->msg_flags & MSG_DONTWAIT) && sim_step(q) == SIM_STEP_OVER) {
		request_free(q);
		return used;
	}
	*sim_world->requests_end = q;
	sim_world->requests_end = &q->next;
	return used;
}
