/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_PROBE_H
#define WSLOAD_PROBE_H
/* What /proc says of a server: a process and all its descendants. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct probe {
	double cpu_s;           /* user and system time since it started */
	uint64_t rss_bytes;     /* resident: shared pages count in each process that has them */
	uint64_t private_bytes; /* resident and nobody else's */
	uint64_t pss_bytes;     /* resident: shared pages count once in all */
	uint32_t processes;
};

/*
 * False: there is no such process, or it may not be looked at. Without `memory` only the CPU time,
 * which keeps nobody from running.
 */
bool probe_server(pid_t pid, bool memory, struct probe *out);

#endif
