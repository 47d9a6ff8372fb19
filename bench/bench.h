/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H
/*
 * Benchmark cases in C over Google Benchmark:
 *
 *     BENCH(unmask, 64, 4096)
 *     {
 *             set up with bench_arg(b);
 *             while (bench_next(b))
 *                     the work;
 *             bench_bytes(b, bytes of one round);
 *     }
 *
 * runs as unmask/64 and unmask/4096; only the loop is timed. Options: bench --help.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench {
	uint64_t left; /* rounds to go; private to bench_next() */
	void *state;   /* benchmark::State */
};

#define BENCH_ARGS_MAX 8

struct bench_case {
	const char *name;
	void (*run)(struct bench *b);
	int64_t args[BENCH_ARGS_MAX]; /* one run for each, up to the first 0; none: one run */
};

/* Called before main(), by BENCH(). Copies the case. */
void bench_register(const struct bench_case *c);

#define BENCH(case_name, ...)                                                                      \
	static void case_name(struct bench *b);                                                    \
	__attribute__((constructor)) static void bench_register_##case_name(void)                  \
	{                                                                                          \
		bench_register(&(struct bench_case){                                               \
			.name = #case_name, .run = case_name, .args = { __VA_ARGS__ } });          \
	}                                                                                          \
	static void case_name(struct bench *b)

/* The argument of this run. */
size_t bench_arg(const struct bench *b);

/* Starts the clock at the first call and stops it at the last. */
bool bench_more(struct bench *b);

static inline bool
bench_next(struct bench *b)
{
	if (b->left == 0)
		return bench_more(b);
	b->left--;
	return true;
}

/* What one round has done; after the loop. */
void bench_bytes(struct bench *b, uint64_t per_round);
void bench_items(struct bench *b, uint64_t per_round);

/* A figure of another kind, beside the time; after the loop. */
void bench_figure(struct bench *b, const char *name, double value);

/* The case cannot run or its work went wrong: reported as an error. Then return. */
void bench_fail(struct bench *b, const char *why);

/* The compiler must assume that memory behind this pointer is read and written here. */
static inline void
bench_use(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

#ifdef __cplusplus
}
#endif

#endif
