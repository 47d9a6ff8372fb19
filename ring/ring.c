/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Set-up and end; and the face: each function checks what its caller promised and passes on.
 */
#include "ring/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "ring/close.h"
#include "ring/connect.h"
#include "ring/datagram.h"
#include "ring/direct.h"
#include "ring/handover.h"
#include "ring/probe.h"
#include "ring/recv.h"
#include "ring/send.h"
#include "ring/state.h"
#include "ring/turn.h"
#include "ring/wake.h"

/* The CQ is this many times the SQ: room for what multishot requests post between two turns. */
#define CQ_PER_SQ 4u

/* What one slot may have of the buffers, unless told. */
#define SHARE_OF_POOL 8u
#define SHARE_MIN 2u

static const char *
check(const struct ring_config *c)
{
	if (c->slots_max == 0 || c->slots_max == SLOT_NONE)
		return "slots_max must be between 1 and 2^32-2";
	if (c->sq_entries < 8 || (c->sq_entries & (c->sq_entries - 1)) != 0)
		return "sq_entries must be a power of two and at least 8";
	if (c->buffers == 0 || c->buffers > 32768 || (c->buffers & (c->buffers - 1)) != 0)
		return "buffers must be a power of two and at most 32768";
	if (c->buffer_bytes == 0 || c->buffer_bytes > INT32_MAX)
		return "buffer_bytes must be between 1 and 2^31-1";
	return NULL;
}

static int
open_kernel(struct ring *r)
{
	const struct ring_config *c = &r->config;
	int result = uring_open(&r->kernel, c->sq_entries, c->sq_entries * CQ_PER_SQ, ~c->disable);

	if (result < 0)
		return result;
	r->features = uring_features(r->kernel);
	if (c->spin_ns > 0 && !(c->disable & 1u << RING_FEATURE_SPIN))
		r->features |= 1u << RING_FEATURE_SPIN;
	r->gap_ns = (uint64_t)c->spin_ns * TURN_GAP_CAP;
	r->harvest_max = uring_cq_entries(r->kernel);
	r->harvest = calloc(r->harvest_max, sizeof(r->harvest[0]));
	r->lessees = calloc(c->buffers, sizeof(r->lessees[0]));
	r->share = c->buffers_per_slot > 0 ? c->buffers_per_slot : c->buffers / SHARE_OF_POOL;
	if (r->share < SHARE_MIN)
		r->share = SHARE_MIN;
	if (r->harvest == NULL || r->lessees == NULL || !slot_table_init(&r->slots, c->slots_max))
		return -ENOMEM;
	result = bufring_init(&r->buffers, r->kernel, c->buffers, c->buffer_bytes);
	if (result == 0)
		result = probe_receive(r);
	if (result == 0)
		direct_open(r);
	if (result == 0 && c->send_zc > 0 && !(c->disable & 1u << RING_FEATURE_SEND_ZC) &&
	    pinned_init(&r->pinned, r->kernel, RING_PINNED_COUNT, RING_PINNED_BYTES) == 0)
		r->features |= 1u << RING_FEATURE_SEND_ZC;
	return result;
}

static void
release(struct ring *r)
{
	if (r->kernel != NULL)
		uring_close(r->kernel);
	wake_close(r);
	accept_close(r);
	bufring_fini(&r->buffers);
	pinned_fini(&r->pinned);
	slot_table_fini(&r->slots);
	free(r->harvest);
	free(r->lessees);
	free(r);
}

int
ring_open(struct ring **out, const struct ring_config *config, const struct ring_handlers *handlers,
	  void *arg, const char **error)
{
	struct ring *r;
	int result;

	*error = check(config);
	if (*error != NULL)
		return -EINVAL;
	*error = "";
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		*error = probe_explain(-ENOMEM);
		return -ENOMEM;
	}
	r->config = *config;
	r->on = *handlers;
	r->arg = arg;
	r->bell_fd = -1;
	r->acceptor.reserve_fd = -1;
	result = open_kernel(r);
	if (result == 0)
		result = wake_open(r);
	if (result == 0)
		result = accept_open(r);
	if (result < 0) {
		*error = probe_explain(result);
		release(r);
		return result;
	}
	r->now_ns = uring_clock_ns(r->kernel);
	*out = r;
	return 0;
}

void
ring_fini(struct ring *r)
{
	assert(ring_slots_used(r) == 0 && !r->in_turn);
	release(r);
}

uint32_t
ring_features(const struct ring *r)
{
	return r->features;
}

int
ring_listen(struct ring *r, int fd)
{
	return accept_listen(r, fd);
}

void
ring_listen_stop(struct ring *r)
{
	accept_stop(r);
	handover_refuse(r);
}

int
ring_turn(struct ring *r, uint64_t wait_ns)
{
	int result;

	assert(!r->in_turn);
	r->in_turn = true;
	result = turn_run(r, wait_ns);
	r->in_turn = false;
	return result;
}

uint64_t
ring_now_ns(const struct ring *r)
{
	return r->now_ns;
}

void
ring_lease_hold(struct ring *r, uint16_t buffer)
{
	bufring_hold(&r->buffers, buffer);
}

void
ring_lease_drop(struct ring *r, uint16_t buffer)
{
	recv_lease_drop(r, buffer);
}

void
ring_trim(struct ring *r)
{
	bufring_trim(&r->buffers);
}

bool
ring_is_starved(const struct ring *r)
{
	return r->slots.starved.count > 0 || r->greedy > 0;
}

int
ring_connect(struct ring *r, int fd, const struct sockaddr *address, socklen_t len, uint32_t *slot)
{
	assert(r->on.connected != NULL);
	*slot = slot_take(&r->slots, fd);
	if (*slot == SLOT_NONE)
		return -ENOBUFS;
	connect_begin(r, slot_get(&r->slots, *slot), address, len);
	return 0;
}

int
ring_datagrams(struct ring *r, int fd, uint32_t *slot)
{
	*slot = slot_take(&r->slots, fd);
	if (*slot == SLOT_NONE)
		return -ENOBUFS;
	datagram_begin(r, slot_get(&r->slots, *slot));
	return 0;
}

int
ring_send_datagram(struct ring *r, uint32_t slot, const struct iovec *pieces, uint32_t pieces_len)
{
	return datagram_send(r, slot_get(&r->slots, slot), pieces, pieces_len);
}

void
ring_receive_pause(struct ring *r, uint32_t slot)
{
	struct slot *s = slot_get(&r->slots, slot);

	s->flags |= SLOT_PAUSED;
	state_todo(r, s);
}

void
ring_receive_resume(struct ring *r, uint32_t slot)
{
	struct slot *s = slot_get(&r->slots, slot);

	s->flags &= ~(uint32_t)SLOT_PAUSED;
	state_todo(r, s);
}

void
ring_send(struct ring *r, uint32_t slot, const void *bytes, uint32_t len, uint32_t timeout_us)
{
	struct slot *s = slot_get(&r->slots, slot);

	assert(!(s->flags & (SLOT_CLOSING | SLOT_CONNECTING)));
	send_begin(r, s, bytes, len, timeout_us);
}

void *
ring_pinned_take(struct ring *r)
{
	return pinned_take(&r->pinned);
}

bool
ring_pinned_owns(const struct ring *r, const void *byte)
{
	return pinned_index(&r->pinned, byte) != PINNED_NONE;
}

void
ring_pinned_give(struct ring *r, void *buffer)
{
	pinned_drop(&r->pinned, pinned_index(&r->pinned, buffer));
}

uint32_t
ring_pinned_out(const struct ring *r)
{
	return r->pinned.out;
}

bool
ring_sending(const struct ring *r, uint32_t slot)
{
	return slot_get(&r->slots, slot)->send != SLOT_SEND_NONE;
}

void
ring_shutdown_write(struct ring *r, uint32_t slot)
{
	struct slot *s = slot_get(&r->slots, slot);

	assert(s->send == SLOT_SEND_NONE && !(s->flags & SLOT_CONNECTING));
	close_shut_write(r, s);
}

void
ring_close(struct ring *r, uint32_t slot, bool abort)
{
	close_begin(r, slot_get(&r->slots, slot), abort);
}

void
ring_wake(struct ring *r)
{
	uring_socket_ring_bell(r->bell_fd);
}

void
ring_wake_peer(struct ring *from, struct ring *to)
{
	handover_wake(from, to);
}

int
ring_hand_over(struct ring *from, uint32_t slot, struct ring *to)
{
	return handover_begin(from, slot, to);
}

uint32_t
ring_guests(const struct ring *r)
{
	return handover_guests(r);
}

uint32_t
ring_slots_used(const struct ring *r)
{
	return r->slots.used + handover_guests(r);
}

uint32_t
ring_buffers_out(const struct ring *r)
{
	return r->buffers.out;
}

uint32_t
ring_requests_out(const struct ring *r)
{
	return r->requests;
}

const struct ring_counters *
ring_counters(const struct ring *r)
{
	return &r->counters;
}
