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
#include "tools/wsload/scenario.h"

struct plan {
	struct options options;
	SSL_CTX *tls;       /* wss; else NULL */
	char run[9];        /* digits of this run: no two runs share a Call-ID */
	uint64_t token_key; /* nor a Contact */
	struct exchange requests[SCENARIO_KINDS]; /* empty: no operation is of this kind */
	struct exchange ack, bye;                 /* of calls */
	struct ws_limits limits;
};

/* NULL, or what is wrong; static text. */
const char *plan_init(struct plan *p, const struct options *options);
void plan_fini(struct plan *p);

/* The one whose request has this method (enum sip_method), or NULL: nobody sends it. */
const struct exchange *plan_exchange(const struct plan *p, uint8_t method);

#endif
