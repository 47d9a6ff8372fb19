/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_LIVE_H
#define WSLOAD_LIVE_H
/* A line per second on stderr while the run lasts. */
#include <stdbool.h>
#include <stdint.h>

struct plan;
struct worker;

struct live {
	const struct plan *plan;
	const struct worker *workers;
	uint64_t begin_ns, last_ns;
	uint64_t sent_before, received_before;
	bool on;
};

void live_init(struct live *l, const struct plan *plan, const struct worker *workers,
	       uint64_t now_ns);

/* When live_tick() has something to say. */
uint64_t live_next_ns(const struct live *l);
void live_tick(struct live *l, uint64_t now_ns);
void live_fini(struct live *l);

#endif
