/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_CALL_H
#define WSLOAD_SIPP_CALL_H
/*
 * One run of a scenario: where it stands, what it remembers. sipp_call.c steps through the
 * program, sipp_receive.c takes what comes, sipp_retransmit.c sends again what may be lost.
 */
#include "engine/wheel.h"
#include "tools/wsload/digest.h"
#include "tools/wsload/sipp_scenario.h"
#include "tools/wsload/sipp_transport.h"
#include "tools/wsload/tally.h"

#define SIPP_SEEN_MAX 4
#define SIPP_CSEQS_MAX 8

struct sipp_run;

enum sipp_call_state {
	SIPP_CALL_RUNS,
	SIPP_CALL_WAITS,  /* for a message, or for a pause to end: see its step */
	SIPP_CALL_LEAVES, /* it was successful; it only answers what comes again */
	SIPP_CALL_OVER,
};

/* A message that came, and what was said to it last: both come again over UDP. */
struct sipp_seen {
	uint64_t hash;
	struct sipp_text reply;
};

/* A request that was sent: responses have to be to one of them. */
struct sipp_sent {
	uint32_t cseq;
	uint8_t method; /* enum sip_method */
};

struct sipp_timer {
	struct wheel_timer wheel;
	struct sipp_call *call;
	void (*expired)(struct sipp_call *c);
};

struct sipp_call {
	struct sipp_call *next; /* with the same place in the table */
	struct sipp_run *run;
	const struct sipp_program *program;
	enum sipp_call_state state;
	uint32_t step;
	uint64_t number; /* from 1 */
	uint32_t user;
	uint64_t start_ns; /* when it began, or in an open loop should have */
	char *id;          /* owned: Call-ID, without what stands before /// */
	uint64_t id_hash;
	struct sipp_peer peer;
	struct sipp_timer timer;   /* of what it waits for */
	struct sipp_value *values; /* owned: one per variable; those of other scopes are unused */
	char **branches;           /* owned: one per transaction */
	uint32_t lines[SIPP_INJECTIONS_MAX];
	uint64_t rtd_ns[SIPP_TIMERS_MAX]; /* when it was started */
	uint32_t rtd_taken;               /* bit set: those that were, and are not repeated */

	/* of the dialog */
	struct sipp_text received;          /* the last message that was no retransmission */
	uint32_t cseq;                      /* of the last request that came */
	char *peer_tag, *routes, *next_url; /* owned, or NULL */
	struct digest_challenge *challenge; /* owned, or NULL */
	bool proxy_challenge;               /* it came with 407 */
	uint32_t nonce_count;
	bool invited, answered; /* INVITE was sent; and has its final response */
	struct sipp_sent sent[SIPP_CSEQS_MAX];
	uint32_t sent_len;

	/* sending again */
	struct sipp_timer again;
	struct sipp_text waiting; /* the message that waits for an answer */
	uint64_t again_ns;        /* the interval */
	uint32_t agains;
	bool again_invite;
	struct sipp_seen seen[SIPP_SEEN_MAX];
	uint32_t seen_len; /* that were ever put there; the last one is at seen_len - 1, modulo */
};

/*
 * `id` is copied; NULL: a Call-ID of our own. NULL: no memory. sipp_call_free() after
 * sipp_run_end().
 */
struct sipp_call *sipp_call_new(struct sipp_run *run, uint64_t number, uint32_t user,
				struct span id);
void sipp_call_free(struct sipp_call *c);

/* Go on until it waits or is over. */
void sipp_call_run(struct sipp_call *c);

/* The step is done: go where it says. */
void sipp_call_advance(struct sipp_call *c, const struct sipp_step *s);

/* The start and the end of response times that the step names. */
void sipp_call_time(struct sipp_call *c, const struct sipp_step *s);

/* It ends as a failure of this kind; tells the other side unless `quiet`. */
void sipp_call_fail(struct sipp_call *c, enum tally_count why, const char *words, bool quiet);

/* Send a message as it is; false: the call has failed. */
bool sipp_call_put(struct sipp_call *c, struct span message);

/* Is this message one of those that `lost` loses? Counts it. */
bool sipp_call_is_lost(struct sipp_call *c, const struct sipp_step *s);

/* The value that this call has for a variable. */
struct sipp_value *sipp_call_value(struct sipp_call *c, uint32_t variable);

static inline const struct sipp_step *
sipp_call_step(const struct sipp_call *c)
{
	return c->step < c->program->len ? &c->program->steps[c->step] : NULL;
}

#endif
