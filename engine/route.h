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

struct route; /* opaque */

/*
 * `host` is our name in Via and Record-Route (host or host:port, at most ROUTE_HOST_MAX bytes);
 * `key` keys tokens, branches and tags: random per process. Both are copied; `settings` and
 * `stats` must outlive the stage. NULL: out of memory.
 */
#define ROUTE_HOST_MAX 255
#define ROUTE_KEY_LEN 32
struct route *route_new(const struct settings *settings, const char *host,
			const uint8_t key[ROUTE_KEY_LEN], uint32_t slots_max, struct stats *stats);
void route_free(struct route *r);

/*
 * Decide: fills action, and to / pieces / out_len / out_opcode or fate. Never fails: what cannot
 * be done is a reply or a drop with its reason. MESSAGE_FLOW_OPENED and _CLOSED are taken in here
 * too (action MESSAGE_UNDECIDED then).
 */
void route_message(struct route *r, struct message *m, uint64_t now_ns);

/*
 * Expire what has run out, a bounded number per call; returns the time when to call again (not
 * after now_ns: at once; UINT64_MAX: never, in a mode that keeps nothing). A registration that
 * comes in later cannot run out before that time.
 */
uint64_t route_expire(struct route *r, uint64_t now_ns);

/*
 * The target turned out to be gone when the message was to be handed over (it closed in the
 * meantime). Turns a forwarded request into a reply (430 or 480) to its sender, anything else
 * into a drop.
 */
void route_undeliverable(struct route *r, struct message *m, uint64_t now_ns);

#endif
