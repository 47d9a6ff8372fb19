/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_URI_H
#define CODEC_SIP_URI_H
/* SIP and SIPS URIs, RFC 3261 §19.1 and §25. Views into the text; no state; any thread. */
#include <stdbool.h>
#include <stdint.h>
#include "codec/sip_msg.h"
#include "codec/span.h"

enum sip_scheme {
	SIP_SCHEME_OTHER, /* some other URI scheme: only `text` and `scheme` are filled */
	SIP_SCHEME_SIP,
	SIP_SCHEME_SIPS,
	SIP_SCHEME_TEL,   /* recognised, not taken apart */
};

struct sip_uri {
	enum sip_scheme kind;
	struct span text;     /* all of it */
	struct span scheme;
	struct span user;     /* with its parameters; empty and !has_user when absent */
	struct span password; /* at == NULL: there is none */
	struct span host;     /* IPv6 references with their brackets */
	struct span params;   /* after the first ';', without it */
	struct span headers;  /* after '?' */
	uint16_t port;        /* 0: not given */
	bool has_user;
};

/* SIP_OK or SIP_ERROR_URI: the whole text must be one URI. */
enum sip_error sip_uri_parse(struct span text, struct sip_uri *out);

/* The same for a text in the head of m. */
enum sip_error sip_uri_read(const struct sip_msg *m, struct span text, struct sip_uri *out);

/*
 * A ;name[=value] parameter of a Via, a Contact, a URI ...: `params` as the parsers here deliver
 * it. Names match in any case. Returns false when absent; `value` is empty for a flag. Quoted
 * values keep their quotes. The first one counts when a name is there twice.
 */
bool sip_param(struct span params, struct span name, struct span *value);

/*
 * The same of a URI, where a name may be written with escapes (%6C%72 is lr, RFC 4475
 * §3.1.1.3), which in header parameters are no escapes.
 */
bool sip_uri_param(const struct sip_uri *uri, struct span name, struct span *value);

/*
 * Walks parameters in order; start with *rest = params. False at the end. Syntax was checked by
 * the parser; other text gives views that lie inside it, whatever they are worth.
 */
bool sip_param_next(struct span *rest, struct span *name, struct span *value);

/*
 * RFC 3261 §19.1.4 equality: escapes, case of host and parameter names, which parameters must
 * match. URIs of other schemes, and those with more than 32 parameters, are equal when their
 * octets are. A keyless hash equal for equal URIs is not possible under §19.1.4; user
 * (unescaped) and host (lower case; but see IPv6) are what every equal pair shares.
 */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);

/*
 * Equality of two parts of URIs: %HH is the same as the character, but for the reserved
 * ones ";/?:@&=+$,", where it is not (RFC 3261 §19.1.4).
 */
bool sip_unescape_equal(struct span a, struct span b, bool any_case);

/* Undo %HH escapes; returns the length written, at most text.len; `out` may not overlap. */
size_t sip_unescape(struct span text, char *out);

#endif
