/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include "tools/wsload/report.h"

void
report_csv(const struct plan *plan, const struct result *r, FILE *out)
{
	(void)plan;
	fputs("seconds,connected,operations_per_s,sent_per_s,received_per_s,p50_us,p99_us,max_us,"
	      "errors\n",
	      out);
	for (uint32_t i = 0; i < r->series.len; i++) {
		const struct sample *s = &r->series.samples[i];

		fprintf(out, "%.3f,%" PRIu64 ",%.1f,%.1f,%.1f,%.3f,%.3f,%.3f,%" PRIu64 "\n",
			s->at_s, s->connected, s->operations, s->sent, s->received, s->p50_us,
			s->p99_us, s->max_us, s->errors);
	}
}

/* Half of the way to 100 % in each step, five lines a step, as HdrHistogram does it. */
void
report_hgrm(const struct plan *plan, const struct result *r, FILE *out)
{
	const struct histogram *h = &r->tally.times[TALLY_TIME_operation];
	double total = (double)h->total;

	(void)plan;
	fputs("       Value     Percentile TotalCount 1/(1-Percentile)\n\n", out);
	for (double left = 1; h->total && left * total >= 0.5; left /= 2) {
		for (int i = 0; i < 5; i++) {
			double percentile = 1 - left * (1 - i / 10.0);
			double value = (double)histogram_percentile(h, percentile * 100) / 1e3;

			fprintf(out, "%12.3f %14.12f %10.0f %14.2f\n", value, percentile,
				ceil(percentile * total), 1 / (1 - percentile));
		}
	}
	if (h->total)
		fprintf(out, "%12.3f %14.12f %10" PRIu64 "\n", (double)h->max / 1e3, 1.0, h->total);
	fprintf(out, "#[Mean    = %12.3f, Total count    = %12" PRIu64 "]\n",
		histogram_mean(h) / 1e3, h->total);
	fprintf(out, "#[Max     = %12.3f, Buckets = %u, SubBuckets = %u]\n", (double)h->max / 1e3,
		HISTOGRAM_TOP - HISTOGRAM_BITS, 2 * HISTOGRAM_STEP);
}

/* Objectives hold < and > and nothing else that XML would mind. */
static void
put_xml(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else
			fputc(*text, out);
	}
}

static void
put_case(FILE *out, const char *name, const char *failure, double got)
{
	fputs("  <testcase classname=\"wsload\" name=\"", out);
	put_xml(out, name);
	if (failure)
		fprintf(out, "\">\n    <failure message=\"%s: %.10g\"/>\n  </testcase>\n", failure,
			got);
	else
		fputs("\"/>\n", out);
}

void
report_junit(const struct plan *plan, const struct result *r, FILE *out)
{
	const struct options *o = &plan->options;
	uint32_t failures = 0;
	double got;

	for (uint32_t i = 0; i < o->slos_len; i++)
		failures += !slo_holds(&o->slos[i], r, &got);
	for (int i = 0; i < TALLY_COUNTS; i++)
		failures += tally_is_fault((enum tally_count)i) &&
			    tally_read(&r->tally, (enum tally_count)i) > 0;
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuite name=\"wsload %s\" tests=\"%u\" failures=\"%u\" time=\"%.3f\">\n",
		o->scenario->name, o->slos_len + tally_fault_kinds(), failures, r->duration_s);
	for (uint32_t i = 0; i < o->slos_len; i++) {
		bool holds = slo_holds(&o->slos[i], r, &got);

		put_case(out, o->slos[i].text, holds ? NULL : "it is",
			 slo_is_time(&o->slos[i]) ? got / 1e6 : got);
	}
	for (int i = 0; i < TALLY_COUNTS; i++) {
		enum tally_count count = (enum tally_count)i;
		uint64_t n = tally_read(&r->tally, count);

		if (tally_is_fault(count))
			put_case(out, tally_name(count), n ? tally_words(count) : NULL, (double)n);
	}
	fputs("</testsuite>\n", out);
}
