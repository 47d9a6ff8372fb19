/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/tally.h"

#include <assert.h>

static const struct {
	const char *name, *words;
	bool fault;
} counts[TALLY_COUNTS] = {
#define COUNT(name, words) { #name, words, false },
#define FAULT(name, words) { #name, words, true },
#include "tools/wsload/tally.def"
#undef COUNT
#undef FAULT
};

static const struct {
	const char *name, *words;
} times[TALLY_TIMES_COUNT] = {
#define TIME(name, words) { #name, words },
	TALLY_TIMES(TIME)
#undef TIME
};

void
tally_init(struct tally *t)
{
	for (int i = 0; i < TALLY_COUNTS; i++)
		atomic_init(&t->counts[i], 0);
	for (int i = 0; i < TALLY_TIMES_COUNT; i++)
		histogram_init(&t->times[i]);
}

void
tally_merge(struct tally *t, const struct tally *other)
{
	for (int i = 0; i < TALLY_COUNTS; i++)
		tally_count(t, (enum tally_count)i, tally_read(other, (enum tally_count)i));
	for (int i = 0; i < TALLY_TIMES_COUNT; i++)
		histogram_merge(&t->times[i], &other->times[i]);
}

uint64_t
tally_faults(const struct tally *t)
{
	uint64_t n = 0;

	for (int i = 0; i < TALLY_COUNTS; i++)
		if (counts[i].fault)
			n += tally_read(t, (enum tally_count)i);
	return n;
}

bool
tally_is_fault(enum tally_count count)
{
	assert(count < TALLY_COUNTS);
	return counts[count].fault;
}

uint32_t
tally_fault_kinds(void)
{
	uint32_t n = 0;

	for (int i = 0; i < TALLY_COUNTS; i++)
		n += counts[i].fault;
	return n;
}

const char *
tally_name(enum tally_count count)
{
	assert(count < TALLY_COUNTS);
	return counts[count].name;
}

const char *
tally_words(enum tally_count count)
{
	assert(count < TALLY_COUNTS);
	return counts[count].words;
}

const char *
tally_time_name(enum tally_time time)
{
	assert(time < TALLY_TIMES_COUNT);
	return times[time].name;
}

const char *
tally_time_words(enum tally_time time)
{
	assert(time < TALLY_TIMES_COUNT);
	return times[time].words;
}
