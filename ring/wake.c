/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/wake.h"

#include <poll.h>

int
wake_open(struct ring *r)
{
	int fd = uring_socket_open_bell();

	if (fd < 0)
		return fd;
	r->bell_fd = fd;
	return 0;
}

void
wake_close(struct ring *r)
{
	if (r->bell_fd >= 0)
		uring_socket_close(r->bell_fd);
	r->bell_fd = -1;
}

void
wake_arm(struct ring *r)
{
	struct io_uring_sqe *sqe;

	if (r->bell_out || uring_sq_room(r->kernel) == 0)
		return;
	/* Edge by edge: every write wakes, and nobody has to read the counter. */
	sqe = uring_sqe(r->kernel);
	io_uring_prep_poll_multishot(sqe, r->bell_fd, POLLIN);
	sqe->user_data = tag_make(TAG_BELL, 0, 0);
	r->bell_out = true;
}

void
wake_completed(struct ring *r, const struct uring_cqe *cqe)
{
	/* Armed anew after an overflow, it rings once in vain. */
	if (!(cqe->flags & IORING_CQE_F_MORE))
		r->bell_out = false;
	if (cqe->res > 0)
		r->on.woken(r->arg);
}
