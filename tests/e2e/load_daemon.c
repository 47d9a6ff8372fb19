/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/load_daemon.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 32
#define NS_PER_S UINT64_C(1000000000)

uint64_t
load_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

void
load_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("relay_load: FAILED: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* SIPRING_TEST_SET=NAME=VALUE,... as arguments after the first `len`, and the end. */
static void
add_settings(char *arguments[ARGUMENTS_MAX], size_t len)
{
	const char *settings = getenv("SIPRING_TEST_SET");
	static char set[] = "--set";
	char *rest = settings ? strdup(settings) : NULL, *at;

	while (rest && len + 3 <= ARGUMENTS_MAX && (at = strsep(&rest, ","))) {
		arguments[len++] = set;
		arguments[len++] = at;
	}
	arguments[len] = NULL;
}

static void
run_program(const char *path, int out)
{
	char program[4096], listen[] = "--listen", where[] = "ws:127.0.0.1:0";
	char *arguments[ARGUMENTS_MAX] = { program, listen, where };
	struct stat st;

	snprintf(program, sizeof(program), "%s%s", path,
		 stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? "/sipring" : "");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	add_settings(arguments, 3);
	execv(program, arguments);
	fprintf(stderr, "relay_load: cannot run %s: %s\n", program, strerror(errno));
	_exit(127);
}

/* More output into d->output; false: there is none any more. */
static bool
read_more(struct load_daemon *d)
{
	uint64_t now = load_now_ns();
	struct pollfd p = { .fd = d->out, .events = POLLIN };
	ssize_t n;

	if (now >= d->deadline_ns || poll(&p, 1, (int)((d->deadline_ns - now) / 1000000) + 1) <= 0)
		load_fail("the daemon said nothing in time; its output: %s", d->output);
	if (d->len == sizeof(d->output) - 1)
		load_fail("the daemon says too much: %.200s", d->output);
	n = read(d->out, d->output + d->len, sizeof(d->output) - 1 - d->len);
	if (n <= 0)
		return false;
	d->len += (size_t)n;
	d->output[d->len] = '\0';
	return true;
}

/* Wait for a whole line that begins so; everything before it is forgotten. Its rest. */
static const char *
wait_for_line(struct load_daemon *d, const char *begin)
{
	for (;;) {
		char *at = strstr(d->output, begin);

		if (at && strchr(at, '\n')) {
			d->len -= (size_t)(at - d->output);
			memmove(d->output, at, d->len + 1);
			return d->output + strlen(begin);
		}
		if (!read_more(d))
			load_fail("the daemon ended; its output: %s", d->output);
	}
}

static void
forget_line(struct load_daemon *d)
{
	char *end = strchr(d->output, '\n') + 1;

	d->len -= (size_t)(end - d->output);
	memmove(d->output, end, d->len + 1);
}

void
load_daemon_start(struct load_daemon *d, const char *path, uint64_t deadline_ns)
{
	const char *rest;
	int ends[2];

	memset(d, 0, sizeof(*d));
	d->deadline_ns = deadline_ns;
	if (pipe(ends) != 0)
		load_fail("pipe: %s", strerror(errno));
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	d->pid = fork();
	if (d->pid < 0)
		load_fail("fork: %s", strerror(errno));
	if (d->pid == 0)
		run_program(path, ends[1]);
	close(ends[1]);
	d->out = ends[0];
	rest = wait_for_line(d, "sipring: ready on ws://127.0.0.1:");
	d->address.sin_family = AF_INET;
	d->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	d->address.sin_port = htons((uint16_t)strtoul(rest, NULL, 10));
	forget_line(d);
}

const char *
load_daemon_counters(struct load_daemon *d)
{
	static char json[16384];
	const char *rest;

	kill(d->pid, SIGUSR1);
	rest = wait_for_line(d, "sipring: counters ");
	snprintf(json, sizeof(json), "%.*s", (int)strcspn(rest, "\n"), rest);
	forget_line(d);
	return json;
}

uint64_t
load_counter(const char *json, const char *name)
{
	char key[128];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(json, key);
	if (!at)
		load_fail("the daemon has no counter '%s': %s", name, json);
	return strtoull(at + strlen(key), NULL, 10);
}

uint64_t
load_counter_sum(const char *json, const char *prefix)
{
	char key[128];
	uint64_t sum = 0;

	snprintf(key, sizeof(key), "\"%s", prefix);
	for (const char *at = json; (at = strstr(at, key)); at++) {
		const char *colon = strchr(at, ':');

		if (!colon)
			load_fail("no counters: %s", json);
		sum += strtoull(colon + 1, NULL, 10);
	}
	return sum;
}

uint64_t
load_daemon_cpu_ns(const struct load_daemon *d)
{
	clockid_t clock;
	struct timespec ts;

	if (clock_getcpuclockid(d->pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
		load_fail("cannot read the CPU time of the daemon");
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t
load_daemon_rss_bytes(const struct load_daemon *d)
{
	unsigned long long size, resident;
	char path[64];
	FILE *statm;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)d->pid);
	statm = fopen(path, "re");
	if (!statm || fscanf(statm, "%llu %llu", &size, &resident) != 2)
		load_fail("cannot read %s", path);
	fclose(statm);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

int
load_daemon_end(struct load_daemon *d)
{
	int status;

	kill(d->pid, SIGTERM);
	while (read_more(d)) /* ends with the process; fails at the deadline */
		d->len = 0;
	close(d->out);
	if (waitpid(d->pid, &status, 0) != d->pid)
		load_fail("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
