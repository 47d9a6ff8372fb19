/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SLO_H
#define WSLOAD_SLO_H
/*
 * What a run has to reach: "p99(register)<20ms", "loss==0", "rate>=5000". On the left a value:
 *   pN(TIME), mean(TIME), max(TIME)  a percentile, mean or maximum of one of the times of tally.h;
 *                                    without (TIME) of the operation
 *   rate, errors, loss, or the name of a counter of tally.def
 * then < <= > >= == or !=, then a number, with a unit where it is a time.
 */
#include <stdbool.h>
#include <stdint.h>

#define SLO_TEXT_MAX 96

struct result;

enum slo_value { SLO_PERCENTILE, SLO_MEAN, SLO_COUNT, SLO_RATE, SLO_ERRORS };
enum slo_relation { SLO_LESS, SLO_AT_MOST, SLO_MORE, SLO_AT_LEAST, SLO_EQUAL, SLO_OTHER };

struct slo {
	char text[SLO_TEXT_MAX];
	enum slo_value value;
	enum slo_relation relation;
	double percent;
	int which;    /* enum tally_time or enum tally_count */
	double limit; /* ns, or a number */
};

/*
 * Read one expression. NULL, or what is wrong with it, static text that says what can be there.
 */
const char *slo_parse(struct slo *slo, const char *text);

/* Was it reached? *got is the value on the left, in ns or a number. */
bool slo_holds(const struct slo *slo, const struct result *result, double *got);

/* Is the value a time? */
bool slo_is_time(const struct slo *slo);

#endif
