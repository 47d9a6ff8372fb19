/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_AUTH_H
#define ENGINE_AUTH_H
/*
 * What all routers have in common for digest authentication: the users in force, the key of the
 * nonces, and a record per flow. A record is changed by the router that decides for its flow at the
 * moment; never two do at once, for a REGISTER that another router decides holds up what follows.
 */
#include <stdatomic.h>
#include "engine/auth_nonce.h"
#include "engine/flow.h"
#include "engine/users.h"

struct auth {
	struct users *_Atomic users; /* read between rcu_enter() and rcu_leave(); NULL: nobody */
	struct token_key key;
	struct auth_flow **flows; /* by loop, then slot */
	uint32_t loops;
};

/* NULL: out of memory. */
struct auth *auth_new(const struct token_key *key, uint32_t loops, uint32_t slots_max);
void auth_free(struct auth *a); /* NULL: nothing */

/*
 * These users from now on; `users` is taken over, and freed by another call or auth_free(). Waits
 * until nobody reads the old ones any more: no loop's or router's thread while those run.
 */
void auth_publish(struct auth *a, struct users *users);

static inline struct auth_flow *
auth_flow_of(const struct auth *a, struct flow flow)
{
	return &a->flows[flow_loop(flow)][flow.slot];
}

#endif
