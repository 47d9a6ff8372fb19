/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PROBE_WAIT_NS UINT64_C(1000000000)
#define PROBE_TURNS_MAX 16

static void
ask(struct ring *r, const int fds[2], const char *byte, uint32_t credit)
{
	struct io_uring_sqe *sqe = uring_sqe(r->kernel);

	io_uring_prep_recv_multishot(sqe, fds[0], NULL, 0, 0);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFRING_GROUP;
	sqe->file_index = credit;
	sqe->user_data = tag_make(TAG_PROBE, 0, 0);

	sqe = uring_sqe(r->kernel);
	io_uring_prep_send(sqe, fds[1], byte, 1, MSG_NOSIGNAL);
	sqe->user_data = tag_make(TAG_PROBE, 0, 1);
}

struct answers {
	int received; /* result of the receive: 1 wanted */
	bool over;    /* the receive is no longer in flight */
};

static void
look(struct ring *r, const struct uring_cqe *cqe, struct answers *a)
{
	uint16_t buffer = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);

	if (tag_op(cqe->tag) != TAG_PROBE || tag_slot(cqe->tag) != 0)
		return;
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		bufring_take(&r->buffers, buffer, cqe->res > 0 ? (uint32_t)cqe->res : 0);
		if (a->received == 0)
			a->received = *bufring_bytes(&r->buffers, buffer) == 'p' ? 1 : -EIO;
		bufring_drop(&r->buffers, buffer);
	} else if (a->received == 0 && cqe->res < 0) {
		a->received = cqe->res;
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		a->over = true;
}

/* Turn until the byte is there, resp. until the receive is over. */
static int
await(struct ring *r, struct answers *a, bool all)
{
	for (int turn = 0; turn < PROBE_TURNS_MAX; turn++) {
		struct uring_cqe cqe;
		int result = uring_enter(r->kernel, PROBE_WAIT_NS);

		if (result < 0)
			return result;
		while (uring_harvest(r->kernel, &cqe, 1) == 1)
			look(r, &cqe, a);
		if (a->over || (a->received != 0 && !all))
			return 0;
	}
	return -ETIMEDOUT;
}

static int
receive_one(struct ring *r, uint32_t credit)
{
	static const char byte[1] = { 'p' };
	struct answers answers = { 0 };
	int fds[2];
	int result = uring_socket_pair(fds);

	if (result < 0)
		return result;
	ask(r, fds, byte, credit);
	result = await(r, &answers, false);
	/* Its end ends the receive: nothing of the probe stays in flight. */
	uring_socket_close(fds[1]);
	if (result == 0)
		result = await(r, &answers, true);
	uring_socket_close(fds[0]);
	bufring_publish(&r->buffers);
	if (result == 0 && answers.received != 1)
		result = answers.received < 0 ? answers.received : -EIO;
	return result;
}

int
probe_receive(struct ring *r)
{
	/* More than the one byte: it is not to end here. */
	if (!(r->config.disable & 1u << RING_FEATURE_RECV_CREDIT) && receive_one(r, 1000) == 0) {
		r->features |= 1u << RING_FEATURE_RECV_CREDIT;
		return 0;
	}
	return receive_one(r, 0);
}

static char
sysctl_io_uring_disabled(void)
{
	int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
	char value = '0';

	if (fd < 0)
		return '0';
	if (read(fd, &value, 1) != 1)
		value = '0';
	close(fd);
	return value;
}

static const char *
explain_refusal(void)
{
	switch (sysctl_io_uring_disabled()) {
	case '0':
		return "io_uring is refused (EPERM) though kernel.io_uring_disabled is 0: most "
		       "likely the "
		       "seccomp profile of the container; allow io_uring_setup, io_uring_enter and "
		       "io_uring_register in it";
	case '1':
		return "io_uring is switched off for this user: set sysctl "
		       "kernel.io_uring_disabled=0, or "
		       "put the user into the group of kernel.io_uring_group";
	default:
		return "io_uring is switched off: set sysctl kernel.io_uring_disabled=0";
	}
}

static const char *
explain_with_release(const char *what)
{
	static _Thread_local char text[256];
	struct utsname name;

	if (uname(&name) < 0)
		name.release[0] = '\0';
	snprintf(text, sizeof(text), "%s (this is %s)", what, name.release);
	return text;
}

const char *
probe_explain(int result)
{
	switch (-result) {
	case ENOSYS:
		return explain_with_release(
			"this kernel has no io_uring: Linux 6.1 or newer, built with "
			"CONFIG_IO_URING, is needed");
	case EPERM:
	case EACCES:
		return explain_refusal();
	case EINVAL:
		return explain_with_release(
			"the io_uring of this kernel lacks something the ring needs: "
			"Linux 6.1 or newer is needed");
	case ENOMEM:
		return "no memory for io_uring: raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK= of "
		       "the "
		       "systemd unit), or the memory limit of the container";
	case EMFILE:
		return "no descriptor left for io_uring: raise RLIMIT_NOFILE (ulimit -n, "
		       "LimitNOFILE=)";
	case ENFILE:
		return "no descriptor left in the system: raise sysctl fs.file-max";
	default:
		return explain_with_release(strerror(-result));
	}
}
