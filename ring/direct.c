/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/direct.h"

#include <errno.h>

#include "ring/compat.h"

#define PROBE_WAIT_NS UINT64_C(1000000000)
#define PROBE_TURNS_MAX 16
#define PROBE_REQUEST 2 /* 0 and 1 are those of probe.c */

static const struct linger linger_zero = { .l_onoff = 1, .l_linger = 0 };

static void
prep_install(struct io_uring_sqe *sqe, int32_t *cell)
{
	io_uring_prep_files_update(sqe, cell, 1, 0);
	sqe->off = IORING_FILE_INDEX_ALLOC;
}

static void
prep_linger_zero(struct io_uring_sqe *sqe, int32_t index)
{
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, index, NULL, 0, 0);
	sqe->cmd_op = COMPAT_SOCKET_SETSOCKOPT;
	sqe->addr = (uint64_t)SO_LINGER << 32 | SOL_SOCKET;
	sqe->file_index = sizeof(linger_zero); /* optlen */
	sqe->addr3 = (uintptr_t)&linger_zero;  /* optval */
	sqe->flags = IOSQE_FIXED_FILE;
}

/* -- at the beginning -- */

/* The result of the one request that is in flight. */
static int
ask(struct ring *r, struct io_uring_sqe *sqe)
{
	const uint64_t tag = tag_make(TAG_PROBE, 0, PROBE_REQUEST);
	struct uring_cqe cqe;

	sqe->user_data = tag;
	for (int turn = 0; turn < PROBE_TURNS_MAX; turn++) {
		int result = uring_enter(r->kernel, PROBE_WAIT_NS);

		if (result < 0)
			return result;
		while (uring_harvest(r->kernel, &cqe, 1) == 1)
			if (cqe.tag == tag)
				return cqe.res;
	}
	return -ETIMEDOUT;
}

/* What a connection needs on its way, on a socket of its own: into the table, out again, reset. */
static int
try_all(struct ring *r, int fd)
{
	struct io_uring_sqe *sqe = uring_sqe(r->kernel);
	int32_t cell = fd;
	int result, copy;

	prep_install(sqe, &cell);
	result = ask(r, sqe);
	if (result != 1)
		return result < 0 ? result : -EINVAL;
	sqe = uring_sqe(r->kernel);
	io_uring_prep_rw(COMPAT_OP_FIXED_FD_INSTALL, sqe, cell, NULL, 0, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	copy = ask(r, sqe);
	if (copy < 0)
		return copy;
	uring_socket_close(copy);
	sqe = uring_sqe(r->kernel);
	prep_linger_zero(sqe, cell);
	result = ask(r, sqe);
	if (result < 0)
		return result;
	sqe = uring_sqe(r->kernel);
	io_uring_prep_close_direct(sqe, (uint32_t)cell);
	return ask(r, sqe);
}

void
direct_open(struct ring *r)
{
	int fd, result;

	if (r->config.disable & 1u << RING_FEATURE_DIRECT ||
	    r->config.slots_max > UINT32_MAX - DIRECT_ENTRIES_SPARE)
		return;
	fd = uring_socket_stream();
	if (fd < 0)
		return;
	result = uring_register_files(r->kernel, r->config.slots_max + DIRECT_ENTRIES_SPARE);
	if (result == 0) {
		result = try_all(r, fd);
		if (result == 0)
			r->features |= 1u << RING_FEATURE_DIRECT;
		else
			uring_unregister_files(r->kernel);
	}
	uring_socket_close(fd);
}

/* -- connections -- */

void
direct_install(struct ring *r, struct slot *s)
{
	struct io_uring_sqe *sqe = uring_sqe(r->kernel);

	s->install = s->fd;
	prep_install(sqe, &s->install);
	sqe->user_data = slot_tag(&r->slots, s, TAG_INSTALL);
	s->flags |= SLOT_INSTALL_OUT;
	r->requests++;
}

void
direct_install_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct slot *s = slot_of_tag(&r->slots, cqe->tag);

	if (s == NULL || !(s->flags & SLOT_INSTALL_OUT)) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	r->requests--;
	s->flags &= ~(uint32_t)SLOT_INSTALL_OUT;
	if (cqe->res == 1) {
		uring_socket_close(s->fd);
		s->fd = s->install;
		s->flags |= SLOT_DIRECT;
	}
	state_todo(r, s);
}

void
direct_linger_zero(struct ring *r, const struct slot *s)
{
	struct io_uring_sqe *sqe;

	if (!(s->flags & SLOT_DIRECT)) {
		uring_socket_linger_zero(s->fd);
		return;
	}
	/* Linked hard: closed it is in any case, but not before. */
	sqe = uring_sqe(r->kernel);
	prep_linger_zero(sqe, s->fd);
	sqe->flags |= IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = tag_make(TAG_LINGER, 0, 0);
}
