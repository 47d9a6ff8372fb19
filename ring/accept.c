/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/accept.h"

#include <errno.h>

#include "ring/state.h"

#define PAUSE_NS UINT64_C(100000000)

/*
 * With so few slots free, connections are accepted one by one: a multishot may bring a whole
 * backlog.
 */
#define SCARCE_SLOTS 1024u

enum remedy {
	REMEDY_PAUSE, /* it may fail again at once: try later */
	REMEDY_SHED,  /* out of descriptors */
	REMEDY_RETRY, /* an error of the one connection, which is used up: go on */
};

static const struct {
	int error;
	enum remedy remedy;
} remedies[] = {
	{ EMFILE, REMEDY_SHED },        { ENFILE, REMEDY_SHED },
	{ ECONNABORTED, REMEDY_RETRY }, { ECONNRESET, REMEDY_RETRY },
	{ EPROTO, REMEDY_RETRY },       { EPERM, REMEDY_RETRY },
	{ EINTR, REMEDY_RETRY },        { ETIMEDOUT, REMEDY_RETRY },
	{ ENETDOWN, REMEDY_RETRY },     { ENETUNREACH, REMEDY_RETRY },
	{ EHOSTDOWN, REMEDY_RETRY },    { EHOSTUNREACH, REMEDY_RETRY },
	{ ENONET, REMEDY_RETRY },       { ENOPROTOOPT, REMEDY_RETRY },
};

int
accept_open(struct ring *r)
{
	int fd = uring_socket_reserve();

	r->acceptor.reserve_fd = fd;
	return fd < 0 ? fd : 0;
}

void
accept_close(struct ring *r)
{
	if (r->acceptor.reserve_fd >= 0)
		uring_socket_close(r->acceptor.reserve_fd);
	r->acceptor.reserve_fd = -1;
}

int
accept_listen(struct ring *r, int fd)
{
	struct acceptor *a = &r->acceptor;
	int result = uring_socket_check_listener(fd);

	if (result < 0)
		return result;
	if (a->count == ACCEPT_LISTENERS_MAX)
		return -ENOSPC;
	a->listeners[a->count] = (struct accept_listener){ .fd = fd };
	return (int)a->count++;
}

void
accept_stop(struct ring *r)
{
	for (uint32_t i = 0; i < r->acceptor.count; i++)
		r->acceptor.listeners[i].stopped = true;
}

static void
arm(struct ring *r, uint32_t index, bool many)
{
	struct accept_listener *l = &r->acceptor.listeners[index];
	struct io_uring_sqe *sqe = uring_sqe(r->kernel);

	/* No address: a multishot accept has room for one only, and the next would overwrite it. */
	io_uring_prep_accept(sqe, l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (many)
		sqe->ioprio = IORING_ACCEPT_MULTISHOT;
	sqe->user_data = tag_make(TAG_ACCEPT, 0, index);
	l->out = true;
	l->many = many;
	if (!many)
		r->acceptor.singles++;
}

static void
cancel(struct ring *r, uint32_t index)
{
	state_cancel(r, tag_make(TAG_ACCEPT, 0, index));
	r->acceptor.listeners[index].canceled = true;
}

static uint32_t
slots_free(const struct ring *r)
{
	return r->slots.max - r->slots.used;
}

static bool
may_take_many(const struct ring *r)
{
	return r->acceptor.reserve_fd >= 0 && slots_free(r) > SCARCE_SLOTS;
}

static bool
may_take_one(const struct ring *r)
{
	const struct acceptor *a = &r->acceptor;

	/* Without the reserve only one: so that it can be given up again for the reserve. */
	return a->singles < slots_free(r) && (a->reserve_fd >= 0 || a->singles == 0);
}

static void
reconcile(struct ring *r, uint32_t index)
{
	struct acceptor *a = &r->acceptor;
	struct accept_listener *l = &a->listeners[index];
	bool many = may_take_many(r);

	if (l->out) {
		if (!l->canceled && (l->stopped || (l->many && !many)))
			cancel(r, index);
	} else if (!l->stopped && a->paused_until_ns == 0 && (many || may_take_one(r))) {
		arm(r, index, many);
	}
}

void
accept_reconcile(struct ring *r)
{
	struct acceptor *a = &r->acceptor;

	if (a->paused_until_ns != 0 && r->now_ns >= a->paused_until_ns)
		a->paused_until_ns = 0;
	for (uint32_t i = 0; i < a->count && uring_sq_room(r->kernel) > 0; i++) {
		reconcile(r, a->next);
		a->next = a->next + 1 < a->count ? a->next + 1 : 0;
	}
	/* One further each time: when there is room for one only, it is another's turn. */
	if (a->count > 0)
		a->next = a->next + 1 < a->count ? a->next + 1 : 0;
}

uint64_t
accept_due_ns(const struct ring *r)
{
	const struct acceptor *a = &r->acceptor;

	return a->paused_until_ns != 0 ? a->paused_until_ns : UINT64_MAX;
}

static void
reopen_reserve(struct ring *r)
{
	if (r->acceptor.reserve_fd < 0)
		r->acceptor.reserve_fd = uring_socket_reserve();
}

void
accept_slot_freed(struct ring *r)
{
	r->acceptor.paused_until_ns = 0;
	reopen_reserve(r);
}

static void
pause_all(struct ring *r)
{
	if (r->acceptor.paused_until_ns == 0)
		state_count(&r->counters.accept_pauses, 1);
	r->acceptor.paused_until_ns = r->now_ns + PAUSE_NS;
}

static enum remedy
remedy_for(int error)
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (remedies[i].error == error)
			return remedies[i].remedy;
	return REMEDY_PAUSE;
}

static void
failed(struct ring *r, int error)
{
	struct acceptor *a = &r->acceptor;
	enum remedy remedy = remedy_for(error);

	state_count(&r->counters.accept_errors, 1);
	if (remedy == REMEDY_SHED && a->reserve_fd >= 0) {
		uring_socket_close(a->reserve_fd);
		a->reserve_fd = -1;
	} else if (remedy != REMEDY_RETRY) {
		pause_all(r);
	}
}

static void
shed(struct ring *r, int fd)
{
	uring_socket_close(fd);
	state_count(&r->counters.accept_shed, 1);
	reopen_reserve(r);
}

static void
take(struct ring *r, uint32_t listener, int fd)
{
	struct sockaddr_storage peer;
	uint32_t index;

	state_count(&r->counters.accepts, 1);
	/* The reserve comes first; if there is no descriptor for it, this one was it. */
	reopen_reserve(r);
	if (r->acceptor.reserve_fd < 0 || slots_free(r) == 0) {
		shed(r, fd);
		return;
	}
	if (uring_socket_peer(fd, &peer) < 0) { /* gone again already */
		uring_socket_close(fd);
		state_count(&r->counters.accept_errors, 1);
		return;
	}
	index = slot_take(&r->slots, fd);
	state_todo(r, slot_get(&r->slots, index));
	r->on.accepted(r->arg, index, listener, &peer);
}

void
accept_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct acceptor *a = &r->acceptor;
	uint32_t index = tag_slot(cqe->tag);
	struct accept_listener *l = &a->listeners[index < a->count ? index : 0];

	if (index >= a->count || !l->out) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		l->out = false;
		l->canceled = false;
		if (!l->many)
			a->singles--;
	}
	if (cqe->res >= 0)
		take(r, index, cqe->res);
	else if (cqe->res != -ECANCELED)
		failed(r, -cqe->res);
}
