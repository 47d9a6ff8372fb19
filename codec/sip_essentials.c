/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_essentials.h"

#include <assert.h>
#include "codec/sip_scan.h"

#define MAX_FORWARDS_MAX 255 /* §20.22 */

static const enum sip_field_id required[] = {
	SIP_FIELD_VIA, SIP_FIELD_FROM, SIP_FIELD_TO, SIP_FIELD_CALL_ID, SIP_FIELD_CSEQ,
};

static bool
has_required(const struct sip_msg *m)
{
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (m->first[required[i]] == SIP_NONE)
			return false;
	return true;
}

/* Of the values behind the one of *it only that each is a value: they are for others. */
static bool
are_values(const struct sip_msg *m, struct sip_value_iter *it)
{
	while (sip_value_next(m, SIP_FIELD_VIA, it))
		;
	return !it->bad;
}

/* The topmost value to the letter. */
static enum sip_error
read_via(const struct sip_msg *m, struct sip_essentials *out)
{
	const struct sip_field *f = sip_msg_field(m, SIP_FIELD_VIA);
	const struct span line = sip_field_value(m, f);
	struct sip_value_iter it = { .value = line };
	/* nothing there that could end a value */
	bool single = scan_list_mark(line.at, span_end(line)) == span_end(line);

	/* No empty element before it: not all agree then on which one is the topmost. */
	if (!single && (!sip_value_next(m, SIP_FIELD_VIA, &it) || it.value.at != line.at))
		return SIP_ERROR_VIA;
	if (sip_via_read(m, it.value, &out->via))
		return SIP_ERROR_VIA;
	out->via_text = it.value;
	if (single && f->next == SIP_NONE)
		return SIP_OK;
	if (single)
		it = (struct sip_value_iter){ .field = f, .pos = f->value_off + f->value_len };
	return are_values(m, &it) ? SIP_OK : SIP_ERROR_VIA;
}

static bool
read_addr(const struct sip_msg *m, enum sip_field_id id, struct sip_addr *out)
{
	return sip_addr_read(m, sip_msg_value(m, id), out) == SIP_OK && !out->star;
}

/* callid = word [ "@" word ] */
static enum sip_error
check_call_id(const struct sip_msg *m)
{
	struct span id = sip_msg_value(m, SIP_FIELD_CALL_ID);
	const char *end = span_end(id), *p = sip_scan_while(m, id.at, end, SCAN_WORD);

	if (p == id.at)
		return SIP_ERROR_CALL_ID;
	if (p < end && *p == '@' && p + 1 < end)
		p = sip_scan_while(m, p + 1, end, SCAN_WORD);
	return p == end ? SIP_OK : SIP_ERROR_CALL_ID;
}

static enum sip_error
read_cseq(const struct sip_msg *m, struct sip_cseq *out)
{
	if (sip_cseq_read(m, sip_msg_value(m, SIP_FIELD_CSEQ), out))
		return SIP_ERROR_CSEQ;
	if (m->request && !span_equal(out->method, sip_msg_span(m, m->method_name)))
		return SIP_ERROR_CSEQ_METHOD;
	return SIP_OK;
}

static enum sip_error
read_max_forwards(const struct sip_msg *m, uint32_t *hops)
{
	*hops = UINT32_MAX;
	if (m->first[SIP_FIELD_MAX_FORWARDS] == SIP_NONE)
		return SIP_OK;
	return sip_delta_seconds(sip_msg_value(m, SIP_FIELD_MAX_FORWARDS), hops) &&
			       *hops <= MAX_FORWARDS_MAX ?
		       SIP_OK :
		       SIP_ERROR_MAX_FORWARDS;
}

/* A URI of any scheme; a SIP one has no headers there (§19.1.1 table 1, RFC 4475 §3.1.2.11). */
static enum sip_error
read_request_uri(const struct sip_msg *m, struct sip_uri *out)
{
	if (!m->request)
		return SIP_OK;
	return sip_uri_read(m, sip_msg_span(m, m->uri), out) || out->headers.len ?
		       SIP_ERROR_REQUEST_URI :
		       SIP_OK;
}

enum sip_error
sip_essentials_read(const struct sip_msg *m, struct sip_essentials *out)
{
	enum sip_error error;

	assert(m->fields_end > 0);
	if (!has_required(m))
		return SIP_ERROR_FIELD_MISSING;
	error = read_via(m, out);
	if (!error)
		error = read_request_uri(m, &out->uri);
	if (!error && !read_addr(m, SIP_FIELD_FROM, &out->from))
		error = SIP_ERROR_FROM;
	if (!error && !read_addr(m, SIP_FIELD_TO, &out->to))
		error = SIP_ERROR_TO;
	if (!error)
		error = check_call_id(m);
	if (!error)
		error = read_cseq(m, &out->cseq);
	return error ? error : read_max_forwards(m, &out->hops);
}
