/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h on Google Benchmark; the only C++ file. */
#include <benchmark/benchmark.h>
#include "bench/bench.h"

static benchmark::State &
state_of(const struct bench *b)
{
	return *static_cast<benchmark::State *>(b->state);
}

void
bench_register(const struct bench_case *c)
{
	auto run = c->run;
	auto *registered = benchmark::RegisterBenchmark(c->name, [run](benchmark::State &state) {
		struct bench b = { 0, &state };

		run(&b);
	});

	for (int i = 0; i < BENCH_ARGS_MAX && c->args[i]; i++)
		registered->Arg(c->args[i]);
}

size_t
bench_arg(const struct bench *b)
{
	return static_cast<size_t>(state_of(b).range(0));
}

/* One batch holds all rounds of the run, so that bench_next() costs a decrement. */
bool
bench_more(struct bench *b)
{
	benchmark::State &state = state_of(b);

	if (!state.KeepRunningBatch(state.max_iterations))
		return false;
	b->left = static_cast<uint64_t>(state.max_iterations) - 1;
	return true;
}

static void
per_second(const struct bench *b, const char *name, uint64_t per_round, benchmark::Counter::OneK k)
{
	benchmark::State &state = state_of(b);

	state.counters[name] = benchmark::Counter(static_cast<double>(per_round) *
							  static_cast<double>(state.iterations()),
						  benchmark::Counter::kIsRate, k);
}

void
bench_bytes(struct bench *b, uint64_t per_round)
{
	per_second(b, "bytes_per_second", per_round, benchmark::Counter::kIs1024);
}

void
bench_items(struct bench *b, uint64_t per_round)
{
	per_second(b, "items_per_second", per_round, benchmark::Counter::kIs1000);
}

void
bench_figure(struct bench *b, const char *name, double value)
{
	state_of(b).counters[name] = value;
}

void
bench_fail(struct bench *b, const char *why)
{
	state_of(b).SkipWithError(why);
}

BENCHMARK_MAIN();
