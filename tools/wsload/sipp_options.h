/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_OPTIONS_H
#define WSLOAD_SIPP_OPTIONS_H
/* The options that only scenarios of SIPp have, by the names that they have there. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SIPP_INJECTIONS_MAX 16
#define SIPP_PAIRS_MAX 32

struct sipp_scenario;

enum sipp_network { SIPP_WEBSOCKET, SIPP_TCP, SIPP_UDP };

struct sipp_pair {
	const char *name, *value;
};

/* All texts are those of argv. */
struct sipp_options {
	const char *file;               /* NULL: no scenario of SIPp */
	struct sipp_scenario *scenario; /* of the file; sipp_options_free() frees it */
	enum sipp_network network;
	const char *service;         /* -s */
	const char *user, *password; /* -au, -ap */
	const char *local_ip, *media_ip;
	uint32_t local_port, media_port;
	double rate;                          /* -r; 0: not given */
	uint64_t period_ns;                   /* -rp */
	uint32_t limit;                       /* -l: calls at once; 0: not given */
	uint32_t calls;                       /* -m; 0: no end */
	uint32_t users;                       /* -users; 0: not given */
	uint64_t pause_ns;                    /* -d */
	uint64_t receive_ns;                  /* -recv_timeout; 0: for ever */
	uint64_t t2_ns;                       /* -T2 */
	uint32_t cseq;                        /* -base_cseq */
	uint32_t retransmissions;             /* -max_retrans; UINT32_MAX: not given */
	uint32_t invites_again, others_again; /* -max_invite_retrans, -max_non_invite_retrans */
	bool no_defaults;                     /* -nd */
	bool no_retransmissions;              /* -nr */
	bool logs;                            /* -trace_logs */
	bool answers;                         /* -aa */
	uint32_t injections_len, keys_len, sets_len;
	const char *injections[SIPP_INJECTIONS_MAX];
	struct sipp_pair keys[SIPP_PAIRS_MAX], sets[SIPP_PAIRS_MAX];
};

/* The values that SIPp has when nothing is given. */
void sipp_options_init(struct sipp_options *o);

/*
 * Take SIPp's options out of argv, which gets shorter. False: a value is wrong, or an option of
 * SIPp's is not known here; said on `err`.
 */
bool sipp_options_take(struct sipp_options *o, int *argc, char **argv, FILE *err);

/* Read the scenario and its injection files. False: said on `err`, with the line. */
bool sipp_options_load(struct sipp_options *o, FILE *err);
void sipp_options_free(struct sipp_options *o);

/* Is it the name of a scenario file, not of a scenario? */
bool sipp_options_is_file(const char *name);

#endif
