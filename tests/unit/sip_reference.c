/* SPDX-License-Identifier: Apache-2.0 */
/* The reference parser, messages and URIs. See sip_reference.h. */
#include "tests/unit/sip_reference.h"

#include "codec/sip_msg.h" /* enum sip_field_id only */
#include "tests/unit/sip_reference_text.h"

static const struct {
	const char *name;
	char compact;
	bool single;
} known[] = {
	{ "", 0, false },
#define SIP_FIELD(symbol, name, compact, list, single) { name, compact, single },
#include "codec/sip_field.def"
#undef SIP_FIELD
};

static int
known_id(struct span name)
{
	for (int i = 1; i < SIP_FIELD_COUNT; i++)
		if (span_equal_nocase(name, span_of(known[i].name, strlen(known[i].name))) ||
		    (known[i].compact && span_equal_nocase(name, span_of(&known[i].compact, 1))))
			return i;
	return 0;
}

static bool
unreserved(int c)
{
	return alphanum(c) || one_of(c, "-_.!~*'()");
}

static bool
user_char(int c)
{
	return unreserved(c) || one_of(c, "&=+$,;?/");
}

static bool
password_char(int c)
{
	return unreserved(c) || one_of(c, "&=+$,");
}

static bool
param_char(int c)
{
	return unreserved(c) || one_of(c, "[]/:&+$");
}

static bool
header_char(int c)
{
	return unreserved(c) || one_of(c, "[]/?:+$");
}

/* reserved / unreserved; more than the ABNF's opaque-part: the brackets of an IPv6 reference. */
static bool
uric(int c)
{
	return unreserved(c) || one_of(c, ";/?:@&=+$,[]");
}

static bool
scheme_char(int c)
{
	return alphanum(c) || one_of(c, "+-.");
}

/* *( class / escaped ) */
static bool
escaped_run(struct text *t, reference_class *class, struct span *out)
{
	const char *begin = t->p;

	for (;;) {
		if (!done(t) && class(peek(t)))
			t->p++;
		else if (t->end - t->p >= 3 && t->p[0] == '%' && hex((unsigned char)t->p[1]) &&
			 hex((unsigned char)t->p[2]))
			t->p += 3;
		else
			break;
	}
	*out = since(begin, t);
	return out->len > 0;
}

/* ( user ) [ ":" password ] "@" */
static bool
userinfo(struct text *t, struct reference_uri *out)
{
	struct text try = *t;
	struct span user, password = { NULL, 0 };
	bool has_password;

	if (!escaped_run(&try, user_char, &user))
		return false;
	has_password = eat(&try, ':');
	if (has_password)
		escaped_run(&try, password_char, &password);
	if (!eat(&try, '@'))
		return false;
	out->has_user = true;
	out->user = user;
	out->has_password = has_password;
	out->password = password;
	*t = try;
	return true;
}

/* ";" pname [ "=" pvalue ] ... */
static bool
uri_parameters(struct text *t, struct reference_uri *out)
{
	const char *begin = t->p + 1;
	struct span part;

	while (eat(t, ';')) {
		if (!escaped_run(t, param_char, &part))
			return false;
		if (eat(t, '=') && !escaped_run(t, param_char, &part))
			return false;
		out->params = since(begin, t);
	}
	return true;
}

/* "?" hname "=" hvalue *( "&" ... ) */
static bool
uri_headers(struct text *t, struct reference_uri *out)
{
	const char *begin = t->p + 1;
	struct span part;

	if (!eat(t, '?'))
		return true;
	do {
		if (!escaped_run(t, header_char, &part) || !eat(t, '='))
			return false;
		escaped_run(t, header_char, &part);
	} while (eat(t, '&'));
	out->headers = since(begin, t);
	return true;
}

bool
sip_reference_uri(struct span s, struct reference_uri *out)
{
	struct text t = text_of(s);
	const char *begin;
	unsigned long port = 0;

	*out = (struct reference_uri){ 0 };
	if (!alpha(peek(&t)) || !run(&t, scheme_char, &out->scheme) || !eat(&t, ':'))
		return false;
	if (!span_equal_nocase(out->scheme, SPAN("sip")) &&
	    !span_equal_nocase(out->scheme, SPAN("sips"))) {
		struct span rest;

		return escaped_run(&t, uric, &rest) && done(&t);
	}
	out->sip = true;
	userinfo(&t, out);
	begin = t.p;
	if (!reference_host(&t))
		return false;
	out->host = since(begin, &t);
	if (eat(&t, ':') && (!number(&t, 65535, &port) || port < 1 || port > 65535))
		return false;
	out->port = (unsigned)port;
	return uri_parameters(&t, out) && uri_headers(&t, out) && done(&t);
}

/* The octets up to the first CR or LF, and then CRLF. */
static bool
line(struct text *t, struct span *out)
{
	const char *begin = t->p;

	while (!done(t) && peek(t) != '\r' && peek(t) != '\n')
		t->p++;
	*out = since(begin, t);
	return eat(t, '\r') && eat(t, '\n');
}

static bool
nocase_char(struct text *t, char c)
{
	return eat(t, c) || eat(t, (char)(c - 0x20));
}

/* "SIP/2.0" */
static bool
sip_version(struct text *t)
{
	return nocase_char(t, 's') && nocase_char(t, 'i') && nocase_char(t, 'p') && eat(t, '/') &&
	       eat(t, '2') && eat(t, '.') && eat(t, '0');
}

static bool
status_line(struct span s, struct reference_msg *out)
{
	struct text t = text_of(s);
	struct span code;

	if (!sip_version(&t) || !eat(&t, ' ') || !run(&t, digit, &code) || code.len != 3 ||
	    code.at[0] < '1' || code.at[0] > '6' || !eat(&t, ' '))
		return false;
	out->status = (code.at[0] - '0') * 100 + (code.at[1] - '0') * 10 + (code.at[2] - '0');
	out->reason = span_of(t.p, (size_t)(t.end - t.p));
	return true;
}

static bool
not_space(int c)
{
	return c != ' ';
}

static bool
request_line(struct span s, struct reference_msg *out)
{
	struct text t = text_of(s);

	out->request = true;
	return run(&t, token_char, &out->method) && eat(&t, ' ') &&
	       run(&t, not_space, &out->uri) && eat(&t, ' ') && sip_version(&t) && done(&t);
}

/* token *( SP / HTAB ) ":" and the value with its folds, up to the CRLF that is not one. */
static bool
message_header(struct text *t, struct reference_msg *out)
{
	struct reference_field f;
	const char *begin;
	struct span part;

	if (!run(t, token_char, &f.name))
		return false;
	while (peek(t) == ' ' || peek(t) == '\t')
		t->p++;
	if (!eat(t, ':'))
		return false;
	begin = t->p;
	do {
		if (!line(t, &part))
			return false;
	} while (peek(t) == ' ' || peek(t) == '\t');
	f.value = span_trim(since(begin, t));
	f.id = known_id(f.name);
	for (size_t i = 0; i < out->fields_len; i++)
		if (f.id && out->fields[i].id == f.id && known[f.id].single)
			return false;
	if (out->fields_len == REFERENCE_FIELDS_MAX)
		return false;
	out->fields[out->fields_len++] = f;
	return true;
}

static bool
body(struct text *t, struct reference_msg *out)
{
	size_t there = (size_t)(t->end - t->p);
	unsigned long want = there;

	for (size_t i = 0; i < out->fields_len; i++) {
		struct text value = text_of(out->fields[i].value);

		if (out->fields[i].id == SIP_FIELD_CONTENT_LENGTH &&
		    (!number(&value, there, &want) || !done(&value) || want > there))
			return false;
	}
	out->body = span_of(t->p, want);
	out->surplus = there - want;
	return true;
}

bool
sip_reference_msg(struct span s, struct reference_msg *out)
{
	struct text t = text_of(s);
	struct span start;

	memset(out, 0, sizeof(*out));
	if (!line(&t, &start))
		return false;
	if (!status_line(start, out)) {
		memset(out, 0, sizeof(*out));
		if (!request_line(start, out))
			return false;
	}
	while (!eat(&t, '\r'))
		if (!message_header(&t, out))
			return false;
	return eat(&t, '\n') && body(&t, out);
}

static const struct reference_field *
field(const struct reference_msg *m, int id)
{
	for (size_t i = 0; i < m->fields_len; i++)
		if (m->fields[i].id == id)
			return &m->fields[i];
	return NULL;
}

static bool
word_char(int c)
{
	return token_char(c) || one_of(c, "()<>:\\\"/[]?{}");
}

/* word [ "@" word ] */
static bool
call_id(struct span s)
{
	struct text t = text_of(s);
	struct span word;

	if (!run(&t, word_char, &word))
		return false;
	if (eat(&t, '@') && !run(&t, word_char, &word))
		return false;
	return done(&t);
}

static bool
max_forwards(struct span s)
{
	struct text t = text_of(s);
	unsigned long n;

	return number(&t, 255, &n) && n <= 255 && done(&t);
}

/* The topmost value to the letter; none of the others may leave a quote or bracket open. */
static bool
vias(const struct reference_msg *m)
{
	struct reference_via via;
	struct span value;
	int n = 0;

	for (size_t i = 0; i < m->fields_len; i++) {
		struct span rest = m->fields[i].value;
		int got;

		if (m->fields[i].id != SIP_FIELD_VIA)
			continue;
		while ((got = sip_reference_value(&rest, &value)) == 1) {
			if (n++ == 0 && (value.at != field(m, SIP_FIELD_VIA)->value.at ||
					 !sip_reference_via(value, &via)))
				return false;
		}
		if (got < 0)
			return false;
	}
	return n > 0;
}

bool
sip_reference_check(const struct reference_msg *m)
{
	static const int required[] = { SIP_FIELD_VIA, SIP_FIELD_FROM, SIP_FIELD_TO,
					SIP_FIELD_CALL_ID, SIP_FIELD_CSEQ };
	struct reference_addr addr;
	struct reference_cseq cseq;
	struct reference_uri uri;

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (!field(m, required[i]))
			return false;
	if (m->request && (!sip_reference_uri(m->uri, &uri) || uri.headers.len))
		return false;
	if (!sip_reference_addr(field(m, SIP_FIELD_FROM)->value, &addr) || addr.star ||
	    !sip_reference_addr(field(m, SIP_FIELD_TO)->value, &addr) || addr.star)
		return false;
	if (!sip_reference_cseq(field(m, SIP_FIELD_CSEQ)->value, &cseq) ||
	    (m->request && !span_equal(cseq.method, m->method)))
		return false;
	if (field(m, SIP_FIELD_MAX_FORWARDS) &&
	    !max_forwards(field(m, SIP_FIELD_MAX_FORWARDS)->value))
		return false;
	return vias(m) && call_id(field(m, SIP_FIELD_CALL_ID)->value);
}
