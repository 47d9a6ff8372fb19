/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/auth.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include "engine/rcu.h"

struct auth *
auth_new(const struct token_key *key, uint32_t loops, uint32_t slots_max)
{
	struct auth *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->key = *key;
	a->flows = calloc(loops, sizeof(*a->flows));
	for (; a->flows && a->loops < loops; a->loops++) {
		/* calloc: pages of slots that are never used are never touched */
		a->flows[a->loops] = calloc(slots_max, sizeof(**a->flows));
		if (!a->flows[a->loops])
			break;
	}
	if (a->flows && a->loops == loops)
		return a;
	auth_free(a);
	return NULL;
}

void
auth_free(struct auth *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; i < a->loops; i++)
		free(a->flows[i]);
	free(a->flows);
	users_free(atomic_load_explicit(&a->users, memory_order_relaxed));
	OPENSSL_cleanse(a, sizeof(*a));
	free(a);
}

void
auth_publish(struct auth *a, struct users *users)
{
	/* release: who sees them sees all that is in them; acquire: we free what another made */
	struct users *old = atomic_exchange_explicit(&a->users, users, memory_order_acq_rel);

	if (!old)
		return;
	rcu_wait();
	users_free(old);
}
