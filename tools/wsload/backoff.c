/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/backoff.h"

#include <string.h>
#include "engine/clock.h"
#include "tools/wsload/options_value.h"

static const struct {
	const char *name;
	uint64_t base_ns, max_ns; /* where nothing else is said */
} laws[] = {
	[BACKOFF_FIXED] = { "fixed", CLOCK_NS_PER_S, CLOCK_NS_PER_S },
	[BACKOFF_LINEAR] = { "linear", CLOCK_NS_PER_S, 30 * CLOCK_NS_PER_S },
	[BACKOFF_EXPONENTIAL] = { "exponential", CLOCK_NS_PER_S, 30 * CLOCK_NS_PER_S },
	[BACKOFF_RFC5626] = { "rfc5626", 30 * CLOCK_NS_PER_S, 1800 * CLOCK_NS_PER_S },
};

#define LAWS (sizeof(laws) / sizeof(*laws))

bool
backoff_parse(struct backoff *b, const char *text)
{
	char copy[64], *rest = copy, *name, *base, *max;
	size_t i = 0;

	if (strlen(text) >= sizeof(copy))
		return false;
	memcpy(copy, text, strlen(text) + 1);
	name = strsep(&rest, ":");
	base = strsep(&rest, ":");
	max = strsep(&rest, ":");
	while (i < LAWS && strcmp(laws[i].name, name) != 0)
		i++;
	if (i == LAWS || rest)
		return false;
	*b = (struct backoff){ (enum backoff_law)i, laws[i].base_ns, laws[i].max_ns };
	if ((base && !options_duration(base, &b->base_ns)) ||
	    (max && !options_duration(max, &b->max_ns)))
		return false;
	if (!max && b->max_ns < b->base_ns)
		b->max_ns = b->base_ns;
	return b->base_ns <= b->max_ns;
}

const char *
backoff_name(enum backoff_law law)
{
	return laws[law].name;
}

static uint64_t
at_most(double ns, uint64_t max_ns)
{
	return ns < (double)max_ns ? (uint64_t)ns : max_ns;
}

static uint64_t
doubled(const struct backoff *b, uint32_t failures)
{
	return at_most((double)b->base_ns *
			       (double)(UINT64_C(1) << (failures < 40 ? failures : 40)),
		       b->max_ns);
}

uint64_t
backoff_ns(const struct backoff *b, uint32_t failures, struct random *random)
{
	uint64_t whole;

	switch (b->law) {
	case BACKOFF_FIXED:
		return b->base_ns;
	case BACKOFF_LINEAR:
		return at_most((double)b->base_ns * ((double)failures + 1), b->max_ns);
	case BACKOFF_EXPONENTIAL:
		return random_below(random, doubled(b, failures) + 1);
	case BACKOFF_RFC5626:
		break;
	}
	whole = doubled(b, failures);
	return whole - random_below(random, whole / 2 + 1);
}
