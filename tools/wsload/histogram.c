/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/histogram.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

static uint64_t
read_bucket(const struct histogram *h, uint32_t bucket)
{
	return atomic_load_explicit(&h->buckets[bucket], memory_order_relaxed);
}

/* Single writer: on x86 and ARM no more than a plain add. */
static void
add_to_bucket(struct histogram *h, uint32_t bucket, uint64_t n)
{
	atomic_store_explicit(&h->buckets[bucket], read_bucket(h, bucket) + n,
			      memory_order_relaxed);
}

void
histogram_init(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

/*
 * Values below two steps have a bucket each; from there on every doubling has one step of
 * buckets, each twice as wide as before.
 */
uint32_t
histogram_bucket(uint64_t ns)
{
	unsigned shift;

	if (ns >> HISTOGRAM_TOP)
		return HISTOGRAM_BUCKETS - 1;
	if (ns < 2 * HISTOGRAM_STEP)
		return (uint32_t)ns;
	shift = 63u - (unsigned)__builtin_clzll(ns) - HISTOGRAM_BITS;
	return shift * HISTOGRAM_STEP + (uint32_t)(ns >> shift);
}

static unsigned
shift_of(uint32_t bucket)
{
	return bucket < 2 * HISTOGRAM_STEP ? 0 : bucket / HISTOGRAM_STEP - 1;
}

uint64_t
histogram_bucket_low(uint32_t bucket)
{
	unsigned shift = shift_of(bucket);

	return (uint64_t)(bucket - shift * HISTOGRAM_STEP) << shift;
}

uint64_t
histogram_bucket_width(uint32_t bucket)
{
	return UINT64_C(1) << shift_of(bucket);
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	add_to_bucket(h, histogram_bucket(ns), 1);
	h->total++;
	h->sum += (double)ns;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
}

void
histogram_merge(struct histogram *h, const struct histogram *other)
{
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		add_to_bucket(h, i, read_bucket(other, i));
	h->total += other->total;
	h->sum += other->sum;
	if (other->min < h->min)
		h->min = other->min;
	if (other->max > h->max)
		h->max = other->max;
}

uint64_t
histogram_percentile(const struct histogram *h, double percent)
{
	double exact = ceil((double)h->total * percent / 100.0);
	uint64_t rank = exact < 1 ? 1 : (uint64_t)exact, seen = 0, value;

	if (h->total == 0)
		return 0;
	if (rank >= h->total)
		return h->max;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += read_bucket(h, i);
		if (seen < rank)
			continue;
		value = histogram_bucket_low(i) + (histogram_bucket_width(i) - 1) / 2;
		return value < h->min ? h->min : value > h->max ? h->max : value;
	}
	return h->max;
}

void
histogram_since(const struct histogram *h, uint64_t seen[HISTOGRAM_BUCKETS], struct histogram *out)
{
	histogram_init(out);
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t now = read_bucket(h, i), n = now - seen[i];
		uint64_t low = histogram_bucket_low(i), width = histogram_bucket_width(i);

		seen[i] = now;
		if (!n)
			continue;
		add_to_bucket(out, i, n);
		out->total += n;
		out->sum += (double)n * ((double)low + (double)(width - 1) / 2);
		out->max = low + width - 1;
		if (out->min == UINT64_MAX)
			out->min = low;
	}
}

void
histogram_fill(struct histogram *h, uint32_t bucket, uint64_t n)
{
	add_to_bucket(h, bucket, n);
	h->total += n;
}

uint64_t
histogram_count(const struct histogram *h, uint32_t bucket)
{
	return read_bucket(h, bucket);
}

double
histogram_mean(const struct histogram *h)
{
	return h->total ? h->sum / (double)h->total : 0;
}
