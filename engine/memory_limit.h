/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_MEMORY_LIMIT_H
#define ENGINE_MEMORY_LIMIT_H
/* The memory limit of the control group that the process is in. At the start; any thread. */
#include <stdint.h>

#define MEMORY_LIMIT_CGROUPS "/proc/self/cgroup"
#define MEMORY_LIMIT_ROOT "/sys/fs/cgroup"

/*
 * Bytes: the lowest limit of the group and those above it, cgroup v2 or v1. UINT64_MAX: there is
 * none, or nobody can tell. `cgroups` is a file with lines as in /proc/self/cgroup, `root` where
 * the hierarchies are mounted.
 */
uint64_t memory_limit(const char *cgroups, const char *root);

#endif
