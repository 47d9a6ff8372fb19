/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/policy.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "codec/scan.h"

#define MAPPED_BITS 96 /* in front of an IPv4 address */

/* ---- reading ---- */

/* A rule while it is read. */
struct reading {
	struct policy_rule *rule;
	unsigned seen; /* bit per row of words[] */
	unsigned actions;
	char *error;
	size_t cap;
};

static bool fail(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool
fail(struct reading *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, r->cap, format, args);
	va_end(args);
	return false;
}

/* Up to the next comma. */
static struct span
next_item(struct span *list)
{
	const char *comma = memchr(list->at, ',', list->len);
	size_t len = comma ? (size_t)(comma - list->at) : list->len;
	struct span item = span_trim(span_of(list->at, len));

	len += comma != NULL;
	*list = span_of(list->at + len, list->len - len);
	return item;
}

bool
policy_methods(struct span list, uint32_t *methods)
{
	*methods = 0;
	if (list.len && list.at[list.len - 1] == ',')
		return false;
	while (list.len) {
		struct span item = next_item(&list);
		enum sip_method method = sip_method_lookup(item);

		if (method == SIP_METHOD_OTHER && !span_equal(item, SPAN("OTHER")))
			return false;
		*methods |= UINT32_C(1) << method;
	}
	return *methods != 0;
}

static bool
read_methods(struct reading *r, struct span value)
{
	return policy_methods(value, &r->rule->methods) ||
	       fail(r, "'%.*s': methods are known by name, or OTHER", (int)value.len, value.at);
}

static bool
copy(struct reading *r, char out[POLICY_NAME_MAX], struct span value)
{
	if (!value.len || value.len >= POLICY_NAME_MAX)
		return fail(r, "a name must have 1 to %d characters", POLICY_NAME_MAX - 1);
	memcpy(out, value.at, value.len);
	out[value.len] = '\0';
	return true;
}

static bool
read_domain(struct reading *r, struct span value)
{
	return copy(r, r->rule->domain, value);
}

static bool
read_header(struct reading *r, struct span value)
{
	if (!scan_all(value, SCAN_TOKEN))
		return fail(r, "'%.*s' is no name of a header field", (int)value.len, value.at);
	return copy(r, r->rule->header, value);
}

static bool
read_upstream(struct reading *r, struct span value)
{
	r->rule->action = POLICY_UPSTREAM;
	r->actions++;
	return copy(r, r->rule->upstream, value);
}

static bool
read_registrar(struct reading *r, struct span value)
{
	r->rule->action = POLICY_REGISTRAR;
	r->actions++;
	return !value.at || fail(r, "'registrar' has no value");
}

/* Decimal, from min to max. */
static bool
number(struct span value, unsigned min, unsigned max, unsigned *out)
{
	*out = 0;
	if (!scan_all(value, SCAN_DIGIT) || value.len > 5)
		return false;
	for (size_t i = 0; i < value.len; i++)
		*out = *out * 10 + (unsigned)(value.at[i] - '0');
	return *out >= min && *out <= max;
}

static bool
read_reject(struct reading *r, struct span value)
{
	unsigned status;

	r->rule->action = POLICY_REJECT;
	r->actions++;
	if (!number(value, 300, 699, &status))
		return fail(r, "reject= must be a status from 300 to 699");
	r->rule->status = (uint16_t)status;
	return true;
}

static bool
read_listener(struct reading *r, struct span value)
{
	unsigned listener;

	if (!number(value, 1, 255, &listener))
		return fail(r, "listener= must be a number from 1 on");
	r->rule->listener = (uint8_t)listener;
	return true;
}

static const uint8_t mapped[16] = { [10] = 0xFF, [11] = 0xFF };

/* Returns the bits of its family, 0: no address. */
static unsigned
address_read(const char *text, uint8_t out[16])
{
	memcpy(out, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, out + 12) == 1)
		return 32;
	return inet_pton(AF_INET6, text, out) == 1 ? 128 : 0;
}

static bool
read_source(struct reading *r, struct span value)
{
	const char *slash = value.len ? memchr(value.at, '/', value.len) : NULL;
	size_t len = slash ? (size_t)(slash - value.at) : value.len;
	char text[INET6_ADDRSTRLEN];
	unsigned bits = 0, all;

	if (!len || len >= sizeof(text))
		return fail(r, "source= must be ADDRESS or ADDRESS/BITS");
	memcpy(text, value.at, len);
	text[len] = '\0';
	all = address_read(text, r->rule->source);
	if (slash && !number(span_of(slash + 1, value.len - len - 1), 0, all, &bits))
		all = 0;
	if (!all)
		return fail(r, "source= must be ADDRESS or ADDRESS/BITS");
	if (!slash)
		bits = all;
	/* 0.0.0.0/0 is every IPv4 address, ::/0 every address */
	r->rule->source_bits = (uint8_t)(bits + (all == 32 ? MAPPED_BITS : 0));
	return true;
}

static const struct {
	struct span name;
	bool (*read)(struct reading *r, struct span value);
} words[] = {
	{ { "method", 6 }, read_methods },    { { "domain", 6 }, read_domain },
	{ { "source", 6 }, read_source },     { { "listener", 8 }, read_listener },
	{ { "header", 6 }, read_header },     { { "registrar", 9 }, read_registrar },
	{ { "upstream", 8 }, read_upstream }, { { "reject", 6 }, read_reject },
};

static bool
read_word(struct reading *r, struct span word)
{
	const char *equals = memchr(word.at, '=', word.len);
	size_t len = equals ? (size_t)(equals - word.at) : word.len;
	struct span value = { NULL, 0 };

	if (equals)
		value = span_of(equals + 1, word.len - len - 1);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!span_equal(words[i].name, span_of(word.at, len)))
			continue;
		if (r->seen & 1u << i)
			return fail(r, "'%.*s' is there twice", (int)len, word.at);
		r->seen |= 1u << i;
		return words[i].read(r, value);
	}
	return fail(r, "'%.*s' is no condition and no action", (int)word.len, word.at);
}

bool
policy_parse(struct policy_rule *rule, const char *text, char *error, size_t cap)
{
	struct reading r = { .rule = rule, .error = error, .cap = cap };

	*rule = (struct policy_rule){ 0 };
	while (*text) {
		size_t len = strcspn(text, " \t");

		if (len && !read_word(&r, span_of(text, len)))
			return false;
		text += len;
		text += strspn(text, " \t");
	}
	return r.actions == 1 ||
	       fail(&r, "there must be one of registrar, upstream=NAME, reject=STATUS");
}

/* ---- writing ---- */

static void put(char *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
put(char *out, const char *format, ...)
{
	size_t len = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + len, POLICY_TEXT_MAX - len, format, args);
	va_end(args);
}

static void
put_source(char *out, const struct policy_rule *rule)
{
	bool v4 = rule->source_bits >= MAPPED_BITS &&
		  memcmp(rule->source, mapped, MAPPED_BITS / 8) == 0;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, rule->source + (v4 ? 12 : 0), text, sizeof(text));
	put(out, "source=%s/%u ", text, rule->source_bits - (v4 ? MAPPED_BITS : 0));
}

static void
put_methods(char *out, uint32_t methods)
{
	const char *before = "method=";

	for (unsigned i = SIP_METHOD_OTHER; i < SIP_METHOD_COUNT; i++) {
		struct span name =
			i == SIP_METHOD_OTHER ? SPAN("OTHER") : sip_method_name((enum sip_method)i);

		if (!(methods & UINT32_C(1) << i))
			continue;
		put(out, "%s%.*s", before, (int)name.len, name.at);
		before = ",";
	}
	put(out, " ");
}

void
policy_print(const struct policy_rule *rule, char out[POLICY_TEXT_MAX])
{
	out[0] = '\0';
	if (rule->methods)
		put_methods(out, rule->methods);
	if (rule->domain[0])
		put(out, "domain=%s ", rule->domain);
	if (rule->source_bits)
		put_source(out, rule);
	if (rule->listener)
		put(out, "listener=%u ", rule->listener);
	if (rule->header[0])
		put(out, "header=%s ", rule->header);
	if (rule->action == POLICY_REJECT)
		put(out, "reject=%u", rule->status);
	else if (rule->action == POLICY_UPSTREAM)
		put(out, "upstream=%s", rule->upstream);
	else
		put(out, "registrar");
}

/* ---- matching ---- */

static bool
domain_fits(const char *domain, const struct sip_uri *uri)
{
	struct span want = span_of(domain, strlen(domain)), host = uri->host;

	if (uri->kind != SIP_SCHEME_SIP && uri->kind != SIP_SCHEME_SIPS)
		return false;
	if (want.len < 2 || want.at[0] != '*')
		return span_equal_nocase(want, host);
	want = span_of(want.at + 1, want.len - 1); /* ".example.org" */
	return host.len > want.len &&
	       span_equal_nocase(span_of(span_end(host) - want.len, want.len), want);
}

static bool
source_fits(const struct policy_rule *rule, const uint8_t address[16])
{
	unsigned bytes = rule->source_bits / 8, bits = rule->source_bits % 8;
	uint8_t mask = (uint8_t)(0xFF00 >> bits);

	return memcmp(rule->source, address, bytes) == 0 &&
	       (!bits || ((rule->source[bytes] ^ address[bytes]) & mask) == 0);
}

static bool
header_fits(const char *name, const struct sip_msg *sip)
{
	struct span want = span_of(name, strlen(name));
	enum sip_field_id id = sip_field_lookup(want);

	if (id != SIP_FIELD_OTHER)
		return sip->first[id] != SIP_NONE;
	for (unsigned i = 0; i < sip->fields_len; i++) {
		const struct sip_field *f = &sip->fields[i];

		if (span_equal_nocase(span_of(sip->base + f->name_off, f->name_len), want))
			return true;
	}
	return false;
}

static bool
fits(const struct policy_rule *rule, const struct policy_request *q, const uint8_t address[16])
{
	return (!rule->methods || rule->methods & UINT32_C(1) << q->sip->method) &&
	       (!rule->listener || rule->listener == q->listener) &&
	       (!rule->source_bits || source_fits(rule, address)) &&
	       (!rule->domain[0] || domain_fits(rule->domain, q->uri)) &&
	       (!rule->header[0] || header_fits(rule->header, q->sip));
}

const struct policy_rule *
policy_match(const struct policy_rule *rules, uint32_t len, const struct policy_request *request)
{
	uint8_t address[16];

	if (len)
		(void)address_read(request->address, address);
	for (uint32_t i = 0; i < len; i++)
		if (fits(&rules[i], request, address))
			return &rules[i];
	return NULL;
}
