/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_RUN_H
#define WSLOAD_RUN_H
/* One run: threads, phases, the live line; and what came of it. */
#include <stdbool.h>
#include <stdint.h>
#include "tools/wsload/plan.h"
#include "tools/wsload/probe.h"
#include "tools/wsload/series.h"
#include "tools/wsload/tally.h"

struct result {
	double duration_s; /* measured */
	double opening_s;  /* until all clients were open */
	uint32_t open;     /* clients that were open when it began; of churn all that ever were */
	double own_cpu_s;  /* of the generator threads' process, while measuring */
	bool interrupted;
	bool lagged; /* the generator was late itself: an open-loop run says nothing */
	bool probed;
	struct probe before; /* when nothing was connected yet */
	struct probe opened; /* all clients open, nothing begun */
	struct probe begun;  /* the measuring began; CPU time only */
	struct probe ended;  /* ... ended */
	char note[1024];     /* the first message that was wrong; or empty */
	struct series series;
	struct tally tally;
};

/* 0 or -errno; then *error says more. run_free() either way. */
int run(const struct plan *plan, struct result *result, const char **error);

/* All that has to be so for exit code 0. */
bool run_is_good(const struct plan *plan, const struct result *result);

void run_free(struct result *result);

#endif
