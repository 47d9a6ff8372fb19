/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_URING_SIM_H
#define TESTS_SIM_URING_SIM_H
/*
 * A kernel in memory: everything of ring/uring.h, on simulated sockets, a fake clock
 * and one seed. A program that links the objects of `uring_sim` before the ring layer runs
 * on it instead of the real kernel; nothing of ring/ or engine/ is compiled differently.
 *
 *	uring_sim_begin(seed);
 *	fd = uring_sim_listen();              then ring_open(), ring_listen(ring, fd)
 *	c = uring_sim_connect(fd);            a client; it can write and read at once
 *	uring_sim_write(c, bytes, len);
 *	ring_turn(ring, wait_ns);             a wait moves the clock, it does not sleep
 *	n = uring_sim_read(c, buffer, size);
 *	uring_sim_close(c);  ...  ring_fini(ring);
 *	uring_sim_end();
 *
 * The same seed and the same calls give the same run. All on one thread; several rings may live in
 * one world. Time passes only in waits, by 1 us per enter, by 20 ns per look at the clock, and by
 * uring_sim_advance().
 *
 * Faults happen with the probabilities (per mille) of struct uring_sim_faults, each time there is
 * an occasion. The defaults are all 0: a kernel that never fails, but still answers -ENOBUFS,
 * -EAGAIN, -EMFILE and so on where the real one must. What it does is what was measured of the real
 * one (link timeouts that complete before their send, multishots that end on overflow, ...).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

struct uring_sim_faults {
	uint32_t send_short;     /* a send takes less than would fit */
	uint32_t send_again;     /* a non-waiting send says -EAGAIN although there is room */
	uint32_t send_stop;      /* a waiting send ends early: short, -ECANCELED or -EINTR */
	uint32_t receive_short;  /* bytes come in small pieces */
	uint32_t receive_stop;   /* a multishot receive ends: with data, or -ECANCELED or -EINTR */
	uint32_t receive_famine; /* -ENOBUFS although there are buffers */
	uint32_t accept_stop;    /* a multishot accept ends */
	uint32_t accept_error;   /* any of what accept(2) can say, or accept_errno */
	int accept_errno;
	uint32_t connect_error; /* any of what connect(2) can say, or connect_errno */
	int connect_errno;
	uint32_t reset;       /* the connection breaks */
	uint32_t stale;       /* a completion of a connection that is gone */
	uint32_t guard_talks; /* a link timeout posts the completion it should skip */
	uint32_t delay;       /* what is due is held back for up to delay_ns */
	uint64_t delay_ns;
	uint32_t enter_refused; /* -EAGAIN, -EBUSY or -EINTR, or only a part is submitted */
	uint32_t poll_stop;     /* a multishot poll ends */
	uint32_t message_error; /* a message to another ring is refused */
	uint32_t install_error; /* a file does not get into the fixed-file table */
	bool shuffle;           /* completions of different requests come in any order */
};

/* -- the world -- */
void uring_sim_begin(uint64_t seed);

/* Frees everything. All rings must be closed; nothing may be left but listeners and clients. */
void uring_sim_end(void);
void uring_sim_set_faults(const struct uring_sim_faults *faults);

/* A number from the world's seed, below `limit`: for what a test decides by chance. */
uint32_t uring_sim_random(uint32_t limit);

/*
 * At most so many descriptors at once (default 65536), bytes in a socket per direction (default
 * 65536), completions in a CQ (0: as asked for).
 */
void uring_sim_limit_descriptors(uint32_t max);
void uring_sim_limit_socket(uint32_t bytes);
void uring_sim_limit_completions(uint32_t max);

/* What newer kernels have is refused: enum ring_feature bits. */
void uring_sim_lack_features(uint32_t features);

/* A fixed-file table with more entries is refused (as by RLIMIT_NOFILE); 0: none is. */
void uring_sim_limit_table(uint32_t entries);

/* uring_open() fails with this -errno; 0: it does not. */
void uring_sim_refuse_setup(int result);

uint32_t uring_sim_descriptors(void);

/* Could so many more be opened? */
bool uring_sim_has_descriptors(uint32_t more);

/* -- time -- */
uint64_t uring_sim_now_ns(void);
void uring_sim_advance(uint64_t ns);

/* The kernel has nothing to do: only time, a client or a new request can make something happen. */
bool uring_sim_is_quiet(void);

/*
 * Call turn(arg), which is to call ring_turn(ring, 0), until two in a row neither asked the kernel
 * for anything nor got anything; `turns_max` times at most. False: it did not become quiet.
 */
bool uring_sim_run(void (*turn)(void *arg), void *arg, uint32_t turns_max);

/* -- who the ring connects to -- */

/*
 * A socket for ring_connect(), which also takes any real descriptor: that is closed in earnest with
 * its connection, but nothing else is done with it.
 *
 * All there is in this world is 127.0.0.0/8 and ::1, and there the ports of the listening sockets:
 * any other port refuses, any other address (and 127.255.255.255, as in the real one) is
 * unreachable.
 */
int uring_sim_socket(void);

/* Where a listening socket listens. */
void uring_sim_address(int listener, struct sockaddr_in *out);

/* A listener that is deaf answers no connect; after 127 s they give up with -ETIMEDOUT. */
void uring_sim_deafen(int listener, bool deaf);

/* The oldest connection in the backlog as a client >= 0, or -EAGAIN. */
int uring_sim_accept(int listener);

/* -- clients -- */

/*
 * A listening socket. ring_listen() also takes any real descriptor; then clients connect to that
 * number.
 */
int uring_sim_listen(void);

/* A client >= 0, in the backlog of the listener; -ECONNREFUSED: nobody listens there. */
int uring_sim_connect(int listener);

/* Bytes taken (0: no room), or -EPIPE, -ECONNRESET. */
int uring_sim_write(int client, const void *bytes, size_t len);

/* Bytes read, 0 at the end of the stream, -EAGAIN: none yet, or -ECONNRESET. */
int uring_sim_read(int client, void *bytes, size_t size);

/* FIN; the client goes on reading. */
void uring_sim_finish(int client);

/* FIN, and what still comes is refused. The client is gone afterwards. */
void uring_sim_close(int client);

/* RST, and the client is gone. */
void uring_sim_reset(int client);

#endif
