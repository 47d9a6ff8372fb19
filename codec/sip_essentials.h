/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_ESSENTIALS_H
#define CODEC_SIP_ESSENTIALS_H
/*
 * What a proxy or registrar must have checked in every message (RFC 3261 §16.3(1), §8.1.1), and
 * what was read while checking, so that nobody reads it twice. Views into the message; no state.
 */
#include "codec/sip_addr.h"
#include "codec/sip_cseq.h"
#include "codec/sip_msg.h"
#include "codec/sip_via.h"

struct sip_essentials {
	struct span via_text; /* topmost Via value */
	struct sip_via via;
	struct sip_uri uri;   /* requests: of the request line, without headers */
	struct sip_addr from, to;
	struct sip_cseq cseq;
	uint32_t hops;        /* Max-Forwards; UINT32_MAX: no such field */
};

/*
 * Check and read a message that sip_msg_parse() accepted. Returns what sip_msg_check() does; after
 * a fault the fields of *out are not to be used.
 */
enum sip_error sip_essentials_read(const struct sip_msg *m, struct sip_essentials *out);

#endif
