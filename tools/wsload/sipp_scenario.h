/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_SCENARIO_H
#define WSLOAD_SIPP_SCENARIO_H
/*
 * A scenario as a program: a flat array of steps. Labels are gone, what names one has the number
 * of the step behind it. Constant while calls run, but for the injection files.
 */
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include "tools/wsload/sipp_distribution.h"
#include "tools/wsload/sipp_injection.h"
#include "tools/wsload/sipp_template.h"
#include "tools/wsload/sipp_variable.h"

#define SIPP_TIMERS_MAX 5 /* names of response times */
#define SIPP_TABLE_MAX 32 /* limits of a repartition */
#define SIPP_EREG_VARIABLES 10

enum sipp_action_kind {
	SIPP_ACTION_EREG,
	SIPP_ACTION_LOG,
	SIPP_ACTION_WARNING,
	SIPP_ACTION_ERROR,
	SIPP_ACTION_ASSIGN,
	SIPP_ACTION_ASSIGNSTR,
	SIPP_ACTION_SAMPLE,
	SIPP_ACTION_TODOUBLE,
	SIPP_ACTION_ADD,
	SIPP_ACTION_SUBTRACT,
	SIPP_ACTION_MULTIPLY,
	SIPP_ACTION_DIVIDE,
	SIPP_ACTION_TEST,
	SIPP_ACTION_STRCMP,
	SIPP_ACTION_TRIM,
	SIPP_ACTION_JUMP,
	SIPP_ACTION_GETTIMEOFDAY,
	SIPP_ACTION_LOOKUP,
	SIPP_ACTION_INSERT,
	SIPP_ACTION_REPLACE,
	SIPP_ACTION_EXEC,
};

enum sipp_search { SIPP_IN_MESSAGE, SIPP_IN_HEADER, SIPP_IN_BODY, SIPP_IN_VARIABLE };
enum sipp_relation {
	SIPP_EQUAL,
	SIPP_NOT_EQUAL,
	SIPP_GREATER,
	SIPP_LESS,
	SIPP_GREATER_EQUAL,
	SIPP_LESS_EQUAL,
};
enum sipp_command { SIPP_STOP_CALL, SIPP_STOP_GRACEFULLY, SIPP_STOP_NOW };

struct sipp_ereg {
	regex_t regex;
	bool compiled;
	enum sipp_search search;
	char *header; /* owned; SIPP_IN_HEADER */
	bool any_case, start_line, check, check_inverse;
	uint32_t occurrence, targets_len;
	uint32_t targets[SIPP_EREG_VARIABLES];
};

struct sipp_action {
	enum sipp_action_kind kind;
	unsigned line;
	uint32_t target, target2; /* variables that are written */
	uint32_t variable;        /* that is read; SIPP_NONE: `number` is meant */
	uint32_t file;            /* injection file */
	double number;
	enum sipp_relation relation;
	enum sipp_command command;
	struct sipp_ereg *ereg; /* owned */
	struct sipp_distribution sample;
	struct sipp_template text, text2; /* message, value, key; line, password */
};

enum sipp_step_kind { SIPP_SEND, SIPP_RECEIVE, SIPP_PAUSE, SIPP_NOP, SIPP_TIMEWAIT };
enum sipp_optional { SIPP_MANDATORY, SIPP_OPTIONAL, SIPP_OPTIONAL_EVER };

struct sipp_step {
	enum sipp_step_kind kind;
	unsigned line;
	/* what every command has */
	uint32_t next, test, condexec; /* a step; variables */
	bool condexec_inverse, repeat_rtd;
	double chance;
	uint32_t start_rtd, rtd; /* bit sets of response times */
	uint32_t actions_len;
	struct sipp_action *actions; /* owned */
	/* SEND */
	struct sipp_template message;
	uint64_t retrans_ns; /* T1; 0: it is not sent again */
	uint32_t start_txn;  /* transactions, or SIPP_NONE */
	/* SEND and RECEIVE: how many of a hundred are lost on purpose */
	double lost;
	/* RECEIVE */
	char *request;          /* owned; NULL: a response */
	regex_t *request_regex; /* owned; NULL: `request` is a method */
	uint16_t response;
	enum sipp_optional optional;
	bool route_set, authenticates;
	uint64_t timeout_ns;
	uint32_t timeout_variable, timeout_next, response_txn;
	/* PAUSE, TIMEWAIT */
	bool default_pause; /* -d */
	uint32_t pause_variable;
	struct sipp_distribution pause; /* ms */
};

struct sipp_program {
	struct sipp_step *steps;
	uint32_t len, cap;
};

struct sipp_table {
	uint32_t len;
	double limits_ms[SIPP_TABLE_MAX];
};

struct sipp_scenario {
	char *name;   /* owned */
	bool answers; /* it begins with <recv>: calls begin with what comes */
	struct sipp_program main, init;
	struct sipp_variables variables, transactions, timers; /* names */
	struct sipp_table response_times, call_lengths;
	uint32_t unexpected, unexpected_from; /* _unexp.main, _unexp.retaddr; or SIPP_NONE */
	struct sipp_injection injections[SIPP_INJECTIONS_MAX];
	uint32_t injections_len;
	struct sipp_template bye, cancel; /* how calls are given up */
};

/*
 * The scenario in bytes[0..len), and the injection files of the options. NULL: *error says why,
 * and *file which file it is in: the name of an injection file, or NULL for the scenario.
 */
struct sipp_scenario *sipp_scenario_new(const char *bytes, size_t len,
					const struct sipp_options *options,
					struct sipp_error *error, const char **file);
void sipp_scenario_free(struct sipp_scenario *s);

#endif
