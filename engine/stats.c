/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stats.h"
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

enum row_kind { ROW_COUNT, ROW_FATE, ROW_GAUGE };

struct row {
	const char *name;
	size_t offset;
	enum row_kind kind;
};

static const struct row rows[] = {
#define COUNT(symbol, meaning) { #symbol, offsetof(struct stats, symbol), ROW_COUNT },
#define FATE(symbol, meaning) { #symbol, offsetof(struct stats, symbol), ROW_FATE },
#define GAUGE(symbol, meaning) { #symbol, offsetof(struct stats, symbol), ROW_GAUGE },
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Row of each fate. */
static const size_t fate_offsets[FATE_COUNT] = {
#define COUNT(symbol, meaning)
#define FATE(symbol, meaning) [FATE_##symbol] = offsetof(struct stats, symbol),
#define GAUGE(symbol, meaning)
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
};

static const char *const fate_names[FATE_COUNT] = {
#define COUNT(symbol, meaning)
#define FATE(symbol, meaning) [FATE_##symbol] = #symbol,
#define GAUGE(symbol, meaning)
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
};

_Static_assert(sizeof(struct stats) == ROWS * sizeof(uint64_t), "the struct is the table");

static _Atomic uint64_t *
counter_at(struct stats *s, size_t offset)
{
	return (_Atomic uint64_t *)(void *)((char *)s + offset);
}

static uint64_t
value_at(const struct stats *s, size_t offset)
{
	const char *at = (const char *)s + offset;

	return atomic_load_explicit((const _Atomic uint64_t *)(const void *)at,
				    memory_order_relaxed);
}

void
stats_fate(struct stats *s, enum stats_fate fate, uint64_t n)
{
	assert(fate < FATE_COUNT);
	stats_add(counter_at(s, fate_offsets[fate]), n);
}

const char *
stats_fate_name(enum stats_fate fate)
{
	assert(fate < FATE_COUNT);
	return fate_names[fate];
}

void
stats_sum(struct stats *sum, const struct stats *s)
{
	for (size_t i = 0; i < ROWS; i++)
		stats_add(counter_at(sum, rows[i].offset), value_at(s, rows[i].offset));
}

int64_t
stats_unaccounted(const struct stats *s)
{
	uint64_t left = value_at(s, offsetof(struct stats, messages_received));

	for (size_t i = 0; i < FATE_COUNT; i++)
		left -= value_at(s, fate_offsets[i]);
	return (int64_t)left;
}

bool
stats_is_at_rest(const struct stats *s)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].kind == ROW_GAUGE && value_at(s, rows[i].offset) != 0)
			return false;
	return stats_unaccounted(s) == 0;
}

size_t
stats_print(const struct stats *s, char *out, size_t cap)
{
	size_t len = 0;

	assert(cap > 0);
	for (size_t i = 0; i <= ROWS && len < cap; i++) {
		int n = i < ROWS ? snprintf(out + len, cap - len, "%s\"%s\":%llu", i ? "," : "{",
					    rows[i].name,
					    (unsigned long long)value_at(s, rows[i].offset)) :
				   snprintf(out + len, cap - len, "}");

		assert(n > 0);
		len += (size_t)n;
	}
	return len < cap ? len : cap - 1;
}
