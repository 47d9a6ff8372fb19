/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_VIA_H
#define CODEC_SIP_VIA_H
/* One Via value, RFC 3261 §20.42, RFC 3581. Views; no state; any thread. */
#include "codec/sip_msg.h"
#include "codec/sip_uri.h"

struct sip_via {
	struct span protocol;  /* "SIP" */
	struct span version;   /* "2.0" */
	struct span transport; /* as written: "WS", "wss", ... */
	struct span sent_by;   /* host[:port] as written */
	struct span host;
	uint16_t port;         /* 0: not given */
	struct span params;    /* after the first ';', without it */
	struct span branch;    /* empty when absent */
	struct span received;  /* empty when absent */
	bool has_rport;
	struct span rport;     /* empty: asked for, not filled */
};

/* SIP_OK or SIP_ERROR_VIA. `text` is one value as sip_value_next() delivers it. */
enum sip_error sip_via_parse(struct span text, struct sip_via *out);

/* The same for a text in the head of m. */
enum sip_error sip_via_read(const struct sip_msg *m, struct span text, struct sip_via *out);

#define SIP_VIA_COOKIE "z9hG4bK"
#define SIP_VIA_COOKIE_LEN (sizeof(SIP_VIA_COOKIE) - 1)

/* Does the branch begin with the magic cookie and go on after it (RFC 3261 §8.1.1.7)? */
bool sip_via_branch_is_rfc3261(struct span branch);

#endif
