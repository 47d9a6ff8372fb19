/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/slo.h"

#include <stdlib.h>
#include <string.h>
#include "codec/span.h"
#include "tools/wsload/options_value.h"
#include "tools/wsload/run.h"
#include "tools/wsload/tally.h"

static const struct {
	const char *text;
	enum slo_relation relation;
} relations[] = {
	/* the longer ones first */
	{ "<=", SLO_AT_MOST }, { ">=", SLO_AT_LEAST }, { "==", SLO_EQUAL },
	{ "!=", SLO_OTHER },   { "<", SLO_LESS },      { ">", SLO_MORE },
};

static bool
is(struct span s, const char *text)
{
	return span_equal(s, span_of(text, strlen(text)));
}

/* Cuts "p99(register)" in two; without parentheses the time is that of the operation. */
static bool
read_time(struct span *left, int *time)
{
	const char *open = memchr(left->at, '(', left->len);
	struct span name;

	*time = TALLY_TIME_operation;
	if (!open)
		return true;
	if (span_end(*left)[-1] != ')')
		return false;
	name = span_of(open + 1, (size_t)(span_end(*left) - open - 2));
	left->len = (size_t)(open - left->at);
	for (*time = 0; *time < TALLY_TIMES_COUNT; ++*time)
		if (is(name, tally_time_name((enum tally_time) * time)))
			return true;
	return false;
}

/* "p99.9" and "p999" are the same, as everybody writes one or the other. */
static bool
read_percent(struct span left, double *percent)
{
	char text[16], *end;

	if (left.len < 2 || left.len >= sizeof(text) || left.at[0] != 'p')
		return false;
	memcpy(text, left.at + 1, left.len - 1);
	text[left.len - 1] = '\0';
	*percent = strtod(text, &end);
	while (*percent > 100)
		*percent /= 10;
	return !*end && *percent >= 0;
}

static const char *
read_left(struct slo *slo, struct span left)
{
	static const char wrong[] = "begin with p99(TIME), mean(TIME), max(TIME), rate, errors, "
				    "loss or the name of a counter of --json";

	if (is(left, "rate")) {
		slo->value = SLO_RATE;
		return NULL;
	}
	if (is(left, "errors")) {
		slo->value = SLO_ERRORS;
		return NULL;
	}
	slo->value = SLO_COUNT;
	if (is(left, "loss"))
		left = SPAN("lost");
	for (slo->which = 0; slo->which < TALLY_COUNTS; slo->which++)
		if (is(left, tally_name((enum tally_count)slo->which)))
			return NULL;
	slo->value = SLO_PERCENTILE;
	if (left.len == 0 || !read_time(&left, &slo->which))
		return wrong;
	if (is(left, "mean"))
		slo->value = SLO_MEAN;
	else if (is(left, "max"))
		slo->percent = 100;
	else if (!read_percent(left, &slo->percent))
		return wrong;
	return NULL;
}

static const char *
read_right(struct slo *slo, const char *text)
{
	char *end;
	uint64_t ns;

	if (slo_is_time(slo)) {
		if (!*text || strchr("0123456789.", text[strlen(text) - 1]) ||
		    !options_duration(text, &ns))
			return "end with a time and its unit, as in 20ms";
		slo->limit = (double)ns;
		return NULL;
	}
	slo->limit = strtod(text, &end);
	return end == text || *end ? "end with a number" : NULL;
}

const char *
slo_parse(struct slo *slo, const char *text)
{
	const char *at = strpbrk(text, "<>=!"), *wrong;

	*slo = (struct slo){ 0 };
	if (strlen(text) >= sizeof(slo->text))
		return "be shorter than 96 characters";
	memcpy(slo->text, text, strlen(text) + 1);
	for (size_t i = 0; at && i < sizeof(relations) / sizeof(*relations); i++) {
		size_t len = strlen(relations[i].text);

		if (strncmp(at, relations[i].text, len) != 0)
			continue;
		slo->relation = relations[i].relation;
		wrong = read_left(slo, span_of(text, (size_t)(at - text)));
		return wrong ? wrong : read_right(slo, at + len);
	}
	return "compare with < <= > >= == or !=";
}

bool
slo_is_time(const struct slo *slo)
{
	return slo->value == SLO_PERCENTILE || slo->value == SLO_MEAN;
}

static double
value_of(const struct slo *slo, const struct result *r)
{
	switch (slo->value) {
	case SLO_PERCENTILE:
		return (double)histogram_percentile(&r->tally.times[slo->which], slo->percent);
	case SLO_MEAN:
		return histogram_mean(&r->tally.times[slo->which]);
	case SLO_COUNT:
		return (double)tally_read(&r->tally, (enum tally_count)slo->which);
	case SLO_RATE:
		return (double)tally_read(&r->tally, TALLY_operations) / r->duration_s;
	case SLO_ERRORS:
		break;
	}
	return (double)tally_faults(&r->tally);
}

/* A time that was never taken reaches nothing. */
bool
slo_holds(const struct slo *slo, const struct result *r, double *got)
{
	*got = value_of(slo, r);
	if (slo_is_time(slo) && !r->tally.times[slo->which].total)
		return false;
	switch (slo->relation) {
	case SLO_LESS:
		return *got < slo->limit;
	case SLO_AT_MOST:
		return *got <= slo->limit;
	case SLO_MORE:
		return *got > slo->limit;
	case SLO_AT_LEAST:
		return *got >= slo->limit;
	case SLO_EQUAL:
		return *got >= slo->limit && *got <= slo->limit;
	case SLO_OTHER:
		break;
	}
	return *got < slo->limit || *got > slo->limit;
}
