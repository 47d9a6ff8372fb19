/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SERIES_H
#define WSLOAD_SERIES_H
/* How a run went, second by second: for the live line, the charts and the CSV file. */
#include <stdbool.h>
#include <stdint.h>
#include "tools/wsload/histogram.h"

struct worker;

struct sample {
	double at_s;        /* since the run began */
	double seconds;     /* that it stands for */
	uint64_t connected; /* in all so far, as are the errors */
	uint64_t errors;
	double operations, sent, received; /* a second */
	double p50_us, p99_us, max_us;     /* of the operations that ended */
};

struct series {
	const struct worker *workers;
	uint32_t workers_len;
	uint64_t begin_ns, last_ns;
	uint64_t operations, sent, received; /* as of last_ns */
	uint64_t (*seen)[HISTOGRAM_BUCKETS]; /* per worker */
	struct sample *samples;              /* owned */
	uint32_t len, cap;
	struct histogram sum, part; /* scratch */
};

bool series_init(struct series *s, const struct worker *workers, uint32_t n, uint64_t now_ns);
void series_fini(struct series *s);

/* Take a sample of what happened since the last one. NULL: out of memory. */
const struct sample *series_take(struct series *s, uint64_t now_ns);

/* The most operations in one second. */
double series_peak(const struct series *s);

#endif
