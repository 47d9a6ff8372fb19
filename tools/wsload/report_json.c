/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include "tools/wsload/rates.h"
#include "tools/wsload/report.h"

static void
print_time(FILE *out, const struct histogram *h)
{
	fprintf(out,
		"{\"count\":%" PRIu64 ",\"mean\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,"
		"\"p999\":%.3f,\"max\":%.3f}",
		h->total, histogram_mean(h) / 1e3, (double)histogram_percentile(h, 50) / 1e3,
		(double)histogram_percentile(h, 90) / 1e3,
		(double)histogram_percentile(h, 99) / 1e3,
		(double)histogram_percentile(h, 99.9) / 1e3, (double)h->max / 1e3);
}

static void
print_server(const struct result *r, uint64_t operations, FILE *out)
{
	double cpu_s = r->ended.cpu_s - r->begun.cpu_s;
	double per_connection =
		r->open ? ((double)r->opened.pss_bytes - (double)r->before.pss_bytes) /
				  (double)r->open :
			  0;

	fprintf(out,
		",\"server\":{\"processes\":%u,\"cpu_s\":%.3f,\"cpu_us_per_operation\":%.4f,"
		"\"rss_bytes\":%" PRIu64 ",\"private_bytes\":%" PRIu64 ",\"pss_bytes\":%" PRIu64
		",\"bytes_per_connection\":%.1f}",
		r->ended.processes, cpu_s, operations ? cpu_s * 1e6 / (double)operations : 0,
		r->opened.rss_bytes, r->opened.private_bytes, r->opened.pss_bytes, per_connection);
}

/* All that was recorded, for `wsload merge` and whoever wants other percentiles. */
static void
print_histogram(FILE *out, const struct histogram *h)
{
	const char *comma = "";

	fprintf(out,
		"{\"min_ns\":%" PRIu64 ",\"max_ns\":%" PRIu64 ",\"sum_ns\":%.17g,\"buckets\":[",
		h->min, h->max, h->sum);
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t n = histogram_count(h, i);

		if (!n)
			continue;
		fprintf(out, "%s%u,%" PRIu64, comma, i, n);
		comma = ",";
	}
	fputs("]}", out);
}

static void
print_histograms(const struct tally *t, FILE *out)
{
	fprintf(out, ",\"histograms\":{\"bits\":%d", HISTOGRAM_BITS);
	for (int i = 0; i < TALLY_TIMES_COUNT; i++) {
		if (!t->times[i].total)
			continue;
		fprintf(out, ",\"%s\":", tally_time_name((enum tally_time)i));
		print_histogram(out, &t->times[i]);
	}
	fputs("}", out);
}

static void
print_rates(const struct options *o, const struct result *r, FILE *out)
{
	struct rates rates = rates_of(o, r);

	fputs(",\"rfc7501\":{", out);
#define RATE(name, words) fprintf(out, "\"%s\":%.6g,", #name, rates.name);
	RATES(RATE)
#undef RATE
	fprintf(out, "\"zero_failures\":%s,\"method\":\"%s\"}",
		tally_faults(&r->tally) ? "false" : "true", rates_method);
}

static void
print_storm(const struct options *o, const struct result *r, FILE *out)
{
	fprintf(out,
		",\"storm\":{\"law\":\"%s\",\"base_s\":%.6g,\"max_s\":%.6g,"
		"\"all_back_s\":%.6f,\"peak_per_s\":%.1f}",
		backoff_name(o->backoff.law), (double)o->backoff.base_ns / 1e9,
		(double)o->backoff.max_ns / 1e9,
		(double)r->tally.times[TALLY_TIME_operation].max / 1e9, series_peak(&r->series));
}

/* The texts hold nothing that JSON would have to escape: slo.c has read every character. */
static void
print_slos(const struct options *o, const struct result *r, FILE *out)
{
	double got;

	fputs(",\"slos\":[", out);
	for (uint32_t i = 0; i < o->slos_len; i++) {
		const struct slo *slo = &o->slos[i];
		bool holds = slo_holds(slo, r, &got);

		fprintf(out, "%s{\"slo\":\"%s\",\"value\":%.3f,\"reached\":%s}", i ? "," : "",
			slo->text, slo_is_time(slo) ? got / 1e3 : got, holds ? "true" : "false");
	}
	fputs("]", out);
}

void
report_json(const struct plan *plan, const struct result *r, FILE *out)
{
	const struct options *o = &plan->options;
	uint64_t operations = tally_read(&r->tally, TALLY_operations);

	fprintf(out,
		"{\"scenario\":\"%s\",\"connections\":%u,\"open\":%u,\"depth\":%u,\"rate\":%.3f,"
		"\"threads\":%u,"
		"\"operations\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"duration_s\":%.6f,"
		"\"operations_per_s\":%.2f,\"opening_s\":%.6f,\"valid\":%s,\"interrupted\":%s,"
		"\"latency_us\":",
		o->scenario->name, o->connections, r->open, o->depth, o->rate, o->threads,
		operations, tally_faults(&r->tally), r->duration_s,
		(double)operations / r->duration_s, r->opening_s, r->lagged ? "false" : "true",
		r->interrupted ? "true" : "false");
	print_time(out, &r->tally.times[TALLY_TIME_operation]);
	fputs(",\"times_us\":{", out);
	for (int i = TALLY_TIME_operation + 1; i < TALLY_TIMES_COUNT; i++) {
		fprintf(out, "%s\"%s\":", i > TALLY_TIME_operation + 1 ? "," : "",
			tally_time_name((enum tally_time)i));
		print_time(out, &r->tally.times[i]);
	}
	fputs("},\"counts\":{", out);
	for (int i = 0; i < TALLY_COUNTS; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", tally_name((enum tally_count)i),
			tally_read(&r->tally, (enum tally_count)i));
	fprintf(out, "},\"generator\":{\"cpu_s\":%.3f,\"cpu_us_per_operation\":%.4f}", r->own_cpu_s,
		operations ? r->own_cpu_s * 1e6 / (double)operations : 0);
	if (o->scenario->storms)
		print_storm(o, r, out);
	if (r->probed)
		print_server(r, operations, out);
	print_rates(o, r, out);
	print_slos(o, r, out);
	print_histograms(&r->tally, out);
	fputs("}\n", out);
}
