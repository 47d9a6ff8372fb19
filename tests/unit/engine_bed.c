/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine_bed.h"

#include <stdio.h>
#include <string.h>

#include "engine/log.h"
#include "engine/tls_store.h"

/* A send is waited for in parts of this size, each with its timeout: ring.h. */
#define SEND_PART 16384u

static bool log_runs;

/* -- set-up -- */

static void
set(struct engine_bed *b, const char *const *settings)
{
	char error[SETTINGS_ERROR_MAX];

	settings_init(&b->settings);
	for (; settings != NULL && *settings != NULL; settings++)
		if (!settings_set(&b->settings, *settings, error))
			fail_msg("%s", error);
	if (!settings_finish(&b->settings, error))
		fail_msg("%s", error);
}

static struct sipring *next; /* of engine_bed_embed() */

void
engine_bed_embed(struct sipring *s, const struct sipring_handlers *handlers, void *arg)
{
	s->application.handlers = *handlers;
	s->application.arg = arg;
	s->embed = embed_new(&s->application);
	assert_non_null(s->embed);
	next = s;
}

struct embed *
sipring_embed_of(struct sipring *s, sipring_connection connection)
{
	(void)connection;
	return s->embed;
}

struct embed_application *
sipring_application_of(struct sipring *s)
{
	return &s->application;
}

static void
wake(void *arg)
{
	struct engine_bed *b = arg;

	ring_wake(b->loop.ring);
}

static void
open_embed(struct engine_bed *b)
{
	b->embed = next->embed;
	assert_true(route_embed(b->route, b->embed, 1));
	embed_open(b->embed, wake, b);
}

void
engine_bed_open(struct engine_bed *b, uint64_t seed, uint32_t slots_max,
		const char *const *settings)
{
	static const uint8_t key[SHARED_KEY_LEN] = "an unpredictable key of 32 bytes";
	const struct loop_setup setup = {
		.settings = &b->settings,
		.mesh = &b->mesh,
		.router = &b->router,
		.ring = { .slots_max = slots_max, .sq_entries = 128 },
	};
	const char *error;

	assert_true(slots_max <= ENGINE_BED_SLOTS_MAX);
	memset(b, 0, sizeof(*b));
	b->slack_ns = 25 * ENGINE_BED_MS;
	if (log_runs) /* a test that failed has left it */
		log_fini();
	log_init(LOG_ERROR, 100000);
	log_runs = true;
	uring_sim_begin(seed);
	set(b, settings);
	route_thread_begin();
	b->shared = shared_new(&b->settings, key, 1, slots_max, 1);
	assert_non_null(b->shared);
	b->route = route_new(&b->settings, "sim.example:8080", b->shared, 0, &b->route_stats);
	assert_non_null(b->route);
	if (b->settings.mode == SETTINGS_MODE_EMBED)
		open_embed(b);
	assert_true(mesh_init(&b->mesh, 1, 0, b->settings.queue_messages));
	router_init(&b->router, &b->mesh, 0, b->route);
	if (loop_open(&b->loop, &setup, &error) < 0)
		fail_msg("loop_open: %s", error);
	if (tls_store_is_wanted(&b->settings)) {
		char why[SETTINGS_ERROR_MAX];
		struct tls_set *tls = tls_set_new(&b->settings, NULL, why);

		if (!tls)
			fail_msg("%s", why);
		assert_int_equal(loop_tls(&b->loop, tls), 0);
		tls_set_drop(tls); /* the loop has it */
	}
	b->listener = uring_sim_listen();
	assert_int_equal(loop_listen(&b->loop, b->listener, &b->settings.listeners[0]), 0);
	loop_start(&b->loop);
}

/* -- what must hold after every turn -- */

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_msg("slot %u, %s: %s", c->flow.slot, conn_fsm_state_name(c->state),   \
				 #condition);                                                      \
	} while (0)

static bool
is_ending(uint8_t state)
{
	return state == CONN_CLOSING || state == CONN_FLUSHING || state == CONN_HALF ||
	       state == CONN_DRAINING;
}

static void
watch(struct engine_bed_slot *slot, const struct conn *c, uint64_t now_ns)
{
	if (slot->tag == c->flow.tag && slot->state == c->state)
		return;
	if (slot->tag != c->flow.tag)
		slot->flush_turn = UINT32_MAX;
	if (slot->tag != c->flow.tag || !is_ending(slot->state))
		slot->quiet_ns = now_ns;
	slot->tag = c->flow.tag;
	slot->state = c->state;
	slot->since_ns = now_ns;
}

/* Nobody outstays the time that his state has. */
static void
check_state_time(const struct engine_bed *b, const struct engine_bed_slot *slot,
		 const struct conn *c)
{
	const struct settings *s = &b->settings;
	uint64_t ms = 0, since_ns = slot->since_ns;

	switch (c->state) {
	case CONN_CONNECTING:
		ms = s->tcp_connect_timeout_ms;
		break;
	case CONN_TLS_OUT:
		ms = s->wss_tls_handshake_timeout_ms;
		break;
	case CONN_ASKING:
		ms = c->tls ? s->wss_handshake_timeout_ms : s->ws_handshake_timeout_ms;
		break;
	case CONN_TLS:
		ms = s->tls_handshake_timeout_ms;
		break;
	case CONN_UPGRADE:
		ms = s->handshake_timeout_ms;
		break;
	case CONN_DEAD:
		break;
	default:
		/* Once for the peer's Close, once for the rest. */
		ms = 2 * s->close_timeout_ms;
		since_ns = slot->quiet_ns;
	}
	CHECK(b->loop.now_ns <= since_ns + ms * ENGINE_BED_MS + b->slack_ns);
}

static void
check_open_time(const struct engine_bed *b, const struct conn *c)
{
	const struct settings *s = &b->settings;
	uint64_t now_ns = b->loop.now_ns, silence_s;

	silence_s = s->ws_ping_interval_s + s->ws_pong_timeout_s;
	if (s->ws_ping_interval_s)
		CHECK(now_ns <= c->heard_ns + silence_s * ENGINE_BED_S + b->slack_ns);
	if (s->ws_idle_timeout_s)
		CHECK(now_ns <= c->busy_ns + s->ws_idle_timeout_s * ENGINE_BED_S + b->slack_ns);
	if (c->message_since_ns)
		CHECK(now_ns <=
		      c->message_since_ns + s->ws_message_timeout_ms * ENGINE_BED_MS + b->slack_ns);
}

static void
check_send_time(const struct engine_bed *b, struct engine_bed_slot *slot, const struct conn *c)
{
	uint64_t parts;

	if (!c->sendq.head_in_flight || c->state == CONN_DEAD)
		return;
	if (slot->flush_turn != c->flush_turn) {
		slot->flush_turn = c->flush_turn;
		slot->flushed_ns = b->loop.now_ns;
	}
	parts = 2 + c->sendq.head->len / SEND_PART;
	CHECK(b->loop.now_ns <= slot->flushed_ns +
					parts *
						(c->tls ? b->settings.wss_send_timeout_ms :
							  b->settings.ws_send_timeout_ms) *
						ENGINE_BED_MS +
					b->slack_ns);
}

/* What waits, something will wake. */
static void
check_waits(const struct engine_bed *b, const struct conn *c)
{
	bool listens = c->state == CONN_OPEN || c->state == CONN_CLOSING;

	CHECK(c->routing == 0 && !c->ending && !c->dirty);
	if (c->state == CONN_DEAD)
		return;
	CHECK(wheel_is_armed(&c->timer) ||
	      (c->state == CONN_OPEN && b->settings.ws_ping_interval_s == 0));
	CHECK(c->sendq.head == NULL || c->sendq.head_in_flight);
	CHECK(!c->sendq.head_in_flight || ring_sending(b->loop.ring, c->flow.slot));
	CHECK(!c->tls || c->sendq.head == NULL || c->sendq.head->sealed);
	CHECK((c->state != CONN_FLUSHING && c->state != CONN_HALF) || c->sendq.head_in_flight);
	CHECK(!c->paused || c->in_held_list || c->in_waiting_list || c->sendq.head_in_flight);
	CHECK(c->held.len == 0 || !listens || c->in_held_list || c->sendq.head_in_flight);
}

struct sums {
	uint64_t connections, chunks, messages, orders, blocks;
};

static void
add_up(struct sums *sums, const struct conn *c)
{
	uint32_t queued = 0;

	sums->connections++;
	for (const struct sendq_chunk *chunk = c->sendq.head; chunk != NULL; chunk = chunk->next) {
		queued += chunk->len;
		sums->chunks++;
		sums->messages += chunk->relayed + chunk->answered;
		sums->orders += chunk->ordered;
	}
	CHECK(queued == c->sendq.queued);
	sums->blocks +=
		(c->pieces.bytes != NULL) + (c->control.bytes != NULL) + (c->held.bytes != NULL);
}

static void
check(struct engine_bed *b)
{
	struct loop *l = &b->loop;
	struct sums sums = { 0 };

	for (uint32_t i = 0; i < l->slots_max; i++) {
		struct conn *c = &l->conns[i];

		watch(&b->slots[i], c, l->now_ns);
		if (c->state == CONN_FREE)
			continue;
		if (c->state == CONN_OPEN)
			check_open_time(b, c);
		else
			check_state_time(b, &b->slots[i], c);
		check_send_time(b, &b->slots[i], c);
		check_waits(b, c);
		add_up(&sums, c);
	}
	assert_int_equal(l->dirty, CONN_NOT_DIRTY);
	assert_false(lane_is_backed_up(l->in));
	assert_int_equal(ring_buffers_out(l->ring), 0);
	assert_int_equal(ring_slots_used(l->ring), sums.connections);
	assert_int_equal(atomic_load(&l->stats.connections), sums.connections);
	assert_int_equal(atomic_load(&l->stats.messages), 0);
	assert_int_equal(l->messages.used, 0);
	assert_int_equal(atomic_load(&l->stats.send_buffers), sums.chunks);
	assert_int_equal(atomic_load(&l->stats.assemblies), sums.blocks);
	assert_int_equal(l->bytes.used, sums.chunks + sums.blocks);
	assert_int_equal(stats_unaccounted(&l->stats), sums.messages);
	assert_int_equal(ENGINE_BED_COUNT(b, orders), ENGINE_BED_COUNT(b, orders_sent) +
							      ENGINE_BED_COUNT(b, orders_dropped) +
							      sums.orders);
}

/* -- turns -- */

void
engine_bed_turn(struct engine_bed *b, uint64_t wait_ns)
{
	struct random *random = &b->loop.random;

	/* What the engine draws by chance comes from the seed, too. */
	if (random->left < RANDOM_BULK / 2) {
		for (uint32_t i = 0; i < RANDOM_BULK; i++)
			random->bytes[i] = (uint8_t)uring_sim_random(256);
		random->left = RANDOM_BULK;
	}
	assert_int_equal(loop_turn(&b->loop, wait_ns), 0);
	check(b);
}

void
engine_bed_pass(struct engine_bed *b, uint64_t ns)
{
	uint64_t until_ns = uring_sim_now_ns() + ns;

	while (uring_sim_now_ns() < until_ns)
		engine_bed_turn(b, ENGINE_BED_MS);
}

struct conn *
engine_bed_only(struct engine_bed *b)
{
	struct conn *only = NULL;

	for (uint32_t i = 0; i < b->loop.slots_max; i++) {
		if (b->loop.conns[i].state == CONN_FREE)
			continue;
		assert_null(only);
		only = &b->loop.conns[i];
	}
	assert_non_null(only);
	return only;
}

/* -- the end -- */

void
engine_bed_end(struct engine_bed *b)
{
	struct stats *s = &b->loop.stats;

	assert_true(loop_is_drained(&b->loop));
	assert_true(stats_is_at_rest(s));
	assert_int_equal(stats_unaccounted(&b->route_stats), 0);
	assert_int_equal(ring_slots_used(b->loop.ring), 0);
	assert_int_equal(ring_buffers_out(b->loop.ring), 0);
	assert_int_equal(ring_requests_out(b->loop.ring), 0);
	assert_int_equal(b->loop.messages.used, 0);
	assert_int_equal(b->loop.bytes.used, 0);
	assert_int_equal(b->loop.bytes.used_bytes, 0);
	if (b->embed)
		embed_close(b->embed);
	loop_fini(&b->loop);
	mesh_fini(&b->mesh);
	route_free(b->route);
	embed_free(b->embed);
	shared_free(b->shared);
	route_thread_end();
	uring_sim_end();
	log_fini();
	log_runs = false;
}

void
engine_bed_finish(struct engine_bed *b)
{
	uint64_t until_ns =
		uring_sim_now_ns() + b->settings.drain_timeout_ms * ENGINE_BED_MS + b->slack_ns;

	loop_tell(&b->loop, LOOP_DRAIN);
	while (!loop_is_drained(&b->loop)) {
		assert_true(uring_sim_now_ns() <= until_ns);
		engine_bed_turn(b, ENGINE_BED_S);
	}
	engine_bed_end(b);
}
