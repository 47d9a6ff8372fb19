/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_CPU_H
#define CODEC_CPU_H
/*
 * The one way this layer chooses vector code at run time: a function compiled for an instruction
 * set (CPU_TARGET_*) is called behind the question whether the machine has it (cpu_has_*). The
 * compiler's run-time fills in the answers before main(); asking is a load and a test. No ifuncs:
 * their resolvers run before a sanitizer is ready.
 */
#include <stdbool.h>

#if defined(__x86_64__)
#define CPU_X86 1
#define CPU_TARGET_AVX2 __attribute__((target("avx2")))
#define CPU_TARGET_AVX512 __attribute__((target("avx512f,avx512bw")))

static inline bool
cpu_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}

static inline bool
cpu_has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}
#else
#define CPU_X86 0
#endif

#endif
