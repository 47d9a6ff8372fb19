/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_RATES_H
#define WSLOAD_RATES_H
/*
 * A run in the terms of RFC 7501, as RFC 7502 measures them. Those RFCs seek the highest rate
 * without a failure over several runs: one run with zero failures is one such step.
 */
#include "tools/wsload/run.h"

/* RATE(name, words): a second, where nothing else is in the name. */
#define RATES(RATE)                                                                                \
	RATE(session_attempt_rate, "INVITEs sent")                                                 \
	RATE(session_establishment_rate, "INVITEs answered with 200")                              \
	RATE(registration_attempt_rate, "clients that began to register")                          \
	RATE(registration_rate, "clients registered")                                              \
	RATE(re_registration_rate, "registrations refreshed")                                      \
	RATE(establishment_threshold_time_s, "who takes longer has failed")                        \
	RATE(session_duration_s, "between the answer and BYE")

struct rates {
#define RATE(name, words) double name;
	RATES(RATE)
#undef RATE
};

struct rates rates_of(const struct options *o, const struct result *r);

/* How they are measured; no quotes in it. */
extern const char rates_method[];

#endif
