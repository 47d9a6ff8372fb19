/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/mesh.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "engine/order.h"
#include "ring/ring.h"

/* Of many connections each so many count as one more of slack: 16 of them are an eighth more. */
#define SLACK_PER 128u

#define CROSS_CAPACITY 1024u /* of a lane between two threads' loops or routers, at most */

static void
nobody_to_ring(void *arg)
{
	(void)arg;
}

static struct lane_end *
ends_new(uint32_t n)
{
	struct lane_end *ends = aligned_alloc(_Alignof(struct lane_end), n * sizeof(*ends));

	for (uint32_t i = 0; ends && i < n; i++) {
		atomic_init(&ends[i].sleeping, 0);
		atomic_init(&ends[i].blocked, false);
		ends[i].ring = nobody_to_ring;
		ends[i].arg = NULL;
	}
	return ends;
}

static bool
lane_add(struct mesh *m, uint32_t capacity, bool lazy, struct lane_end *from,
	 struct lane_end *to)
{
	if (from != to && capacity > CROSS_CAPACITY && m->loops > 1)
		capacity = CROSS_CAPACITY;
	if (!lane_init(&m->lanes[m->lanes_len], capacity, lazy, from, to))
		return false;
	m->lanes_len++;
	return true;
}

static bool
lanes_add(struct mesh *m, uint32_t capacity)
{
	struct lane_end *loops = m->loop_ends, *routers = m->router_ends;
	bool ok = true;

	m->in = m->lanes;
	for (uint32_t i = 0; ok && i < m->loops; i++)
		ok = lane_add(m, capacity, false, &loops[i], &routers[mesh_router_of(m, i)]);
	m->out = m->lanes + m->lanes_len;
	for (uint32_t i = 0; ok && i < m->routers * m->loops; i++)
		ok = lane_add(m, capacity, false, &routers[i / m->loops], &loops[i % m->loops]);
	m->back = m->lanes + m->lanes_len;
	for (uint32_t i = 0; ok && i < m->loops * m->loops; i++)
		ok = lane_add(m, capacity, true, &loops[i / m->loops], &loops[i % m->loops]);
	m->aside = m->lanes + m->lanes_len;
	for (uint32_t i = 0; ok && i < m->routers * m->routers; i++)
		ok = lane_add(m, capacity, false, &routers[i / m->routers],
			      &routers[i % m->routers]);
	return ok;
}

bool
mesh_init(struct mesh *m, uint32_t loops, uint32_t routing_threads, uint32_t capacity)
{
	size_t lanes;

	assert(loops > 0 && loops <= MESH_LOOPS_MAX && routing_threads <= loops);
	memset(m, 0, sizeof(*m));
	m->loops = loops;
	m->threaded = routing_threads > 0;
	m->slack = MESH_SLACK;
	m->routers = m->threaded ? routing_threads : loops;
	lanes = (size_t)loops * (1 + m->routers + loops) + (size_t)m->routers * m->routers;
	m->loop_ends = ends_new(loops);
	m->router_ends = m->threaded ? ends_new(m->routers) : m->loop_ends;
	m->lanes = aligned_alloc(_Alignof(struct lane), lanes * sizeof(*m->lanes));
	m->loads = aligned_alloc(_Alignof(struct mesh_load), loops * sizeof(*m->loads));
	if (m->loads)
		memset(m->loads, 0, loops * sizeof(*m->loads));
	if (m->loads && m->loop_ends && m->router_ends && m->lanes && lanes_add(m, capacity))
		return true;
	mesh_fini(m);
	return false;
}

void
mesh_fini(struct mesh *m)
{
	struct message *rest;

	for (uint32_t i = 0; i < m->lanes_len; i++) {
		while ((rest = lane_rest(&m->lanes[i]))) {
			assert(order_is(rest));
			order_free(rest);
		}
		lane_fini(&m->lanes[i]);
	}
	free(m->lanes);
	free(m->loads);
	if (m->router_ends != m->loop_ends)
		free(m->router_ends);
	free(m->loop_ends);
	memset(m, 0, sizeof(*m));
}

void
mesh_set_loop_bell(struct mesh *m, uint32_t loop, void (*ring)(void *arg), void *arg)
{
	m->loop_ends[loop].ring = ring;
	m->loop_ends[loop].arg = arg;
}

void
mesh_set_router_bell(struct mesh *m, uint32_t router, void (*ring)(void *arg), void *arg)
{
	assert(m->threaded);
	m->router_ends[router].ring = ring;
	m->router_ends[router].arg = arg;
}

/* ---- where connections go ---- */

void
mesh_set_loop_ring(struct mesh *m, uint32_t loop, struct ring *ring)
{
	m->loads[loop].ring = ring;
}

void
mesh_note_load(struct mesh *m, uint32_t loop, uint32_t connections)
{
	/* relaxed: a rough number is good enough */
	atomic_store_explicit(&m->loads[loop].connections, connections, memory_order_relaxed);
}

/* Those that it has, and those that others have given it since it looked last. */
static uint32_t
load_of(const struct mesh *m, uint32_t loop)
{
	const struct mesh_load *load = &m->loads[loop];

	return atomic_load_explicit(&load->connections, memory_order_relaxed) +
	       (load->ring ? ring_guests(load->ring) : 0);
}

struct ring *
mesh_colder_ring(const struct mesh *m, uint32_t loop)
{
	uint32_t own = load_of(m, loop) + 1, coldest = loop; /* with the one that is new */
	uint64_t cold;

	for (uint32_t i = 0; i < m->loops; i++)
		if (load_of(m, i) < load_of(m, coldest))
			coldest = i;
	cold = load_of(m, coldest);
	if (own <= cold + m->slack + cold * m->slack / SLACK_PER)
		return NULL;
	return m->loads[coldest].ring;
}

/* ---- producers ---- */

void
mesh_publish_loop(struct mesh *m, uint32_t loop)
{
	lane_publish(&m->in[loop]);
	for (uint32_t i = 0; i < m->loops; i++)
		lane_publish(mesh_back(m, loop, i));
}

void
mesh_publish_router(struct mesh *m, uint32_t router)
{
	for (uint32_t i = 0; i < m->loops; i++)
		lane_publish(mesh_out(m, router, i));
	for (uint32_t i = 0; i < m->routers; i++)
		lane_publish(mesh_aside(m, router, i));
}

bool
mesh_out_is_backed_up(const struct mesh *m, uint32_t router)
{
	bool backed_up = false;

	for (uint32_t i = 0; i < m->loops; i++)
		backed_up |= lane_is_backed_up(mesh_out(m, router, i));
	return backed_up;
}

bool
mesh_aside_is_backed_up(const struct mesh *m, uint32_t router)
{
	bool backed_up = false;

	for (uint32_t i = 0; i < m->routers; i++)
		backed_up |= lane_is_backed_up(mesh_aside(m, router, i));
	return backed_up;
}

static bool
router_is_backed_up(const struct mesh *m, uint32_t router)
{
	return mesh_out_is_backed_up(m, router) || mesh_aside_is_backed_up(m, router);
}

static bool
loop_is_backed_up(const struct mesh *m, uint32_t loop)
{
	bool backed_up = lane_is_backed_up(&m->in[loop]);

	for (uint32_t i = 0; i < m->loops; i++)
		backed_up |= lane_is_backed_up(mesh_back(m, loop, i));
	return backed_up;
}

/* ---- sleep ---- */

/* See lane_taken(). */
static void
want_room(struct lane_end *end)
{
	(void)atomic_exchange_explicit(&end->blocked, true, memory_order_acq_rel);
}

/* Is there something that this router could decide now? Else it is rung when there is room. */
static bool
router_has_work(const struct mesh *m, uint32_t router)
{
	bool empty = true;

	if (mesh_out_is_backed_up(m, router))
		return false;
	for (uint32_t i = 0; i < m->routers; i++)
		empty &= lane_is_empty(mesh_aside(m, i, router));
	if (mesh_aside_is_backed_up(m, router))
		return !empty;
	for (uint32_t i = router; i < m->loops; i += m->routers)
		empty &= lane_is_empty(&m->in[i]);
	return !empty;
}

bool
mesh_loop_has_mail(const struct mesh *m, uint32_t loop)
{
	bool empty = m->threaded || !router_has_work(m, loop);

	for (uint32_t i = 0; i < m->routers; i++)
		empty &= lane_is_empty(mesh_out(m, i, loop));
	for (uint32_t i = 0; i < m->loops; i++)
		empty &= lane_is_empty(mesh_back(m, i, loop));
	return !empty;
}

bool
mesh_router_may_sleep(struct mesh *m, uint32_t router)
{
	struct lane_end *end = &m->router_ends[router];

	spsc_flag_raise(&end->sleeping, SPSC_ASLEEP);
	if (router_is_backed_up(m, router)) {
		want_room(end);
		mesh_publish_router(m, router);
	}
	return !router_has_work(m, router);
}

void
mesh_router_awake(struct mesh *m, uint32_t router)
{
	spsc_flag_lower(&m->router_ends[router].sleeping);
}

bool
mesh_loop_may_sleep(struct mesh *m, uint32_t loop, bool eager)
{
	struct lane_end *end = &m->loop_ends[loop];

	spsc_flag_raise(&end->sleeping, eager ? SPSC_EAGER : SPSC_ASLEEP);
	if (loop_is_backed_up(m, loop)) {
		want_room(end);
		mesh_publish_loop(m, loop);
	}
	if (!m->threaded && router_is_backed_up(m, loop)) {
		want_room(end);
		mesh_publish_router(m, loop);
	}
	return !mesh_loop_has_mail(m, loop);
}

void
mesh_loop_awake(struct mesh *m, uint32_t loop)
{
	spsc_flag_lower(&m->loop_ends[loop].sleeping);
}

/* ---- the end ---- */

static void
ring_all(struct mesh *m)
{
	for (uint32_t i = 0; i < m->loops; i++)
		m->loop_ends[i].ring(m->loop_ends[i].arg);
}

void
mesh_rest(struct mesh *m)
{
	/* acq_rel: what a loop did before it came to rest is done for who finds all at rest */
	if (atomic_fetch_add_explicit(&m->resting, 1, memory_order_acq_rel) + 1 == m->loops)
		ring_all(m);
}

void
mesh_break(struct mesh *m)
{
	atomic_store_explicit(&m->broken, true, memory_order_release);
	ring_all(m);
}

bool
mesh_is_over(const struct mesh *m)
{
	return atomic_load_explicit(&m->resting, memory_order_acquire) == m->loops ||
	       atomic_load_explicit(&m->broken, memory_order_acquire);
}
