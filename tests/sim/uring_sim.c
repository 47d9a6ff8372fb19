/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The face of ring/uring.h: rings, clock, chance.
 */
#include "tests/sim/uring_sim.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring/ring.h"
#include "tests/sim/uring_sim_world.h"

#define NS_PER_ENTER 1000u
#define NS_PER_LOOK 20u

/* DEFER_TASKRUN runs about so many per enter. */
#define WORK_PER_ENTER 20u

struct sim_world *sim_world;

void
uring_sim_begin(uint64_t seed)
{
	/* A test that failed may have left one: it is lost, the next test is not. */
	sim_world = calloc(1, sizeof(*sim_world));
	assert(sim_world != NULL);
	sim_world->random = seed;
	sim_world->now_ns = UINT64_C(1000000000);
	sim_world->fds_max = SIM_FDS_MAX;
	sim_world->socket_bytes = 65536;
	sim_world->requests_end = &sim_world->requests;
}

/* splitmix64 */
static uint64_t
draw(void)
{
	uint64_t z = sim_world->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t
uring_sim_random(uint32_t limit)
{
	return limit == 0 ? 0 : (uint32_t)(draw() >> 32) % limit;
}

bool
sim_chance(uint32_t per_mille)
{
	return per_mille > 0 && uring_sim_random(1000) < per_mille;
}

void
uring_sim_set_faults(const struct uring_sim_faults *faults)
{
	sim_world->faults = *faults;
}

void
uring_sim_limit_descriptors(uint32_t max)
{
	sim_world->fds_max = max < SIM_FDS_MAX ? max : SIM_FDS_MAX;
}

void
uring_sim_limit_socket(uint32_t bytes)
{
	sim_world->socket_bytes = bytes;
}

void
uring_sim_limit_completions(uint32_t max)
{
	sim_world->completions_max = max;
}

void
uring_sim_lack_features(uint32_t features)
{
	sim_world->lacking = features;
}

void
uring_sim_limit_table(uint32_t entries)
{
	sim_world->table_max = entries;
}

void
uring_sim_refuse_setup(int result)
{
	sim_world->refusal = result;
}

uint64_t
uring_sim_now_ns(void)
{
	return sim_world->now_ns;
}

void
uring_sim_advance(uint64_t ns)
{
	sim_world->now_ns += ns;
}

bool
uring_sim_is_quiet(void)
{
	for (const struct uring *u = sim_world->rings; u != NULL; u = u->next)
		if (u->sq_count > 0 || u->cq_count > 0 || sim_has_work(u))
			return false;
	return true;
}

bool
uring_sim_run(void (*turn)(void *arg), void *arg, uint32_t turns_max)
{
	uint32_t idle = 0;

	/* Two idle turns in a row: what the first has left undone, the second would do. */
	for (uint32_t i = 0; i < turns_max && idle < 2; i++) {
		uint64_t activity = sim_world->activity;

		turn(arg);
		idle = sim_world->activity == activity && uring_sim_is_quiet() ? idle + 1 : 0;
	}
	return idle == 2;
}

int
uring_open(struct uring **out, uint32_t sq_entries, uint32_t cq_entries, uint32_t features)
{
	struct uring *u;

	if (sim_world->refusal < 0)
		return sim_world->refusal;
	u = calloc(1, sizeof(*u));
	assert(u != NULL);
	u->features = features & ~sim_world->lacking &
		      (1u << RING_FEATURE_DEFER_TASKRUN | 1u << RING_FEATURE_NO_SQARRAY |
		       1u << RING_FEATURE_RING_FD);
	u->sq_entries = sq_entries;
	u->cq_entries = cq_entries;
	u->sqes = calloc(sq_entries, sizeof(u->sqes[0]));
	u->times = calloc(sq_entries, sizeof(u->times[0]));
	u->cqes = calloc(cq_entries, sizeof(u->cqes[0]));
	assert(u->sqes != NULL && u->times != NULL && u->cqes != NULL);
	u->overflow_end = &u->overflow;
	u->descriptor = SIM_RING_FD_BASE + sim_world->rings_opened++;
	u->next = sim_world->rings;
	sim_world->rings = u;
	*out = u;
	return 0;
}

void
uring_close(struct uring *u)
{
	struct uring **at = &sim_world->rings;

	sim_forget_requests(u);
	uring_unregister_files(u);
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	while (u->overflow != NULL) {
		struct sim_late *late = u->overflow;

		u->overflow = late->next;
		free(late);
	}
	free(u->sqes);
	free(u->times);
	free(u->cqes);
	free(u);
}

uint32_t
uring_features(const struct uring *u)
{
	return u->features;
}

uint32_t
uring_cq_entries(const struct uring *u)
{
	return u->cq_entries;
}

int
uring_descriptor(const struct uring *u)
{
	return u->descriptor;
}

uint32_t
uring_unsubmitted(const struct uring *u)
{
	return u->sq_count;
}

uint32_t
uring_sq_room(const struct uring *u)
{
	return u->sq_entries - u->sq_count;
}

struct io_uring_sqe *
uring_sqe(struct uring *u)
{
	struct io_uring_sqe *sqe = &u->sqes[(u->sq_head + u->sq_count) % u->sq_entries];

	assert(uring_sq_room(u) > 0);
	u->sq_count++;
	memset(sqe, 0xaa, sizeof(*sqe)); /* what the caller does not set is not 0 */
	return sqe;
}

struct __kernel_timespec *
uring_sqe_time(struct uring *u, const struct io_uring_sqe *sqe)
{
	return &u->times[sqe - u->sqes];
}

bool
sim_cq_is_full(const struct uring *u)
{
	uint32_t max = u->cq_entries;

	if (sim_world->completions_max > 0 && sim_world->completions_max < max)
		max = sim_world->completions_max;
	return u->cq_count >= max || u->overflow != NULL;
}

void
sim_post(struct uring *u, uint64_t tag, int32_t res, uint32_t flags)
{
	const struct uring_cqe cqe = { tag, res, flags };
	struct sim_late *late;

	sim_world->activity++;
	if (!sim_cq_is_full(u)) {
		u->cqes[(u->cq_head + u->cq_count++) % u->cq_entries] = cqe;
		return;
	}
	late = malloc(sizeof(*late));
	assert(late != NULL);
	*late = (struct sim_late){ .cqe = cqe };
	*u->overflow_end = late;
	u->overflow_end = &late->next;
}

static void
flush_overflow(struct uring *u)
{
	struct sim_late *list = u->overflow;

	u->overflow = NULL;
	u->overflow_end = &u->overflow;
	while (list != NULL) {
		struct sim_late *late = list;

		list = late->next;
		sim_post(u, late->cqe.tag, late->cqe.res, late->cqe.flags);
		free(late);
	}
}

static int
refusal(void)
{
	static const int results[] = { -EAGAIN, -EBUSY, -EINTR };

	return sim_chance(sim_world->faults.enter_refused) ? results[uring_sim_random(3)] : 0;
}

static void
submit_all(struct uring *u)
{
	uint32_t n = u->sq_count;

	if (sim_chance(sim_world->faults.enter_refused))
		n = uring_sim_random(n + 1);
	while (n > 0 && u->sq_count > 0) {
		const struct io_uring_sqe *sqe = &u->sqes[u->sq_head];
		const struct io_uring_sqe *linked = NULL;
		uint32_t used;

		if (u->sq_count > 1)
			linked = &u->sqes[(u->sq_head + 1) % u->sq_entries];
		used = sim_submit(u, sqe, linked);
		u->sq_head = (u->sq_head + used) % u->sq_entries;
		u->sq_count -= used;
		n -= used < n ? used : n;
	}
}

int
uring_submit(struct uring *u)
{
	sim_world->now_ns += NS_PER_ENTER;
	if (refusal() == 0)
		submit_all(u);
	return 0;
}

static void
wait_for_one(struct uring *u, uint64_t wait_ns)
{
	uint64_t limit_ns =
		wait_ns < UINT64_MAX - sim_world->now_ns ? sim_world->now_ns + wait_ns : UINT64_MAX;

	while (u->cq_count == 0 && sim_world->now_ns < limit_ns) {
		uint64_t next_ns = sim_next_event_ns();

		if (next_ns > limit_ns)
			next_ns = limit_ns;
		if (next_ns == UINT64_MAX) /* nothing will ever come: as if by a signal */
			return;
		sim_world->now_ns = next_ns;
		sim_work(u, WORK_PER_ENTER);
	}
}

int
uring_enter(struct uring *u, uint64_t wait_ns)
{
	int refused = refusal();

	sim_world->now_ns += NS_PER_ENTER;
	if (refused == 0)
		submit_all(u);
	else if (wait_ns > 1000000)
		wait_ns = 1000000;
	flush_overflow(u);
	sim_work(u, WORK_PER_ENTER);
	/* Nor does the kernel wait when it did not take all. */
	if (refused != -EINTR && (refused != 0 || u->sq_count == 0))
		wait_for_one(u, wait_ns);
	return 0;
}

uint32_t
uring_ready(const struct uring *u)
{
	return u->cq_count;
}

bool
uring_has_work(const struct uring *u)
{
	return u->overflow != NULL || sim_has_work(u);
}

bool
uring_overflowed(const struct uring *u)
{
	return u->overflow != NULL;
}

uint32_t
uring_harvest(struct uring *u, struct uring_cqe *out, uint32_t max)
{
	uint32_t n = u->cq_count < max ? u->cq_count : max;

	for (uint32_t i = 0; i < n; i++)
		out[i] = u->cqes[(u->cq_head + i) % u->cq_entries];
	u->cq_head = (u->cq_head + n) % u->cq_entries;
	u->cq_count -= n;
	return n;
}

int
uring_register_buffers(struct uring *u, struct io_uring_buf_ring *ring, uint32_t entries,
		       uint16_t group)
{
	assert(group == 0 && u->buffers == NULL);
	u->buffers = ring;
	u->buffer_entries = entries;
	return 0;
}

/* As a kernel that has no SEND_ZC. */
int
uring_register_pinned(struct uring *u, void *bytes, uint32_t count, uint32_t each)
{
	(void)u;
	(void)bytes;
	(void)count;
	(void)each;
	return -EOPNOTSUPP;
}

uint64_t
uring_clock_ns(struct uring *u)
{
	(void)u;
	return sim_world->now_ns += NS_PER_LOOK;
}
