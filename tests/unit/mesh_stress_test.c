/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several loops and routers at once, with routers inline and on threads of their own, lanes that
 * are full most of the time and a routing stage of the test's own: every block comes home to the
 * loop that it is from, once, decided once, by the router that it is for; who waits for room or
 * for a message is rung (a thread that sleeps through that fails the test after 20 s). Runs under
 * ThreadSanitizer too.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/clock.h"
#include "engine/router.h"

#define LOOPS 3
#define CAPACITY 8
#define BLOCKS 64 /* of each loop: many more than its lanes hold */
#define MESSAGES 60000u
#define WAKE_NS (20 * CLOCK_NS_PER_S)

struct route {
	uint32_t index, routers;
	uint32_t decided, undeliverable, strangers;
};

/* What a block is for is in its serial: plain data, which only the lanes make visible. */
static uint32_t
home_of(const struct message *m, uint32_t routers)
{
	return m->len % 7 == 0 ? m->len / 7 % routers : m->loop % routers;
}

uint32_t
route_home(const struct route *r, const struct message *m)
{
	return home_of(m, r->routers);
}

bool
route_message(struct route *r, struct message *m, uint64_t now_ns)
{
	(void)now_ns;
	r->decided++;
	r->strangers += home_of(m, r->routers) != r->index;
	m->action = MESSAGE_FORWARD;
	m->to = (struct flow){ 0, (m->len * 2654435761u >> 8) % LOOPS << 24 | 1 };
	m->out_len++;
	return true;
}

bool
route_undeliverable(struct route *r, struct message *m, uint64_t now_ns)
{
	(void)now_ns;
	r->undeliverable++;
	r->strangers += m->loop % r->routers != r->index;
	m->action = MESSAGE_DROP;
	m->out_len += 100;
	return true;
}

struct message *
route_take(struct route *r)
{
	(void)r;
	return NULL;
}

uint64_t
route_due_ns(const struct route *r)
{
	(void)r;
	return UINT64_MAX;
}

uint64_t
route_expire(struct route *r, uint64_t now_ns)
{
	(void)r;
	(void)now_ns;
	return UINT64_MAX;
}

void
route_thread_begin(void)
{
}

void
route_thread_end(void)
{
}

/* ---- a loop, as far as its messages go ---- */

struct party {
	struct mesh *mesh;
	struct router *router; /* inline, or NULL */
	struct doorbell bell;
	pthread_t thread;
	uint32_t index;
	struct message blocks[BLOCKS];
	struct message *free; /* chain by `next` */
	uint32_t made, done, faults;
	bool resting;
};

static void
ring_party(void *arg)
{
	struct party *p = arg;

	doorbell_ring(&p->bell);
}

static void
come_home(struct party *p, struct message *m)
{
	bool undeliverable = m->len % 5 == 0;

	p->faults += m->loop != p->index;
	p->faults += m->out_len != (undeliverable ? 101 : 1);
	m->next = p->free;
	p->free = m;
	p->done++;
}

static void
send_home(struct party *p, struct message *m)
{
	if (m->loop == p->index)
		come_home(p, m);
	else
		lane_put(mesh_back(p->mesh, p->index, m->loop), m);
}

static void
carry_out(struct party *p, struct message *m)
{
	if (m->action == MESSAGE_DROP) {
		p->faults += m->loop != p->index;
		come_home(p, m);
	} else if (m->len % 5 == 0) { /* its target is gone */
		m->kind = MESSAGE_UNDELIVERABLE;
		if (m->loop == p->index)
			lane_put(&p->mesh->in[p->index], m);
		else
			lane_put_urgent(mesh_back(p->mesh, p->index, m->loop), m);
	} else {
		p->faults += flow_loop(m->to) != p->index;
		send_home(p, m);
	}
}

static bool
take_all(struct party *p)
{
	struct mesh *mesh = p->mesh;
	bool any_at_all = false;
	struct message *m;

	for (uint32_t i = 0; i < mesh->routers; i++) {
		bool any = false;

		for (; (m = lane_take(mesh_out(mesh, i, p->index))); any = true)
			carry_out(p, m);
		if (any)
			lane_taken(mesh_out(mesh, i, p->index));
		any_at_all |= any;
	}
	for (uint32_t i = 0; i < mesh->loops; i++) {
		bool any = false;

		for (; (m = lane_take(mesh_back(mesh, i, p->index))); any = true) {
			if (m->kind == MESSAGE_UNDELIVERABLE)
				lane_put(&mesh->in[p->index], m);
			else
				come_home(p, m);
		}
		if (any)
			lane_taken(mesh_back(mesh, i, p->index));
		any_at_all |= any;
	}
	return any_at_all;
}

static void
make_some(struct party *p, unsigned *seed)
{
	uint32_t burst = (uint32_t)rand_r(seed) % BLOCKS;

	while (burst-- && p->free && p->made < MESSAGES) {
		struct message *m = p->free;

		p->free = m->next;
		memset(m, 0, sizeof(*m));
		m->loop = (uint16_t)p->index;
		m->len = p->made++;
		lane_put(&p->mesh->in[p->index], m);
	}
}

static void *
party_main(void *arg)
{
	struct party *p = arg;
	unsigned seed = p->index;

	while (!mesh_is_over(p->mesh)) {
		make_some(p, &seed);
		lane_publish(&p->mesh->in[p->index]);
		if (p->router)
			router_turn(p->router, 1);
		take_all(p);
		mesh_publish_loop(p->mesh, p->index);
		if (p->router)
			router_may_go_on(p->router);
		if (!p->resting && p->done == MESSAGES) {
			p->resting = true;
			mesh_rest(p->mesh);
		} else if ((!p->free || p->made == MESSAGES) &&
			   mesh_loop_may_sleep(p->mesh, p->index, true) && !mesh_is_over(p->mesh)) {
			if (!doorbell_wait(&p->bell, WAKE_NS)) {
				p->faults++;
				mesh_break(p->mesh);
			}
		}
		mesh_loop_awake(p->mesh, p->index);
	}
	return NULL;
}

static void
run(uint32_t routing_threads)
{
	static struct party parties[LOOPS];
	static struct router routers[LOOPS];
	struct route routes[LOOPS];
	struct mesh mesh;
	uint32_t decided = 0, undeliverable = 0;

	memset(parties, 0, sizeof(parties));
	memset(routes, 0, sizeof(routes));
	assert_true(mesh_init(&mesh, LOOPS, routing_threads, CAPACITY));
	for (uint32_t i = 0; i < mesh.routers; i++) {
		routes[i].index = i;
		routes[i].routers = mesh.routers;
		router_init(&routers[i], &mesh, i, &routes[i]);
	}
	for (uint32_t i = 0; i < LOOPS; i++) {
		struct party *p = &parties[i];

		p->mesh = &mesh;
		p->router = routing_threads ? NULL : &routers[i];
		p->index = i;
		for (uint32_t k = 0; k < BLOCKS; k++) {
			p->blocks[k].next = p->free;
			p->free = &p->blocks[k];
		}
		mesh_set_loop_bell(&mesh, i, ring_party, p);
	}
	for (uint32_t i = 0; i < routing_threads; i++)
		assert_int_equal(router_start(&routers[i]), 0);
	for (uint32_t i = 0; i < LOOPS; i++)
		assert_int_equal(pthread_create(&parties[i].thread, NULL, party_main, &parties[i]),
				 0);
	for (uint32_t i = 0; i < LOOPS; i++)
		pthread_join(parties[i].thread, NULL);
	for (uint32_t i = 0; i < mesh.routers; i++)
		router_stop(&routers[i]);
	for (uint32_t i = 0; i < LOOPS; i++) {
		assert_int_equal(parties[i].faults, 0);
		assert_int_equal(parties[i].done, MESSAGES);
	}
	for (uint32_t i = 0; i < mesh.routers; i++) {
		assert_int_equal(routes[i].strangers, 0);
		decided += routes[i].decided;
		undeliverable += routes[i].undeliverable;
	}
	assert_int_equal(decided, LOOPS * MESSAGES);
	assert_int_equal(undeliverable, LOOPS * MESSAGES / 5);
	mesh_fini(&mesh);
}

static void
test_inline(void **state)
{
	(void)state;
	run(0);
}

static void
test_one_router_for_all(void **state)
{
	(void)state;
	run(1);
}

static void
test_two_routers(void **state)
{
	(void)state;
	run(2);
}

static void
test_a_router_for_each(void **state)
{
	(void)state;
	run(LOOPS);
}

/* One that breaks takes the others along. */
static void
test_broken(void **state)
{
	struct party p = { 0 };
	struct mesh mesh;

	(void)state;
	assert_true(mesh_init(&mesh, 2, 0, CAPACITY));
	mesh_set_loop_bell(&mesh, 1, ring_party, &p);
	assert_false(mesh_is_over(&mesh));
	mesh_rest(&mesh);
	assert_false(mesh_is_over(&mesh));
	mesh_break(&mesh);
	assert_true(mesh_is_over(&mesh));
	assert_true(doorbell_wait(&p.bell, 0));
	mesh_fini(&mesh);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_one_router_for_all),
		cmocka_unit_test(test_two_routers),
		cmocka_unit_test(test_a_router_for_each),
	};

	return cmocka_run_group_tests_name("mesh", tests, NULL, NULL);
}
