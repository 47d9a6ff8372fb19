/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_TALLY_H
#define WSLOAD_TALLY_H
/*
 * What one thread counted and timed. The counters may be read by another thread while the run
 * lasts; the histograms only when it is over.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "engine/stats.h"
#include "tools/wsload/histogram.h"

enum tally_count {
#define COUNT(name, words) TALLY_##name,
#define FAULT(name, words) TALLY_##name,
#include "tools/wsload/tally.def"
#undef COUNT
#undef FAULT
	TALLY_COUNTS
};

/* TIME(name, words): a histogram each. */
#define TALLY_TIMES(TIME)                                                                          \
	TIME(operation, "operation")                                                               \
	TIME(lag, "send lag of the generator")                                                     \
	TIME(connect, "TCP connect")                                                               \
	TIME(tls, "TLS handshake, full")                                                           \
	TIME(tls_resumed, "TLS handshake, resumed")                                                \
	TIME(upgrade, "WebSocket handshake, 101")                                                  \
	TIME(register, "REGISTER, first")                                                          \
	TIME(delivery, "MESSAGE delivery")                                                         \
	TIME(pdd, "INVITE to 180 (PDD)")                                                           \
	TIME(answer, "INVITE to 200")                                                              \
	TIME(bye, "BYE")                                                                           \
	TIME(keepalive, "keep-alive and its answer")                                               \
	/* of operations, where they are of several kinds */                                       \
	TIME(options, "mixed: OPTIONS")                                                            \
	TIME(refresh, "mixed: REGISTER, refresh")                                                  \
	TIME(message, "mixed: MESSAGE")                                                            \
	TIME(call, "mixed: call")                                                                  \
	/* of scenarios of SIPp, by the order of their names in it */                              \
	TIME(rtd1, "response time 1 (rtd)")                                                        \
	TIME(rtd2, "response time 2 (rtd)")                                                        \
	TIME(rtd3, "response time 3 (rtd)")                                                        \
	TIME(rtd4, "response time 4 (rtd)")                                                        \
	TIME(rtd5, "response time 5 (rtd)")

enum tally_time {
#define TIME(name, words) TALLY_TIME_##name,
	TALLY_TIMES(TIME)
#undef TIME
		TALLY_TIMES_COUNT
};

struct tally {
	_Atomic uint64_t counts[TALLY_COUNTS];
	struct histogram times[TALLY_TIMES_COUNT];
};

void tally_init(struct tally *t);

static inline void
tally_count(struct tally *t, enum tally_count count, uint64_t n)
{
	stats_add(&t->counts[count], n);
}

static inline uint64_t
tally_read(const struct tally *t, enum tally_count count)
{
	return atomic_load_explicit(&t->counts[count], memory_order_relaxed);
}

static inline void
tally_time(struct tally *t, enum tally_time time, uint64_t ns)
{
	histogram_add(&t->times[time], ns);
}

void tally_merge(struct tally *t, const struct tally *other);

/* The sum of all faults. */
uint64_t tally_faults(const struct tally *t);

bool tally_is_fault(enum tally_count count);
uint32_t tally_fault_kinds(void);
const char *tally_name(enum tally_count count);
const char *tally_words(enum tally_count count);
const char *tally_time_name(enum tally_time time);
const char *tally_time_words(enum tally_time time);

#endif
