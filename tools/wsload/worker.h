/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_WORKER_H
#define WSLOAD_WORKER_H
/*
 * A generator thread: its ring, its clients, what it counted. Threads share nothing but the plan
 * and the times of the phases.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "codec/sip_msg.h"
#include "engine/bytes.h"
#include "engine/random.h"
#include "engine/wheel.h"
#include "ring/ring.h"
#include "tools/wsload/client.h"
#include "tools/wsload/plan.h"
#include "tools/wsload/schedule.h"
#include "tools/wsload/tally.h"

#define WORKER_NOTE_MAX 1024
#define WORKER_LOST_MAX 1024 /* timed-out operations that are remembered */

enum worker_phase {
	WORKER_OPENING, /* connections are opened and registered */
	WORKER_READY,   /* all are open, or will never be */
	WORKER_RUNNING,
	WORKER_DRAINING, /* nothing new; answers are awaited */
	WORKER_CLOSING,
	WORKER_ENDED,
};

/* Written by the main thread, before it wakes the worker; 0: not known yet. */
struct worker_times {
	_Atomic uint64_t start_ns;   /* the first operation */
	_Atomic uint64_t measure_ns; /* from here on it counts */
	_Atomic uint64_t end_ns;     /* the last operation */
};

struct sipp_run;

struct worker {
	const struct plan *plan;
	struct worker_times *times;
	pthread_t thread;
	sem_t born; /* the thread has its ring, or `error` says why not */
	const char *error;
	pthread_mutex_t ring_lock; /* against a doorbell for a ring that is gone */
	uint32_t index;
	int report_fd; /* eventfd: the phase has changed */

	struct ring *ring;
	struct random random;
	struct bytes_pool bytes;
	struct tls_io tls;         /* wss */
	struct client *tls_client; /* whose operation is under way */
	uint8_t *tls_scratch;
	struct client *clients; /* those with the numbers from `first` on */
	struct op *ops;         /* theirs, one after the other */
	uint32_t first, clients_len;
	struct client **by_slot;

	uint32_t opening;                   /* being opened right now */
	uint32_t opened;                    /* reached the state OPEN or failed, once */
	uint32_t next_open;                 /* the client that is opened next */
	uint32_t closed;                    /* gone for good */
	uint32_t busy;                      /* operations under way */
	struct client *dirty;               /* have something to send */
	struct client *ready, **ready_tail; /* open loop: could start an operation */
	uint32_t sweep;                     /* the client that is looked at for time-outs next */
	uint64_t sweep_ns;

	struct wheel wheel;
	struct schedule schedule;
	uint64_t due; /* operations whose time has come, and whose lag was noted */
	uint64_t now_ns;
	uint64_t start_ns, measure_ns, end_ns, close_ns;
	_Atomic int phase; /* enum worker_phase */
	int failed;        /* -errno that ended the thread */

	struct sipp_run *sipp; /* a scenario of SIPp's; else NULL */

	struct exchange_id lost[WORKER_LOST_MAX];
	uint32_t lost_len;
	char note[WORKER_NOTE_MAX]; /* the first message that was wrong, and why; for people */
	struct sip_msg msg;         /* scratch: the message that is looked at */
	char *scratch;              /* the request as it must have been */
	struct tally tally;
};

/* Starts the thread. 0 or -errno, then *error says more. */
int worker_start(struct worker *w, const char **error);

/* The times have changed. */
void worker_notify(struct worker *w);
void worker_join(struct worker *w);

/* -- for client.c and operation.c; on the worker's thread -- */

/* The client is as open as its scenario wants it; or will never be. */
void worker_opened(struct worker *w, struct client *c);

/* The client's connection is gone, and nobody will open it again. */
void worker_gone(struct worker *w, struct client *c);

/* In an open loop: this client has a free operation. */
void worker_put_ready(struct worker *w, struct client *c);

/* It has something to send. */
void worker_put_dirty(struct worker *w, struct client *c);

static inline struct client *
worker_client(struct worker *w, uint32_t number)
{
	return number - w->first < w->clients_len ? &w->clients[number - w->first] : NULL;
}

#endif
