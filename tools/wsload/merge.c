/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/merge.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/file.h"
#include "tools/wsload/report.h"

static const char no_result[] = "no result of wsload --json";

static double
number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static uint64_t
whole(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static bool
add_histogram(struct histogram *into, const json_t *from)
{
	static struct histogram h;
	const json_t *buckets = json_object_get(from, "buckets");
	size_t len = json_array_size(buckets);

	histogram_init(&h);
	for (size_t i = 0; i + 1 < len; i += 2) {
		json_int_t bucket = json_integer_value(json_array_get(buckets, i));
		json_int_t n = json_integer_value(json_array_get(buckets, i + 1));

		if (bucket < 0 || bucket >= (json_int_t)HISTOGRAM_BUCKETS || n < 0)
			return false;
		histogram_fill(&h, (uint32_t)bucket, (uint64_t)n);
	}
	if (len % 2)
		return false;
	if (h.total) {
		h.min = whole(from, "min_ns");
		h.max = whole(from, "max_ns");
		h.sum = number(from, "sum_ns");
	}
	histogram_merge(into, &h);
	return true;
}

static const char *
add_tally(struct tally *t, const json_t *counts, const json_t *histograms)
{
	if (!json_is_object(counts) || !json_is_object(histograms) ||
	    whole(histograms, "bits") != HISTOGRAM_BITS)
		return no_result;
	for (int i = 0; i < TALLY_COUNTS; i++)
		tally_count(t, (enum tally_count)i, whole(counts, tally_name((enum tally_count)i)));
	for (int i = 0; i < TALLY_TIMES_COUNT; i++) {
		const json_t *h = json_object_get(histograms, tally_time_name((enum tally_time)i));

		if (h && !add_histogram(&t->times[i], h))
			return no_result;
	}
	return NULL;
}

static double
larger(double a, double b)
{
	return a > b ? a : b;
}

/* NULL: it was no storm. */
static void
take_backoff(struct options *o, const json_t *storm)
{
	const char *law = json_string_value(json_object_get(storm, "law"));

	if (!law || !backoff_parse(&o->backoff, law))
		return;
	o->backoff.base_ns = (uint64_t)(number(storm, "base_s") * 1e9);
	o->backoff.max_ns = (uint64_t)(number(storm, "max_s") * 1e9);
}

static const char *
add_result(struct plan *plan, struct result *r, const json_t *one)
{
	struct options *o = &plan->options;
	const char *name = json_string_value(json_object_get(one, "scenario"));
	const struct scenario *s = name ? scenario_find(name) : NULL;

	if (!s)
		return no_result;
	if (o->scenario && o->scenario != s)
		return "another scenario than in the file before it";
	o->scenario = s;
	o->connections += (uint32_t)whole(one, "connections");
	o->threads += (uint32_t)whole(one, "threads");
	o->depth = (uint32_t)larger(o->depth, number(one, "depth"));
	o->rate += number(one, "rate");
	o->timeout_ns = (uint64_t)(number(json_object_get(one, "rfc7501"),
					  "establishment_threshold_time_s") *
				   1e9);
	take_backoff(o, json_object_get(one, "storm"));
	r->open += (uint32_t)whole(one, "open");
	r->duration_s = larger(r->duration_s, number(one, "duration_s"));
	r->opening_s = larger(r->opening_s, number(one, "opening_s"));
	r->own_cpu_s += number(json_object_get(one, "generator"), "cpu_s");
	r->lagged = r->lagged || json_is_false(json_object_get(one, "valid"));
	r->interrupted = r->interrupted || json_is_true(json_object_get(one, "interrupted"));
	return add_tally(&r->tally, json_object_get(one, "counts"),
			 json_object_get(one, "histograms"));
}

void
merge_begin(struct plan *plan, struct result *result)
{
	*plan = (struct plan){ .options = { .timeout_ns = 0 } };
	memset(result, 0, sizeof(*result));
	tally_init(&result->tally);
}

const char *
merge_add(struct plan *plan, struct result *result, struct span text)
{
	const char *end = span_end(text), *line;
	const char *wrong = no_result;
	json_t *one;

	while (end > text.at && end[-1] == '\n')
		end--;
	for (line = end; line > text.at && line[-1] != '\n';)
		line--;
	one = json_loadb(line, (size_t)(end - line), 0, NULL);
	if (one)
		wrong = add_result(plan, result, one);
	json_decref(one);
	return wrong;
}

/* ---- the command ---- */

static bool
add_file(struct plan *plan, struct result *result, const char *path)
{
	struct span text;
	const char *wrong =
		file_read(path, &text) ? merge_add(plan, result, text) : strerror(errno);

	if (wrong)
		fprintf(stderr, "wsload: %s: %s\n", path, wrong);
	file_free(text);
	return !wrong;
}

static int
usage(void)
{
	fputs("wsload: type wsload merge [--json] [--slo EXPR]... [--hgrm FILE] [--junit FILE] "
	      "FILE...\n"
	      "        with files that wsload --json > FILE wrote\n",
	      stderr);
	return 2;
}

static bool
take_option(struct options *o, int code)
{
	switch (code) {
	case 'j':
		o->json = true;
		return true;
	case 's':
		return o->slos_len < OPTIONS_SLOS_MAX &&
		       slo_parse(&o->slos[o->slos_len++], optarg) == NULL;
	case 'h':
		o->files[OPTIONS_FILE_hgrm] = optarg;
		return true;
	case 'u':
		o->files[OPTIONS_FILE_junit] = optarg;
		return true;
	default:
		return false;
	}
}

static int
merge(struct plan *plan, struct result *result, int argc, char **argv)
{
	static const struct option names[] = { { "json", no_argument, NULL, 'j' },
					       { "slo", required_argument, NULL, 's' },
					       { "hgrm", required_argument, NULL, 'h' },
					       { "junit", required_argument, NULL, 'u' },
					       { NULL, 0, NULL, 0 } };
	int code;

	merge_begin(plan, result);
	optind = 0;
	while ((code = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (!take_option(&plan->options, code))
			return usage();
	if (optind == argc)
		return usage();
	for (; optind < argc; optind++)
		if (!add_file(plan, result, argv[optind]))
			return 2;
	return report_all(plan, result) ? 0 : 1;
}

int
merge_main(int argc, char **argv)
{
	struct plan *plan = malloc(sizeof(*plan));
	struct result *result = malloc(sizeof(*result));
	int code = 1;

	if (plan && result)
		code = merge(plan, result, argc, argv);
	else
		fputs("wsload: out of memory\n", stderr);
	free(plan);
	free(result);
	return code;
}
