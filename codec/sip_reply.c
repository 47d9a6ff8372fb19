/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_reply.h"

#include <assert.h>
#include "codec/scan.h"

#define CRLF SPAN("\r\n")

static void
put_line(struct writer *w, const struct sip_msg *m, const struct sip_field *f)
{
	if (f)
		writer_put(w, span_of(m->base + f->name_off, f->end - f->name_off));
}

static void
put_first(struct writer *w, const struct sip_msg *m, enum sip_field_id id)
{
	put_line(w, m, sip_msg_field(m, id));
}

/* The parameters of a Via value, each with its semicolon, but for those named in `others`. */
static void
put_other_params(struct writer *w, const struct sip_via *via, struct span others)
{
	struct span params = via->params, rest = params, name, value, unused;
	const char *begin = params.at, *end;

	for (; sip_param_next(&rest, &name, &value); begin = rest.at) {
		end = rest.len ? rest.at - 1 : params.at + params.len;
		if (!sip_param(others, name, &unused))
			writer_put(w, span_between(begin - 1, end));
	}
}

/* Has it a branch and nothing else? */
static bool
is_plain(const struct sip_via *via)
{
	return via->branch.len && via->params.len == sizeof("branch=") - 1 + via->branch.len;
}

static const struct sip_via *
top_via(const struct sip_msg *m, const struct sip_reply *reply, struct span *text,
	struct sip_via *memory)
{
	struct sip_value_iter it = { 0 };

	if (reply->head) {
		*text = reply->head->via_text;
		return &reply->head->via;
	}
	if (!sip_value_next(m, SIP_FIELD_VIA, &it) || it.field != sip_msg_field(m, SIP_FIELD_VIA) ||
	    sip_via_parse(it.value, memory) != SIP_OK)
		return NULL;
	*text = it.value;
	return memory;
}

/*
 * The first Via line with our parameters behind its first value (T-07, R-01). One
 * that cannot be read is copied as it is: the answer has a connection to go back on.
 */
static void
put_top_via(struct writer *w, const struct sip_msg *m, const struct sip_reply *reply)
{
	const struct sip_field *f = sip_msg_field(m, SIP_FIELD_VIA);
	const struct sip_via *via;
	struct sip_via memory;
	struct span text, ours = reply->via_params;
	const char *end;

	via = ours.len ? top_via(m, reply, &text, &memory) : NULL;
	if (!via) {
		put_line(w, m, f);
		return;
	}
	assert(ours.at[0] == ';');
	end = text.at + text.len;
	if (is_plain(via)) {
		writer_put(w, span_between(m->base + f->name_off, end));
	} else {
		writer_put(w, span_between(m->base + f->name_off,
					   via->params.len ? via->params.at - 1 : end));
		put_other_params(w, via, span_of(ours.at + 1, ours.len - 1));
	}
	writer_put(w, ours);
	writer_put(w, span_between(end, m->base + f->end));
}

static void
put_vias(struct writer *w, const struct sip_msg *m, const struct sip_reply *reply)
{
	const struct sip_field *f = sip_msg_field(m, SIP_FIELD_VIA);

	put_top_via(w, m, reply);
	while ((f = sip_msg_next(m, f)) != NULL)
		put_line(w, m, f);
}

/* §8.2.6.2: is a tag to be added? To a To that cannot be read none is. */
static bool
wants_tag(struct span value, const struct sip_reply *reply)
{
	struct sip_addr memory;
	const struct sip_addr *to = reply->head ? &reply->head->to : &memory;

	if (!reply->to_tag.len)
		return false;
	if (!reply->head && (sip_addr_parse(value, &memory) != SIP_OK || memory.star))
		return false;
	return !to->has_tag;
}

static void
put_to(struct writer *w, const struct sip_msg *m, const struct sip_reply *reply)
{
	const struct sip_field *f = sip_msg_field(m, SIP_FIELD_TO);
	struct span value;

	if (!f)
		return;
	value = sip_field_value(m, f);
	if (!wants_tag(value, reply)) {
		put_line(w, m, f);
		return;
	}
	writer_put(w, span_between(m->base + f->name_off, value.at + value.len));
	writer_put(w, SPAN(";tag="));
	writer_put(w, reply->to_tag);
	writer_put(w, CRLF);
}

static void
put_status_line(struct writer *w, const struct sip_reply *reply)
{
	assert(reply->status >= 100 && reply->status <= 699);
	if (reply->status == 200 && !reply->reason.len) {
		writer_put(w, SPAN("SIP/2.0 200 OK\r\n"));
		return;
	}
	writer_put(w, SPAN("SIP/2.0 "));
	writer_put_decimal(w, (uint64_t)reply->status);
	writer_put_byte(w, ' ');
	writer_put(w, reply->reason.len ? reply->reason : sip_reason_phrase(reply->status));
	writer_put(w, CRLF);
}

/* Call-ID and CSeq, which nearly always follow each other. */
static void
put_call(struct writer *w, const struct sip_msg *m)
{
	const struct sip_field *id = sip_msg_field(m, SIP_FIELD_CALL_ID);
	const struct sip_field *cseq = sip_msg_field(m, SIP_FIELD_CSEQ);

	if (id && cseq && id->end == cseq->name_off) {
		writer_put(w, span_between(m->base + id->name_off, m->base + cseq->end));
		return;
	}
	put_line(w, m, id);
	put_line(w, m, cseq);
}

static void
put_body(struct writer *w, struct span body)
{
	if (!body.len) {
		writer_put(w, SPAN("Content-Length: 0\r\n\r\n"));
		return;
	}
	writer_put(w, SPAN("Content-Length: "));
	writer_put_decimal(w, body.len);
	writer_put(w, SPAN("\r\n\r\n"));
	writer_put(w, body);
}

bool
sip_reply_write(struct writer *w, const struct sip_msg *request, const struct sip_reply *reply)
{
	if (!request->request || request->method == SIP_METHOD_ACK ||
	    request->first[SIP_FIELD_VIA] == SIP_NONE)
		return false;
	put_status_line(w, reply);
	put_vias(w, request, reply);
	put_first(w, request, SIP_FIELD_FROM);
	put_to(w, request, reply);
	put_call(w, request);
	if (reply->status == 100)
		put_first(w, request, SIP_FIELD_TIMESTAMP);
	writer_put(w, reply->fields);
	put_body(w, reply->body);
	return !w->full;
}
