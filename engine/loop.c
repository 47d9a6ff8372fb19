/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "engine/clock.h"
#include "engine/conn_input.h"
#include "engine/conn_event.h"
#include "engine/conn_life.h"
#include "engine/conn_output.h"
#include "engine/conn_timer.h"
#include "engine/log.h"
#include "engine/loop_drain.h"
#include "engine/loop_memory.h"
#include "engine/loop_order.h"
#include "engine/loop_route.h"

/*
 * Blocks come home without waking anybody: a loop that goes to sleep while others have blocks of
 * its own looks after them so often.
 */
#define BLOCKS_HOME_NS (10 * CLOCK_NS_PER_MS)

struct conn *
loop_conn(struct loop *l, struct flow flow)
{
	struct conn *c;

	if (flow.slot >= l->slots_max)
		return NULL;
	c = &l->conns[flow.slot];
	return flow_equal(c->flow, flow) && c->state != CONN_FREE ? c : NULL;
}

/* ---- lists of connections ---- */

void
loop_mark_dirty(struct loop *l, struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = l->dirty;
	l->dirty = c->flow.slot;
}

void
loop_mark_held(struct loop *l, struct conn *c)
{
	if (c->in_held_list)
		return;
	c->in_held_list = true;
	c->next_held = CONN_NOT_DIRTY;
	if (l->held == CONN_NOT_DIRTY)
		l->held = c->flow.slot;
	else
		l->conns[l->held_last].next_held = c->flow.slot;
	l->held_last = c->flow.slot;
}

/* A list is taken whole: who is put back while it is worked off waits for the next turn. */
static void
flush_dirty(struct loop *l)
{
	uint32_t slot = l->dirty;

	l->dirty = CONN_NOT_DIRTY;
	while (slot != CONN_NOT_DIRTY) {
		struct conn *c = &l->conns[slot];

		slot = c->next_dirty;
		c->dirty = false;
		conn_output_flush(l, c);
	}
}

/*
 * Who is held again goes to the end, and who found nothing left of this turn stays in front: so
 * nobody waits for longer than one round.
 */
static void
unhold_all(struct loop *l)
{
	uint32_t slot = l->held, last = l->held_last;

	while (slot != CONN_NOT_DIRTY && loop_route_may_read(l)) {
		struct conn *c = &l->conns[slot];
		bool round = slot == last;

		l->held = c->next_held;
		c->in_held_list = false;
		conn_input_unhold(l, c);
		slot = round ? CONN_NOT_DIRTY : l->held;
	}
}

/* ---- callbacks of the ring ---- */

static void
note_load(const struct loop *l)
{
	mesh_note_load(l->mesh, l->index, (uint32_t)stats_now(&l->stats.connections));
}

static void
on_accepted(void *arg, uint32_t slot, uint32_t listener, const struct sockaddr_storage *peer)
{
	struct loop *l = arg;
	struct ring *colder;

	l->now_ns = ring_now_ns(l->ring);
	note_load(l);
	colder = l->draining ? NULL : mesh_colder_ring(l->mesh, l->index);
	if (colder && ring_hand_over(l->ring, slot, colder) == 0) {
		stats_add(&l->stats.connections_handed_over, 1);
		return;
	}
	conn_event_accepted(l, &l->conns[slot], listener, peer);
}

static void
on_received(void *arg, uint32_t slot, const struct ring_lease *lease)
{
	struct loop *l = arg;

	l->now_ns = ring_now_ns(l->ring);
	l->trim_ns = l->now_ns + LOOP_MEMORY_REST_NS;
	conn_input_received(l, &l->conns[slot], lease);
}

static void
on_ended(void *arg, uint32_t slot, int result)
{
	struct loop *l = arg;

	l->now_ns = ring_now_ns(l->ring);
	conn_event_ended(l, &l->conns[slot], result);
}

static void
on_sent(void *arg, uint32_t slot, int result)
{
	struct loop *l = arg;

	l->now_ns = ring_now_ns(l->ring);
	conn_output_sent(l, &l->conns[slot], result);
}

static void
on_closed(void *arg, uint32_t slot)
{
	struct loop *l = arg;

	l->now_ns = ring_now_ns(l->ring);
	conn_event_closed(l, &l->conns[slot]);
}

static void
on_woken(void *arg)
{
	struct loop *l = arg;

	l->now_ns = ring_now_ns(l->ring);
	upstream_resolved(l); /* what else there is to do is looked at after every turn */
}

/* No other thread has anything to do with this loop's messages. */
static bool
is_alone(const struct loop *l)
{
	return l->mesh->loops == 1 && l->router;
}

static bool
wants_blocks(const struct loop *l) /* that other loops still have */
{
	return l->draining || l->endings || ring_is_starved(l->ring);
}

static bool
on_spin(void *arg)
{
	const struct loop *l = arg;

	return !is_alone(l) && mesh_loop_has_mail(l->mesh, l->index);
}

static bool
on_sleep(void *arg)
{
	struct loop *l = arg;

	if (is_alone(l))
		return true;
	l->slept = true;
	return mesh_loop_may_sleep(l->mesh, l->index, wants_blocks(l));
}

static void
on_connected(void *arg, uint32_t slot, int result)
{
	struct loop *l = arg;

	l->now_ns = ring_now_ns(l->ring);
	conn_event_connected(l, &l->conns[slot], result);
}

/* One that lies in no connection is an upstream's. */
static void
on_timer(void *arg, struct wheel_timer *timer)
{
	struct loop *l = arg;
	uintptr_t at = (uintptr_t)timer, conns = (uintptr_t)l->conns;

	if (at >= conns && at < conns + l->slots_max * sizeof(*l->conns))
		conn_timer_fired(l, wheel_owner(timer, struct conn, timer));
	else
		upstream_timer_fired(l, wheel_owner(timer, struct upstream, timer));
}

/* ---- life ---- */

static void
set_policy(struct loop *l)
{
	const struct settings *s = l->settings;
	bool echo = s->mode == SETTINGS_MODE_ECHO;

	l->limits = (struct ws_limits){ .message_bytes = s->ws_max_message,
					.compressed_extra = s->ws_max_message / 256 + 64,
					.fragments = s->ws_max_fragments,
					.empty_fragments = s->ws_max_empty_fragments };
	l->policy = (struct ws_handshake_policy){
		.protocol = echo ? SPAN("") : SPAN("sip"),
		.protocol_required = !echo,
		.require_origin = s->origin_required,
		.header_bytes = s->handshake_bytes,
		.target_bytes = s->handshake_target_bytes,
	};
}

static void
free_tables(struct loop *l)
{
	free(l->conns);
	free(l->shapes);
}

int
loop_open(struct loop *l, const struct loop_setup *setup, const char **error)
{
	static const struct ring_handlers handlers = {
		.accepted = on_accepted,
		.received = on_received,
		.ended = on_ended,
		.sent = on_sent,
		.closed = on_closed,
		.connected = on_connected,
		.woken = on_woken,
		.has_mail = on_spin,
		.may_sleep = on_sleep,
	};
	const struct settings *settings = setup->settings;
	struct ring_config rc = setup->ring;
	int result;

	memset(l, 0, sizeof(*l));
	l->settings = settings;
	l->mesh = setup->mesh;
	l->router = setup->router;
	l->index = setup->index;
	l->group = setup->group;
	l->core_address = setup->core_address;
	l->in = &l->mesh->in[l->index];
	l->slots_max = rc.slots_max;
	l->dirty = l->held = CONN_NOT_DIRTY;
	atomic_init(&l->command, LOOP_RUN);
	set_policy(l);
	rc.buffers = settings->receive_buffers;
	rc.buffer_bytes = settings->receive_buffer_bytes;
	rc.send_zc = settings->send_zc;
	rc.spin_ns = settings->spin_us * 1000;
	rc.send_guard = settings->guard == SETTINGS_GUARD_ALWAYS ? RING_GUARD_ALWAYS :
								   RING_GUARD_TRY_THEN_ARM;
	l->conns = calloc(l->slots_max, sizeof(*l->conns)); /* untouched pages cost nothing */
	l->shapes = calloc(1, sizeof(*l->shapes));
	if (!l->conns || !l->shapes) {
		free_tables(l);
		*error = "no memory for the connection table; lower max_connections";
		return -ENOMEM;
	}
	result = ring_open(&l->ring, &rc, &handlers, l, error);
	if (result < 0) {
		free_tables(l);
		return result;
	}
	pool_init(&l->messages, sizeof(struct message), UINT32_MAX);
	bytes_init(&l->bytes, settings->buffer_memory / l->mesh->loops);
	loop_memory_open(l);
	l->deflate_budget.cap = settings->deflate_memory / l->mesh->loops;
	compression_init(&l->compression, settings, &l->deflate_budget, &l->bytes, &l->stats);
	conn_tls_init(l, NULL);
	l->generation = 1; /* tokens that outlast a process must fit no flow of the next one */
	if (*settings->token_secret)
		random_take(&l->random, &l->generation, sizeof(l->generation));
	l->now_ns = ring_now_ns(l->ring);
	wheel_init(&l->wheel, l->now_ns);
	mesh_set_loop_ring(l->mesh, l->index, l->ring);
	return 0;
}

int
loop_tls(struct loop *l, struct tls_set *set)
{
	return conn_tls_init(l, set) ? 0 : -ENOMEM;
}

void
loop_tls_offer(struct loop *l, struct tls_set *set)
{
	conn_tls_offer(&l->tls, set);
	ring_wake(l->ring);
}

int
loop_listen(struct loop *l, int fd, const struct settings_listener *where)
{
	int result = ring_listen(l->ring, fd);

	if (result < 0)
		return result;
	assert(result <= SETTINGS_LISTENERS_MAX);
	l->listeners[result] = where;
	return 0;
}

void
loop_tell(struct loop *l, enum loop_command command)
{
	atomic_store_explicit(&l->command, command, memory_order_release);
	ring_wake(l->ring);
}

bool
loop_is_drained(const struct loop *l)
{
	return l->draining && ring_slots_used(l->ring) == 0 && stats_now(&l->stats.messages) == 0;
}

/* How long the next turn may wait: for a timer, the end of the drain, the registrar's expiry. */
static uint64_t
next_wait(struct loop *l)
{
	uint64_t next = wheel_next_ns(&l->wheel);

	if (l->trim_ns && l->trim_ns < next)
		next = l->trim_ns;
	if (l->draining && !l->abandoned && l->drain_until_ns < next)
		next = l->drain_until_ns;
	if (l->router && l->router->expire_ns < next)
		next = l->router->expire_ns;
	if (!is_alone(l) && mesh_loop_has_mail(l->mesh, l->index))
		return 0;
	if (l->held != CONN_NOT_DIRTY && loop_route_may_read(l))
		return 0;
	if (!is_alone(l) && stats_now(&l->stats.messages) && next > l->now_ns + BLOCKS_HOME_NS)
		next = l->now_ns + BLOCKS_HOME_NS;
	if (conn_tls_waits(l))
		return 0;
	if (next == UINT64_MAX)
		return UINT64_MAX;
	return next > l->now_ns ? next - l->now_ns : 0;
}

static void
copy_ring_counters(struct loop *l)
{
	const struct ring_counters *rc = ring_counters(l->ring);

	atomic_store_explicit(&l->stats.connections_refused, rc->accept_shed, memory_order_relaxed);
	atomic_store_explicit(&l->stats.sends_zc, rc->sends_zc, memory_order_relaxed);
}

void
loop_start(struct loop *l)
{
	upstream_begin_all(l);
}

static void
route_and_send(struct loop *l)
{
	loop_route_all(l);
	flush_dirty(l);
	l->congested = false;
}

int
loop_turn(struct loop *l, uint64_t wait_max_ns)
{
	uint64_t wait_ns = next_wait(l);
	int result = ring_turn(l->ring, wait_ns < wait_max_ns ? wait_ns : wait_max_ns);

	if (result < 0)
		return result;
	if (l->slept)
		mesh_loop_awake(l->mesh, l->index);
	l->slept = false;
	l->now_ns = ring_now_ns(l->ring);
	loop_drain_obey(l);
	wheel_advance(&l->wheel, l->now_ns, on_timer, l);
	route_and_send(l);
	if (l->held != CONN_NOT_DIRTY) {
		unhold_all(l);
		route_and_send(l);
	}
	if (conn_tls_turn(l))
		route_and_send(l);
	l->turn++;
	loop_memory_trim(l);
	note_load(l);
	copy_ring_counters(l);
	return 0;
}

/* Who has nothing left still carries what the others send through here. */
static bool
is_over(struct loop *l)
{
	if (!l->resting && loop_is_drained(l)) {
		l->resting = true;
		mesh_rest(l->mesh);
	}
	return mesh_is_over(l->mesh);
}

int
loop_run(struct loop *l)
{
	int result = 0;

	if (mesh_is_over(l->mesh)) /* another loop could not even begin */
		return 0;
	loop_start(l);
	while (result == 0 && !is_over(l))
		result = loop_turn(l, UINT64_MAX);
	if (result)
		mesh_break(l->mesh);
	else
		result = loop_turn(l, 0); /* what the last one wanted to submit */
	return result;
}

void
loop_fini(struct loop *l)
{
	loop_order_fini(l);
	conn_tls_fini(l);
	compression_fini(&l->compression);
	pool_fini(&l->messages);
	bytes_fini(&l->bytes);
	ring_fini(l->ring);
	free_tables(l);
}
