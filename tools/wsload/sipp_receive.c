/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_receive.h"

#include <stdlib.h>
#include <string.h>
#include "codec/sip_cseq.h"
#include "codec/sip_reply.h"
#include "tools/wsload/sipp_action.h"
#include "tools/wsload/sipp_authentication.h"
#include "tools/wsload/sipp_header.h"
#include "tools/wsload/sipp_retransmit.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

#define REPLY_MORE 512u

static struct span
whole(const struct sip_msg *m)
{
	return span_of(m->base, m->len);
}

/* ---- which step is it for? ---- */

static bool
answers_ours(const struct sipp_call *c, const struct sip_msg *m)
{
	struct sip_cseq cseq;
	uint32_t n = c->sent_len < SIPP_CSEQS_MAX ? c->sent_len : SIPP_CSEQS_MAX;

	if (sip_cseq_parse(sip_msg_value(m, SIP_FIELD_CSEQ), &cseq) != SIP_OK)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (c->sent[i].cseq == cseq.number &&
		    c->sent[i].method == (uint8_t)sip_method_lookup(cseq.method))
			return true;
	return false;
}

static bool
has_branch(const struct sip_msg *m, const char *branch)
{
	struct span via = sip_msg_value(m, SIP_FIELD_VIA);
	size_t len = branch ? strlen(branch) : 0;
	const char *at = len && via.len ? memmem(via.at, via.len, branch, len) : NULL;

	return at && at > via.at && at[-1] == '=' &&
	       (at + len == span_end(via) || memchr(";, \t", at[len], 4));
}

static bool
matches_method(const struct sipp_step *s, const struct sip_msg *m)
{
	struct span method = sip_msg_span(m, m->method_name);
	char text[64];

	if (!s->request_regex)
		return span_equal(method, span_of(s->request, strlen(s->request)));
	if (method.len >= sizeof(text))
		return false;
	memcpy(text, method.at, method.len);
	text[method.len] = '\0';
	return regexec(s->request_regex, text, 0, NULL, 0) == 0;
}

static bool
matches(const struct sipp_call *c, const struct sipp_step *s, const struct sip_msg *m)
{
	if (s->kind != SIPP_RECEIVE || (s->request != NULL) != m->request)
		return false;
	if (m->request)
		return matches_method(s, m);
	if (s->response != m->status)
		return false;
	return s->response_txn == SIPP_NONE ? answers_ours(c, m) :
					      has_branch(m, c->branches[s->response_txn]);
}

static bool
is_optional(const struct sipp_step *s)
{
	return s->kind == SIPP_RECEIVE && s->optional != SIPP_MANDATORY;
}

/*
 * Forward over optional ones to the one that has to come; then back over optional ones that were
 * passed, and over those that may come at any time.
 */
static const struct sipp_step *
find_step(const struct sipp_call *c, const struct sip_msg *m)
{
	const struct sipp_program *p = c->program;
	bool in_a_row = true;

	for (uint32_t i = c->step; i < p->len; i++) {
		if (matches(c, &p->steps[i], m))
			return &p->steps[i];
		if (!is_optional(&p->steps[i]))
			break;
	}
	for (uint32_t i = c->step; i-- > 0;) {
		in_a_row = in_a_row && is_optional(&p->steps[i]);
		if ((in_a_row || p->steps[i].optional == SIPP_OPTIONAL_EVER) &&
		    matches(c, &p->steps[i], m))
			return &p->steps[i];
	}
	return NULL;
}

/* ---- what a message leaves behind ---- */

static bool
keep(char **place, struct span text)
{
	free(*place);
	*place = sipp_text_copy(text);
	return *place != NULL;
}

static bool
keep_tag(struct sipp_call *c, const struct sip_msg *m)
{
	struct span value = sip_msg_value(m, m->request ? SIP_FIELD_FROM : SIP_FIELD_TO);
	struct span tag = sipp_header_tag(value);

	return !tag.len || keep(&c->peer_tag, tag);
}

/* The route set of a UAC is that of the response, turned round (RFC 3261 §12.1.2). */
static bool
keep_routes(struct sipp_call *c, const struct sip_msg *m)
{
	struct sip_value_iter it = { 0 };
	struct sipp_text routes = { 0 };

	while (sip_value_next(m, SIP_FIELD_RECORD_ROUTE, &it)) {
		bool first = routes.len == 0;

		if (m->request) {
			sipp_text_puts(&routes, first ? "" : ", ");
			sipp_text_put(&routes, it.value);
		} else {
			sipp_text_insert(&routes, 0, first ? SPAN("") : SPAN(", "));
			sipp_text_insert(&routes, 0, it.value);
		}
	}
	free(c->routes);
	c->routes = routes.at; /* NULL: none */
	return !routes.failed;
}

static bool
keep_route_set(struct sipp_call *c, const struct sip_msg *m)
{
	struct span contact = sip_msg_value(m, SIP_FIELD_CONTACT);

	return keep_routes(c, m) && (!contact.len || keep(&c->next_url, sipp_header_uri(contact)));
}

/* False: the call is over. */
static bool
take_message(struct sipp_call *c, const struct sipp_step *s, const struct sip_msg *m)
{
	struct sip_cseq cseq;
	bool ok;

	sipp_text_cut(&c->received, 0);
	sipp_text_put(&c->received, whole(m));
	ok = !c->received.failed && keep_tag(c, m) && (!s || !s->route_set || keep_route_set(c, m));
	if (!ok) {
		sipp_call_fail(c, TALLY_call_failed, "out of memory", true);
		return false;
	}
	if (sip_cseq_parse(sip_msg_value(m, SIP_FIELD_CSEQ), &cseq) == SIP_OK && m->request)
		c->cseq = cseq.number;
	if (!m->request && m->status >= 200 && m->method == SIP_METHOD_INVITE) {
		c->answered = m->status < 300;
		c->invited = c->answered;
	}
	if (s && s->authenticates &&
	    !sipp_authentication_take(c, whole(m), !m->request && m->status == 407)) {
		sipp_call_fail(c, TALLY_call_failed, "no challenge that can be answered", false);
		return false;
	}
	return true;
}

/* ---- what nobody waits for ---- */

bool
sipp_receive_is_automatic(const struct sipp_run *run, const struct sip_msg *m)
{
	static const char *const names[] = { "INFO", "NOTIFY", "OPTIONS", "UPDATE" };
	struct span method = sip_msg_span(m, m->method_name);

	for (size_t i = 0; run->options->answers && i < sizeof(names) / sizeof(*names); i++)
		if (span_equal(method, span_of(names[i], strlen(names[i]))))
			return true;
	return false;
}

void
sipp_receive_answer(struct sipp_run *run, const struct sip_msg *m, const struct sipp_peer *peer)
{
	size_t cap = m->len + REPLY_MORE;
	char *bytes = malloc(cap);
	struct writer w = writer_over(bytes, bytes ? cap : 0);

	if (sip_reply_write(&w, m, &(struct sip_reply){ .status = 200, .to_tag = SPAN("wsload") }))
		sipp_transport_send(run->worker, peer, writer_text(&w));
	free(bytes);
}

/* True: it was answered, and that is all. */
static bool
is_harmless(struct sipp_call *c, const struct sip_msg *m)
{
	struct span method = sip_msg_span(m, m->method_name);

	if (!m->request ||
	    (!span_equal(method, SPAN("PING")) && !sipp_receive_is_automatic(c->run, m)))
		return false;
	sipp_receive_answer(c->run, m, &c->peer);
	return true;
}

static void
take_unexpected(struct sipp_call *c, const struct sip_msg *m)
{
	struct span method = m->request ? sip_msg_span(m, m->method_name) : SPAN("");
	const struct sipp_scenario *s = c->run->scenario;

	if (s->unexpected != SIPP_NONE && c->program == &s->main) {
		if (!take_message(c, NULL, m))
			return;
		sipp_value_number(sipp_call_value(c, s->unexpected_from), c->step);
		c->step = s->unexpected;
		sipp_call_run(c);
		return;
	}
	if (c->run->options->no_defaults) {
		tally_count(&c->run->worker->tally, TALLY_ignored, 1);
		return;
	}
	if (is_harmless(c, m))
		return;
	if (!take_message(c, NULL, m))
		return;
	if (span_equal(method, SPAN("BYE")) || span_equal(method, SPAN("CANCEL")))
		sipp_receive_answer(c->run, m, &c->peer);
	sipp_call_fail(c, TALLY_call_unexpected, "an unexpected message:", m->request);
}

/* ---- what somebody waits for ---- */

/* An optional one leaves the call where it is, unless it branches. */
static void
take_expected(struct sipp_call *c, const struct sipp_step *s)
{
	uint32_t here = c->step;
	bool jumped;

	sipp_retransmit_stop(c);
	sipp_call_time(c, s);
	if (!sipp_action_run(c, s, &jumped))
		return;
	if (!jumped) {
		sipp_call_advance(c, s);
		if (is_optional(s) && c->step == (uint32_t)(s - c->program->steps) + 1) {
			c->step = here;
			return;
		}
	}
	sipp_call_run(c);
}

void
sipp_receive(struct sipp_call *c, const struct sip_msg *m)
{
	const struct sipp_step *s;

	if (sipp_retransmit_is(c, whole(m)))
		return;
	if (c->state == SIPP_CALL_LEAVES) {
		tally_count(&c->run->worker->tally, TALLY_ignored, 1);
		return;
	}
	s = find_step(c, m);
	if (s && sipp_call_is_lost(c, s))
		return;
	sipp_retransmit_received(c, whole(m));
	if (!s)
		take_unexpected(c, m);
	else if (take_message(c, s, m))
		take_expected(c, s);
}
