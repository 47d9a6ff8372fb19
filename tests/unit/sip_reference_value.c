/* SPDX-License-Identifier: Apache-2.0 */
/* The reference parser, values of header fields. See sip_reference.h. */
#include "tests/unit/sip_reference.h"
#include "tests/unit/sip_reference_text.h"

/* DQUOTE *(qdtext / quoted-pair ) DQUOTE; more than the ABNF: octets over 0x7F as they come. */
bool
reference_quoted(struct text *t)
{
	struct text try = *t;

	if (!eat(&try, '"'))
		return false;
	for (;;) {
		int c = peek(&try);

		if (c < 0)
			return false;
		try.p++;
		if (c == '"')
			break;
		if (c == '\\') {
			c = peek(&try);
			if (c < 0 || c == '\r' || c == '\n' || c > 0x7F)
				return false;
			try.p++;
		} else if (c == 0x7F || (c < ' ' && !lws_char(c))) {
			return false;
		}
	}
	*t = try;
	return true;
}

static bool
label_char(int c)
{
	return alphanum(c) || c == '-';
}

/* alphanum / alphanum *( alphanum / "-" ) alphanum */
static bool
domainlabel(struct text *t, struct span *out)
{
	struct text try = *t;

	if (!run(&try, label_char, out) || out->at[0] == '-' || out->at[out->len - 1] == '-')
		return false;
	*t = try;
	return true;
}

/* *( domainlabel "." ) toplabel [ "." ] */
static bool
hostname(struct text *t)
{
	struct text try = *t;
	struct span label, last;

	if (!domainlabel(&try, &last))
		return false;
	for (;;) {
		struct text more = try;

		if (!eat(&more, '.') || !run(&more, label_char, &label))
			break;
		more = try;
		eat(&more, '.');
		if (!domainlabel(&more, &last))
			return false;
		try = more;
	}
	if (!alpha(last.at[0]))
		return false;
	eat(&try, '.');
	*t = try;
	return true;
}

static bool
digits_1_to_3(struct text *t)
{
	struct span digits;

	return run(t, digit, &digits) && digits.len <= 3;
}

static bool
ipv4(struct text *t)
{
	struct text try = *t;

	for (int i = 0; i < 4; i++)
		if ((i > 0 && !eat(&try, '.')) || !digits_1_to_3(&try))
			return false;
	*t = try;
	return true;
}

static bool
ipv6_char(int c)
{
	return hex(c) || c == ':' || c == '.';
}

/* h16 *( ":" h16 ), perhaps with an IPv4 address as the last two; the number of groups or -1. */
static int
groups(struct span s)
{
	struct text t = text_of(s);
	int n = 0;

	if (!s.len)
		return 0;
	do {
		struct text four = t;
		struct span h16;

		if (ipv4(&four) && done(&four))
			return n + 2;
		if (!run(&t, hex, &h16) || h16.len > 4)
			return -1;
		n++;
	} while (eat(&t, ':'));
	return done(&t) ? n : -1;
}

/* RFC 5954 §4.1 by counting: eight groups, or fewer with one "::". */
static bool
is_ipv6(struct span s)
{
	int left, right;

	for (size_t i = 0; i + 1 < s.len; i++) {
		if (s.at[i] != ':' || s.at[i + 1] != ':')
			continue;
		left = groups(span_of(s.at, i));
		right = groups(span_of(s.at + i + 2, s.len - i - 2));
		/* An IPv4 address ends it, so the left side has none. */
		return left >= 0 && right >= 0 && left + right <= 7 &&
		       !memchr(s.at, '.', i);
	}
	return groups(s) == 8;
}

bool
reference_ipv6(struct text *t)
{
	struct text try = *t;
	struct span all;

	if (!run(&try, ipv6_char, &all) || !is_ipv6(all))
		return false;
	*t = try;
	return true;
}

/* host = hostname / IPv4address / IPv6reference */
bool
reference_host(struct text *t)
{
	struct text try = *t;

	if (eat(&try, '[')) {
		if (!reference_ipv6(&try) || !eat(&try, ']'))
			return false;
		*t = try;
		return true;
	}
	return hostname(t) || ipv4(t);
}

/*
 * gen-value = token / host / quoted-string; more than the ABNF: an IPv6 address
 * without brackets.
 */
static bool
gen_value(struct text *t)
{
	struct text longest = *t, try = *t;
	struct span ignored;

	if (peek(t) == '"')
		return reference_quoted(t);
	if (run(&try, token_char, &ignored))
		longest = try;
	try = *t;
	if (reference_host(&try) && try.p > longest.p)
		longest = try;
	try = *t;
	if (reference_ipv6(&try) && try.p > longest.p)
		longest = try;
	if (longest.p == t->p)
		return false;
	*t = longest;
	return true;
}

/* token [ EQUAL gen-value ] */
static bool
generic_param(struct text *t, struct span *name, struct span *value)
{
	const char *begin;

	*value = (struct span){ NULL, 0 };
	if (!run(t, token_char, name))
		return false;
	if (!separator(t, '='))
		return true;
	begin = t->p;
	if (!gen_value(t))
		return false;
	*value = since(begin, t);
	return true;
}

/* *( SEMI generic-param ) up to the end; *params: behind the first ";". */
static bool
params_to_end(struct text *t, struct span *params,
	      bool (*note)(void *arg, struct span name, struct span value), void *arg)
{
	struct span name, value;

	*params = span_of(t->end, 0);
	sws(t);
	if (peek(t) == ';')
		*params = span_of(t->p + 1, (size_t)(t->end - (t->p + 1)));
	while (separator(t, ';'))
		if (!generic_param(t, &name, &value) || (note && !note(arg, name, value)))
			return false;
	sws(t);
	return done(t);
}

static bool
is(struct span name, const char *word)
{
	return span_equal_nocase(name, span_of(word, strlen(word)));
}

static bool
note_via_param(void *arg, struct span name, struct span value)
{
	struct reference_via *via = arg;
	struct text t = text_of(value);
	struct span ignored;
	unsigned long port;

	if (is(name, "branch")) {
		if (via->branch.len || !value.len || !run(&t, token_char, &ignored) || !done(&t))
			return false;
		via->branch = value;
	} else if (is(name, "received")) {
		if (via->received.len || !value.len || value.at[0] == '"')
			return false;
		via->received = value;
	} else if (is(name, "rport")) {
		if (via->has_rport)
			return false;
		if (value.at && (!number(&t, 65535, &port) || !done(&t) || port < 1 ||
				 port > 65535))
			return false;
		via->has_rport = true;
		via->rport = value;
	}
	return true;
}

/* sent-protocol LWS sent-by *( SEMI via-params ) */
bool
sip_reference_via(struct span s, struct reference_via *out)
{
	struct text t = text_of(s);
	const char *begin;
	unsigned long port = 0;

	*out = (struct reference_via){ 0 };
	sws(&t);
	if (!run(&t, token_char, &out->protocol) || !separator(&t, '/') ||
	    !run(&t, token_char, &out->version) || !separator(&t, '/') ||
	    !run(&t, token_char, &out->transport) || !lws_char(peek(&t)))
		return false;
	sws(&t);
	begin = t.p;
	if (!reference_host(&t))
		return false;
	out->host = since(begin, &t);
	if (separator(&t, ':') && (!number(&t, 65535, &port) || port < 1 || port > 65535))
		return false;
	out->port = (unsigned)port;
	return params_to_end(&t, &out->params, note_via_param, out);
}

static bool
not_in_bare_uri(int c)
{
	return one_of(c, ";,?<>\" \t\r\n");
}

static bool
in_bare_uri(int c)
{
	return !not_in_bare_uri(c);
}

static bool
not_angle(int c)
{
	return c != '>';
}

/* *(token LWS) / quoted-string; more than the ABNF: the last LWS may be missing. */
static bool
display_name(struct text *t, struct span *out)
{
	const char *begin = t->p;
	struct span ignored;

	if (peek(t) == '"') {
		if (!reference_quoted(t))
			return false;
		*out = since(begin, t);
		return true;
	}
	while (run(t, token_char, &ignored))
		sws(t);
	*out = span_trim(since(begin, t));
	return true;
}

bool
sip_reference_addr(struct span s, struct reference_addr *out)
{
	struct text t = text_of(s), try;

	*out = (struct reference_addr){ 0 };
	sws(&t);
	try = t;
	if (eat(&try, '*') && (sws(&try), done(&try))) {
		out->star = true;
		return true;
	}
	try = t;
	if (display_name(&try, &out->display) && (sws(&try), eat(&try, '<'))) {
		out->bracketed = true;
		return run(&try, not_angle, &out->uri_text) && eat(&try, '>') &&
		       sip_reference_uri(out->uri_text, &out->uri) &&
		       params_to_end(&try, &out->params, NULL, NULL);
	}
	out->display = (struct span){ NULL, 0 };
	return run(&t, in_bare_uri, &out->uri_text) &&
	       sip_reference_uri(out->uri_text, &out->uri) &&
	       params_to_end(&t, &out->params, NULL, NULL);
}

/* 1*DIGIT LWS Method */
bool
sip_reference_cseq(struct span s, struct reference_cseq *out)
{
	struct text t = text_of(s);

	if (!number(&t, 0x7FFFFFFF, &out->number) || out->number > 0x7FFFFFFF ||
	    !lws_char(peek(&t)))
		return false;
	sws(&t);
	return run(&t, token_char, &out->method) && done(&t);
}

int
sip_reference_value(struct span *rest, struct span *value)
{
	struct text t = text_of(*rest);
	const char *begin;

	while (lws_char(peek(&t)) || peek(&t) == ',')
		t.p++;
	begin = t.p;
	while (!done(&t) && peek(&t) != ',') {
		if (peek(&t) == '"') {
			if (!reference_quoted(&t))
				return -1;
		} else if (eat(&t, '<')) {
			struct span ignored;

			run(&t, not_angle, &ignored);
			if (!eat(&t, '>'))
				return -1;
		} else {
			t.p++;
		}
	}
	*value = span_trim(since(begin, &t));
	*rest = span_of(t.p, (size_t)(t.end - t.p));
	return value->len > 0;
}
