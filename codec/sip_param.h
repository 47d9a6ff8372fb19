/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_PARAM_H
#define CODEC_SIP_PARAM_H
/* The strict reading of header parameters, for the parsers of addresses and Via. */
#include "codec/sip_uri.h"

enum sip_param_kind {
	SIP_PARAM_BAD,
	SIP_PARAM_FLAG, /* no value: at == NULL */
	SIP_PARAM_TOKEN,
	SIP_PARAM_QUOTED,
	SIP_PARAM_IPV6, /* with or without brackets */
};

/*
 * Read the first of generic-param *(SEMI generic-param), RFC 3261 §25.1, and leave
 * in *rest what follows its semicolon: nothing when it was the last. SIP_PARAM_BAD on any
 * fault, an empty parameter included; *rest is then undefined. More than the grammar, a value
 * may be an IPv6 address without brackets: that is what received= holds (RFC 5118 §4.5).
 * `m`: see sip_scan.h.
 */
enum sip_param_kind sip_param_read(const struct sip_msg *m, struct span *rest, struct span *name,
				   struct span *value);

#endif
