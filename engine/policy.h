/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_POLICY_H
#define ENGINE_POLICY_H
/*
 * What becomes of a request by the operator's word: an ordered list of rules, the first one that
 * fits decides; none: it goes on. As text one rule is words in any order, each condition at most
 * once, and exactly one action:
 *
 *     method=INVITE,MESSAGE   one of these; OTHER: any that has no name in sip_method.def
 *     domain=example.org      host of the Request-URI; *.example.org: below it
 *     source=192.0.2.0/24     address of the peer (IPv6 too); without /bits: that one
 *     listener=2              it came to the second listener
 *     header=X-Trunk          this field is there
 *     registrar               go on: to the registrar and proxy, in mode edge to the SIP core
 *     upstream=NAME           to this group of upstreams; refused while there is one group only
 *     reject=403              answer with this status, 300 to 699
 *
 * Pure; no state; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/sip_msg.h"
#include "codec/sip_uri.h"

#define POLICY_NAME_MAX 128
#define POLICY_TEXT_MAX 640

enum policy_action { POLICY_REGISTRAR, POLICY_UPSTREAM, POLICY_REJECT };

struct policy_rule {
	uint32_t methods;               /* bit per enum sip_method; 0: any */
	char domain[POLICY_NAME_MAX];   /* empty: any */
	uint8_t source[16];             /* IPv6, or IPv4 mapped into it */
	uint8_t source_bits;            /* of it that count; 0: any, or every address there is */
	uint8_t listener;               /* from 1 on; 0: any */
	char header[POLICY_NAME_MAX];   /* empty: whatever is there */
	uint8_t action;                 /* enum policy_action */
	uint16_t status;                /* of POLICY_REJECT */
	char upstream[POLICY_NAME_MAX]; /* of POLICY_UPSTREAM */
};

struct policy_request {
	const struct sip_msg *sip;
	const struct sip_uri *uri;
	const char *address; /* of the peer, numeric, without brackets */
	uint8_t listener;    /* from 1 on */
};

/* False: `error` says what is wrong, `cap` bytes at most. */
bool policy_parse(struct policy_rule *rule, const char *text, char *error, size_t cap);

/* As policy_parse() takes it. */
void policy_print(const struct policy_rule *rule, char out[POLICY_TEXT_MAX]);

/* "INVITE, MESSAGE" as bits of enum sip_method. False: not all of them are methods, or none is. */
bool policy_methods(struct span list, uint32_t *methods);

/* The first rule that fits, or NULL. */
const struct policy_rule *policy_match(const struct policy_rule *rules, uint32_t len,
				       const struct policy_request *request);

#endif
