/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_LIVE_H
#define WSLOAD_LIVE_H
/* A line per second on stderr while the run lasts; and the samples behind it. */
#include <stdbool.h>
#include <stdint.h>

struct plan;
struct series;

struct live {
	const struct plan *plan;
	struct series *series;
	uint64_t total_ns; /* how long the run is meant to last, once it has started */
	uint64_t start_ns; /* of the operations; 0: not yet */
};

/* When live_tick() has something to do. */
uint64_t live_next_ns(const struct live *l);
void live_tick(struct live *l, uint64_t now_ns);

/* The rest of a second, at the end. */
void live_end(struct live *l, uint64_t now_ns);

#endif
