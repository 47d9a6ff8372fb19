/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SIP_REFERENCE_H
#define TESTS_UNIT_SIP_REFERENCE_H
/*
 * A second SIP parser, for comparing with codec/ only: written from the ABNF of
 * RFC 3261 §25, one rule per function, one byte at a time, with no care for speed.
 * It shares nothing with codec/ but struct span and the table of fields.
 *
 * Where codec/ is more liberal than the ABNF on purpose, so is this, and says so.
 */
#include "codec/span.h"

#define REFERENCE_FIELDS_MAX 128

struct reference_field {
	struct span name, value;
	int id; /* enum sip_field_id */
};

struct reference_msg {
	bool request;
	struct span method, uri, reason;
	int status;
	size_t fields_len;
	struct reference_field fields[REFERENCE_FIELDS_MAX];
	struct span body;
	size_t surplus;
};

struct reference_uri {
	struct span scheme, user, password, host, params, headers;
	bool sip; /* sip or sips: the rest is filled */
	bool has_user, has_password;
	unsigned port;
};

struct reference_addr {
	struct span display, uri_text, params;
	struct reference_uri uri;
	bool bracketed, star;
};

struct reference_via {
	struct span protocol, version, transport, host, params, branch, received, rport;
	bool has_rport;
	unsigned port;
};

struct reference_cseq {
	unsigned long number;
	struct span method;
};

bool sip_reference_msg(struct span text, struct reference_msg *out);
bool sip_reference_check(const struct reference_msg *m);
bool sip_reference_uri(struct span text, struct reference_uri *out);
bool sip_reference_addr(struct span text, struct reference_addr *out);
bool sip_reference_via(struct span text, struct reference_via *out);
bool sip_reference_cseq(struct span text, struct reference_cseq *out);

/*
 * The next value of a comma list in *rest, without white space around it; empty ones are left
 * out. 1: there is one, 0: the end, -1: a quote or an angle bracket stays open.
 */
int sip_reference_value(struct span *rest, struct span *value);

#endif
