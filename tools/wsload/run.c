/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "engine/clock.h"
#include "tools/wsload/live.h"
#include "tools/wsload/worker.h"

#define LAG_PERCENTILE 99.0

struct running {
	const struct plan *plan;
	struct result *result;
	struct worker *workers;
	struct worker_times times;
	struct live live;
	uint64_t begin_ns; /* of the run */
	int signals, reports;
};

static double
own_cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
probe(struct running *r, bool memory, struct probe *out)
{
	pid_t pid = r->plan->options.server_pid;

	r->result->probed = pid && probe_server(pid, memory, out);
}

static bool
all_reached(const struct running *r, enum worker_phase phase)
{
	for (uint32_t i = 0; i < r->plan->options.threads; i++)
		if (atomic_load_explicit(&r->workers[i].phase, memory_order_acquire) < (int)phase)
			return false;
	return true;
}

static void
notify_all(struct running *r)
{
	for (uint32_t i = 0; i < r->plan->options.threads; i++)
		worker_notify(&r->workers[i]);
}

/* The first Ctrl-C ends the run early, with its results; the second at once, without. */
static void
interrupt(struct running *r)
{
	struct signalfd_siginfo info;

	if (read(r->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (r->result->interrupted)
		_exit(1);
	r->result->interrupted = true;
	if (atomic_load(&r->times.end_ns) > clock_now_ns())
		atomic_store(&r->times.end_ns, clock_now_ns());
	notify_all(r);
}

/*
 * Until the time has come (0: whenever), or all workers are in the phase, or the run is
 * interrupted.
 */
static void
wait_for(struct running *r, uint64_t until_ns, enum worker_phase phase)
{
	struct pollfd fds[2] = { { .fd = r->signals, .events = POLLIN },
				 { .fd = r->reports, .events = POLLIN } };

	while (!all_reached(r, phase)) {
		uint64_t now_ns = clock_now_ns(), next_ns = live_next_ns(&r->live);
		struct timespec wait;
		uint64_t seen;

		if (until_ns && now_ns >= until_ns)
			return;
		if (until_ns && until_ns < next_ns)
			next_ns = until_ns;
		wait = clock_timespec(next_ns > now_ns ? next_ns - now_ns : 0);
		if (ppoll(fds, 2, &wait, NULL) < 0)
			continue;
		if (fds[1].revents && read(r->reports, &seen, sizeof(seen)) < 0)
			return;
		if (fds[0].revents) {
			interrupt(r);
			if (phase <= WORKER_RUNNING)
				return;
		}
		live_tick(&r->live, clock_now_ns());
	}
}

static int
start_workers(struct running *r, const char **error)
{
	const struct options *o = &r->plan->options;
	uint32_t unit = o->scenario->pairs ? 2 : 1, first = 0;

	for (uint32_t i = 0; i < o->threads; i++) {
		struct worker *w = &r->workers[i];
		uint32_t share = (o->connections / unit * (i + 1) / o->threads) * unit;
		int result;

		w->plan = r->plan;
		w->times = &r->times;
		w->index = i;
		w->report_fd = r->reports;
		w->first = o->first + first;
		w->clients_len = share - first;
		first = share;
		result = worker_start(w, error);
		if (result < 0)
			return result;
	}
	return 0;
}

static uint32_t
open_clients(const struct running *r)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->plan->options.threads; i++)
		n += tally_read(&r->workers[i].tally, TALLY_connected);
	return (uint32_t)n;
}

static void
measure(struct running *r)
{
	const struct options *o = &r->plan->options;
	uint64_t start_ns, begun_ns, ended_ns;
	double cpu_s;

	wait_for(r, 0, WORKER_READY);
	r->result->open = open_clients(r);
	r->result->opening_s = (double)(clock_now_ns() - r->begin_ns) / 1e9;
	probe(r, true, &r->result->opened);
	start_ns = clock_now_ns() + CLOCK_NS_PER_MS;
	r->live.start_ns = start_ns;
	r->live.total_ns = o->warmup_ns + o->duration_ns;
	atomic_store(&r->times.measure_ns, start_ns + o->warmup_ns);
	atomic_store(&r->times.end_ns,
		     r->result->interrupted ? start_ns : start_ns + o->warmup_ns + o->duration_ns);
	atomic_store_explicit(&r->times.start_ns, start_ns, memory_order_release);
	notify_all(r);
	wait_for(r, start_ns + o->warmup_ns, WORKER_DRAINING);
	begun_ns = clock_now_ns();
	cpu_s = own_cpu_s();
	probe(r, false, &r->result->begun);
	wait_for(r, atomic_load(&r->times.end_ns), WORKER_DRAINING);
	ended_ns = clock_now_ns();
	live_end(&r->live, ended_ns);
	r->result->own_cpu_s = own_cpu_s() - cpu_s;
	probe(r, false, &r->result->ended);
	r->result->duration_s = (double)(ended_ns - begun_ns) / 1e9;
	wait_for(r, 0, WORKER_CLOSING);
}

static void
collect(struct running *r)
{
	const struct options *o = &r->plan->options;
	struct result *result = r->result;

	tally_init(&result->tally);
	for (uint32_t i = 0; i < o->threads; i++) {
		tally_merge(&result->tally, &r->workers[i].tally);
		if (!result->note[0])
			memcpy(result->note, r->workers[i].note, sizeof(result->note));
	}
	if (o->scenario->churns)
		result->open = (uint32_t)tally_read(&result->tally, TALLY_connected);
	result->lagged = o->rate > 0 && histogram_percentile(&result->tally.times[TALLY_TIME_lag],
							     LAG_PERCENTILE) > o->max_lag_ns;
}

static int
open_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int
run(const struct plan *plan, struct result *result, const char **error)
{
	struct running r = { .plan = plan, .result = result };
	uint32_t n = plan->options.threads;
	int error_code;

	*result = (struct result){ 0 };
	*error = "out of memory";
	r.workers = calloc(n, sizeof(*r.workers));
	r.signals = open_signals();
	r.reports = eventfd(0, EFD_CLOEXEC);
	if (!r.workers || r.signals < 0 || r.reports < 0)
		return -ENOMEM;
	probe(&r, true, &result->before);
	r.begin_ns = clock_now_ns();
	if (!series_init(&result->series, r.workers, n, r.begin_ns))
		return -ENOMEM;
	r.live = (struct live){ .plan = plan, .series = &result->series };
	error_code = start_workers(&r, error);
	if (error_code < 0)
		return error_code;
	measure(&r);
	wait_for(&r, 0, WORKER_ENDED);
	for (uint32_t i = 0; i < n; i++) {
		worker_join(&r.workers[i]);
		if (r.workers[i].failed) {
			error_code = r.workers[i].failed;
			*error = "the ring is unusable";
		}
	}
	collect(&r);
	free(r.workers);
	close(r.signals);
	close(r.reports);
	return error_code;
}

/* A fault that an objective speaks of is the objective's business. */
static bool
is_excused(const struct options *o, enum tally_count count)
{
	for (uint32_t i = 0; i < o->slos_len; i++)
		if (o->slos[i].value == SLO_ERRORS ||
		    (o->slos[i].value == SLO_COUNT && o->slos[i].which == (int)count))
			return true;
	return false;
}

bool
run_is_good(const struct plan *plan, const struct result *result)
{
	const struct options *o = &plan->options;
	bool good = !result->lagged;
	double got;

	for (int i = 0; i < TALLY_COUNTS; i++)
		if (tally_is_fault((enum tally_count)i) &&
		    tally_read(&result->tally, (enum tally_count)i) &&
		    !is_excused(o, (enum tally_count)i))
			good = false;
	for (uint32_t i = 0; i < o->slos_len; i++)
		good = slo_holds(&o->slos[i], result, &got) && good;
	return good;
}

void
run_free(struct result *result)
{
	series_fini(&result->series);
}
