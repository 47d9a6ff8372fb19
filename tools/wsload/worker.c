/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/worker.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include "engine/clock.h"
#include "tools/wsload/client_tls.h"
#include "tools/wsload/keepalive.h"
#include "tools/wsload/operation.h"
#include "tools/wsload/pacing.h"
#include "tools/wsload/session.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/storm.h"

#define TICK_NS (10 * CLOCK_NS_PER_MS)
#define SWEEPS_PER_ROUND 100u /* all clients are looked at once a second */
#define CLOSE_WAIT_NS (2 * CLOCK_NS_PER_S)
#define SPIN_FOR_EVER UINT32_C(4000000000)

/* ---- lists ---- */

void
worker_put_dirty(struct worker *w, struct client *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = w->dirty;
	w->dirty = c;
}

void
worker_put_ready(struct worker *w, struct client *c)
{
	if (c->ready || c->free == CLIENT_OP_NONE)
		return;
	c->ready = true;
	c->next_ready = NULL;
	*w->ready_tail = c;
	w->ready_tail = &c->next_ready;
}

static void
flush(struct worker *w)
{
	while (w->dirty) {
		struct client *c = w->dirty;

		w->dirty = c->next_dirty;
		c->dirty = false;
		client_flush(w, c);
	}
}

/* ---- phases ---- */

static void
enter(struct worker *w, enum worker_phase phase)
{
	const uint64_t one = 1;
	ssize_t n;

	atomic_store_explicit(&w->phase, (int)phase, memory_order_release);
	n = write(w->report_fd, &one, sizeof(one));
	assert(n == sizeof(one));
}

static enum worker_phase
phase_of(const struct worker *w)
{
	return (enum worker_phase)atomic_load_explicit(&w->phase, memory_order_relaxed);
}

void
worker_opened(struct worker *w, struct client *c)
{
	if (w->plan->options.scenario->churns) {
		if (c->state == CLIENT_OPEN)
			operation_opened(w, c);
		return;
	}
	if (c->state == CLIENT_OPEN) {
		keepalive_begin(w, c);
		storm_opened(w, c);
	}
	if (c->settled)
		return;
	c->settled = true;
	w->opened++;
	w->opening--;
}

void
worker_gone(struct worker *w, struct client *c)
{
	if (w->plan->options.scenario->churns && phase_of(w) < WORKER_CLOSING)
		worker_put_ready(w, c);
	else if (!storm_gone(w, c) &&
		 (!w->plan->options.scenario->listens || phase_of(w) >= WORKER_CLOSING))
		w->closed++;
}

static void
open_more(struct worker *w)
{
	const struct options *o = &w->plan->options;

	if (o->scenario->churns || o->scenario->listens)
		w->opened = w->clients_len;
	while (w->opened < w->clients_len && w->opening < o->opening &&
	       w->next_open < w->clients_len) {
		struct client *c = &w->clients[w->next_open++];

		w->opening++;
		if (client_open(w, c))
			continue;
		worker_opened(w, c);
		w->closed++;
	}
	if (w->opened == w->clients_len)
		enter(w, WORKER_READY);
}

static void
begin(struct worker *w)
{
	const struct options *o = &w->plan->options;

	w->start_ns = atomic_load_explicit(&w->times->start_ns, memory_order_acquire);
	if (!w->start_ns || w->now_ns < w->start_ns)
		return;
	w->measure_ns = atomic_load_explicit(&w->times->measure_ns, memory_order_relaxed);
	w->end_ns = atomic_load_explicit(&w->times->end_ns, memory_order_relaxed);
	w->schedule = (struct schedule){
		.stages = o->stages,
		.stages_len = o->stages_len,
		.thread = w->index,
		.threads = o->threads,
		.start_ns = o->scenario->once ? w->measure_ns : w->start_ns,
	};
	bytes_trim(&w->bytes); /* what opening took, twice: all of it */
	bytes_trim(&w->bytes);
	enter(w, WORKER_RUNNING);
	for (uint32_t i = 0; i < w->clients_len; i++) {
		struct client *c = &w->clients[i];

		if (c->state == CLIENT_OPEN || o->scenario->churns)
			worker_put_ready(w, c);
	}
}

static void
run_on(struct worker *w)
{
	w->end_ns = atomic_load_explicit(&w->times->end_ns, memory_order_relaxed);
	if (!w->sipp || sipp_run_may_begin(w->sipp))
		pacing_start(w);
	if (w->sipp)
		sipp_run_step(w->sipp);
	if (w->now_ns < w->end_ns && w->closed < w->clients_len &&
	    !(w->sipp && sipp_run_is_done(w->sipp, false)))
		return;
	if (w->sipp)
		tally_count(&w->tally, TALLY_unstarted, sipp_run_unstarted(w->sipp));
	else if (!w->plan->options.scenario->once)
		tally_count(&w->tally, TALLY_unstarted, w->due - w->schedule.next);
	enter(w, WORKER_DRAINING);
}

static void
drain(struct worker *w)
{
	bool late = w->now_ns > w->end_ns + w->plan->options.timeout_ns;

	if (w->sipp)
		sipp_run_step(w->sipp);
	if ((w->busy || (w->sipp && !sipp_run_is_done(w->sipp, true))) && !late)
		return;
	if (w->sipp)
		sipp_run_expire(w->sipp);
	enter(w, WORKER_CLOSING);
	w->close_ns = w->now_ns;
	for (uint32_t i = 0; i < w->clients_len; i++) {
		struct client *c = &w->clients[i];

		operation_expire(w, c, true);
		if (c->state == CLIENT_NEW || storm_gives_up(w, c) ||
		    (c->state == CLIENT_GONE && (w->plan->options.scenario->churns ||
						 w->plan->options.scenario->listens)))
			w->closed++;
		else
			client_close(w, c);
	}
}

static void
await_closed(struct worker *w)
{
	if (w->closed == w->clients_len)
		enter(w, WORKER_ENDED);
	else if (w->now_ns - w->close_ns > CLOSE_WAIT_NS)
		for (uint32_t i = 0; i < w->clients_len; i++)
			client_abandon(w, &w->clients[i]);
}

/* ---- time-outs ---- */

static void
expire_opening(struct worker *w, struct client *c)
{
	static const enum tally_count faults[] = {
		[CLIENT_CONNECTING] = TALLY_connect_failed,
		[CLIENT_SECURING] = TALLY_tls_failed,
		[CLIENT_UPGRADING] = TALLY_upgrade_failed,
		[CLIENT_REGISTERING] = TALLY_register_failed,
	};

	if (c->state < CLIENT_CONNECTING || c->state > CLIENT_REGISTERING ||
	    w->now_ns - c->since_ns < w->plan->options.timeout_ns)
		return;
	client_fault(w, c, faults[c->state]);
	client_abandon(w, c);
}

static void
sweep(struct worker *w)
{
	uint32_t n = w->clients_len / SWEEPS_PER_ROUND + 1;

	if (w->now_ns < w->sweep_ns)
		return;
	w->sweep_ns = w->now_ns + TICK_NS;
	while (n-- && phase_of(w) < WORKER_CLOSING) {
		struct client *c = &w->clients[w->sweep++ % w->clients_len];

		expire_opening(w, c);
		if (c->state >= CLIENT_OPEN && c->state < CLIENT_CLOSED)
			operation_expire(w, c, false);
	}
}

/* ---- the thread ---- */

static uint64_t
wait_ns(const struct worker *w)
{
	uint64_t wait = phase_of(w) == WORKER_RUNNING ? pacing_wait_ns(w) : UINT64_MAX;
	uint64_t timer_ns = wheel_next_ns(&w->wheel);

	if (timer_ns <= w->now_ns)
		return 0;
	if (timer_ns - w->now_ns < wait)
		wait = timer_ns - w->now_ns;
	return wait < TICK_NS ? wait : TICK_NS;
}

/* A client's timer. */
static void
on_expired(void *arg, struct wheel_timer *timer)
{
	struct worker *w = arg;
	struct client *c = wheel_owner(timer, struct client, timer);

	if (c->state == CLIENT_GONE)
		storm_retry(w, c);
	else if (c->state == CLIENT_OPEN)
		keepalive_send(w, c);
}

static void
step(struct worker *w)
{
	w->now_ns = clock_now_ns();
	wheel_advance(&w->wheel, w->now_ns, on_expired, w);
	sweep(w);
	switch (phase_of(w)) {
	case WORKER_OPENING:
		open_more(w);
		break;
	case WORKER_READY:
		begin(w);
		break;
	case WORKER_RUNNING:
		run_on(w);
		break;
	case WORKER_DRAINING:
		drain(w);
		break;
	case WORKER_CLOSING:
		await_closed(w);
		break;
	case WORKER_ENDED:
		break;
	}
	flush(w);
}

static void
forget(struct client *c)
{
	session_free(c);
	SSL_SESSION_free(c->tls_session);
}

static void
fini(struct worker *w)
{
	struct ring *ring = w->ring;

	pthread_mutex_lock(&w->ring_lock);
	w->ring = NULL;
	pthread_mutex_unlock(&w->ring_lock);
	if (ring && !ring_slots_used(ring)) {
		ring_fini(ring);
		bytes_fini(&w->bytes);
	}
	for (uint32_t i = 0; w->clients && i < w->clients_len; i++)
		forget(&w->clients[i]);
	sipp_run_free(w->sipp);
	free(w->tls_scratch);
	free(w->clients);
	free(w->ops);
	free(w->by_slot);
	free(w->scratch);
}

static void
on_woken(void *arg)
{
	(void)arg; /* the turn is over: step() looks at the times */
}

static int
init(struct worker *w, const char **error)
{
	const struct options *o = &w->plan->options;
	struct ring_handlers handlers = client_handlers;
	struct ring_config config = {
		.slots_max = w->clients_len,
		.sq_entries = 4096,
		.buffers = 1024,
		.buffer_bytes = 16384,
		.spin_ns = o->spin ? SPIN_FOR_EVER : 0,
		/* Who lives for one request is not worth a place in the ring's table. */
		.disable = o->scenario->churns ? 1u << RING_FEATURE_DIRECT : 0,
	};
	int result;

	*error = "out of memory";
	w->clients = calloc(w->clients_len, sizeof(*w->clients));
	w->ops = calloc((size_t)w->clients_len * o->depth, sizeof(*w->ops));
	w->by_slot = calloc(w->clients_len, sizeof(*w->by_slot));
	w->scratch = malloc(EXCHANGE_BYTES_MAX);
	if (!w->clients || !w->ops || !w->by_slot || !w->scratch || !client_tls_init(w))
		return -ENOMEM;
	w->ready_tail = &w->ready;
	bytes_init(&w->bytes, SIZE_MAX);
	wheel_init(&w->wheel, clock_now_ns());
	for (uint32_t i = 0; i < w->clients_len; i++) {
		struct client *c = &w->clients[i];

		c->number = w->first + i;
		c->ops = &w->ops[(size_t)i * o->depth];
		operation_init(w, c);
	}
	handlers.woken = on_woken;
	result = ring_open(&w->ring, &config, &handlers, w, error);
	if (result == 0 && o->sipp.file)
		result = sipp_run_open(w, error);
	if (result == 0)
		*error = NULL;
	return result;
}

/* The ring belongs to the thread that opens it: so that thread says how it went. */
static void *
run(void *arg)
{
	struct worker *w = arg;
	int result = init(w, &w->error);

	w->failed = result;
	sem_post(&w->born);
	while (result == 0 && phase_of(w) != WORKER_ENDED) {
		step(w);
		result = w->sipp ? sipp_run_turn(w->sipp, TICK_NS) : ring_turn(w->ring, wait_ns(w));
	}
	w->failed = result;
	if (result < 0)
		enter(w, WORKER_ENDED);
	fini(w);
	return NULL;
}

static void
pin(const struct worker *w)
{
	cpu_set_t set;

	if (w->plan->options.cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned)w->plan->options.cpu + w->index, &set);
	pthread_setaffinity_np(w->thread, sizeof(set), &set);
}

int
worker_start(struct worker *w, const char **error)
{
	int result;

	tally_init(&w->tally);
	sem_init(&w->born, 0, 0);
	pthread_mutex_init(&w->ring_lock, NULL);
	result = -pthread_create(&w->thread, NULL, run, w);
	if (result < 0) {
		*error = "no thread could be started";
		return result;
	}
	pin(w);
	while (sem_wait(&w->born) < 0)
		;
	if (w->error) {
		*error = w->error;
		worker_join(w);
		return w->failed;
	}
	return 0;
}

/* Not while the thread gives its ring back. */
void
worker_notify(struct worker *w)
{
	pthread_mutex_lock(&w->ring_lock);
	if (w->ring)
		ring_wake(w->ring);
	pthread_mutex_unlock(&w->ring_lock);
}

void
worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->ring_lock);
	sem_destroy(&w->born);
}
