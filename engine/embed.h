/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_EMBED_H
#define ENGINE_EMBED_H
/*
 * Mode embed: the routing stage asks the application. One per router, whose thread it belongs to,
 * but for what is said to be called by any.
 *
 * The application decides in its own order, and gives orders in between: so everything leaves by
 * one chain, which the router takes with embed_take().
 */
#include <pthread.h>
#include "engine/dial.h"
#include "engine/inbound.h"
#include "engine/sipring.h"
#include "engine/wheel.h"

/* Something that any thread wants done on the router's: an order goes out, or fn(arg) is called. */
struct embed_post {
	struct embed_post *next;
	struct message *order; /* or NULL */
	void (*fn)(void *arg);
	void *arg;
};

/* Who is asked; the same for all routers of an engine. */
struct embed_application {
	struct sipring_handlers handlers;
	void *arg;
	_Atomic uint32_t dials; /* from other threads: taken by one router after the other */
};

struct embed {
	const struct embed_application *application;
	struct stage *stage;            /* NULL: not attached yet */
	uint32_t routers;               /* of the engine: this one serves each so-many-th loop */
	sipring_connection *open_slots; /* by loop and slot: what the application was told of */
	uint64_t now_ns;                /* of the router's turn */
	struct message *out, *out_last;
	struct wheel wheel;
	struct sipring_timer *timers; /* all that are armed */
	/* Posts, newest first: any thread adds under the lock, the router takes all without it. */
	_Atomic(struct embed_post *) inbox;
	_Atomic uint32_t inbox_len;
	pthread_mutex_t lock; /* of all below */
	bool open;            /* posts are taken */
	uint32_t inbox_max;
	uint32_t dials_loop; /* of the loops that it serves, where the next connection is made */
	void (*wake)(void *arg);
	void *wake_arg;
	struct dial_ids dials;
};

struct sipring_timer {
	struct wheel_timer timer;
	struct sipring_timer *next, **link;
	struct embed *embed;
	void (*fn)(void *arg);
	void *arg;
};

/* What the application sees of a message. */
struct sipring_message {
	struct embed *embed;
	struct message *m; /* NULL: it is decided */
	bool kept;         /* this and m are malloc()ed, m as an order */
	bool read;         /* fault and in are filled */
	bool edited;       /* m->edit is in use */
	enum sip_error fault;
	struct inbound in;
};

/* ---- life; the thread that made the engine ---- */

/* `application` must outlive it. NULL: out of memory. */
struct embed *embed_new(const struct embed_application *application);
void embed_free(struct embed *e); /* frees what nobody took; NULL is harmless */

/* Before the router runs. False: out of memory. */
bool embed_attach(struct embed *e, struct stage *stage, uint32_t routers);

/*
 * Orders of any thread are taken, until embed_close(). wake(arg), of any thread, makes the router
 * take a turn.
 */
void embed_open(struct embed *e, void (*wake)(void *arg), void *arg);
void embed_close(struct embed *e);

/*
 * Of the engine: whose thread serves this connection (0: any). NULL: it was not started. In
 * sipring.c.
 */
struct embed *sipring_embed_of(struct sipring *s, sipring_connection connection);

/* Whose application this is. In sipring.c. */
struct embed_application *sipring_application_of(struct sipring *s);

/* ---- the row of the mode: see route.c ---- */

void embed_data(struct stage *s, struct message *m, uint64_t now_ns);
void embed_opened(struct stage *s, struct message *m, uint64_t now_ns);
void embed_closed(struct stage *s, struct message *m, uint64_t now_ns);
void embed_undeliverable(struct stage *s, struct message *m, uint64_t now_ns);
uint64_t embed_expire(struct stage *s, uint64_t now_ns);

/* When embed_expire() is due: 0 when something was posted. */
uint64_t embed_due_ns(const struct embed *e);

/* The next message or order to go out, or NULL. */
struct message *embed_take(struct embed *e);

/* ---- for the functions of sipring.h ---- */

/* Are we on its router's thread, in a call of the application? */
bool embed_is_here(const struct embed *e);

/* The one of this application on whose thread we are so; or NULL. */
struct embed *embed_here(const struct embed_application *application);

/* Put it at the end of what goes out. On the router's thread. */
void embed_emit(struct embed *e, struct message *m);

/* Any thread. False: not taken. */
bool embed_post(struct embed *e, const struct embed_post *what);

/* A name for a connection to be made on a loop that it serves; FLOW_NONE: no memory. Any thread. */
struct flow embed_dial_take(struct embed *e);
void embed_dial_give(struct embed *e, struct flow id);

static inline sipring_connection
embed_connection(struct flow f)
{
	return (uint64_t)f.tag << 32 | f.slot;
}

static inline struct flow
embed_flow(sipring_connection c)
{
	return (struct flow){ .slot = (uint32_t)c, .tag = (uint32_t)(c >> 32) };
}

/* How the application knows the connection that this came from. */
static inline sipring_connection
embed_from(const struct message *m)
{
	return embed_connection(flow_is_none(m->dial) ? m->from : m->dial);
}

#endif
