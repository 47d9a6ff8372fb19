/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_OPTIONS_H
#define WSLOAD_OPTIONS_H
/* The command line, read and checked. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "tools/wsload/backoff.h"
#include "tools/wsload/scenario.h"
#include "tools/wsload/schedule.h"
#include "tools/wsload/sipp_options.h"
#include "tools/wsload/slo.h"

#define OPTIONS_TEXT_MAX 256
#define OPTIONS_SOURCES_MAX 256
#define OPTIONS_SLOS_MAX 32

/* All but files: symbol, name, takes an argument (no, required). */
#define OPTIONS_NAMES(NAME)                                                                        \
	NAME(SCENARIO, "scenario", required)                                                       \
	NAME(CONNECTIONS, "connections", required)                                                 \
	NAME(DEPTH, "depth", required)                                                             \
	NAME(RATE, "rate", required)                                                               \
	NAME(STAGES, "stages", required)                                                           \
	NAME(DURATION, "duration", required)                                                       \
	NAME(WARM_UP, "warm-up", required)                                                         \
	NAME(TIMEOUT, "timeout", required)                                                         \
	NAME(THREADS, "threads", required)                                                         \
	NAME(SIZE, "size", required)                                                               \
	NAME(MIX, "mix", required)                                                                 \
	NAME(BACKOFF, "backoff", required)                                                         \
	NAME(KEEP_ALIVE, "keep-alive", required)                                                   \
	NAME(SOURCES, "sources", required)                                                         \
	NAME(OPENING, "opening", required)                                                         \
	NAME(FIRST, "first", required)                                                             \
	NAME(DOMAIN, "domain", required)                                                           \
	NAME(SUBPROTOCOL, "subprotocol", required)                                                 \
	NAME(ORIGIN, "origin", required)                                                           \
	NAME(USER, "user", required)                                                               \
	NAME(PASSWORD, "password", required)                                                       \
	NAME(CA, "ca", required)                                                                   \
	NAME(INSECURE, "insecure", no)                                                             \
	NAME(NO_RESUME, "no-resume", no)                                                           \
	NAME(SERVER_PID, "server-pid", required)                                                   \
	NAME(CPU, "cpu", required)                                                                 \
	NAME(SPIN, "spin", no)                                                                     \
	NAME(MAX_LAG, "max-lag", required)                                                         \
	NAME(BAD, "bad", required)                                                                 \
	NAME(SLO, "slo", required)                                                                 \
	NAME(JSON, "json", no)                                                                     \
	NAME(QUIET, "quiet", no)

enum options_code {
	OPT_FIRST_CODE = 256,
	OPT_BEFORE = OPT_FIRST_CODE - 1,
#define NAME(symbol, option, argument) OPT_##symbol,
	OPTIONS_NAMES(NAME)
#undef NAME
		OPT_FILE /* the first of OPTIONS_FILES */
};

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
	bool secure;    /* wss */
	bool insecure;  /* certificates are not verified */
	bool no_resume; /* TLS sessions */
	const char *ca; /* file of certificates, in argv; NULL: those of the system */
	char origin[OPTIONS_TEXT_MAX];
	char user[OPTIONS_TEXT_MAX]; /* for digest; empty: that of the client's address */
	char password[OPTIONS_TEXT_MAX];
	struct sockaddr_storage server;
	socklen_t server_len;
	const struct scenario *scenario;
	struct sipp_options sipp; /* a scenario file of SIPp in place of `scenario` */
	uint32_t mix[SCENARIO_KINDS]; /* weights of kinds; their sum is not 0 where they count */
	struct backoff backoff;
	uint64_t keepalive_ns; /* between keep-alives; 0: none */
	bool keepalive_crlf;
	uint32_t connections, threads;
	uint32_t first; /* number of the first client; even */
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
	uint64_t given;                         /* bit set of enum options_code - OPT_FIRST_CODE */
	const char *bad;                        /* list of bad clients, in argv; NULL: none */
	const char *files[OPTIONS_FILES_COUNT]; /* paths in argv; NULL: not asked for */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_WRONG };

/* Says on `err` what is wrong and what to type instead, on `out` what --help asks for. */
enum options_result options_read(struct options *o, int argc, char **argv, FILE *out, FILE *err);

/* The scenario file, if there is one. */
void options_free(struct options *o);

static inline bool
options_given(const struct options *o, enum options_code code)
{
	return o->given >> (code - OPT_FIRST_CODE) & 1;
}

/* -- for options.c -- */

void options_help(FILE *out);

/*
 * What is not given follows from what is, and what is must fit together. NULL, or what to type
 * instead; static text.
 */
const char *options_settle(struct options *o);

#endif
