/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_HISTOGRAM_H
#define WSLOAD_HISTOGRAM_H
/*
 * How often which duration was seen: log-linear buckets, as HdrHistogram has them. A bucket is
 * at most 1/128 of its values wide and answers with its middle, so that a value read back is
 * within 0.4 % of the one that was recorded, from 1 ns to 137 s. What is longer counts as that.
 *
 * One thread writes; another may read the buckets meanwhile, with histogram_since(), and nothing
 * else. No heap: 34 KB by value.
 */
#include <stdint.h>

#define HISTOGRAM_BITS 7 /* of a value that are kept below its leading one */
#define HISTOGRAM_TOP 37 /* values are below 2^37 ns */
#define HISTOGRAM_STEP (1u << HISTOGRAM_BITS)
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEP * (HISTOGRAM_TOP - HISTOGRAM_BITS + 1))

struct histogram {
	uint64_t total;
	uint64_t min, max; /* exact; of an empty one UINT64_MAX and 0 */
	double sum;
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *h, const struct histogram *other);

/* n more values of this bucket: for a histogram that is read from somewhere. `min`, `max` and `sum`
 * are then the caller's to set. */
void histogram_fill(struct histogram *h, uint32_t bucket, uint64_t n);

/* How many values a bucket holds. */
uint64_t histogram_count(const struct histogram *h, uint32_t bucket);

/*
 * The value that `percent` of all values do not exceed: the rank is rounded up, 100 is the
 * maximum. 0 of an empty histogram.
 */
uint64_t histogram_percentile(const struct histogram *h, double percent);
double histogram_mean(const struct histogram *h);

/*
 * What came since the last call: the difference of the buckets goes to `out`, whose `min` and
 * `max` are those of its buckets, and `seen`, all zero before the first call, catches up.
 */
void histogram_since(const struct histogram *h, uint64_t seen[HISTOGRAM_BUCKETS],
		     struct histogram *out);

/* The bucket of a value; the least value of a bucket, and how many values fall in it. */
uint32_t histogram_bucket(uint64_t ns);
uint64_t histogram_bucket_low(uint32_t bucket);
uint64_t histogram_bucket_width(uint32_t bucket);

#endif
