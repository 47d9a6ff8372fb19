/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 4475 and RFC 5118 through the routing stage: one table says for each message the status or
 * the silence that it gets, or that it is forwarded; then byte by byte what came in, but for the
 * edits that a proxy makes. sip_torture_test.c holds the same files against the parser, and its
 * tables against their index.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codec/sip_uri.h"
#include "tests/routing.h"
#include "tests/unit/sip_data.h"

#define FORWARDED 1
#define SILENCE 0

static const struct row {
	const char *folder, *file;
	int expected; /* FORWARDED, SILENCE, or the status of the answer */
} rows[] = {
	{ "rfc4475", "wsinv.dat", FORWARDED },
	{ "rfc4475", "intmeth.dat", FORWARDED },
	{ "rfc4475", "esc01.dat", FORWARDED },
	{ "rfc4475", "escnull.dat", 200 },
	{ "rfc4475", "esc02.dat", 501 },
	{ "rfc4475", "lwsdisp.dat", FORWARDED },
	{ "rfc4475", "longreq.dat", FORWARDED },
	{ "rfc4475", "dblreq.dat", 200 },
	{ "rfc4475", "semiuri.dat", FORWARDED },
	{ "rfc4475", "transports.dat", FORWARDED },
	{ "rfc4475", "mpart01.dat", 403 },
	{ "rfc4475", "unreason.dat", SILENCE },
	{ "rfc4475", "noreason.dat", SILENCE },
	{ "rfc4475", "badinv01.dat", 400 },
	{ "rfc4475", "clerr.dat", 400 },
	{ "rfc4475", "ncl.dat", 400 },
	{ "rfc4475", "scalar02.dat", 400 },
	{ "rfc4475", "scalarlg.dat", SILENCE },
	{ "rfc4475", "quotbal.dat", 400 },
	{ "rfc4475", "ltgtruri.dat", 400 },
	{ "rfc4475", "lwsruri.dat", 400 },
	{ "rfc4475", "lwsstart.dat", 400 },
	{ "rfc4475", "trws.dat", 400 },
	{ "rfc4475", "escruri.dat", 400 },
	{ "rfc4475", "baddate.dat", FORWARDED },
	{ "rfc4475", "regbadct.dat", 400 },
	{ "rfc4475", "badaspec.dat", 400 },
	{ "rfc4475", "baddn.dat", 400 },
	{ "rfc4475", "badvers.dat", 505 },
	{ "rfc4475", "mismatch01.dat", 400 },
	{ "rfc4475", "mismatch02.dat", 400 },
	{ "rfc4475", "bigcode.dat", SILENCE },
	{ "rfc4475", "badbranch.dat", FORWARDED },
	{ "rfc4475", "insuf.dat", 400 },
	{ "rfc4475", "unkscm.dat", 416 },
	{ "rfc4475", "novelsc.dat", 416 },
	{ "rfc4475", "unksm2.dat", 400 },
	{ "rfc4475", "bext01.dat", 420 },
	{ "rfc4475", "invut.dat", FORWARDED },
	{ "rfc4475", "regaut01.dat", 200 },
	{ "rfc4475", "multi01.dat", 400 },
	{ "rfc4475", "mcl01.dat", 400 },
	{ "rfc4475", "bcast.dat", SILENCE },
	{ "rfc4475", "zeromf.dat", 483 },
	{ "rfc4475", "cparam01.dat", 200 },
	{ "rfc4475", "cparam02.dat", 200 },
	{ "rfc4475", "regescrt.dat", 200 },
	{ "rfc4475", "sdp01.dat", FORWARDED },
	{ "rfc4475", "inv2543.dat", FORWARDED },
	{ "rfc5118", "ipv6-good.dat", 200 },
	{ "rfc5118", "ipv6-bad.dat", 400 },
	{ "rfc5118", "port-ambiguous.dat", 200 },
	{ "rfc5118", "port-unambiguous.dat", 200 },
	{ "rfc5118", "via-received-param-with-delim.dat", 405 },
	{ "rfc5118", "via-received-param-no-delim.dat", 200 },
	{ "rfc5118", "ipv6-in-sdp.dat", FORWARDED },
	{ "rfc5118", "mult-ip-in-header.dat", FORWARDED },
	{ "rfc5118", "mult-ip-in-sdp.dat", FORWARDED },
	{ "rfc5118", "ipv4-mapped-ipv6.dat", FORWARDED },
	{ "rfc5118", "ipv6-bug-abnf-3-colons.dat", 400 },
	{ "rfc5118", "ipv6-correct-abnf-2-colons.dat", FORWARDED },
};

static struct routing r;
static struct sip_msg in, out;

/* Whoever the request is for is there, on flow 2, with that very URI as contact. */
static void
bind_target(void)
{
	struct span text = sip_msg_span(&in, in.uri);
	struct sip_uri uri;

	if (!in.request || in.method == SIP_METHOD_REGISTER ||
	    sip_uri_parse(text, &uri) != SIP_OK || uri.kind != SIP_SCHEME_SIP || !uri.has_user)
		return;
	routing_say(&r, 2,
		    "REGISTER sip:example.org SIP/2.0\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKr\n"
		    "To: <%.*s>\nFrom: <sip:x@example.org>;tag=1\nCall-ID: r\nCSeq: 1 REGISTER\n"
		    "Max-Forwards: 70\nContact: <%.*s>\n\n",
		    (int)text.len, text.at, (int)text.len, text.at);
	assert_int_equal(routing_status(&r), 200);
}

static bool
is_edited(const struct sip_msg *m, const struct sip_field *f, bool top)
{
	return f->id == SIP_FIELD_MAX_FORWARDS || f->id == SIP_FIELD_ROUTE ||
	       (f->id == SIP_FIELD_VIA && f == &m->fields[m->first[SIP_FIELD_VIA]] && top);
}

static struct span
line_of(const struct sip_msg *m, const struct sip_field *f)
{
	return span_of(m->base + f->name_off, f->end - f->name_off);
}

/* The lines that a proxy may put in: Via on top, Record-Route, Max-Forwards. */
static bool
is_ours(const struct sip_msg *m, const struct sip_field *f)
{
	static const char host[] = "@" ROUTING_HOST;
	struct span value = sip_field_value(m, f);
	size_t at = sizeof("<sip:") - 1 + TOKEN_LEN;

	return (f->id == SIP_FIELD_VIA && f == &m->fields[m->first[SIP_FIELD_VIA]]) ||
	       f->id == SIP_FIELD_MAX_FORWARDS ||
	       (f->id == SIP_FIELD_RECORD_ROUTE && value.len >= at + sizeof(host) - 1 &&
		memcmp(value.at + at, host, sizeof(host) - 1) == 0);
}

/* Every line of the request that no proxy edits is there, whole and in order, and the body. */
static void
check_bytes(const char *file)
{
	unsigned at = 0;
	bool via_seen = false;

	assert_int_equal(sip_msg_parse(&out, r.out, r.out_len), SIP_OK);
	assert_true(
		span_equal(sip_msg_span(&in, in.method_name), sip_msg_span(&out, out.method_name)));
	for (unsigned i = 0; i < in.fields_len; i++) {
		const struct sip_field *f = &in.fields[i], *g;

		if (is_edited(&in, f, !via_seen)) {
			via_seen |= f->id == SIP_FIELD_VIA;
			continue;
		}
		do {
			if (at == out.fields_len)
				fail_msg("%s: lost: %.*s", file, (int)(f->end - f->name_off),
					 in.base + f->name_off);
			g = &out.fields[at++];
		} while (is_ours(&out, g) || !span_equal(line_of(&in, f), line_of(&out, g)));
	}
	assert_true(span_equal(sip_msg_span(&in, in.body), sip_msg_span(&out, out.body)));
}

static void
check_row(const struct row *row, struct span text)
{
	enum sip_error error;
	char *first;
	size_t len;

	routing_init(&r);
	error = sip_msg_parse(&in, text.at, text.len);
	bind_target();
	routing_send(&r, 1, text.at, text.len);
	if (row->expected == FORWARDED) {
		if (r.m->action != MESSAGE_FORWARD)
			fail_msg("%s: not forwarded: %s", row->file, r.out);
		assert_int_equal(error, SIP_OK);
		check_bytes(row->file);
	} else if (row->expected == SILENCE) {
		if (r.m->action != MESSAGE_DROP)
			fail_msg("%s: not silent: %s", row->file, r.out);
	} else if (routing_status(&r) != row->expected) {
		fail_msg("%s: %d, not %d: %s", row->file, routing_status(&r), row->expected, r.out);
	}
	/* the same once more gets the same octets (P-05, P-12) */
	first = malloc(r.out_len + 1);
	len = r.out_len;
	memcpy(first, r.out, len + 1);
	routing_send(&r, 1, text.at, text.len);
	assert_int_equal(r.out_len, len);
	assert_memory_equal(r.out, first, len);
	free(first);
	routing_fini(&r);
}

static void
every_message_gets_what_it_must(void **state)
{
	(void)state;
	if (!sip_data_present("rfc4475") || !sip_data_present("rfc5118"))
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span text = sip_data_read(sip_data_path(rows[i].folder, rows[i].file));

		if (!text.at)
			fail_msg("no %s", rows[i].file);
		check_row(&rows[i], text);
		free((void *)(uintptr_t)text.at);
	}
}

/* Is it counted with a reason, answered or sent on: never anything else? */
static void
send_file(void *arg, const char *path, struct span text)
{
	unsigned *actions = arg;

	(void)path;
	if (text.len == 0 || text.len > ROUTING_TEXT_MAX)
		return;
	actions[routing_send(&r, 1, text.at, text.len)]++;
	assert_true(r.m->action == MESSAGE_DROP || r.out_len > 0);
}

static void
the_corpus_is_answered_or_dropped_with_a_reason(void **state)
{
	unsigned actions[4] = { 0 };

	(void)state;
	if (!sip_data_present("sip-corpus"))
		skip();
	routing_init(&r);
	assert_true(sip_data_each("sip-corpus", send_file, actions) > 0);
	assert_true(actions[MESSAGE_REPLY] > 0 && actions[MESSAGE_DROP] > 0);
	routing_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_gets_what_it_must),
		cmocka_unit_test(the_corpus_is_answered_or_dropped_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
