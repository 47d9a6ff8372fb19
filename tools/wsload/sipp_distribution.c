/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_MAX 1e6 /* of a negative binomial: what is beyond it is cut */

static const struct {
	const char *name, *a, *b;
} rows[] = {
	[SIPP_FIXED] = { "fixed", "value", NULL },
	[SIPP_UNIFORM] = { "uniform", "min", "max" },
	[SIPP_NORMAL] = { "normal", "mean", "stdev" },
	[SIPP_LOGNORMAL] = { "lognormal", "mean", "stdev" },
	[SIPP_EXPONENTIAL] = { "exponential", "mean", NULL },
	[SIPP_WEIBULL] = { "weibull", "lambda", "k" },
	[SIPP_PARETO] = { "pareto", "k", "x_m" },
	[SIPP_GAMMA] = { "gamma", "k", "theta" },
	[SIPP_NEGBIN] = { "negbin", "p", "n" },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

static bool
read_number(struct sipp_element *e, const char *name, double *out, struct sipp_error *error)
{
	const char *text = sipp_xml_get(e, name);
	char *end;

	if (!text)
		return sipp_error(error, e->line, "<%s>: this distribution needs %s", e->name,
				  name);
	*out = strtod(text, &end);
	if (end == text || *end || !isfinite(*out))
		return sipp_error(error, e->line, "<%s>: %s=\"%.64s\" is not a number", e->name,
				  name, text);
	return true;
}

/* Parameters that there is no such distribution for. */
static bool
check(const struct sipp_distribution *d, struct sipp_element *e, struct sipp_error *error)
{
	bool ok = true;

	if (d->kind == SIPP_UNIFORM)
		ok = d->a <= d->b;
	else if (d->kind == SIPP_NORMAL || d->kind == SIPP_LOGNORMAL)
		ok = d->b >= 0;
	else if (d->kind == SIPP_NEGBIN)
		ok = d->a > 0 && d->a <= 1 && d->b > 0;
	else if (d->kind >= SIPP_EXPONENTIAL)
		ok = d->a > 0 && (!rows[d->kind].b || d->b > 0);
	return ok || sipp_error(error, e->line, "<%s>: there is no such %s distribution", e->name,
				rows[d->kind].name);
}

bool
sipp_distribution_read(struct sipp_distribution *d, struct sipp_element *e,
		       struct sipp_error *error)
{
	const char *name = sipp_xml_get(e, "distribution");
	size_t i = 0;

	*d = (struct sipp_distribution){ SIPP_FIXED, 0, 0 };
	sipp_xml_get(e, "sanity_check"); /* what is too long here is only too long */
	while (i < ROWS && (!name || strcmp(rows[i].name, name) != 0))
		i++;
	if (i == ROWS)
		return sipp_error(error, e->line, "<%s>: unknown distribution \"%.64s\"", e->name,
				  name ? name : "");
	d->kind = (enum sipp_distribution_kind)i;
	return read_number(e, rows[i].a, &d->a, error) &&
	       (!rows[i].b || read_number(e, rows[i].b, &d->b, error)) && check(d, e, error);
}

/* Above 0 and below 1. */
static double
uniform(struct random *random)
{
	return ((double)random_below(random, UINT64_C(1) << 53) + 0.5) / 0x1p53;
}

/* Box and Muller. */
static double
normal(struct random *random)
{
	double u = uniform(random);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * uniform(random));
}

/* Marsaglia and Tsang, 2000; a shape below 1 by one above it. */
static double
gamma_of(double shape, struct random *random)
{
	double boost = shape < 1 ? pow(uniform(random), 1 / shape) : 1;
	double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d), x, v;

	for (;;) {
		x = normal(random);
		v = 1 + c * x;
		if (v <= 0)
			continue;
		v = v * v * v;
		if (log(uniform(random)) < 0.5 * x * x + d - d * v + d * log(v))
			return boost * d * v;
	}
}

/* Knuth's for small means; a normal one is near enough for large ones. */
static double
poisson(double mean, struct random *random)
{
	double left = exp(-mean), product = 1, n = -1;

	if (mean > 500)
		return fmax(0, floor(mean + sqrt(mean) * normal(random) + 0.5));
	do {
		product *= uniform(random);
		n++;
	} while (product > left && n < FAILURES_MAX);
	return n;
}

double
sipp_distribution_take(const struct sipp_distribution *d, struct random *random)
{
	switch (d->kind) {
	case SIPP_FIXED:
		return d->a;
	case SIPP_UNIFORM:
		return d->a + (d->b - d->a) * uniform(random);
	case SIPP_NORMAL:
		return d->a + d->b * normal(random);
	case SIPP_LOGNORMAL:
		return exp(d->a + d->b * normal(random));
	case SIPP_EXPONENTIAL:
		return -d->a * log(uniform(random));
	case SIPP_WEIBULL:
		return d->a * pow(-log(uniform(random)), 1 / d->b);
	case SIPP_PARETO:
		return d->b / pow(uniform(random), 1 / d->a);
	case SIPP_GAMMA:
		return d->b * gamma_of(d->a, random);
	case SIPP_NEGBIN: /* a Poisson distribution whose mean is a gamma one */
		if (d->a >= 1)
			return 0;
		return poisson(gamma_of(d->b, random) * (1 - d->a) / d->a, random);
	}
	return 0;
}
