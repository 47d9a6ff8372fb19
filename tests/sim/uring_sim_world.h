/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_URING_SIM_WORLD_H
#define TESTS_SIM_URING_SIM_WORLD_H
/*
 * Inside of the simulated kernel: files (uring_sim_net.c), requests (uring_sim_exec.c), rings and
 * clock (uring_sim.c).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#include "ring/uring.h"
#include "tests/sim/uring_sim.h"

#define SIM_FD_BASE (1 << 20) /* no real descriptor is that high here */
#define SIM_RING_FD_BASE (1 << 21)
#define SIM_FDS_MAX 65536u
#define SIM_REAL_FDS_MAX 1024
#define SIM_LISTENERS_MAX 64
#define SIM_STALE_MAX 64u
#define SIM_CONNECT_NS UINT64_C(127000000000) /* of SYNs without an answer */

enum sim_kind {
	SIM_STREAM,
	SIM_LISTENER,
	SIM_BELL,
	SIM_OTHER,
};

/* Bytes on their way into a socket. */
struct sim_pipe {
	uint8_t *bytes;
	uint32_t head, len, size;
};

/* An open file; one end of a connection. Lives as long as somebody refers to it. */
struct sim_file {
	enum sim_kind kind;
	uint32_t references;    /* a descriptor or a client, and requests in flight */
	struct sim_file *other; /* end of the connection; NULL: gone */
	struct sim_pipe in;
	bool fin_in;   /* the other end sends no more */
	bool fin_out;  /* this end sends no more */
	bool reset_in; /* the other end sent a RST: said once, then it is an ended stream */
	bool broken;   /* ... and nothing can be sent */
	bool linger_zero;
	bool connected;             /* once; a stream that is not has never sent or received */
	bool deaf;                  /* a listener that answers no SYN */
	struct sockaddr_in address; /* of the peer; of a listener: its own */
	struct sim_file **backlog;  /* of a listener: server ends not yet accepted */
	uint32_t backlog_len, backlog_size;
	uint64_t rings;   /* of a bell */
	uint64_t tags[3]; /* latest receive, send, connect: material for stale completions */
};

struct sim_request {
	struct sim_request *next;
	struct uring *ring;
	struct sim_file *file;
	uint64_t tag;
	uint8_t opcode;
	bool multishot;
	bool canceled;
	bool held; /* once delayed, not again */
	int msg_flags;
	const uint8_t *bytes;
	uint32_t len, done;
	struct sockaddr_storage address; /* of a connect */
	struct sockaddr *peer;           /* accept: where its address goes, or NULL */
	socklen_t *peer_len;
	uint32_t credit; /* bytes after which a multishot receive ends; 0: none */
	bool to_table;   /* accept: the connection becomes a fixed file */
	uint64_t seen_rings;
	uint64_t not_before_ns; /* held back */
	uint64_t guard_ns;      /* linked timeout, or when a connect gives up; UINT64_MAX: none */
	uint64_t guard_tag;
	bool guard_skips;
};

struct sim_late {
	struct sim_late *next;
	struct uring_cqe cqe;
};

struct uring {
	struct uring *next;
	uint32_t features;
	uint32_t sq_entries, cq_entries;
	struct io_uring_sqe *sqes;
	struct __kernel_timespec *times;
	uint32_t sq_count, sq_head;
	struct uring_cqe *cqes;
	uint32_t cq_count, cq_head;
	struct sim_late *overflow, **overflow_end;
	struct io_uring_buf_ring *buffers;
	uint32_t buffer_entries;
	uint16_t buffer_head;
	int descriptor;          /* of the ring itself */
	struct sim_file **files; /* fixed */
	uint32_t files_max;
};

struct sim_world {
	uint64_t random;
	uint64_t now_ns;
	uint64_t activity; /* requests and completions so far */
	struct uring_sim_faults faults;
	struct uring *rings;
	int rings_opened;
	struct sim_request *requests, **requests_end; /* in flight, oldest first */
	struct sim_file *fds[SIM_FDS_MAX];
	uint32_t fds_open, fds_max;
	struct sim_file *real[SIM_REAL_FDS_MAX]; /* by real descriptor */
	struct sim_file *listeners[SIM_LISTENERS_MAX];
	uint16_t ports; /* given to them */
	struct sim_file **clients;
	uint32_t clients_len, clients_size;
	uint32_t files; /* alive */
	uint32_t socket_bytes;
	uint32_t completions_max;
	uint32_t lacking;
	uint32_t table_max; /* entries of a fixed-file table; 0: any number */
	int refusal;
	uint64_t stale[SIM_STALE_MAX];
	uint32_t stale_count;
};

extern struct sim_world *sim_world;

/* -- uring_sim.c -- */
bool sim_chance(uint32_t per_mille);

/* Post; false: it overflowed, so a multishot has to end. */
void sim_post(struct uring *u, uint64_t tag, int32_t res, uint32_t flags);
bool sim_cq_is_full(const struct uring *u);

/* -- uring_sim_net.c -- */
struct sim_file *sim_file_new(enum sim_kind kind);
struct sim_file *sim_file_of(int fd);
void sim_file_put(struct sim_file *f); /* one reference less */
int sim_fd_open(struct sim_file *f);   /* takes over the reference; -EMFILE: not */
int sim_fd_close(int fd);
uint32_t sim_room(const struct sim_file *f);
uint32_t sim_transmit(struct sim_file *f, const uint8_t *bytes, uint32_t len);
uint32_t sim_pipe_take(struct sim_pipe *p, uint8_t *out, uint32_t size);
void sim_break(struct sim_file *f); /* both ends get a reset */
void sim_shut_write(struct sim_file *f);

/* -- uring_sim_table.c -- */
struct sim_file *sim_table_file(const struct uring *u, uint32_t index);
int sim_table_open(struct uring *u,
		   struct sim_file *f); /* takes over the reference; -ENFILE: not */
int sim_table_close(struct uring *u, uint32_t index);

/* Execute the SQE if it is about fixed files. */
bool sim_table_submit(struct uring *u, const struct io_uring_sqe *sqe);

/* -- uring_sim_connect.c -- */
/* A stream for ring_connect(), also behind a real descriptor that is not known yet. */
struct sim_file *sim_file_to_connect(int fd);

/* Who listens at this address: a listener, or NULL and why not. */
struct sim_file *sim_listener_at(const struct sockaddr_storage *address, int *error);

/* `client` is connected from now on, its other end in the backlog. */
void sim_join(struct sim_file *listener, struct sim_file *client);
struct sim_file *sim_backlog_take(struct sim_file *listener);

/* -- uring_sim_step.c -- */
enum sim_step {
	SIM_STEP_WAITS, /* nothing to do for it now */
	SIM_STEP_GOES,  /* something happened, it stays in flight */
	SIM_STEP_OVER,  /* its last completion is posted */
};

enum sim_step sim_step(struct sim_request *q);

/* Would a connect not wait any longer? */
bool sim_connect_is_due(const struct sim_request *q);

/* The next buffer of the provided-buffer ring; false: none. */
bool sim_buffer_take(struct uring *u, uint16_t *id, uint8_t **bytes, uint32_t *size);
bool sim_buffers_gone(const struct uring *u);

/* -- uring_sim_exec.c -- */

/* Execute one SQE, with the one linked to it. Returns how many were used. */
uint32_t sim_submit(struct uring *u, const struct io_uring_sqe *sqe,
		    const struct io_uring_sqe *linked);

/* Let requests in flight go on; at most `max` completions. True: something happened. */
bool sim_work(struct uring *u, uint32_t max);
bool sim_has_work(const struct uring *u);

/* The next time after now at which something becomes due, or UINT64_MAX. */
uint64_t sim_next_event_ns(void);
void sim_forget_requests(struct uring *u);

#endif
