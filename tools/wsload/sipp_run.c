/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/operation.h"
#include "tools/wsload/sipp_datagram.h"
#include "tools/wsload/sipp_hash.h"
#include "tools/wsload/sipp_receive.h"
#include "tools/wsload/worker.h"

#define LIVE_MAX (1u << 20) /* where nothing else bounds them */
#define STARTS_MAX 512u     /* in one turn: what came has to be looked at too */

/* ---- the table ---- */

static struct sipp_call **
place_of(const struct sipp_run *run, uint64_t hash)
{
	return &run->table[hash & (run->table_len - 1)];
}

static struct sipp_call *
find(const struct sipp_run *run, struct span id)
{
	uint64_t hash = sipp_hash(id);
	struct sipp_call *c = *place_of(run, hash);

	while (c && (c->id_hash != hash || !span_equal(id, span_of(c->id, strlen(c->id)))))
		c = c->next;
	return c;
}

static bool
is_dead(const struct sipp_run *run, struct span id)
{
	uint64_t hash = sipp_hash(id);

	return run->dead[hash & (SIPP_DEAD_LEN - 1)] == hash;
}

/* A table that is too full gets larger; without memory it is only slower. */
static void
grow(struct sipp_run *run)
{
	uint32_t old_len = run->table_len;
	struct sipp_call **old = run->table, **more, *c, *next;

	if (run->live + run->leaving < old_len || old_len >= LIVE_MAX)
		return;
	more = calloc((size_t)old_len * 4, sizeof(struct sipp_call *));
	if (!more)
		return;
	run->table = more;
	run->table_len = old_len * 4;
	for (uint32_t i = 0; i < old_len; i++)
		for (c = old[i]; c; c = next) {
			next = c->next;
			c->next = *place_of(run, c->id_hash);
			*place_of(run, c->id_hash) = c;
		}
	free(old);
}

static void
free_over(struct sipp_run *run)
{
	while (run->over) {
		struct sipp_call *c = run->over;

		run->over = c->next;
		sipp_call_free(c);
	}
}

/* ---- the ends of calls ---- */

void
sipp_run_succeed(struct sipp_run *run, const struct sipp_call *c)
{
	struct worker *w = run->worker;

	if (c->program != &run->scenario->main || c->start_ns < w->measure_ns)
		return;
	tally_time(&w->tally, TALLY_TIME_operation, w->now_ns - c->start_ns);
	tally_count(&w->tally, TALLY_operations, 1);
}

static void
release_user(struct sipp_run *run, const struct sipp_call *c)
{
	if (run->options->users)
		run->idle_users[run->idle_users_len++] = c->user;
}

void
sipp_run_leave(struct sipp_run *run, struct sipp_call *c)
{
	c->state = SIPP_CALL_LEAVES;
	run->live--;
	run->leaving++;
	release_user(run, c);
}

/* It is freed later: whoever called may still stand in it. */
void
sipp_run_end(struct sipp_run *run, struct sipp_call *c)
{
	struct sipp_call **link = place_of(run, c->id_hash);

	while (*link && *link != c)
		link = &(*link)->next;
	wheel_cancel(&run->wheel, &c->timer.wheel);
	wheel_cancel(&run->wheel, &c->again.wheel);
	if (*link) {
		*link = c->next;
		run->dead[c->id_hash & (SIPP_DEAD_LEN - 1)] = c->id_hash;
		if (c->state == SIPP_CALL_LEAVES) {
			run->leaving--;
		} else {
			run->live--;
			release_user(run, c);
		}
		c->next = run->over;
		run->over = c;
	}
	c->state = SIPP_CALL_OVER;
}

/* ---- the beginnings of calls ---- */

static struct sipp_call *
begin(struct sipp_run *run, struct span id, const struct sipp_peer *peer)
{
	uint32_t user = run->options->users ? run->idle_users[--run->idle_users_len] : 0;
	struct sipp_call *c = sipp_call_new(run, run->created + 1, user, id);

	run->created++;
	tally_count(&run->worker->tally, TALLY_calls, 1);
	if (!c) {
		if (run->options->users)
			run->idle_users[run->idle_users_len++] = user;
		tally_count(&run->worker->tally, TALLY_call_failed, 1);
		return NULL;
	}
	c->peer = *peer;
	grow(run);
	c->next = *place_of(run, c->id_hash);
	*place_of(run, c->id_hash) = c;
	run->live++;
	return c;
}

bool
sipp_run_may_begin(const struct sipp_run *run)
{
	const struct sipp_options *o = run->options;

	return !run->stopping && (!o->calls || run->created < o->calls) &&
	       (!o->users || run->idle_users_len);
}

static uint32_t
live_max(const struct sipp_run *run)
{
	const struct options *o = &run->worker->plan->options;

	if (run->options->limit)
		return run->options->limit;
	if (run->options->users)
		return run->options->users;
	return o->rate > 0 ? LIVE_MAX : o->depth * o->connections;
}

/* A call that finds no connection has failed; in a closed loop that is not tried in vain. */
static bool
begin_ours(struct sipp_run *run, uint64_t start_ns)
{
	struct sipp_peer peer;
	struct sipp_call *c;

	if (!sipp_transport_peer(run->worker, run->created + 1, &peer)) {
		run->created++;
		tally_count(&run->worker->tally, TALLY_calls, 1);
		tally_count(&run->worker->tally, TALLY_call_disconnected, 1);
		return false;
	}
	c = begin(run, span_of(NULL, 0), &peer);
	if (!c)
		return false;
	c->start_ns = start_ns;
	sipp_call_run(c);
	return true;
}

static void
begin_due(struct sipp_run *run)
{
	struct worker *w = run->worker;

	for (uint32_t i = 0; i < STARTS_MAX && sipp_run_may_begin(run) && run->live < live_max(run);
	     i++) {
		bool open = w->plan->options.rate > 0;
		uint64_t at = w->now_ns;

		if (open && w->schedule.next >= w->due)
			break;
		if (open)
			at = schedule_at(&w->schedule, w->schedule.next++);
		else if (at >= w->end_ns)
			break;
		if (!begin_ours(run, at) && !open)
			break;
	}
}

/* ---- turns ---- */

static void
on_expired(void *arg, struct wheel_timer *timer)
{
	struct sipp_timer *t = wheel_owner(timer, struct sipp_timer, wheel);

	(void)arg;
	t->expired(t->call);
}

void
sipp_run_step(struct sipp_run *run)
{
	wheel_advance(&run->wheel, run->worker->now_ns, on_expired, run);
	if (!run->scenario->answers)
		begin_due(run);
	free_over(run);
}

/* What is due and waits for room is begun when a call ends. */
static uint64_t
next_ns(const struct sipp_run *run)
{
	const struct worker *w = run->worker;
	uint64_t next = wheel_next_ns(&run->wheel), at;

	if (run->scenario->answers || !w->start_ns || w->now_ns >= w->end_ns ||
	    !sipp_run_may_begin(run))
		return next;
	if (run->live < live_max(run) && (w->plan->options.rate <= 0 || w->schedule.next < w->due))
		return 0;
	if (w->plan->options.rate <= 0)
		return next;
	at = schedule_at(&w->schedule, w->due);
	return at < next ? at : next;
}

uint64_t
sipp_run_unstarted(const struct sipp_run *run)
{
	const struct sipp_options *o = run->options;
	const struct worker *w = run->worker;

	if (run->scenario->answers || run->stopping || o->limit || o->users || o->calls)
		return 0;
	return w->due - w->schedule.next;
}

/* The last calls of a run with -m still answer what comes again. */
bool
sipp_run_is_done(const struct sipp_run *run, bool ending)
{
	const struct sipp_options *o = run->options;

	if (ending || run->stopping)
		return !run->live;
	return o->calls && run->created >= o->calls && !run->live && !run->leaving;
}

void
sipp_run_expire(struct sipp_run *run)
{
	for (uint32_t i = 0; i < run->table_len; i++)
		while (run->table[i]) {
			struct sipp_call *c = run->table[i];

			if (c->state == SIPP_CALL_LEAVES)
				sipp_run_end(run, c);
			else
				sipp_call_fail(c, TALLY_call_timeout, "the run ended", false);
		}
	free_over(run);
}

void
sipp_run_lost(struct sipp_run *run, const struct client *client)
{
	struct sipp_call *c, *next;

	for (uint32_t i = 0; run->live + run->leaving && i < run->table_len; i++)
		for (c = run->table[i]; c; c = next) {
			next = c->next;
			if (c->peer.client == client)
				sipp_call_fail(c, TALLY_call_disconnected, "the connection is gone",
					       true);
		}
}

int
sipp_run_turn(struct sipp_run *run, uint64_t wait_ns)
{
	uint64_t next = next_ns(run), now = run->worker->now_ns;

	if (next <= now)
		wait_ns = 0;
	else if (next - now < wait_ns)
		wait_ns = next - now;
	return run->datagram ? sipp_datagram_turn(run->datagram, wait_ns) :
			       ring_turn(run->worker->ring, wait_ns);
}

/* ---- what comes ---- */

/* "anything///ID" is ID. */
static struct span
id_of(const struct sip_msg *m)
{
	struct span id = sip_msg_value(m, SIP_FIELD_CALL_ID);
	const char *at = id.len ? memmem(id.at, id.len, "///", 3) : NULL;

	return at ? span_of(at + 3, (size_t)(span_end(id) - at) - 3) : id;
}

/* A message for no call: a new one, or nobody's. */
static struct sipp_call *
take_new(struct sipp_run *run, struct span id, const struct sip_msg *m,
	 const struct sipp_peer *from)
{
	if (m->request && sipp_receive_is_automatic(run, m) && !run->scenario->answers) {
		sipp_receive_answer(run, m, from);
		return NULL;
	}
	if (is_dead(run, id) || (run->scenario->answers && !sipp_run_may_begin(run))) {
		tally_count(&run->worker->tally, TALLY_ignored, 1);
		return NULL;
	}
	if (m->request && run->scenario->answers)
		return begin(run, id, from);
	operation_note(run->worker, "Call-ID");
	tally_count(&run->worker->tally, TALLY_misrouted, 1);
	return NULL;
}

void
sipp_run_take(struct sipp_run *run, struct span message, const struct sipp_peer *from)
{
	struct worker *w = run->worker;
	struct sip_msg *m = &w->msg;
	struct sipp_call *c;
	struct span id;

	if (sip_keepalive((const uint8_t *)message.at, message.len) != SIP_KEEPALIVE_NOT)
		return;
	if (sip_msg_parse(m, message.at, message.len) != SIP_OK) {
		operation_count_wrong(w, "syntax");
		return;
	}
	id = id_of(m);
	c = find(run, id);
	if (!c) {
		c = take_new(run, id, m, from);
		if (c)
			sipp_call_run(c);
	}
	if (c && c->state != SIPP_CALL_OVER) {
		if (run->scenario->answers)
			c->peer = *from;
		sipp_receive(c, m);
	}
	free_over(run);
}
