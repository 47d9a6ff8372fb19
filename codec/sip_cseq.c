/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_cseq.h"

#include "codec/sip_scan.h"

enum sip_error
sip_cseq_read(const struct sip_msg *m, struct span text, struct sip_cseq *out)
{
	const char *end = span_end(text), *digits_end, *p;

	digits_end = sip_cseq_over_number(text.at, end, &out->number);
	if (!digits_end)
		return SIP_ERROR_CSEQ;
	p = scan_over_lws(digits_end, end);
	if (p == digits_end)
		return SIP_ERROR_CSEQ;
	out->method = span_of(p, (size_t)(end - p));
	return p < end && sip_scan_while(m, p, end, SCAN_TOKEN) == end ? SIP_OK : SIP_ERROR_CSEQ;
}

enum sip_error
sip_cseq_parse(struct span text, struct sip_cseq *out)
{
	return sip_cseq_read(NULL, text, out);
}
