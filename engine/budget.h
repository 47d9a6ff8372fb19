/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_BUDGET_H
#define ENGINE_BUDGET_H
/*
 * A token bucket in eight bytes: the time at which it will be full again (generic cell rate
 * algorithm). Pure; the owner's thread.
 */
#include <stdbool.h>
#include <stdint.h>

struct budget {
	uint64_t full_ns; /* all zero: full */
};

/*
 * Spend one of `burst` tokens, of which one comes back every `every_ns`. False: none is left, and
 * nothing was spent.
 */
static inline bool
budget_spend(struct budget *b, uint64_t now_ns, uint64_t every_ns, uint64_t burst)
{
	uint64_t from = b->full_ns > now_ns ? b->full_ns : now_ns;

	if (from - now_ns > every_ns * (burst - 1))
		return false;
	b->full_ns = from + every_ns;
	return true;
}

#endif
