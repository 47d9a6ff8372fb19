/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SCENARIO_H
#define WSLOAD_SCENARIO_H
/* What clients do, and the texts of their messages. */
#include <stdbool.h>
#include <stddef.h>

/* What one operation does. */
enum scenario_kind {
	SCENARIO_OPTIONS,
	SCENARIO_REGISTER, /* a refresh */
	SCENARIO_MESSAGE,
	SCENARIO_CALL, /* its request is an INVITE, and a whole call follows */
	SCENARIO_ECHO, /* no SIP */
	SCENARIO_KINDS
};

/* A scenario is a row of scenario.c. */
struct scenario {
	const char *name;
	const char *about;
	enum scenario_kind kind; /* of its operations, unless it mixes */
	bool registers;          /* clients register before it begins */
	bool pairs;              /* two clients are partners: an even number and the next */
	bool churns;             /* an operation is a whole life of a connection */
	bool idles;              /* no operations */
	bool once;               /* one operation of each client, after the warm-up */
	bool serial;             /* one operation of a client at a time, whatever the depth */
	bool listens;            /* clients are those that connect to us */
	bool mixes;  /* operations of several kinds, by weights; any client starts one */
	bool storms; /* an operation is a client's way back after its connection broke */
};

const struct scenario *scenario_find(const char *name);
const struct scenario *scenario_at(unsigned i); /* NULL: no more */

/* "options", and so on. */
const char *scenario_kind_name(enum scenario_kind kind);

/* Texts for template_compile(): the request of a kind, and what follows in a call. */
struct scenario_text {
	const char *head, *body;
};

struct scenario_text scenario_request(enum scenario_kind kind);
const char *scenario_ack_head(void);
const char *scenario_bye_head(void);

#endif
