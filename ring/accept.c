/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/accept.h"

#include <errno.h>
#include <stdlib.h>

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

static bool
is_direct(const struct ring *r)
{
	return r->features & 1u << RING_FEATURE_DIRECT;
}

int
accept_open(struct ring *r)
{
	int fd = uring_socket_reserve();

	r->acceptor.reserve_fd = fd;
	r->acceptor.per_listener = is_direct(r) ? ACCEPT_DIRECT_REQUESTS : 1;
	return fd < 0 ? fd : 0;
}

void
accept_close(struct ring *r)
{
	struct acceptor *a = &r->acceptor;

	while (a->count > 0)
		free(a->listeners[--a->count].requests);
	if (a->reserve_fd >= 0)
		uring_socket_close(a->reserve_fd);
	a->reserve_fd = -1;
}

int
accept_listen(struct ring *r, int fd)
{
	struct acceptor *a = &r->acceptor;
	int result = uring_socket_check_listener(fd);
	struct accept_request *requests;

	if (result < 0)
		return result;
	if (a->count == ACCEPT_LISTENERS_MAX)
		return -ENOSPC;
	requests = calloc(a->per_listener, sizeof(*requests));
	if (requests == NULL)
		return -ENOMEM;
	a->listeners[a->count] = (struct accept_listener){ .fd = fd, .requests = requests };
	return (int)a->count++;
}

void
accept_stop(struct ring *r)
{
	for (uint32_t i = 0; i < r->acceptor.count; i++)
		r->acceptor.listeners[i].stopped = true;
}

static uint64_t
tag_of(uint32_t listener, uint32_t request)
{
	return tag_make(TAG_ACCEPT, request, listener);
}

static void
arm(struct ring *r, uint32_t listener, uint32_t request, bool many)
{
	struct accept_listener *l = &r->acceptor.listeners[listener];
	struct accept_request *q = &l->requests[request];
	struct io_uring_sqe *sqe = uring_sqe(r->kernel);

	q->peer_len = sizeof(q->peer);
	if (is_direct(r)) {
		io_uring_prep_accept(sqe, l->fd, (struct sockaddr *)&q->peer, &q->peer_len, 0);
		sqe->file_index = IORING_FILE_INDEX_ALLOC;
	} else {
		/* No address: a multishot has room for one only, and the next overwrites it. */
		io_uring_prep_accept(sqe, l->fd, NULL, NULL, SOCK_CLOEXEC);
	}
	if (many)
		sqe->ioprio = IORING_ACCEPT_MULTISHOT;
	sqe->user_data = tag_of(listener, request);
	q->out = true;
	q->many = many;
	l->out++;
	if (!many)
		r->acceptor.singles++;
}

static void
cancel(struct ring *r, uint32_t listener, uint32_t request)
{
	struct accept_request *q = &r->acceptor.listeners[listener].requests[request];

	state_cancel(r, tag_of(listener, request));
	q->canceled = true;
	if (!q->many)
		r->acceptor.singles--;
}

static uint32_t
slots_free(const struct ring *r)
{
	return r->slots.max - r->slots.used;
}

static bool
may_take_many(const struct ring *r)
{
	const struct acceptor *a = &r->acceptor;

	return !is_direct(r) && !a->cautious && a->reserve_fd >= 0 && slots_free(r) > SCARCE_SLOTS;
}

static bool
may_take_one(const struct ring *r, const struct accept_listener *l)
{
	const struct acceptor *a = &r->acceptor;

	/*
	 * Without the reserve only one: so that it can be given up again for the reserve. After a
	 * pause too: if the trouble is not over, each of many would meet it.
	 */
	return a->singles < slots_free(r) &&
	       ((a->reserve_fd >= 0 && !a->cautious) || l->out == 0) &&
	       (!is_direct(r) || a->singles < ACCEPT_DIRECT_REQUESTS_MAX);
}

static void
reconcile_request(struct ring *r, uint32_t listener, uint32_t request)
{
	struct acceptor *a = &r->acceptor;
	const struct accept_listener *l = &a->listeners[listener];
	const struct accept_request *q = &l->requests[request];
	bool many = may_take_many(r);

	if (q->out) {
		bool unwanted = q->many ? !many : is_direct(r) && a->singles > slots_free(r);

		if (!q->canceled && (l->stopped || unwanted))
			cancel(r, listener, request);
	} else if (!l->stopped && a->paused_until_ns == 0 && (many || may_take_one(r, l))) {
		arm(r, listener, request, many);
	}
}

static void
reconcile(struct ring *r, uint32_t listener)
{
	const struct acceptor *a = &r->acceptor;
	const struct accept_listener *l = &a->listeners[listener];

	/* All there that can be, and none too many: nearly always. */
	if (is_direct(r) && !l->stopped && a->singles <= slots_free(r) && l->out == a->per_listener)
		return;
	for (uint32_t i = 0; i < a->per_listener && uring_sq_room(r->kernel) > 0; i++)
		reconcile_request(r, listener, i);
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
	r->acceptor.cautious = true;
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
drop(struct ring *r, int file, bool direct)
{
	if (direct)
		uring_close_file(r->kernel, file);
	else
		uring_socket_close(file);
}

static void
shed(struct ring *r, int file)
{
	drop(r, file, is_direct(r));
	state_count(&r->counters.accept_shed, 1);
	reopen_reserve(r);
}

void
accept_announce(struct ring *r, uint32_t slot, uint32_t listener,
		const struct sockaddr_storage *peer)
{
	r->acceptor.guest = (struct accept_guest){ slot, listener, peer };
	r->on.accepted(r->arg, slot, listener, peer);
	r->acceptor.guest.peer = NULL;
}

static void
welcome(struct ring *r, uint32_t listener, const struct sockaddr_storage *peer, int file,
	uint32_t flags)
{
	uint32_t index = slot_take(&r->slots, file);
	struct slot *s = slot_get(&r->slots, index);

	s->flags |= flags;
	state_todo(r, s);
	accept_announce(r, index, listener, peer);
}

void
accept_arrived(struct ring *r, uint32_t listener, const struct sockaddr_storage *peer, int file,
	       bool direct)
{
	if (slots_free(r) == 0) {
		drop(r, file, direct);
		state_count(&r->counters.accept_shed, 1);
		return;
	}
	state_count(&r->counters.handed_in, 1);
	welcome(r, listener, peer, file, SLOT_STAYS | (direct ? SLOT_DIRECT : 0));
}

static void
take(struct ring *r, uint32_t listener, const struct accept_request *q, int file)
{
	struct sockaddr_storage peer = q->peer;

	state_count(&r->counters.accepts, 1);
	r->acceptor.cautious = false;
	/* The reserve comes first; if there is no descriptor for it, this one was it. */
	reopen_reserve(r);
	if (r->acceptor.reserve_fd < 0 || slots_free(r) == 0) {
		shed(r, file);
		return;
	}
	if (!is_direct(r) && uring_socket_peer(file, &peer) < 0) { /* gone again already */
		drop(r, file, false);
		state_count(&r->counters.accept_errors, 1);
		return;
	}
	welcome(r, listener, &peer, file, is_direct(r) ? SLOT_DIRECT : 0);
}

static struct accept_request *
request_of(const struct acceptor *a, uint64_t tag)
{
	uint32_t listener = tag_slot(tag), request = tag_generation(tag);
	struct accept_request *q;

	if (listener >= a->count || request >= a->per_listener)
		return NULL;
	q = &a->listeners[listener].requests[request];
	return q->out ? q : NULL;
}

void
accept_completed(struct ring *r, const struct uring_cqe *cqe)
{
	struct acceptor *a = &r->acceptor;
	uint32_t listener = tag_slot(cqe->tag);
	struct accept_request *q = request_of(a, cqe->tag);

	if (q == NULL) {
		state_count(&r->counters.stale_completions, 1);
		return;
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		q->out = false;
		if (!q->many && !q->canceled)
			a->singles--;
		q->canceled = false;
		a->listeners[listener].out--;
	}
	if (cqe->res >= 0)
		take(r, listener, q, cqe->res);
	else if (cqe->res != -ECANCELED)
		failed(r, -cqe->res);
}
