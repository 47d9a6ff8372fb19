/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/uring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring/compat.h"
#include "ring/ring.h"

#define NS_PER_S UINT64_C(1000000000)
#define REFUSED_SLEEP_NS UINT64_C(1000000)

struct uring {
	struct io_uring io;
	uint32_t features;
	uint32_t enter_flags;
	uint32_t tail; /* SQEs given, free-running; the kernel sees it when we submit */
	struct __kernel_timespec *times; /* one per SQE */
};

/* Rich to poor. */
static const uint32_t attempts[] = {
	1u << RING_FEATURE_DEFER_TASKRUN | 1u << RING_FEATURE_NO_SQARRAY,
	1u << RING_FEATURE_DEFER_TASKRUN,
	1u << RING_FEATURE_NO_SQARRAY,
	0,
};

static uint32_t
setup_flags(uint32_t features)
{
	uint32_t flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_TASKRUN_FLAG;

	/* Without DEFER_TASKRUN, COOP spares the interrupts and still raises the taskrun flag. */
	flags |= (features & 1u << RING_FEATURE_DEFER_TASKRUN) ? IORING_SETUP_DEFER_TASKRUN :
								 IORING_SETUP_COOP_TASKRUN;
	if (features & 1u << RING_FEATURE_NO_SQARRAY)
		flags |= COMPAT_SETUP_NO_SQARRAY;
	return flags;
}

static int
setup(struct uring *u, struct io_uring_params *p, const uint32_t entries[2], uint32_t features)
{
	int fd = -EINVAL;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]) && fd == -EINVAL; i++) {
		memset(p, 0, sizeof(*p));
		u->features = attempts[i] & features;
		p->flags = setup_flags(u->features);
		p->cq_entries = entries[1];
		/*
		 * Not io_uring_queue_init_params(): 2.3 writes the index array even where there is
		 * none.
		 */
		fd = io_uring_setup(entries[0], p);
	}
	return fd;
}

static void
fill_index_array(struct uring *u)
{
	if (u->features & 1u << RING_FEATURE_NO_SQARRAY)
		return;
	for (uint32_t i = 0; i < *u->io.sq.kring_entries; i++)
		u->io.sq.array[i] = i;
}

static void
register_ring_fd(struct uring *u, uint32_t features)
{
	if (!(features & 1u << RING_FEATURE_RING_FD) || io_uring_register_ring_fd(&u->io) != 1)
		return;
	u->features |= 1u << RING_FEATURE_RING_FD;
	u->enter_flags |= IORING_ENTER_REGISTERED_RING;
}

static int
map(struct uring *u, struct io_uring_params *p, int fd, uint32_t features)
{
	int result;

	if ((p->features & COMPAT_FEATURES_NEEDED) != COMPAT_FEATURES_NEEDED) {
		close(fd);
		return -EINVAL;
	}
	result = io_uring_queue_mmap(fd, p, &u->io);
	if (result < 0) {
		close(fd);
		return result;
	}
	u->io.features = p->features;
	u->times = calloc(p->sq_entries, sizeof(u->times[0]));
	if (u->times == NULL) {
		io_uring_queue_exit(&u->io);
		return -ENOMEM;
	}
	fill_index_array(u);
	register_ring_fd(u, features);
	return 0;
}

int
uring_open(struct uring **out, uint32_t sq_entries, uint32_t cq_entries, uint32_t features)
{
	const uint32_t entries[2] = { sq_entries, cq_entries };
	struct io_uring_params p;
	struct uring *u = calloc(1, sizeof(*u));
	int result;

	if (u == NULL)
		return -ENOMEM;
	result = setup(u, &p, entries, features);
	if (result >= 0)
		result = map(u, &p, result, features);
	if (result < 0) {
		free(u);
		return result;
	}
	*out = u;
	return 0;
}

void
uring_close(struct uring *u)
{
	io_uring_queue_exit(&u->io);
	free(u->times);
	free(u);
}

uint32_t
uring_features(const struct uring *u)
{
	return u->features;
}

uint32_t
uring_cq_entries(const struct uring *u)
{
	return *u->io.cq.kring_entries;
}

int
uring_descriptor(const struct uring *u)
{
	return u->io.ring_fd;
}

uint32_t
uring_unsubmitted(const struct uring *u)
{
	/* Pairs with the kernel's release when it has consumed SQEs: their memory is ours again. */
	return u->tail - __atomic_load_n(u->io.sq.khead, __ATOMIC_ACQUIRE);
}

uint32_t
uring_sq_room(const struct uring *u)
{
	return *u->io.sq.kring_entries - uring_unsubmitted(u);
}

struct io_uring_sqe *
uring_sqe(struct uring *u)
{
	assert(uring_sq_room(u) > 0);
	return &u->io.sq.sqes[u->tail++ & *u->io.sq.kring_mask];
}

struct __kernel_timespec *
uring_sqe_time(struct uring *u, const struct io_uring_sqe *sqe)
{
	return &u->times[sqe - u->io.sq.sqes];
}

static int
enter(struct uring *u, uint32_t submit, uint32_t flags, struct io_uring_getevents_arg *arg)
{
	/* Release: the SQEs are written before the kernel sees the tail. */
	__atomic_store_n(u->io.sq.ktail, u->tail, __ATOMIC_RELEASE);
	return io_uring_enter2((unsigned)u->io.enter_ring_fd, submit,
			       arg != NULL && arg->ts != 0 ? 1 : 0, u->enter_flags | flags,
			       (sigset_t *)arg, arg != NULL ? sizeof(*arg) : 0);
}

static bool
is_passing(int result)
{
	return result == -EAGAIN || result == -EBUSY || result == -EINTR || result == -ETIME;
}

int
uring_submit(struct uring *u)
{
	int result = enter(u, uring_unsubmitted(u), 0, NULL);

	return result >= 0 || is_passing(result) ? 0 : result;
}

int
uring_enter(struct uring *u, uint64_t wait_ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = (long long)(wait_ns / NS_PER_S),
		.tv_nsec = (long long)(wait_ns % NS_PER_S),
	};
	struct io_uring_getevents_arg arg = { .ts = wait_ns > 0 ? (uintptr_t)&ts : 0 };
	uint32_t flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
	int result = enter(u, uring_unsubmitted(u), flags, &arg);

	if (wait_ns > 0 && (result == -EAGAIN || result == -EBUSY)) {
		/*
		 * No memory for requests or too many completions waiting: take some, do not spin.
		 */
		ts = (struct __kernel_timespec){ .tv_nsec = REFUSED_SLEEP_NS };
		result = enter(u, 0, flags, &arg);
	}
	return result >= 0 || is_passing(result) ? 0 : result;
}

uint32_t
uring_ready(const struct uring *u)
{
	/* Acquire pairs with the kernel's release of the tail: the CQEs before it are written. */
	return __atomic_load_n(u->io.cq.ktail, __ATOMIC_ACQUIRE) - *u->io.cq.khead;
}

bool
uring_has_work(const struct uring *u)
{
	/* Relaxed: only a hint to enter the kernel, which then looks for itself. */
	return __atomic_load_n(u->io.sq.kflags, __ATOMIC_RELAXED) &
	       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

bool
uring_overflowed(const struct uring *u)
{
	return __atomic_load_n(u->io.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW;
}

uint32_t
uring_harvest(struct uring *u, struct uring_cqe *out, uint32_t max)
{
	uint32_t head = *u->io.cq.khead;
	uint32_t n = uring_ready(u);

	if (n > max)
		n = max;
	for (uint32_t i = 0; i < n; i++) {
		const struct io_uring_cqe *cqe = &u->io.cq.cqes[(head + i) & *u->io.cq.kring_mask];

		out[i] = (struct uring_cqe){ cqe->user_data, cqe->res, cqe->flags };
	}
	/* Release: the kernel may overwrite them only after we have read them. */
	__atomic_store_n(u->io.cq.khead, head + n, __ATOMIC_RELEASE);
	return n;
}

int
uring_register_buffers(struct uring *u, struct io_uring_buf_ring *ring, uint32_t entries,
		       uint16_t group)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)ring,
		.ring_entries = entries,
		.bgid = group,
	};

	return io_uring_register_buf_ring(&u->io, &reg, 0);
}

static bool
has_send_zc(struct uring *u)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(&u->io);
	bool has = probe != NULL && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);

	io_uring_free_probe(probe);
	return has;
}

int
uring_register_pinned(struct uring *u, void *bytes, uint32_t count, uint32_t each)
{
	struct iovec *parts;
	int result;

	if (!has_send_zc(u))
		return -EOPNOTSUPP;
	parts = calloc(count, sizeof(parts[0]));
	if (parts == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		parts[i] = (struct iovec){ (uint8_t *)bytes + (size_t)i * each, each };
	result = io_uring_register_buffers(&u->io, parts, count);
	free(parts);
	return result;
}

int
uring_register_files(struct uring *u, uint32_t entries)
{
	struct io_uring_rsrc_register table = { .nr = entries,
						.flags = IORING_RSRC_REGISTER_SPARSE };

	/* Not io_uring_register_files_sparse(): it raises the process's limit to get through. */
	return io_uring_register((unsigned)u->io.ring_fd, IORING_REGISTER_FILES2, &table,
				 sizeof(table));
}

void
uring_unregister_files(struct uring *u)
{
	io_uring_unregister_files(&u->io);
}

void
uring_close_file(struct uring *u, int32_t index)
{
	const int none = -1;
	int result = io_uring_register_files_update(&u->io, (unsigned)index, &none, 1);

	assert(result == 1);
	(void)result;
}

uint64_t
uring_clock_ns(struct uring *u)
{
	struct timespec ts;

	(void)u;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}
