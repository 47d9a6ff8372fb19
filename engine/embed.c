/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/embed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "engine/answer.h"
#include "engine/conn_fsm.h"
#include "engine/embed_timer.h"
#include "engine/order.h"
#include "engine/stage.h"

/* Whose handlers run on this thread. */
static _Thread_local struct embed *here;

/* ---- life ---- */

struct embed *
embed_new(const struct embed_application *application)
{
	struct embed *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	if (pthread_mutex_init(&e->lock, NULL)) {
		free(e);
		return NULL;
	}
	e->application = application;
	atomic_init(&e->inbox, NULL);
	atomic_init(&e->inbox_len, 0);
	dial_ids_init(&e->dials);
	return e;
}

/* All that was posted, oldest first. */
static struct embed_post *
inbox_take(struct embed *e)
{
	/* acquire: pairs with the release in embed_post(), for what the posts hold */
	struct embed_post *p = atomic_exchange_explicit(&e->inbox, NULL, memory_order_acquire);
	struct embed_post *first = NULL;

	while (p) {
		struct embed_post *next = p->next;

		p->next = first;
		first = p;
		p = next;
	}
	return first;
}

void
embed_free(struct embed *e)
{
	struct embed_post *p, *next;
	struct message *m;

	if (!e)
		return;
	for (p = inbox_take(e); p; p = next) {
		next = p->next;
		if (p->order)
			order_free(p->order);
		free(p);
	}
	while ((m = embed_take(e))) {
		assert(order_is(m));
		order_free(m);
	}
	embed_timer_end(e);
	dial_ids_fini(&e->dials);
	free(e->open_slots);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

/* Loops that its router serves. */
static uint32_t
loops_of(const struct embed *e)
{
	return (e->stage->flows->loops_len - e->stage->index + e->routers - 1) / e->routers;
}

static sipring_connection *
open_slot(const struct embed *e, struct flow f)
{
	uint32_t nth = flow_loop(f) / e->routers;

	assert(f.slot < e->stage->flows->slots_max && nth < loops_of(e));
	return &e->open_slots[(size_t)nth * e->stage->flows->slots_max + f.slot];
}

bool
embed_attach(struct embed *e, struct stage *stage, uint32_t routers)
{
	assert(!e->stage);
	e->stage = stage;
	e->routers = routers;
	stage->embed = e;
	/* calloc: pages of slots that are never used are never touched */
	e->open_slots =
		calloc((size_t)loops_of(e) * stage->flows->slots_max, sizeof(*e->open_slots));
	return e->open_slots != NULL;
}

void
embed_open(struct embed *e, void (*wake)(void *arg), void *arg)
{
	pthread_mutex_lock(&e->lock);
	e->inbox_max = e->stage->settings->queue_messages;
	e->wake = wake;
	e->wake_arg = arg;
	e->open = true;
	pthread_mutex_unlock(&e->lock);
}

void
embed_close(struct embed *e)
{
	pthread_mutex_lock(&e->lock);
	e->open = false;
	pthread_mutex_unlock(&e->lock);
}

/* ---- what goes out ---- */

bool
embed_is_here(const struct embed *e)
{
	return here == e;
}

struct embed *
embed_here(const struct embed_application *application)
{
	return here && here->application == application ? here : NULL;
}

void
embed_emit(struct embed *e, struct message *m)
{
	m->next = NULL;
	if (e->out)
		e->out_last->next = m;
	else
		e->out = m;
	e->out_last = m;
}

struct message *
embed_take(struct embed *e)
{
	struct message *m = e->out;

	if (m)
		e->out = m->next;
	return m;
}

bool
embed_post(struct embed *e, const struct embed_post *what)
{
	struct embed_post *p = malloc(sizeof(*p)), *first;
	bool room;

	if (!p)
		return false;
	*p = *what;
	pthread_mutex_lock(&e->lock);
	room = e->open && atomic_load_explicit(&e->inbox_len, memory_order_relaxed) < e->inbox_max;
	if (room) {
		atomic_fetch_add_explicit(&e->inbox_len, 1, memory_order_relaxed);
		first = atomic_load_explicit(&e->inbox, memory_order_relaxed);
		do
			p->next = first;
		while (!atomic_compare_exchange_weak_explicit(
			&e->inbox, &first, p, memory_order_release, memory_order_relaxed));
		/* the first one wakes: until it is taken, the router has a turn before it */
		if (!first)
			e->wake(e->wake_arg);
	}
	pthread_mutex_unlock(&e->lock);
	if (!room)
		free(p);
	return room;
}

struct flow
embed_dial_take(struct embed *e)
{
	struct flow id;

	pthread_mutex_lock(&e->lock);
	id = dial_ids_take(&e->dials, e->stage->index + e->dials_loop * e->routers);
	e->dials_loop = (e->dials_loop + 1) % loops_of(e);
	pthread_mutex_unlock(&e->lock);
	return id;
}

void
embed_dial_give(struct embed *e, struct flow id)
{
	pthread_mutex_lock(&e->lock);
	dial_ids_give(&e->dials, id);
	pthread_mutex_unlock(&e->lock);
}

/* ---- calls of the application ---- */

static struct embed *
enter(struct stage *s, uint64_t now_ns)
{
	here = s->embed;
	here->now_ns = now_ns;
	return here;
}

static void
leave(void)
{
	here = NULL;
}

/* The message is the application's now. */
static void
lend(struct embed *e, struct sipring_message *h, struct message *m)
{
	h->embed = e;
	h->m = m;
	h->kept = h->read = h->edited = false;
}

/* Until it has decided, or its handler has returned. */
static void
end_loan(struct embed *e, const struct sipring_message *h)
{
	if (!h->m)
		return;
	answer_drop(h->m, FATE_dropped_undecided);
	embed_emit(e, h->m);
}

/* Answered without asking the application. */
static void
refuse(struct embed *e, struct message *m, void (*how)(struct inbound *in))
{
	struct inbound in;

	(void)inbound_init(&in, e->stage, m, e->now_ns, m->sip_error);
	how(&in);
	embed_emit(e, m);
}

void
embed_data(struct stage *s, struct message *m, uint64_t now_ns)
{
	struct embed *e = enter(s, now_ns);
	struct sipring_message h;

	if (*open_slot(e, m->from) != embed_from(m)) { /* no memory to tell that it is open */
		refuse(e, m, answer_overload);
	} else {
		lend(e, &h, m);
		if (e->application->handlers.message)
			e->application->handlers.message(e->application->arg, &h);
		end_loan(e, &h);
	}
	leave();
}

void
embed_undeliverable(struct stage *s, struct message *m, uint64_t now_ns)
{
	struct embed *e = enter(s, now_ns);
	struct sipring_message h;

	if (!e->application->handlers.undelivered) {
		refuse(e, m, answer_away);
	} else {
		lend(e, &h, m);
		e->application->handlers.undelivered(e->application->arg, &h,
						     embed_connection(m->to));
		end_loan(e, &h);
	}
	leave();
}

static void
call_opened(struct embed *e, const struct message *m)
{
	struct sipring_peer peer = { .address = m->peer.address,
				     .port = m->peer.port,
				     .outgoing = !flow_is_none(m->dial) };

	if (e->application->handlers.opened)
		e->application->handlers.opened(e->application->arg, embed_from(m), &peer);
}

static void
call_closed(struct embed *e, sipring_connection connection, const struct sipring_end *end)
{
	if (!end->again && dial_is(embed_flow(connection)))
		embed_dial_give(e, embed_flow(connection));
	if (e->application->handlers.closed)
		e->application->handlers.closed(e->application->arg, connection, end);
}

void
embed_opened(struct stage *s, struct message *m, uint64_t now_ns)
{
	struct embed *e = enter(s, now_ns);
	sipring_connection *slot = open_slot(e, m->from);

	/* there was no memory to tell that its last owner was gone */
	if (*slot && !dial_is(embed_flow(*slot)))
		call_closed(e, *slot, &(struct sipring_end){ .why = SIPRING_RESET });
	flows_open(s->flows, m->from, m->peer.secure);
	*slot = embed_from(m);
	call_opened(e, m);
	leave();
}

static enum sipring_why
why_of(const struct message *m)
{
	switch ((enum conn_event)m->why) {
	case CONN_EV_PEER_CLOSE:
		return SIPRING_PEER_CLOSED;
	case CONN_EV_PEER_END:
		return SIPRING_PEER_ENDED;
	case CONN_EV_FAILED:
		return SIPRING_PEER_BROKE;
	case CONN_EV_GOING_AWAY:
		return SIPRING_WE_CLOSED;
	case CONN_EV_SEND_FAILED:
		return SIPRING_SEND_FAILED;
	case CONN_EV_REFUSED:
		return SIPRING_NOT_OPENED;
	default:
		return SIPRING_RESET;
	}
}

void
embed_closed(struct stage *s, struct message *m, uint64_t now_ns)
{
	struct embed *e = enter(s, now_ns);
	struct sipring_end end = { .why = why_of(m), .code = m->code, .again = m->again };
	bool opened = end.why != SIPRING_NOT_OPENED && !flow_is_none(m->from);
	sipring_connection *slot = opened ? open_slot(e, m->from) : NULL;

	if (opened)
		flows_close(s->flows, m->from);
	if (!opened || *slot == embed_from(m)) {
		if (opened)
			*slot = 0;
		call_closed(e, embed_from(m), &end);
	}
	leave();
}

/* ---- besides messages ---- */

static void
run_posts(struct embed *e)
{
	struct embed_post *p, *next;

	for (p = inbox_take(e); p; p = next) {
		next = p->next;
		atomic_fetch_sub_explicit(&e->inbox_len, 1, memory_order_relaxed);
		if (p->order)
			embed_emit(e, p->order);
		else
			p->fn(p->arg);
		free(p);
	}
}

uint64_t
embed_expire(struct stage *s, uint64_t now_ns)
{
	struct embed *e = enter(s, now_ns);

	run_posts(e);
	embed_timer_run(e);
	leave();
	return embed_due_ns(e);
}

uint64_t
embed_due_ns(const struct embed *e)
{
	/* relaxed: it only says that there is something; inbox_take() acquires it */
	return atomic_load_explicit(&e->inbox, memory_order_relaxed) ? 0 : wheel_next_ns(&e->wheel);
}
