/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_RUN_H
#define WSLOAD_SIPP_RUN_H
/* All calls of a worker: their table, their timers, starting them; on its thread. */
#include "tools/wsload/sipp_call.h"

#define SIPP_LOCAL_MAX 64
#define SIPP_DEAD_LEN (1u << 16)

struct worker;
struct sipp_datagram;

struct sipp_run {
	struct worker *worker;
	struct sipp_scenario *scenario;
	const struct sipp_options *options;
	struct wheel wheel;
	struct sipp_call **table; /* by the hash of the Call-ID */
	uint32_t table_len;       /* a power of two */
	uint32_t live, leaving;   /* calls that run or wait; that only answer what comes again */
	uint64_t created;
	bool stopping;                  /* no more calls */
	struct sipp_value *globals;     /* one per variable */
	struct sipp_value *user_values; /* per user, one per variable */
	uint32_t *idle_users;           /* a stack */
	uint32_t idle_users_len;
	uint64_t *dead; /* hashes of Call-IDs of calls that are over; newer ones push out older */
	struct sipp_call *over;         /* to be freed when nobody stands in them */
	struct sipp_datagram *datagram; /* UDP */
	int listener;                   /* TCP, of those who connect to us; -1: none */
	uint16_t listener_port;
	char local_ip[SIPP_LOCAL_MAX], media_ip[SIPP_LOCAL_MAX]; /* IPv6: without brackets */
	char remote_ip[SIPP_LOCAL_MAX];
	bool local_v6, media_v6, remote_v6;
	uint32_t dynamic_id;
	uint64_t begun_ns;
	struct sipp_text out; /* scratch: the message that is made */
};

/* Into w->sipp, of a worker with plan, clients and ring. 0, or -errno and *error. */
int sipp_run_open(struct worker *w, const char **error);
void sipp_run_free(struct sipp_run *run);

/* A turn of the worker: timers, and as many new calls as are due. */
void sipp_run_step(struct sipp_run *run);

/* May calls begin, by their number and by what the scenario has said? */
bool sipp_run_may_begin(const struct sipp_run *run);

/* No call runs, and none will begin: `ending` says that no more may. */
bool sipp_run_is_done(const struct sipp_run *run, bool ending);

/* Calls that were due and did not begin, against the user's will. */
uint64_t sipp_run_unstarted(const struct sipp_run *run);

/* The time is over: what still runs was lost. */
void sipp_run_expire(struct sipp_run *run);

/* A message came. */
void sipp_run_take(struct sipp_run *run, struct span message, const struct sipp_peer *from);

/* A connection is gone. */
void sipp_run_lost(struct sipp_run *run, const struct client *client);

/* The call was successful; it only answers from now on; it is over. For sipp_call.c. */
void sipp_run_succeed(struct sipp_run *run, const struct sipp_call *c);
void sipp_run_leave(struct sipp_run *run, struct sipp_call *c);
void sipp_run_end(struct sipp_run *run, struct sipp_call *c);

/* In place of ring_turn(): waits for what comes, or until a step is due. 0 or -errno. */
int sipp_run_turn(struct sipp_run *run, uint64_t wait_ns);

#endif
