/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_DISTRIBUTION_H
#define WSLOAD_SIPP_DISTRIBUTION_H
/* Numbers by chance, as <pause distribution="..."> and <sample> describe them. */
#include "engine/random.h"
#include "tools/wsload/sipp_error.h"
#include "tools/wsload/sipp_xml.h"

enum sipp_distribution_kind {
	SIPP_FIXED,
	SIPP_UNIFORM,
	SIPP_NORMAL,
	SIPP_LOGNORMAL,
	SIPP_EXPONENTIAL,
	SIPP_WEIBULL,
	SIPP_PARETO,
	SIPP_GAMMA,
	SIPP_NEGBIN,
};

struct sipp_distribution {
	enum sipp_distribution_kind kind;
	double a, b; /* its parameters, in the order of the table in the source */
};

/* By the attributes of an element that has "distribution". */
bool sipp_distribution_read(struct sipp_distribution *d, struct sipp_element *e,
			    struct sipp_error *error);

double sipp_distribution_take(const struct sipp_distribution *d, struct random *random);

#endif
