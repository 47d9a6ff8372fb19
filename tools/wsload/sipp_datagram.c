/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_datagram.h"

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/clock.h"
#include "tools/wsload/sipp_local.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

#define ENTRIES 1024u
#define BUFFERS 128u /* a power of two */
#define BUFFER_BYTES (65536u + 256u)
#define GROUP 0
#define SOCKET_BYTES (4 << 20)
#define SEND_ROOM 2048u /* bytes that a send has room for without asking for more */

/* A datagram on its way out. */
struct send {
	struct send *next, *next_of_all;
	struct msghdr header;
	struct iovec piece;
	struct sipp_peer to;
	size_t cap;
	char *bytes; /* owned */
};

struct sipp_datagram {
	struct sipp_run *run;
	struct io_uring ring;
	bool has_ring, receives;
	int fd;
	uint16_t port;
	struct msghdr header; /* what is asked for with each datagram */
	struct io_uring_buf_ring *buffers;
	size_t buffers_bytes;
	char *memory;
	struct send *free, *all;
};

/* ---- sending ---- */

static struct io_uring_sqe *
take_sqe(struct sipp_datagram *d)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&d->ring);

	if (!sqe && io_uring_submit(&d->ring) >= 0)
		sqe = io_uring_get_sqe(&d->ring);
	return sqe;
}

static void
give_send(struct sipp_datagram *d, struct send *s)
{
	s->next = d->free;
	d->free = s;
}

static struct send *
take_send(struct sipp_datagram *d, size_t len)
{
	struct send *s = d->free;
	char *bytes;

	if (s) {
		d->free = s->next;
	} else {
		s = calloc(1, sizeof(*s));
		if (!s)
			return NULL;
		s->next_of_all = d->all;
		d->all = s;
	}
	if (s->cap >= len)
		return s;
	bytes = realloc(s->bytes, len > SEND_ROOM ? len : SEND_ROOM);
	if (!bytes) {
		give_send(d, s);
		return NULL;
	}
	s->bytes = bytes;
	s->cap = len > SEND_ROOM ? len : SEND_ROOM;
	return s;
}

bool
sipp_datagram_send(struct sipp_datagram *d, const struct sipp_peer *to, struct span message)
{
	struct send *s = take_send(d, message.len);
	struct io_uring_sqe *sqe = s ? take_sqe(d) : NULL;

	if (!sqe) {
		if (s)
			give_send(d, s);
		return false;
	}
	memcpy(s->bytes, message.at, message.len);
	s->to = *to;
	s->piece = (struct iovec){ s->bytes, message.len };
	s->header = (struct msghdr){
		.msg_name = &s->to.address,
		.msg_namelen = s->to.address_len,
		.msg_iov = &s->piece,
		.msg_iovlen = 1,
	};
	io_uring_prep_sendmsg(sqe, d->fd, &s->header, MSG_NOSIGNAL);
	io_uring_sqe_set_data(sqe, s);
	return true;
}

/* ---- receiving ---- */

static bool
arm(struct sipp_datagram *d)
{
	struct io_uring_sqe *sqe = take_sqe(d);

	if (!sqe)
		return false;
	io_uring_prep_recvmsg_multishot(sqe, d->fd, &d->header, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	io_uring_sqe_set_data(sqe, NULL);
	d->receives = true;
	return true;
}

static char *
buffer_at(struct sipp_datagram *d, uint32_t n)
{
	return d->memory + (size_t)n * BUFFER_BYTES;
}

static void
give_buffer(struct sipp_datagram *d, uint32_t n, int ahead)
{
	io_uring_buf_ring_add(d->buffers, buffer_at(d, n), BUFFER_BYTES, (unsigned short)n,
			      io_uring_buf_ring_mask(BUFFERS), ahead);
}

static void
take_datagram(struct sipp_datagram *d, char *buffer, int len)
{
	struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(buffer, len, &d->header);
	struct worker *w = d->run->worker;
	struct sipp_peer from = { .local_port = d->port };
	size_t payload;

	if (!out)
		return;
	payload = io_uring_recvmsg_payload_length(out, len, &d->header);
	if (out->namelen > sizeof(from.address))
		return;
	memcpy(&from.address, io_uring_recvmsg_name(out), out->namelen);
	from.address_len = out->namelen;
	tally_count(&w->tally, TALLY_messages_received, 1);
	tally_count(&w->tally, TALLY_bytes_received, payload);
	sipp_run_take(d->run, span_of(io_uring_recvmsg_payload(out, &d->header), payload), &from);
}

static void
take_completion(struct sipp_datagram *d, const struct io_uring_cqe *cqe)
{
	struct send *s = io_uring_cqe_get_data(cqe);
	uint32_t buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

	if (s) {
		if (cqe->res > 0)
			tally_count(&d->run->worker->tally, TALLY_bytes_sent, (uint64_t)cqe->res);
		give_send(d, s);
		return;
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		d->receives = false;
	if (!(cqe->flags & IORING_CQE_F_BUFFER))
		return;
	if (cqe->res > 0)
		take_datagram(d, buffer_at(d, buffer), cqe->res);
	give_buffer(d, buffer, 0);
	io_uring_buf_ring_advance(d->buffers, 1);
}

int
sipp_datagram_turn(struct sipp_datagram *d, uint64_t wait_ns)
{
	struct __kernel_timespec wait = { .tv_sec = (long long)(wait_ns / CLOCK_NS_PER_S),
					  .tv_nsec = (long long)(wait_ns % CLOCK_NS_PER_S) };
	struct io_uring_cqe *cqe;
	int result;

	if (!d->receives && !arm(d))
		return -ENOBUFS;
	result = io_uring_submit_and_wait_timeout(&d->ring, &cqe, 1, &wait, NULL);
	if (result < 0 && result != -ETIME && result != -EINTR)
		return result;
	d->run->worker->now_ns = clock_now_ns();
	while (io_uring_peek_cqe(&d->ring, &cqe) == 0) {
		struct io_uring_cqe copy = *cqe;

		io_uring_cqe_seen(&d->ring, cqe);
		take_completion(d, &copy);
	}
	return 0;
}

/* ---- the beginning and the end ---- */

static int
open_buffers(struct sipp_datagram *d)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = GROUP };
	void *at;

	d->memory = malloc((size_t)BUFFERS * BUFFER_BYTES);
	d->buffers_bytes = BUFFERS * sizeof(struct io_uring_buf);
	if (!d->memory || posix_memalign(&at, 4096, d->buffers_bytes) != 0)
		return -ENOMEM;
	d->buffers = at;
	io_uring_buf_ring_init(d->buffers);
	for (uint32_t i = 0; i < BUFFERS; i++)
		give_buffer(d, i, (int)i);
	io_uring_buf_ring_advance(d->buffers, BUFFERS);
	reg.ring_addr = (uintptr_t)d->buffers;
	return io_uring_register_buf_ring(&d->ring, &reg, 0);
}

static int
open_ring(struct sipp_datagram *d)
{
	int result = io_uring_queue_init(ENTRIES, &d->ring, 0);

	if (result < 0)
		return result;
	d->has_ring = true;
	d->header.msg_namelen = sizeof(d->run->worker->plan->options.server);
	return open_buffers(d);
}

bool
sipp_datagram_open(struct sipp_run *run, const char **error)
{
	struct sipp_datagram *d = calloc(1, sizeof(*d));
	int bytes = SOCKET_BYTES;

	if (!d)
		return false;
	run->datagram = d;
	d->run = run;
	d->fd = sipp_local_socket(run, SOCK_DGRAM, &d->port, error);
	if (d->fd < 0)
		return false;
	setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(d->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	*error = "no ring for datagrams";
	return open_ring(d) == 0;
}

/* Nothing is on its way any more once the ring is gone. */
void
sipp_datagram_close(struct sipp_datagram *d)
{
	struct send *s;

	if (!d)
		return;
	if (d->has_ring)
		io_uring_queue_exit(&d->ring);
	if (d->fd >= 0)
		close(d->fd);
	while ((s = d->all)) {
		d->all = s->next_of_all;
		free(s->bytes);
		free(s);
	}
	free(d->buffers);
	free(d->memory);
	free(d);
}

uint16_t
sipp_datagram_port(const struct sipp_datagram *d)
{
	return d->port;
}
