/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ROUTE_H
#define ENGINE_ROUTE_H
/*
 * The routing stage: decides what becomes of a message. No I/O, no clock of its
 * own, no thread of its own; time and randomness come in as arguments. The mode
 * is chosen once.
 *
 * One thread at a time: the router's.
 */
#include "engine/message.h"
#include "engine/settings.h"
#include "engine/shared.h"

struct route; /* opaque */

/*
 * Each thread that calls anything below begins and ends with these. Once per thread, and not
 * inside one another.
 */
void route_thread_begin(void);
void route_thread_end(void);

/*
 * Router `index` of those of `shared`. `host` is our name in Via and Record-Route (host or
 * host:port, at most ROUTE_HOST_MAX bytes); it is copied, all else must outlive the stage. `stats`
 * is written by this router's thread only. NULL: out of memory.
 */
#define ROUTE_HOST_MAX 255
struct route *route_new(const struct settings *settings, const char *host, struct shared *shared,
			uint32_t index, struct stats *stats);

/*
 * Ends the registrations whose home it is. No other router of the same `shared` may be at work any
 * more.
 */
void route_free(struct route *r);

/*
 * The index of the router that must decide this message. A REGISTER belongs to the home of its
 * address-of-record, for no other may change bindings; everything else any router can decide, and
 * this one is named. Reads `sip` and `sip_error` of a message whose has_sip is set; changes
 * nothing. With one router always 0.
 */
uint32_t route_home(const struct route *r, const struct message *m);

/*
 * Decide: fills action, and to / pieces / out_len / out_opcode or fate. Never fails: what cannot
 * be done is a reply or a drop with its reason. MESSAGE_FLOW_OPENED and _CLOSED are taken in here
 * too (action MESSAGE_UNDECIDED then). False: it does not go out now, but comes by route_take(),
 * among what the application decides and orders in its own sequence.
 */
bool route_message(struct route *r, struct message *m, uint64_t now_ns);

/*
 * Expire what has run out, a bounded number per call; returns the time when to call again (not
 * after now_ns: at once; UINT64_MAX: never, in a mode that keeps nothing). A registration that
 * comes in later cannot run out before that time.
 */
uint64_t route_expire(struct route *r, uint64_t now_ns);

/*
 * The target turned out to be gone when the message was to be handed over (it closed in the
 * meantime). Turns a forwarded request into a reply (430 or 480) to its sender, anything else
 * into a drop; or asks the application. False: as above.
 */
bool route_undeliverable(struct route *r, struct message *m, uint64_t now_ns);

/* Mode embed: the next message or order that goes out, or NULL. */
struct message *route_take(struct route *r);

/* When route_expire() is due because of what came up since it was called; UINT64_MAX: nothing. */
uint64_t route_due_ns(const struct route *r);

/*
 * Mode embed: who is asked. Before anything is routed; `embed` must outlive the stage. `routers`:
 * how many there are. False: out of memory.
 */
struct embed;
bool route_embed(struct route *r, struct embed *embed, uint32_t routers);

#endif
