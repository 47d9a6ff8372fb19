/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_expand.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "codec/sip_cseq.h"
#include "engine/clock.h"
#include "tools/wsload/sipp_authentication.h"
#include "tools/wsload/sipp_header.h"
#include "tools/wsload/sipp_run.h"
#include "tools/wsload/worker.h"

#define DEPTH_MAX 4 /* fields that hold fields */
#define LENS_MAX 4
#define MEDIA_PORTS 10000

struct expander {
	struct sipp_call *call;
	struct sipp_text *out;
	unsigned depth;
	bool missing;          /* of the keyword before: it takes the rest of the line along */
	size_t lens[LENS_MAX]; /* places of [len] */
	int32_t offsets[LENS_MAX];
	unsigned lens_len;
};

static bool expand(struct expander *x, const struct sipp_template *t);

static void
put_number(struct expander *x, int64_t n)
{
	sipp_text_format(x->out, "%" PRId64, n);
}

static void
put_ip(struct expander *x, const char *ip, bool v6)
{
	if (v6)
		sipp_text_format(x->out, "[%s]", ip);
	else
		sipp_text_puts(x->out, ip);
}

/* ---- of the last message ---- */

static void
put_last(struct expander *x, const struct sipp_piece *p)
{
	struct span message = sipp_text_span(&x->call->received);
	struct span name = span_of(p->text, p->text_len);
	struct sipp_header h = { 0 };
	bool any = false;

	while (message.len && sipp_header_next(message, name, &h)) {
		if (any)
			sipp_text_puts(x->out, p->value_only ? ", " : "\r\n");
		sipp_text_put(x->out, p->value_only ? h.value : h.line);
		any = true;
	}
	x->missing = !any;
}

static void
put_last_cseq(struct expander *x, int32_t offset)
{
	struct sip_cseq cseq;
	struct span value = sipp_header_value(sipp_text_span(&x->call->received), SPAN("CSeq"));

	if (value.len && sip_cseq_parse(value, &cseq) == SIP_OK)
		put_number(x, (int64_t)cseq.number + offset);
	else
		x->missing = true;
}

static void
put_last_uri(struct expander *x)
{
	struct span value = sipp_header_value(sipp_text_span(&x->call->received), SPAN("To"));

	x->missing = !value.len;
	sipp_text_put(x->out, sipp_header_uri(value));
}

/* ---- of the scenario's data ---- */

static bool
put_parameter(struct expander *x, const struct sipp_template *t, struct sipp_text *out)
{
	struct expander inner = { .call = x->call, .out = out, .depth = x->depth };

	return !t || expand(&inner, t);
}

/* A field may hold keywords, as [authentication ...] with another password for each call. */
static bool
put_field(struct expander *x, const struct sipp_piece *p)
{
	struct sipp_call *c = x->call;
	struct sipp_scenario *s = c->run->scenario;
	const struct sipp_injection *in = &s->injections[p->index];
	struct sipp_text text = { 0 };
	struct sipp_template inner = { 0 };
	struct sipp_error error = { 0 };
	const struct sipp_names names = { .variables = &s->variables,
					  .options = c->run->options,
					  .injections = s->injections,
					  .injections_len = s->injections_len,
					  .error = &error };
	uint32_t line = c->lines[p->index];
	bool ok = true;

	if (p->parameters[0]) {
		ok = put_parameter(x, p->parameters[0], &text);
		line = text.at ? (uint32_t)strtoul(text.at, NULL, 10) : UINT32_MAX;
		sipp_text_cut(&text, 0);
	}
	sipp_injection_field(in, line, p->field, &text);
	if (text.at && strchr(text.at, '[') && x->depth < DEPTH_MAX) {
		if (ok && !sipp_template_text(&inner, text.at, 0, &names)) {
			sipp_call_fail(c, TALLY_call_failed, error.text, false);
			ok = false;
		}
		x->depth++;
		ok = ok && expand(x, &inner);
		x->depth--;
		sipp_template_free(&inner);
	} else {
		sipp_text_put(x->out, sipp_text_span(&text));
	}
	x->out->failed |= text.failed;
	sipp_text_free(&text);
	return ok;
}

static void
put_fill(struct expander *x, const struct sipp_piece *p)
{
	double n;

	if (!sipp_value_to_number(sipp_call_value(x->call, p->index), &n))
		n = 0;
	for (uint32_t i = 0; p->text_len && i < n && !x->out->failed; i++)
		sipp_text_put(x->out, span_of(&p->text[i % p->text_len], 1));
}

static bool
put_authentication(struct expander *x, const struct sipp_piece *p)
{
	struct sipp_text user = { 0 }, password = { 0 };
	bool ok = put_parameter(x, p->parameters[0], &user) &&
		  put_parameter(x, p->parameters[1], &password);

	ok = ok && sipp_authentication_put(x->call, x->out, p->parameters[0] ? user.at : NULL,
					   p->parameters[1] ? password.at : NULL);
	sipp_text_free(&user);
	sipp_text_free(&password);
	return ok;
}

/* ---- of the time ---- */

static void
put_date(struct expander *x)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[64];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	sipp_text_puts(x->out, text);
}

static void
put_timestamp(struct expander *x)
{
	struct timespec now;
	struct tm tm;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	sipp_text_format(x->out, "%s.%06ld", text, now.tv_nsec / 1000);
}

/* ---- all the others ---- */

static void
put_len(struct expander *x, const struct sipp_piece *p)
{
	if (x->lens_len == LENS_MAX) {
		x->out->failed = true;
		return;
	}
	x->lens[x->lens_len] = x->out->len;
	x->offsets[x->lens_len++] = p->offset;
}

static void
put_optional(struct expander *x, const char *before, const char *text)
{
	if (!text)
		return;
	sipp_text_puts(x->out, before);
	sipp_text_puts(x->out, text);
}

/* What belongs to the run. False: it is none of them. */
static bool
put_of_run(struct expander *x, const struct sipp_piece *p)
{
	const struct sipp_run *run = x->call->run;
	const struct options *o = &run->worker->plan->options;

	switch (p->keyword) {
	case SIPP_LOCAL_IP:
	case SIPP_SERVER_IP:
		put_ip(x, run->local_ip, run->local_v6);
		return true;
	case SIPP_LOCAL_IP_TYPE:
		put_number(x, run->local_v6 ? 6 : 4);
		return true;
	case SIPP_MEDIA_IP:
		sipp_text_puts(x->out, run->media_ip);
		return true;
	case SIPP_MEDIA_IP_TYPE:
		put_number(x, run->media_v6 ? 6 : 4);
		return true;
	case SIPP_MEDIA_PORT:
		put_number(x, (int64_t)run->options->media_port + p->offset);
		return true;
	case SIPP_REMOTE_HOST:
		sipp_text_puts(x->out, o->host);
		return true;
	case SIPP_REMOTE_IP:
		put_ip(x, run->remote_ip, run->remote_v6);
		return true;
	case SIPP_REMOTE_PORT:
		put_number(x, (int64_t)o->port + p->offset);
		return true;
	case SIPP_SERVICE:
		sipp_text_puts(x->out, run->options->service);
		return true;
	case SIPP_SIPP_VERSION:
		sipp_text_puts(x->out, "wsload");
		return true;
	case SIPP_TRANSPORT:
		sipp_text_puts(x->out, sipp_transport_name(run->worker));
		return true;
	case SIPP_USERS:
		put_number(x, run->options->users);
		return true;
	case SIPP_PID:
		put_number(x, getpid());
		return true;
	case SIPP_CLOCK_TICK:
		put_number(x, (int64_t)((run->worker->now_ns - run->begun_ns) / CLOCK_NS_PER_MS));
		return true;
	default:
		return false;
	}
}

/* What belongs to the call, or to the moment. */
static void
put_of_call(struct expander *x, const struct sipp_piece *p)
{
	struct sipp_call *c = x->call;

	switch (p->keyword) {
	case SIPP_AUTO_MEDIA_PORT:
		put_number(x, (int64_t)c->run->options->media_port +
				      (int64_t)((c->number - 1) % (MEDIA_PORTS / 4)) * 4 +
				      p->offset);
		break;
	case SIPP_BRANCH:
		sipp_text_format(x->out, "z9hG4bK-%d-%" PRIu64 "-%" PRId64, getpid(), c->number,
				 (int64_t)c->step + p->offset);
		break;
	case SIPP_CALL_ID:
		sipp_text_puts(x->out, c->id);
		break;
	case SIPP_CALL_NUMBER:
		put_number(x, (int64_t)c->number + p->offset);
		break;
	case SIPP_CSEQ:
		put_number(x, (int64_t)c->cseq + p->offset);
		break;
	case SIPP_DATE:
		put_date(x);
		break;
	case SIPP_DYNAMIC_ID:
		put_number(x, (int64_t)c->run->dynamic_id++ + p->offset);
		break;
	case SIPP_LOCAL_PORT:
		put_number(x, (int64_t)c->peer.local_port + p->offset);
		break;
	case SIPP_MSG_INDEX:
		put_number(x, c->step);
		break;
	case SIPP_NEXT_URL:
		put_optional(x, "", c->next_url);
		break;
	case SIPP_PEER_TAG_PARAM:
		put_optional(x, ";tag=", c->peer_tag);
		break;
	case SIPP_ROUTES:
		put_optional(x, "Route: ", c->routes);
		break;
	case SIPP_TIMESTAMP:
		put_timestamp(x);
		break;
	case SIPP_USERID:
		put_number(x, c->user);
		break;
	default:
		break;
	}
}

static bool
put_keyword(struct expander *x, const struct sipp_piece *p)
{
	switch (p->keyword) {
	case SIPP_VARIABLE:
		sipp_value_put(sipp_call_value(x->call, p->index), x->out);
		return true;
	case SIPP_FIELD:
		return put_field(x, p);
	case SIPP_LAST:
		put_last(x, p);
		return true;
	case SIPP_LAST_CSEQ_NUMBER:
		put_last_cseq(x, p->offset);
		return true;
	case SIPP_LAST_MESSAGE:
		sipp_text_put(x->out, sipp_text_span(&x->call->received));
		return true;
	case SIPP_LAST_REQUEST_URI:
		put_last_uri(x);
		return true;
	case SIPP_TEXT:
	case SIPP_FILE:
		sipp_text_put(x->out, span_of(p->text, p->text_len));
		return true;
	case SIPP_FILL:
		put_fill(x, p);
		return true;
	case SIPP_AUTHENTICATION:
		return put_authentication(x, p);
	case SIPP_LEN:
		put_len(x, p);
		return true;
	default:
		if (!put_of_run(x, p))
			put_of_call(x, p);
		return true;
	}
}

static bool
at_line_start(const struct sipp_text *t)
{
	return !t->len || t->at[t->len - 1] == '\n';
}

/*
 * Text behind a keyword that stood for nothing: a line that holds nothing else goes, for an empty
 * one would end the head; behind a header that did not come ([last_*]) the rest of the line goes.
 */
static void
put_text(struct expander *x, struct span text, bool nothing)
{
	const char *end;

	if (x->missing) {
		end = text.len ? memmem(text.at, text.len, "\r\n", 2) : NULL;
		if (!end)
			return;
		text = span_of(end, (size_t)(span_end(text) - end));
		x->missing = false;
		nothing = true;
	}
	if (nothing && at_line_start(x->out) && text.len >= 2 && memcmp(text.at, "\r\n", 2) == 0)
		text = span_of(text.at + 2, text.len - 2);
	sipp_text_put(x->out, text);
}

static bool
expand(struct expander *x, const struct sipp_template *t)
{
	bool nothing = false, ok = true;

	for (uint32_t i = 0; ok && i < t->len; i++) {
		const struct sipp_piece *p = &t->pieces[i];
		size_t before = x->out->len;

		if (p->keyword == SIPP_TEXT) {
			put_text(x, span_of(p->text, p->text_len), nothing);
			nothing = false;
		} else if (!x->missing) {
			ok = put_keyword(x, p);
			nothing = x->out->len == before && p->keyword != SIPP_LEN;
		}
	}
	return ok;
}

bool
sipp_expand_text(struct sipp_call *c, const struct sipp_template *t, struct sipp_text *out)
{
	struct expander x = { .call = c, .out = out };

	return expand(&x, t);
}

bool
sipp_expand_message(struct sipp_call *c, const struct sipp_template *t, struct sipp_text *out)
{
	struct expander x = { .call = c, .out = out };
	size_t begin = out->len, head, body;
	char digits[24];

	if (!expand(&x, t))
		return false;
	if (out->failed)
		return true;
	head = sipp_header_end(span_of(out->at + begin, out->len - begin));
	body = head ? out->len - begin - head : 0;
	while (x.lens_len--) {
		int64_t n = (int64_t)body + x.offsets[x.lens_len];

		snprintf(digits, sizeof(digits), "%" PRId64, n);
		sipp_text_insert(out, x.lens[x.lens_len], span_of(digits, strlen(digits)));
	}
	return true;
}
