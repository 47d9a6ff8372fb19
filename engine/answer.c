/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/answer.h"

#include <assert.h>
#include <stdlib.h>
#include "codec/sip_reply.h"
#include "codec/utf8.h"
#include "codec/ws_frame.h"

#define VIA_PARAMS_MAX 80 /* ";received=" address ";rport=" port */
#define REPLY_OWN_MAX 512 /* what we write ourselves: status line, tag, Content-Length */
#define UNSUPPORTED_MAX 1024

void
answer_drop(struct message *m, enum stats_fate fate)
{
	m->action = MESSAGE_DROP;
	m->fate = (uint8_t)fate;
	m->pieces_len = 0;
	m->out_len = 0;
}

/* What becomes of an ACK (P-12: never answered) instead of this status. */
static enum stats_fate
fate_instead_of(int status)
{
	switch (status) {
	case 400:
	case 505:
		return FATE_dropped_malformed;
	case 430:
	case 480:
		return FATE_dropped_flow_gone;
	case 500:
		return FATE_dropped_internal;
	default:
		return FATE_dropped_unroutable;
	}
}

static void
via_params_write(const struct inbound *in, struct writer *w)
{
	struct inbound_via_params p = inbound_via_params(in);

	if (p.received) {
		writer_put(w, SPAN(";received="));
		writer_put(w, span_of(in->m->peer.address, strlen(in->m->peer.address)));
	}
	if (p.rport) {
		writer_put(w, SPAN(";rport="));
		writer_put_decimal(w, in->m->peer.port);
	}
}

static bool
is_utf8(struct span s)
{
	return utf8_valid((const uint8_t *)s.at, s.len);
}

/*
 * S-04: it may quote a request that came as BINARY, or in its fields a contact registered by one.
 * What is quoted of TEXT, whole values, is UTF-8. `own`: so is the rest, which is words of ours.
 */
static uint8_t
opcode_of(const struct message *m, struct span text, const struct sip_reply *reply, bool own)
{
	bool utf8;

	if (m->opcode != WS_OP_TEXT)
		utf8 = is_utf8(text);
	else
		utf8 = own ||
		       (is_utf8(reply->fields) && is_utf8(reply->reason) && is_utf8(reply->body));
	return utf8 ? WS_OP_TEXT : WS_OP_BINARY;
}

/* One piece, back to where the request came from. */
static void
hand_back(struct message *m, struct span text, const struct sip_reply *reply, bool own)
{
	m->action = MESSAGE_REPLY;
	m->to = m->from;
	m->pieces[0] = text;
	m->pieces_len = 1;
	m->out_len = (uint32_t)text.len;
	m->out_opcode = opcode_of(m, text, reply, own);
}

/* In the message's scratch, or, when that is too small, in a block of its own. */
static void
reply_write(struct message *m, const struct sip_reply *reply, bool own)
{
	size_t cap = (size_t)m->sip.len + reply->fields.len + reply->body.len +
		     reply->via_params.len + reply->reason.len + REPLY_OWN_MAX;
	struct writer w = writer_over(m->edit.scratch, sizeof(m->edit.scratch));

	if (sip_reply_write(&w, &m->sip, reply)) {
		hand_back(m, writer_text(&w), reply, own);
		return;
	}
	if (!w.full) {
		answer_drop(m, FATE_dropped_malformed);
		return;
	}
	assert(!m->out_heap);
	m->out_heap = malloc(cap);
	if (!m->out_heap) {
		answer_drop(m, FATE_dropped_overload);
		return;
	}
	w = writer_over(m->out_heap, cap);
	if (sip_reply_write(&w, &m->sip, reply))
		hand_back(m, writer_text(&w), reply, own);
	else
		answer_drop(m, FATE_dropped_internal);
}

static void
send_reply(struct inbound *in, struct sip_reply reply, bool own)
{
	char params[VIA_PARAMS_MAX], tag[INBOUND_TAG_LEN];
	struct writer w = writer_over(params, sizeof(params));

	if (in->m->sip.method == SIP_METHOD_ACK) {
		answer_drop(in->m, fate_instead_of(reply.status));
		return;
	}
	reply.head = in->whole ? in->head : NULL;
	via_params_write(in, &w);
	assert(!w.full);
	inbound_tag(in, tag);
	reply.via_params = writer_text(&w);
	reply.to_tag = span_of(tag, sizeof(tag));
	reply_write(in->m, &reply, own);
}

void
answer_send_body(struct inbound *in, int status, struct span reason, struct span fields,
		 struct span body)
{
	struct sip_reply reply = {
		.status = status,
		.reason = reason,
		.fields = fields,
		.body = body,
	};

	send_reply(in, reply, false);
}

void
answer_send(struct inbound *in, int status, struct span reason, struct span fields)
{
	answer_send_body(in, status, reason, fields, SPAN(""));
}

void
answer_refuse(struct inbound *in, int status, const char *reason)
{
	struct span words = reason ? span_of(reason, strlen(reason)) : SPAN("");

	/*
	 * RFC 3261 §9.2: a CANCEL for what we have answered (or never could deliver) finds no
	 * transaction. Its INVITE got the code that stands here.
	 */
	if (in->m->sip.method == SIP_METHOD_CANCEL &&
	    (status == 404 || status == 405 || status == 430 || status == 480)) {
		status = 481;
		words = SPAN("");
	}
	answer_send(in, status, words, SPAN(""));
}

void
answer_later(struct inbound *in)
{
	char text[40];
	struct writer w = writer_over(text, sizeof(text));

	writer_put(&w, SPAN("Retry-After: "));
	writer_put_decimal(&w, in->stage->settings->retry_after_s);
	writer_put(&w, SPAN("\r\n"));
	answer_send(in, 503, SPAN(""), writer_text(&w));
}

void
answer_overload(struct inbound *in)
{
	if (in->m->sip.request && in->m->sip.method != SIP_METHOD_ACK)
		answer_refuse(in, 503, NULL);
	else
		answer_drop(in->m, FATE_dropped_overload);
}

void
answer_away(struct inbound *in)
{
	if (in->m->sip.request)
		answer_refuse(in, 480, NULL);
	else
		answer_drop(in->m, FATE_dropped_flow_gone);
}

static bool
extension_known(struct span tag)
{
	return span_equal_nocase(tag, SPAN("path")) || span_equal_nocase(tag, SPAN("outbound")) ||
	       span_equal_nocase(tag, SPAN("gruu"));
}

bool
answer_unknown_extension(struct inbound *in, enum sip_field_id id)
{
	struct sip_value_iter it = { 0 };
	char text[UNSUPPORTED_MAX];
	struct writer w = writer_over(text, sizeof(text));
	bool any = false, listed = false;

	/* RFC 3261 §8.2.2.3: these fields are ignored in a CANCEL and in an ACK */
	if (in->m->sip.method == SIP_METHOD_CANCEL || in->m->sip.method == SIP_METHOD_ACK)
		return false;
	while (sip_value_next(&in->m->sip, id, &it)) {
		if (extension_known(it.value))
			continue;
		any = true;
		/* a list that is too long is cut: the first tags are enough to refuse it */
		if (w.len + it.value.len + 20 > sizeof(text))
			continue;
		writer_put(&w, listed ? SPAN(", ") : SPAN("Unsupported: "));
		writer_put(&w, it.value);
		listed = true;
	}
	if (!any)
		return false;
	if (listed)
		writer_put(&w, SPAN("\r\n"));
	answer_send(in, 420, SPAN(""), writer_text(&w));
	return true;
}

void
answer_options(struct inbound *in)
{
	struct sip_reply reply = {
		.status = 200,
		.fields = SPAN(ANSWER_ALLOW "Accept: */*\r\n" ANSWER_SUPPORTED),
	};

	send_reply(in, reply, true);
}
