/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_URING_H
#define RING_URING_H
/*
 * The kernel as the ring sees it: one io_uring (uring.c) and the few plain system calls on
 * sockets (uring_socket.c). Nothing above this face makes a system call, so that tests
 * link another kernel in its place (tests/sim/uring_sim.h).
 *
 * Errors are -errno. All functions on the thread that called uring_open(), except
 * uring_socket_ring_bell().
 */
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct uring; /* opaque */

/* A completion, copied out of the CQ. */
struct uring_cqe {
	uint64_t tag; /* user_data */
	int32_t res;
	uint32_t flags; /* IORING_CQE_F_... */
};

/*
 * Set up with the richest flags among `features` (1u << enum ring_feature; those that need no such
 * flag mean nothing here) that the kernel takes. -EINVAL: the kernel is too old.
 */
int uring_open(struct uring **out, uint32_t sq_entries, uint32_t cq_entries, uint32_t features);
void uring_close(struct uring *u);

/* Those of `features` that are in use. */
uint32_t uring_features(const struct uring *u);
uint32_t uring_cq_entries(const struct uring *u);

/* For messages from other rings. Any thread. */
int uring_descriptor(const struct uring *u);

/* SQEs that uring_sqe() can give before the next submission. */
uint32_t uring_sq_room(const struct uring *u);

/* The next SQE, to be filled in whole. Only when there is room. */
struct io_uring_sqe *uring_sqe(struct uring *u);

/* Storage for the time of this SQE; valid until it is submitted. */
struct __kernel_timespec *uring_sqe_time(struct uring *u, const struct io_uring_sqe *sqe);

/* SQEs that were given and not submitted yet. */
uint32_t uring_unsubmitted(const struct uring *u);

/*
 * Submit without taking completions. A passing refusal (-EAGAIN, -EBUSY) is 0: what was not taken
 * stays queued; see uring_sq_room().
 */
int uring_submit(struct uring *u);

/*
 * Submit, let the kernel post what is due, and wait at most wait_ns for one completion (0: do not
 * wait; UINT64_MAX: for ever). 0 also when the time ran out, a signal came or the kernel
 * refused for the moment (then after a short sleep at most). Else the ring is unusable.
 */
int uring_enter(struct uring *u, uint64_t wait_ns);

/* In shared memory, without a system call: completions there to take; work waiting for an enter. */
uint32_t uring_ready(const struct uring *u);
bool uring_has_work(const struct uring *u);

/* Completions wait in the kernel because the CQ was full. */
bool uring_overflowed(const struct uring *u);

/* Take up to `max` completions out of the CQ, in order. */
uint32_t uring_harvest(struct uring *u, struct uring_cqe *out, uint32_t max);

/* Give the kernel a provided-buffer ring (page-aligned, `entries` a power of two) as `group`. */
int uring_register_buffers(struct uring *u, struct io_uring_buf_ring *ring, uint32_t entries,
			   uint16_t group);

/*
 * Register `count` buffers of `each` bytes, one after the other, for SEND_ZC. -EOPNOTSUPP: this
 * kernel has no such request.
 */
int uring_register_pinned(struct uring *u, void *bytes, uint32_t count, uint32_t each);

/*
 * An empty table of fixed files; requests put files into it and take them out. -EMFILE: more than
 * RLIMIT_NOFILE. Not in use any more, or never, it can go.
 */
int uring_register_files(struct uring *u, uint32_t entries);
void uring_unregister_files(struct uring *u);

/* Close a fixed file at once, without a request. */
void uring_close_file(struct uring *u, int32_t index);

/* CLOCK_MONOTONIC in ns, the clock of link timeouts. */
uint64_t uring_clock_ns(struct uring *u);

/* -- uring_socket.c -- */

/* 0 if fd is a socket that listens. */
int uring_socket_check_listener(int fd);
int uring_socket_peer(int fd, struct sockaddr_storage *peer);

/* close() will send a RST. */
void uring_socket_linger_zero(int fd);
void uring_socket_shutdown_write(int fd);
void uring_socket_close(int fd);

/* A TCP socket, not connected, or -errno. */
int uring_socket_stream(void);

/* Two connected stream sockets. */
int uring_socket_pair(int fds[2]);

/* One datagram out of these pieces, without waiting. Its bytes, or -errno. */
int uring_socket_send_datagram(int fd, const struct iovec *pieces, uint32_t pieces_len);

/* A descriptor to hold in reserve, or -errno. */
int uring_socket_reserve(void);

/* A descriptor that polls readable once somebody rang. Ringing: any thread, async-signal-safe. */
int uring_socket_open_bell(void);
void uring_socket_ring_bell(int fd);

#endif
