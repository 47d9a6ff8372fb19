/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index, check, and every value parser over every field of any octets. All views lie inside;
 * an answer to whatever was read parses when its request did.
 */
#include <assert.h>
#include <stdint.h>
#include "codec/sip_addr.h"
#include "codec/sip_cseq.h"
#include "codec/sip_msg.h"
#include "codec/sip_reply.h"
#include "codec/sip_uri.h"
#include "codec/sip_via.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg msg;

static void
inside(struct span part, struct span whole)
{
	assert(part.len == 0 ||
	       (part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

static void
view_inside(struct sip_view view)
{
	assert(view.off <= msg.len && view.len <= msg.len - view.off);
}

static void
check_uri(const struct sip_uri *uri, struct span text)
{
	inside(uri->scheme, text);
	inside(uri->user, text);
	inside(uri->password, text);
	inside(uri->host, text);
	inside(uri->params, text);
	inside(uri->headers, text);
	assert(uri->kind == SIP_SCHEME_OTHER || uri->kind == SIP_SCHEME_TEL || uri->host.len);
	assert(sip_uri_equal(uri, uri));
}

static void
check_params(struct span params)
{
	struct span rest = params, name, value, found;

	while (sip_param_next(&rest, &name, &value)) {
		inside(name, params);
		inside(value, params);
		assert(sip_param(params, name, &found));
		inside(found, params);
	}
}

static void
check_value(struct span text)
{
	struct sip_addr addr;
	struct sip_via via;
	struct sip_cseq cseq;
	struct sip_uri uri;
	uint32_t seconds;
	int q;

	check_params(text);
	sip_delta_seconds(text, &seconds);
	if (sip_uri_parse(text, &uri) == SIP_OK)
		check_uri(&uri, text);
	if (sip_cseq_parse(text, &cseq) == SIP_OK)
		inside(cseq.method, text);
	if (sip_addr_parse(text, &addr) == SIP_OK && !addr.star) {
		inside(addr.display, text);
		inside(addr.params, text);
		inside(addr.uri_text, text);
		check_uri(&addr.uri, addr.uri_text);
		inside(sip_addr_tag(&addr), text);
		q = sip_addr_q(&addr);
		assert(q >= -1 && q <= 1000);
	}
	if (sip_via_parse(text, &via) == SIP_OK) {
		inside(via.sent_by, text);
		inside(via.host, via.sent_by);
		inside(via.branch, via.params);
		inside(via.received, via.params);
		inside(via.rport, via.params);
		sip_via_branch_is_rfc3261(via.branch);
	}
}

static void
check_fields(struct span text)
{
	for (size_t i = 0; i < msg.fields_len; i++) {
		const struct sip_field *f = &msg.fields[i];

		assert(f->name_len && f->end <= text.len);
		assert(f->name_off + f->name_len < f->value_off);
		assert(f->value_off + f->value_len + 2 <= f->end);
		assert(f->next == SIP_NONE || (f->next > i && msg.fields[f->next].id == f->id));
		check_value(sip_field_value(&msg, f));
	}
	for (int id = 1; id < SIP_FIELD_COUNT; id++) {
		struct sip_value_iter it = { 0 };

		while (sip_value_next(&msg, (enum sip_field_id)id, &it)) {
			assert(it.value.len);
			inside(it.value, sip_field_value(&msg, it.field));
			check_value(it.value);
		}
	}
}

static void
check_reply(bool good)
{
	static char out[1 << 17];
	static struct sip_msg again;
	struct writer w = writer_over(out, sizeof(out));
	const struct sip_reply reply = {
		.status = 400, .to_tag = SPAN("t"), .via_params = SPAN(";received=::1;rport=7")
	};

	if (!sip_reply_write(&w, &msg, &reply))
		return;
	/* It copies at most all fields and adds Content-Length: one more than we read ourselves. */
	if (msg.fields_len == SIP_FIELDS_MAX)
		return;
	/* Lines are whole and each field is there once, also when the request was faulty. */
	assert(sip_msg_parse(&again, out, w.len) == SIP_OK);
	assert(again.status == 400 && !again.surplus && !again.body.len);
	if (good)
		assert(sip_msg_check(&again) == SIP_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	enum sip_error error = sip_msg_parse(&msg, text.at, text.len);

	sip_keepalive(data, size);
	check_fields(text);
	view_inside(msg.uri);
	view_inside(msg.method_name);
	view_inside(msg.reason);
	check_reply(!error && sip_msg_check(&msg) == SIP_OK);
	if (error) {
		assert(sip_error_status(error) >= 400);
		return 0;
	}
	assert(msg.len + msg.surplus == size && msg.body.off + msg.body.len == msg.len);
	check_value(sip_msg_span(&msg, msg.uri));
	return 0;
}
