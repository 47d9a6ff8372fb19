/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_CSEQ_H
#define CODEC_SIP_CSEQ_H
/* CSeq, RFC 3261 §20.16: number below 2^31 (§8.1.1.5) and a method. */
#include "codec/scan.h"
#include "codec/sip_msg.h"

struct sip_cseq {
	uint32_t number;
	struct span method;
};

#define SIP_CSEQ_NUMBER_MAX 0x7FFFFFFFu /* §8.1.1.5: less than 2**31 */

/* Over the digits at p. NULL: there are none, or the number is too large. */
static inline const char *
sip_cseq_over_number(const char *p, const char *end, uint32_t *number)
{
	const char *begin = p;
	uint64_t n = 0;

	for (; p < end && scan_is_digit(*p); p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > SIP_CSEQ_NUMBER_MAX)
			return NULL;
	}
	*number = (uint32_t)n;
	return p > begin ? p : NULL;
}

/* SIP_OK or SIP_ERROR_CSEQ. */
enum sip_error sip_cseq_parse(struct span text, struct sip_cseq *out);

/* The same for a text in the head of m. */
enum sip_error sip_cseq_read(const struct sip_msg *m, struct span text, struct sip_cseq *out);

#endif
