/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_ADDR_H
#define CODEC_SIP_ADDR_H
/*
 * name-addr / addr-spec with header parameters: To, From, Contact, Route,
 * Record-Route, Path (RFC 3261 §20.10, §25). Views; no state; any thread.
 */
#include "codec/sip_msg.h"
#include "codec/sip_uri.h"

struct sip_addr {
	struct span display;  /* with quotes if quoted; may be empty */
	struct span uri_text; /* without angle brackets */
	struct sip_uri uri;   /* kind SIP_SCHEME_OTHER is not an error here */
	struct span params;   /* header parameters after the first ';', without it */
	bool bracketed;       /* <...> was used; without it, params belong to the header (§20.10) */
	struct span tag;      /* parameter tag; the first one, empty when absent or a flag */
	bool has_tag;
	bool star;            /* Contact: * */
};

/* SIP_OK or SIP_ERROR_URI. `text` is one value as sip_value_next() delivers it. */
enum sip_error sip_addr_parse(struct span text, struct sip_addr *out);

/* The same for a text in the head of m. */
enum sip_error sip_addr_read(const struct sip_msg *m, struct span text, struct sip_addr *out);

/* The tag parameter of To and From; empty when absent. */
static inline struct span
sip_addr_tag(const struct sip_addr *a)
{
	return a->tag;
}

/*
 * q of a Contact in thousandths (0..1000), 1000 when absent (RFC 3261 §20.10);
 * -1 when malformed.
 */
int sip_addr_q(const struct sip_addr *a);

/*
 * Delta-seconds, RFC 3261 §25: digits only; values over 2^32-1 are cut to it
 * (RFC 4475 §3.1.2.4). False: not a number.
 */
bool sip_delta_seconds(struct span text, uint32_t *out);

#endif
