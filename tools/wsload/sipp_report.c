/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_report.h"

#include <inttypes.h>
#include "engine/clock.h"
#include "tools/wsload/sipp_scenario.h"

/* Values below a limit, to within the width of a bucket of the histogram. */
static uint64_t
below(const struct histogram *h, double limit_ms)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		if ((double)histogram_bucket_low(i) < limit_ms * CLOCK_NS_PER_MS)
			n += h->buckets[i];
	return n;
}

static void
print_table(const char *words, const struct sipp_table *table, const struct histogram *h, FILE *out)
{
	uint64_t before = 0, n;

	if (!table->len || !h->total)
		return;
	fprintf(out, "%s, ms:", words);
	for (uint32_t i = 0; i < table->len; i++) {
		n = below(h, table->limits_ms[i]);
		fprintf(out, " <%g: %" PRIu64, table->limits_ms[i], n - before);
		before = n;
	}
	fprintf(out, " >=%g: %" PRIu64 "\n", table->limits_ms[table->len - 1], h->total - before);
}

void
sipp_report_tables(const struct plan *plan, const struct result *r, FILE *out)
{
	const struct sipp_scenario *s = plan->options.sipp.scenario;

	if (!s)
		return;
	print_table("response times", &s->response_times, &r->tally.times[TALLY_TIME_rtd1], out);
	print_table("call lengths", &s->call_lengths, &r->tally.times[TALLY_TIME_operation], out);
}
