/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_PACING_H
#define WSLOAD_PACING_H
/* When operations start: on the time line of an open loop, or as others end. */
#include <stdint.h>

struct worker;

/* Start what may be started now. */
void pacing_start(struct worker *w);

/* How long until something may start; UINT64_MAX: when something else happens. */
uint64_t pacing_wait_ns(const struct worker *w);

#endif
