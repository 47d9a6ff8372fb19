/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include "tools/wsload/report.h"
#include "tools/wsload/sipp_report.h"

static void
print_time(FILE *out, const char *words, const struct histogram *h)
{
	static const double percents[] = { 50, 90, 99, 99.9, 100 };

	if (!h->total)
		return;
	fprintf(out, "%-26s %9" PRIu64, words, h->total);
	for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++)
		fprintf(out, " %10.1f", (double)histogram_percentile(h, percents[i]) / 1e3);
	fputs("\n", out);
}

static void
print_server(const struct result *r, uint64_t operations, FILE *out)
{
	double cpu_s = r->ended.cpu_s - r->begun.cpu_s;

	fprintf(out, "server: %.2f s of CPU time (%.0f %%)", cpu_s, 100 * cpu_s / r->duration_s);
	if (operations)
		fprintf(out, ", %.2f us an operation", cpu_s * 1e6 / (double)operations);
	fprintf(out, "; %.1f MB resident before, %.1f MB with %u connections\n",
		(double)r->before.rss_bytes / 1e6, (double)r->opened.rss_bytes / 1e6, r->open);
}

static void
print_slos(const struct options *o, const struct result *r, FILE *out)
{
	double got;

	for (uint32_t i = 0; i < o->slos_len; i++) {
		const struct slo *slo = &o->slos[i];
		bool holds = slo_holds(slo, r, &got);

		fprintf(out, "%s %s: ", holds ? "reached" : "MISSED", slo->text);
		if (slo_is_time(slo))
			fprintf(out, "%.3f ms\n", got / 1e6);
		else
			fprintf(out, "%.10g\n", got);
	}
}

static void
print_storm(const struct options *o, const struct result *r, FILE *out)
{
	const struct histogram *back = &r->tally.times[TALLY_TIME_operation];

	fprintf(out,
		"%s back-off of %.3g s: %" PRIu64 " came back, the last after %.3f s; %" PRIu64
		" attempts, %" PRIu64 " failed; at most %.0f a second\n",
		backoff_name(o->backoff.law), (double)o->backoff.base_ns / 1e9, back->total,
		(double)back->max / 1e9, tally_read(&r->tally, TALLY_attempts),
		tally_read(&r->tally, TALLY_retries), series_peak(&r->series));
}

void
report_text(const struct plan *plan, const struct result *r, FILE *out)
{
	uint64_t operations = tally_read(&r->tally, TALLY_operations);

	fprintf(out, "%s: %" PRIu64 " operations in %.2f s, %.0f/s; %u connections in %.2f s%s\n",
		plan->options.scenario->name, operations, r->duration_s,
		(double)operations / r->duration_s, r->open, r->opening_s,
		r->interrupted ? "; interrupted" : "");
	if (plan->options.scenario->storms)
		print_storm(&plan->options, r, out);
	fprintf(out, "%-26s %9s %10s %10s %10s %10s %10s\n", "us", "count", "p50", "p90", "p99",
		"p99.9", "max");
	for (int i = 0; i < TALLY_TIMES_COUNT; i++)
		print_time(out, tally_time_words((enum tally_time)i), &r->tally.times[i]);
	sipp_report_tables(plan, r, out);
	for (int i = 0; i < TALLY_COUNTS; i++)
		if (tally_is_fault((enum tally_count)i) &&
		    tally_read(&r->tally, (enum tally_count)i))
			fprintf(out, "ERROR: %" PRIu64 " %s\n",
				tally_read(&r->tally, (enum tally_count)i),
				tally_words((enum tally_count)i));
	if (r->note[0])
		fprintf(out, "the first fault: %s\n", r->note);
	print_slos(&plan->options, r, out);
	if (r->lagged)
		fputs("NOT VALID: the generator itself was late: see its send lag\n", out);
	fprintf(out, "generator: %.0f %% of a CPU", 100 * r->own_cpu_s / r->duration_s);
	if (operations)
		fprintf(out, ", %.2f us an operation", r->own_cpu_s * 1e6 / (double)operations);
	fputs("\n", out);
	if (r->probed)
		print_server(r, operations, out);
}
