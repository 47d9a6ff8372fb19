/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_CSEQ_H
#define CODEC_SIP_CSEQ_H
/* CSeq, RFC 3261 §20.16: number below 2^31 (§8.1.1.5) and a method. */
#include "codec/sip_msg.h"

struct sip_cseq {
	uint32_t number;
	struct span method;
};

/* SIP_OK or SIP_ERROR_CSEQ. */
enum sip_error sip_cseq_parse(struct span text, struct sip_cseq *out);

/* The same for a text in the head of m. */
enum sip_error sip_cseq_read(const struct sip_msg *m, struct span text, struct sip_cseq *out);

#endif
