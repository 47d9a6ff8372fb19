/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_PLAN_H
#define WSLOAD_PLAN_H
/*
 * What all threads do: the options, the scenario and its messages. Constant while the run lasts.
 */
#include <stdbool.h>
#include <openssl/ssl.h>
#include "codec/ws_reader.h"
#include "tools/wsload/exchange.h"
#include "tools/wsload/options.h"

/* A scenario is a row of scenario.c. */
struct scenario {
	const char *name;
	const char *about;
	const char *head, *body; /* of its request; NULL: raw */
	bool registers;          /* clients register before it begins */
	bool pairs;              /* clients with odd numbers are partners of those before them */
	bool calls;              /* its request is an INVITE, and a whole call follows */
	bool churns;             /* an operation is a whole life of a connection */
	bool idles;              /* no operations */
	bool once;               /* one operation of each client, after the warm-up */
	bool serial;             /* one operation of a client at a time, whatever the depth */
};

struct plan {
	struct options options;
	SSL_CTX *tls; /* wss; else NULL */
	char run[9]; /* digits of this run: no two runs share a Call-ID */
	struct exchange registration;
	struct exchange request;
	struct exchange ack, bye; /* of calls */
	struct ws_limits limits;
};

const struct scenario *scenario_find(const char *name);
const struct scenario *scenario_at(unsigned i); /* NULL: no more */

/* Texts of requests that no row has. */
const char *scenario_register_head(void);
const char *scenario_ack_head(void);
const char *scenario_bye_head(void);

/* NULL, or what is wrong; static text. */
const char *plan_init(struct plan *p, const struct options *options);
void plan_fini(struct plan *p);

/* The one whose request has this method (enum sip_method), or NULL. */
const struct exchange *plan_exchange(const struct plan *p, uint8_t method);

#endif
