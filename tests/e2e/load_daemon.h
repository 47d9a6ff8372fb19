/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_E2E_LOAD_DAEMON_H
#define TESTS_E2E_LOAD_DAEMON_H
/*
 * The daemon under test as a process: start, ask for its counters, measure, end. It dies with the
 * test. Every wait has a deadline; what goes wrong is told on stderr and ends the test with 1.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct load_daemon {
	pid_t pid;
	int out; /* its stdout */
	uint64_t deadline_ns;
	struct sockaddr_in address;
	size_t len;         /* bytes of output kept */
	char output[65536]; /* output not looked at yet, and a NUL */
};

uint64_t load_now_ns(void);

/* Tell why and exit with 1. */
void load_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* `path`: the program, or the directory that holds `sipring`. Waits for its ready line. */
void load_daemon_start(struct load_daemon *d, const char *path, uint64_t deadline_ns);

/* The newest counters: the JSON object, valid until the next call. */
const char *load_daemon_counters(struct load_daemon *d);

/* One number of the object; fails when there is none of that name. */
uint64_t load_counter(const char *json, const char *name);

/* Sum of all numbers whose name begins with `prefix`. */
uint64_t load_counter_sum(const char *json, const char *prefix);

/* CPU time used so far, and memory in use. */
uint64_t load_daemon_cpu_ns(const struct load_daemon *d);
uint64_t load_daemon_rss_bytes(const struct load_daemon *d);

/* SIGTERM; the exit code, or 128 + the signal that killed it. */
int load_daemon_end(struct load_daemon *d);

#endif
