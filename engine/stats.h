/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_STATS_H
#define ENGINE_STATS_H
/*
 * Counters, one struct per thread: only that thread writes (plain add, relaxed
 * store), any thread may read. Sums are made on reading.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stats_fate {
#define COUNT(symbol, meaning)
#define FATE(symbol, meaning) FATE_##symbol,
#define GAUGE(symbol, meaning)
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
	FATE_COUNT
};

struct stats {
#define COUNT(symbol, meaning) _Atomic uint64_t symbol;
#define FATE(symbol, meaning) _Atomic uint64_t symbol;
#define GAUGE(symbol, meaning) _Atomic uint64_t symbol;
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
};

/* Single writer: a relaxed load and store is enough and is one plain add on x86 and ARM. */
static inline void
stats_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline uint64_t
stats_now(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void
stats_sub(_Atomic uint64_t *gauge, uint64_t n)
{
	stats_add(gauge, (uint64_t)0 - n);
}

void stats_fate(struct stats *s, enum stats_fate fate, uint64_t n);

/* As in the table: "delivered", "dropped_malformed", ... */
const char *stats_fate_name(enum stats_fate fate);

/* sum += s; `sum` belongs to the caller. */
void stats_sum(struct stats *sum, const struct stats *s);

/* messages_received minus the sum of all fates: messages on their way; 0 at rest. */
int64_t stats_unaccounted(const struct stats *s);

/* All gauges are 0, and nothing is unaccounted. */
bool stats_is_at_rest(const struct stats *s);

/* Bytes that the text of stats_print() and its NUL need at most. */
#define STATS_ROW_MAX(symbol) (sizeof("\"" #symbol "\":,") + 20)
enum {
	STATS_PRINT_MAX = 3
#define COUNT(symbol, meaning) + STATS_ROW_MAX(symbol)
#define FATE(symbol, meaning) + STATS_ROW_MAX(symbol)
#define GAUGE(symbol, meaning) + STATS_ROW_MAX(symbol)
#include "engine/stats.def"
#undef COUNT
#undef FATE
#undef GAUGE
};

/*
 * One JSON object on one line, all counters in the order of the table, and a NUL. Returns its bytes
 * without the NUL; cut where cap is less than STATS_PRINT_MAX.
 */
size_t stats_print(const struct stats *s, char *out, size_t cap);

#endif
