/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include "tools/wsload/chart.h"
#include "tools/wsload/report.h"

#define CURVE_POINTS 200u
#define SERIES_LINES 2u

static const char style[] =
	":root{color-scheme:light dark;--ink:#1c1f24;--paper:#fff;--faint:#8a919c;--rule:#e3e6ea;"
	"--l0:#2563c9;--l1:#c2571a;--bad:#b3261e}"
	"@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--paper:#14171b;--faint:#8d95a1;"
	"--rule:#2b3038;--l0:#6ea8ff;--l1:#ffa26b;--bad:#ff8a80}}"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
	"max-width:800px;margin:2rem auto;padding:0 1rem}"
	"h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
	"table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
	"th,td{text-align:right;padding:.25rem .6rem;border-bottom:1px solid var(--rule)}"
	"th:first-child,td:first-child{text-align:left}th{color:var(--faint);font-weight:500}"
	"figure{margin:1.5rem 0}figcaption{font-weight:600}small,.legend{color:var(--faint);"
	"font-weight:400;margin:0}svg{width:100%;height:auto}svg text{fill:var(--faint);"
	"font-size:11px}.grid{stroke:var(--rule)}.line{fill:none;stroke-width:2}"
	".line.l0{stroke:var(--l0)}.line.l1{stroke:var(--l1)}.dot.l0{fill:var(--l0)}"
	".dot.l1{fill:var(--l1)}.legend .l0{color:var(--l0)}.legend .l1{color:var(--l1)}"
	".bad{color:var(--bad);font-weight:600}";

static void
put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else
			fputc(*text, out);
	}
}

/* x: how many nines, so that 99 %, 99.9 %, 99.99 % are equally far apart. */
static void
draw_percentiles(const struct result *r, FILE *out)
{
	static const struct chart_tick ticks[] = { { 0, "0 %" },      { 0.30103, "50 %" },
						   { 1, "90 %" },     { 2, "99 %" },
						   { 3, "99.9 %" },   { 4, "99.99 %" },
						   { 5, "99.999 %" }, { 6, "99.9999 %" } };
	const struct histogram *h = &r->tally.times[TALLY_TIME_operation];
	double nines = h->total > 1 ? log10((double)h->total) : 1;
	struct chart_point points[CURVE_POINTS];
	struct chart_line line = { "operation", points, h->total ? CURVE_POINTS : 0 };
	struct chart chart = { .id = "percentiles",
			       .title = "Latency by percentile",
			       .unit = "us",
			       .logarithmic = true,
			       .floor = 0.1,
			       .lines = &line,
			       .lines_len = 1,
			       .ticks = ticks,
			       .ticks_len = sizeof(ticks) / sizeof(*ticks) };

	for (uint32_t i = 0; i < line.len; i++) {
		double x = nines * i / (CURVE_POINTS - 1);
		double percent = 100 * (1 - pow(10, -x));

		points[i] =
			(struct chart_point){ x, (double)histogram_percentile(h, percent) / 1e3 };
	}
	chart_draw(&chart, out);
}

struct samples {
	const struct sample *at;
	uint32_t len;
};

typedef double (*sample_value)(const struct sample *s);

static double
operations_of(const struct sample *s)
{
	return s->operations;
}

static double
p50_of(const struct sample *s)
{
	return s->p50_us;
}

static double
p99_of(const struct sample *s)
{
	return s->p99_us;
}

static double
errors_of(const struct sample *s)
{
	return (double)s->errors;
}

/* The whole seconds in which operations were counted; if there are none, all there is. */
static struct samples
shown(const struct result *r)
{
	const struct sample *at = r->series.samples;
	uint32_t len = r->series.len;

	while (len > 1 && at->max_us <= 0) {
		at++;
		len--;
	}
	while (len > 1 && at[len - 1].seconds < 0.5)
		len--;
	return (struct samples){ at, len };
}

/* One or two values of the samples over time; `chart` has the texts. */
static void
draw_series(const struct result *r, struct chart chart, const sample_value *values,
	    const char *const *names, FILE *out)
{
	struct samples s = shown(r);
	struct chart_point *points = calloc((size_t)s.len * chart.lines_len + 1, sizeof(*points));
	struct chart_line lines[SERIES_LINES];

	if (!points)
		return;
	for (uint32_t i = 0; i < chart.lines_len; i++) {
		struct chart_point *of = points + (size_t)i * s.len;

		lines[i] = (struct chart_line){ names[i], of, s.len };
		for (uint32_t k = 0; k < s.len; k++)
			of[k] = (struct chart_point){ s.at[k].at_s, values[i](&s.at[k]) };
	}
	chart.lines = lines;
	chart_draw(&chart, out);
	free(points);
}

static void
draw_charts(const struct result *r, FILE *out)
{
	draw_percentiles(r, out);
	draw_series(r,
		    (struct chart){ .id = "throughput",
				    .title = "Throughput over time",
				    .unit = "operations a second",
				    .lines_len = 1 },
		    (const sample_value[]){ operations_of }, (const char *const[]){ "operations" },
		    out);
	draw_series(r,
		    (struct chart){ .id = "latency",
				    .title = "Latency over time",
				    .unit = "us",
				    .logarithmic = true,
				    .floor = 0.1,
				    .lines_len = 2 },
		    (const sample_value[]){ p50_of, p99_of }, (const char *const[]){ "p50", "p99" },
		    out);
	draw_series(r,
		    (struct chart){ .id = "errors",
				    .title = "Errors so far",
				    .unit = "errors",
				    .lines_len = 1 },
		    (const sample_value[]){ errors_of }, (const char *const[]){ "errors" }, out);
}

static void
put_times(const struct result *r, FILE *out)
{
	static const double percents[] = { 50, 90, 99, 99.9, 100 };

	fputs("<h2>Times, us</h2><table id=\"times\"><tr><th>phase<th>count<th>p50<th>p90<th>p99"
	      "<th>p99.9<th>max</tr>\n",
	      out);
	for (int i = 0; i < TALLY_TIMES_COUNT; i++) {
		const struct histogram *h = &r->tally.times[i];

		if (!h->total)
			continue;
		fprintf(out, "<tr><td>%s<td>%" PRIu64, tally_time_words((enum tally_time)i),
			h->total);
		for (size_t k = 0; k < sizeof(percents) / sizeof(*percents); k++)
			fprintf(out, "<td>%.1f",
				(double)histogram_percentile(h, percents[k]) / 1e3);
		fputs("</tr>\n", out);
	}
	fputs("</table>\n", out);
}

static void
put_counts(const struct result *r, FILE *out)
{
	fputs("<h2>Counts</h2><table id=\"counts\">\n", out);
	for (int i = 0; i < TALLY_COUNTS; i++) {
		enum tally_count count = (enum tally_count)i;
		uint64_t n = tally_read(&r->tally, count);

		if (n)
			fprintf(out, "<tr%s><td>%s<td>%" PRIu64 "</tr>\n",
				tally_is_fault(count) ? " class=\"bad\"" : "", tally_words(count),
				n);
	}
	fputs("</table>\n", out);
}

static void
put_slos(const struct options *o, const struct result *r, FILE *out)
{
	double got;

	if (!o->slos_len)
		return;
	fputs("<h2>Objectives</h2><table id=\"slos\">\n", out);
	for (uint32_t i = 0; i < o->slos_len; i++) {
		bool holds = slo_holds(&o->slos[i], r, &got);

		fprintf(out, "<tr%s><td>", holds ? "" : " class=\"bad\"");
		put_escaped(out, o->slos[i].text);
		if (slo_is_time(&o->slos[i]))
			fprintf(out, "<td>%.3f ms", got / 1e6);
		else
			fprintf(out, "<td>%.10g", got);
		fprintf(out, "<td>%s</tr>\n", holds ? "reached" : "missed");
	}
	fputs("</table>\n", out);
}

void
report_html(const struct plan *plan, const struct result *r, FILE *out)
{
	const struct options *o = &plan->options;
	uint64_t operations = tally_read(&r->tally, TALLY_operations);
	struct utsname machine = { 0 };

	uname(&machine);
	fprintf(out,
		"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width\">"
		"<link rel=\"icon\" href=\"data:,\">"
		"<title>wsload %s</title><style>%s</style></head><body>\n<h1>wsload %s: ",
		o->scenario->name, style, o->scenario->name);
	put_escaped(out, o->host);
	fprintf(out,
		":%u</h1>\n<p>%" PRIu64
		" operations in %.2f s: <b>%.0f a second</b>. %u connections, "
		"opened in %.2f s; %s",
		o->port, operations, r->duration_s, (double)operations / r->duration_s, r->open,
		r->opening_s, o->rate > 0 ? "open loop" : "closed loop");
	fprintf(out, o->rate > 0 ? ", %.10g operations a second" : ", depth %.0f",
		o->rate > 0 ? o->rate : (double)o->depth);
	fprintf(out, ". %s %s, %s.</p>\n", machine.sysname, machine.release, machine.machine);
	if (r->lagged)
		fputs("<p class=\"bad\">Not valid: the generator itself was late.</p>\n", out);
	put_slos(o, r, out);
	put_times(r, out);
	draw_charts(r, out);
	put_counts(r, out);
	fputs("</body></html>\n", out);
}
