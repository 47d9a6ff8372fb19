/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_OPTIONS_H
#define WSLOAD_OPTIONS_H
/* The command line, read and checked. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "tools/wsload/schedule.h"
#include "tools/wsload/slo.h"

#define OPTIONS_TEXT_MAX 256
#define OPTIONS_SOURCES_MAX 256
#define OPTIONS_SLOS_MAX 32

struct scenario;

/* Files that a run can write, each from a function of report.h. */
#define OPTIONS_FILES(FILE)                                                                        \
	FILE(html, "report") FILE(csv, "csv") FILE(hgrm, "hgrm") FILE(junit, "junit")

enum options_file {
#define FILE_ID(name, option) OPTIONS_FILE_##name,
	OPTIONS_FILES(FILE_ID)
#undef FILE_ID
		OPTIONS_FILES_COUNT
};

struct options {
	char host[OPTIONS_TEXT_MAX]; /* as in the URL: for Host */
	char path[OPTIONS_TEXT_MAX];
	char domain[OPTIONS_TEXT_MAX];
	char protocol[OPTIONS_TEXT_MAX]; /* subprotocols to ask for; may be empty */
	uint16_t port;
	bool secure; /* wss */
	char origin[OPTIONS_TEXT_MAX];
	char user[OPTIONS_TEXT_MAX]; /* for digest; empty: that of the client's address */
	char password[OPTIONS_TEXT_MAX];
	struct sockaddr_storage server;
	socklen_t server_len;
	const struct scenario *scenario;
	uint32_t connections, threads;
	uint32_t depth; /* operations of one connection at once */
	double rate;    /* operations per second, the highest of the stages; 0: closed loop */
	uint32_t stages_len;
	struct schedule_stage stages[SCHEDULE_STAGES_MAX];
	uint64_t warmup_ns, duration_ns, timeout_ns;
	uint64_t max_lag_ns; /* beyond it an open-loop run is not valid */
	uint32_t opening;    /* connections that a thread opens at once */
	uint32_t size;       /* payload of echo, body of MESSAGE */
	bool json, quiet, spin;
	pid_t server_pid; /* 0: none */
	int cpu;          /* of the first thread; -1: not pinned */
	uint32_t sources_len;
	struct in_addr sources[OPTIONS_SOURCES_MAX];
	uint32_t slos_len;
	struct slo slos[OPTIONS_SLOS_MAX];
	const char *bad;                        /* list of bad clients, in argv; NULL: none */
	const char *files[OPTIONS_FILES_COUNT]; /* paths in argv; NULL: not asked for */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* Says on `err` what is wrong and what to type instead, on `out` what --help asks for. */
enum options_result options_read(struct options *o, int argc, char **argv, FILE *out, FILE *err);

#endif
