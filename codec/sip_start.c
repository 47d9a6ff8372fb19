/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_start.h"

#include <assert.h>
#include <string.h>
#include "codec/scan.h"

#define VERSION_LEN 7 /* "SIP/2.0" */
#define CODE_LEN 3    /* digits of a status code */

/* The name in any case: all literals of the grammar are (RFC 3261 §7.1, §25.1). */
static bool
begins_with_sip(const char *p, const char *end)
{
	return end - p >= 4 && (p[0] | 0x20) == 's' && (p[1] | 0x20) == 'i' &&
	       (p[2] | 0x20) == 'p' && p[3] == '/';
}

/* "SIP" "/" 1*DIGIT "." 1*DIGIT and nothing else; then: is it the one we speak? */
static enum sip_error
check_version(const char *p, const char *end)
{
	const char *major, *minor;

	if (!begins_with_sip(p, end))
		return SIP_ERROR_START_LINE;
	if (end - p == VERSION_LEN && memcmp(p + 4, "2.0", 3) == 0)
		return SIP_OK;
	major = p + 4;
	p = scan_while(major, end, SCAN_DIGIT);
	if (p == major || p == end || *p != '.')
		return SIP_ERROR_START_LINE;
	minor = p + 1;
	p = scan_while(minor, end, SCAN_DIGIT);
	return p == minor || p != end ? SIP_ERROR_START_LINE : SIP_ERROR_VERSION;
}

static enum sip_error
parse_status_line(struct sip_msg *m, const char *end)
{
	const char *code = memchr(m->base, ' ', (size_t)(end - m->base));
	enum sip_error error = check_version(m->base, code ? code : end);

	if (error || !code)
		return error ? error : SIP_ERROR_START_LINE;
	code++;
	/* The space before an empty reason is obligatory (RFC 4475 §3.1.1.13). */
	if (scan_while(code, end, SCAN_DIGIT) != code + CODE_LEN || code[0] < '1' || code[0] > '6')
		return SIP_ERROR_STATUS_CODE;
	m->status = (uint16_t)((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
	code += CODE_LEN;
	if (code == end || *code != ' ')
		return SIP_ERROR_START_LINE;
	/* Whatever the reason holds: it is for people, and goes on as it came. */
	m->reason.off = (uint32_t)(code + 1 - m->base);
	m->reason.len = (uint32_t)(end - (code + 1));
	return SIP_OK;
}

/*
 * Method SP Request-URI SP SIP-Version, one space each: RFC 4475 §3.1.2.9 and
 * §3.1.2.10 let us refuse more, and then no faulty line is ever passed on.
 * What stands in the Request-URI is not looked at here.
 */
static enum sip_error
parse_request_line(struct sip_msg *m, const char *end)
{
	const char *p = memchr(m->base, ' ', (size_t)(end - m->base)), *uri;
	struct span method = span_of(m->base, p ? (size_t)(p - m->base) : 0);

	m->method = (uint8_t)sip_method_lookup(method);
	if (m->method == SIP_METHOD_OTHER && !scan_all(method, SCAN_TOKEN))
		return SIP_ERROR_NOT_SIP;
	m->method_name = (struct sip_view){ 0, (uint32_t)method.len };
	uri = p + 1;
	p = memchr(uri, ' ', (size_t)(end - uri));
	if (!p)
		return SIP_ERROR_NOT_SIP;
	m->request = true;
	m->uri.off = (uint32_t)(uri - m->base);
	m->uri.len = (uint32_t)(p - uri);
	if (p == uri)
		return SIP_ERROR_START_LINE;
	return check_version(p + 1, end);
}

enum sip_error
sip_start_parse(struct sip_msg *m, uint32_t line_len)
{
	const char *end = m->base + line_len;

	assert(!m->request && line_len <= m->len);
	if (begins_with_sip(m->base, end))
		return parse_status_line(m, end);
	return parse_request_line(m, end);
}
