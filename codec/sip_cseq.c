/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_cseq.h"

#include "codec/sip_scan.h"

#define NUMBER_MAX 0x7FFFFFFFu /* §8.1.1.5: less than 2**31 */

enum sip_error
sip_cseq_read(const struct sip_msg *m, struct span text, struct sip_cseq *out)
{
	const char *p = text.at, *end = span_end(text), *digits_end;
	uint64_t n = 0;

	for (; p < end && scan_is_digit(*p); p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > NUMBER_MAX)
			return SIP_ERROR_CSEQ;
	}
	digits_end = p;
	p = scan_over_lws(p, end);
	if (digits_end == text.at || p == digits_end)
		return SIP_ERROR_CSEQ;
	out->number = (uint32_t)n;
	out->method = span_of(p, (size_t)(end - p));
	return p < end && sip_scan_while(m, p, end, SCAN_TOKEN) == end ? SIP_OK : SIP_ERROR_CSEQ;
}

enum sip_error
sip_cseq_parse(struct span text, struct sip_cseq *out)
{
	return sip_cseq_read(NULL, text, out);
}
