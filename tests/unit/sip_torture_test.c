/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The torture messages of RFC 4475 and RFC 5118: each gets from sip_msg_parse() and
 * sip_msg_check() one of the verdicts that the RFC allows a proxy. What routing decides
 * afterwards (404, 416, 420, 483, ...) is for its own tests. The table names
 * every file; index.json is held against it so that none is left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>
#include "codec/sip_addr.h"
#include "codec/sip_reply.h"
#include "codec/sip_uri.h"
#include "codec/sip_via.h"
#include "tests/unit/sip_check.h"
#include "tests/unit/sip_data.h"

enum verdict {
	ACCEPT,
	REFUSE,   /* with the status; a response: never answered */
	BAD_LATER, /* accepted here: the faulty field is for the registrar, who finds it */
};

static const struct expectation {
	const char *file;
	enum verdict verdict;
	int status;
	enum sip_error error; /* our own choice among the faults of the message */
} rfc4475[] = {
	{ "wsinv.dat", ACCEPT, 0, SIP_OK },
	{ "intmeth.dat", ACCEPT, 0, SIP_OK },
	{ "esc01.dat", ACCEPT, 0, SIP_OK },
	{ "escnull.dat", ACCEPT, 0, SIP_OK },
	{ "esc02.dat", ACCEPT, 0, SIP_OK },
	{ "lwsdisp.dat", ACCEPT, 0, SIP_OK },
	{ "longreq.dat", ACCEPT, 0, SIP_OK },
	{ "dblreq.dat", ACCEPT, 0, SIP_OK },
	{ "semiuri.dat", ACCEPT, 0, SIP_OK },
	{ "transports.dat", ACCEPT, 0, SIP_OK },
	{ "mpart01.dat", ACCEPT, 0, SIP_OK },
	{ "unreason.dat", ACCEPT, 0, SIP_OK },
	{ "noreason.dat", ACCEPT, 0, SIP_OK },
	{ "badinv01.dat", REFUSE, 400, SIP_ERROR_VIA },
	{ "clerr.dat", REFUSE, 400, SIP_ERROR_BODY_TOO_SHORT },
	{ "ncl.dat", REFUSE, 400, SIP_ERROR_CONTENT_LENGTH },
	{ "scalar02.dat", REFUSE, 400, SIP_ERROR_CSEQ },
	{ "scalarlg.dat", REFUSE, 0, SIP_ERROR_CSEQ },
	{ "quotbal.dat", REFUSE, 400, SIP_ERROR_TO },
	{ "ltgtruri.dat", REFUSE, 400, SIP_ERROR_REQUEST_URI },
	{ "lwsruri.dat", REFUSE, 400, SIP_ERROR_START_LINE },
	{ "lwsstart.dat", REFUSE, 400, SIP_ERROR_START_LINE },
	{ "trws.dat", REFUSE, 400, SIP_ERROR_START_LINE },
	{ "escruri.dat", REFUSE, 400, SIP_ERROR_REQUEST_URI },
	{ "baddate.dat", ACCEPT, 0, SIP_OK }, /* Date does not matter to a proxy */
	{ "regbadct.dat", BAD_LATER, 400, SIP_OK },
	{ "badaspec.dat", REFUSE, 400, SIP_ERROR_TO },
	{ "baddn.dat", REFUSE, 400, SIP_ERROR_HEAD_UNTERMINATED },
	{ "badvers.dat", REFUSE, 505, SIP_ERROR_VERSION },
	{ "mismatch01.dat", REFUSE, 400, SIP_ERROR_CSEQ_METHOD },
	{ "mismatch02.dat", REFUSE, 400, SIP_ERROR_CSEQ_METHOD },
	{ "bigcode.dat", REFUSE, 0, SIP_ERROR_STATUS_CODE },
	{ "badbranch.dat", ACCEPT, 0, SIP_OK }, /* matched by the rules of RFC 2543 */
	{ "insuf.dat", REFUSE, 400, SIP_ERROR_FIELD_MISSING },
	{ "unkscm.dat", ACCEPT, 0, SIP_OK },
	{ "novelsc.dat", ACCEPT, 0, SIP_OK },
	{ "unksm2.dat", ACCEPT, 0, SIP_OK },
	{ "bext01.dat", ACCEPT, 0, SIP_OK },
	{ "invut.dat", ACCEPT, 0, SIP_OK },
	{ "regaut01.dat", ACCEPT, 0, SIP_OK },
	{ "multi01.dat", REFUSE, 400, SIP_ERROR_FIELD_REPEATED },
	{ "mcl01.dat", REFUSE, 400, SIP_ERROR_FIELD_REPEATED },
	{ "bcast.dat", ACCEPT, 0, SIP_OK },
	{ "zeromf.dat", ACCEPT, 0, SIP_OK },
	{ "cparam01.dat", ACCEPT, 0, SIP_OK },
	{ "cparam02.dat", ACCEPT, 0, SIP_OK },
	{ "regescrt.dat", ACCEPT, 0, SIP_OK },
	{ "sdp01.dat", ACCEPT, 0, SIP_OK },
	{ "inv2543.dat", ACCEPT, 0, SIP_OK },
};

static const struct expectation rfc5118[] = {
	{ "ipv6-good.dat", ACCEPT, 0, SIP_OK },
	{ "ipv6-bad.dat", REFUSE, 400, SIP_ERROR_REQUEST_URI },
	{ "port-ambiguous.dat", ACCEPT, 0, SIP_OK },
	{ "port-unambiguous.dat", ACCEPT, 0, SIP_OK },
	{ "via-received-param-with-delim.dat", ACCEPT, 0, SIP_OK },
	{ "via-received-param-no-delim.dat", ACCEPT, 0, SIP_OK },
	{ "ipv6-in-sdp.dat", ACCEPT, 0, SIP_OK },
	{ "mult-ip-in-header.dat", ACCEPT, 0, SIP_OK },
	{ "mult-ip-in-sdp.dat", ACCEPT, 0, SIP_OK },
	{ "ipv4-mapped-ipv6.dat", ACCEPT, 0, SIP_OK },
	{ "ipv6-bug-abnf-3-colons.dat", REFUSE, 400, SIP_ERROR_REQUEST_URI }, /* RFC 5954 */
	{ "ipv6-correct-abnf-2-colons.dat", ACCEPT, 0, SIP_OK },
};

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static struct sip_msg msg;
static char *file_bytes;

/* Parse the file's octets against the guard page; msg is good until the next feed_* call. */
static enum sip_error
load(const char *folder, const char *file)
{
	struct span text = sip_data_read(sip_data_path(folder, file));
	enum sip_error error;

	assert_non_null(text.at);
	free(file_bytes);
	file_bytes = (char *)(uintptr_t)text.at;
	text = guarded(text);
	error = sip_msg_parse(&msg, text.at, text.len);
	return error ? error : sip_msg_check(&msg);
}

static const struct expectation *
find(const struct expectation *table, size_t len, const char *file)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(table[i].file, file) == 0)
			return &table[i];
	return NULL;
}

static bool
codes_hold(json_t *codes, int status)
{
	size_t i;
	json_t *code;

	json_array_foreach(codes, i, code)
		if (json_integer_value(code) == status)
			return true;
	return false;
}

/* The faulty requests are answered with their status, and what is written parses. */
static void
check_answer(const struct expectation *want, json_t *entry)
{
	static char out[8192];
	static struct sip_msg answer;
	struct writer w = writer_over(out, sizeof(out));
	struct sip_reply reply = {
		.status = want->status,
		.to_tag = SPAN("t1"),
		.via_params = SPAN(";received=192.0.2.1"),
	};
	enum sip_error error;

	if (!want->status) {
		assert_false(msg.request);
		assert_false(sip_reply_write(&w, &msg, &(struct sip_reply){ .status = 400 }));
		return;
	}
	assert_true(msg.request);
	assert_int_equal(sip_error_status(want->error), want->status);
	if (json_array_size(json_object_get(entry, "proxy_codes")))
		assert_true(codes_hold(json_object_get(entry, "proxy_codes"), want->status));
	assert_true(sip_reply_write(&w, &msg, &reply));
	error = sip_msg_parse(&answer, out, w.len);
	if (error)
		print_error("%s: %s\n", want->file, sip_error_words(error));
	assert_int_equal(error, SIP_OK);
	assert_int_equal(answer.status, want->status);
	assert_int_equal(answer.len, w.len);
}

static void
check_entry(const char *folder, const struct expectation *want, json_t *entry)
{
	const char *validity = json_string_value(json_object_get(entry, "validity"));
	enum sip_error error = load(folder, want->file);

	if (error != want->error)
		print_error("%s: %s\n", want->file, error ? sip_error_words(error) : "accepted");
	assert_int_equal(error, want->error);
	if (strcmp(validity, "valid") == 0 || strcmp(validity, "valid-rfc2543") == 0)
		assert_int_equal(want->verdict, ACCEPT);
	if (want->verdict == REFUSE)
		check_answer(want, entry);
}

static void
check_folder(const char *folder, const struct expectation *table, size_t len)
{
	json_t *index, *entry;
	json_error_t why;
	size_t i;

	if (!sip_data_present(folder))
		skip();
	index = json_load_file(sip_data_path(folder, "index.json"), 0, &why);
	assert_non_null(index);
	assert_int_equal(json_array_size(index), len);
	json_array_foreach(index, i, entry) {
		const char *file = json_string_value(json_object_get(entry, "file"));
		const struct expectation *want = find(table, len, file);

		if (!want)
			print_error("no expectation for %s\n", file);
		assert_non_null(want);
		check_entry(folder, want, entry);
	}
	json_decref(index);
}

static void
rfc4475_gets_its_verdicts(void **state)
{
	(void)state;
	check_folder("rfc4475", rfc4475, LEN(rfc4475));
}

static void
rfc5118_gets_its_verdicts(void **state)
{
	(void)state;
	check_folder("rfc5118", rfc5118, LEN(rfc5118));
}

static void
refuse_file(void *arg, const char *path, struct span text)
{
	(void)arg;
	text = guarded(text);
	if (sip_msg_parse(&msg, text.at, text.len) == SIP_OK)
		print_error("accepted: %s\n", path);
	assert_int_not_equal(sip_msg_parse(&msg, text.at, text.len), SIP_OK);
}

/* Bare LF everywhere; and a message with a line that is no header field. */
static void
messages_without_crlf_are_refused(void **state)
{
	(void)state;
	if (!sip_data_present("rfc5118") || !sip_data_present("rfc4475"))
		skip();
	assert_true(sip_data_each("rfc5118/archive-lf", refuse_file, NULL) >= 12);
	assert_true(sip_data_each("rfc4475/extra", refuse_file, NULL) >= 1);
}

static struct span
value(enum sip_field_id id, int n)
{
	struct sip_value_iter it = { 0 };

	for (int i = 0; i <= n; i++)
		assert_true(sip_value_next(&msg, id, &it));
	return it.value;
}

/* RFC 4475 §3.1.1.1 says how its message is to be read. */
static void
tortuous_invite_is_read_right(void **state)
{
	struct sip_addr a;
	struct sip_via via;
	struct span got;
	uint32_t hops;

	(void)state;
	if (!sip_data_present("rfc4475"))
		skip();
	assert_int_equal(load("rfc4475", "wsinv.dat"), SIP_OK);
	assert_int_equal(msg.fields_len, 14);
	assert_int_equal(msg.body.len, 150);
	assert_true(sip_delta_seconds(sip_msg_value(&msg, SIP_FIELD_MAX_FORWARDS), &hops));
	assert_int_equal(hops, 68);
	assert_int_equal(sip_addr_parse(sip_msg_value(&msg, SIP_FIELD_TO), &a), SIP_OK);
	check_span(a.uri_text, "sip:vivekg@chair-dnrc.example.com");
	check_span(sip_addr_tag(&a), "1918181833n");
	assert_int_equal(sip_addr_parse(sip_msg_value(&msg, SIP_FIELD_FROM), &a), SIP_OK);
	check_span(a.display, "\"J Rosenberg \\\\\\\"\"");
	check_span(sip_addr_tag(&a), "98asjd8");
	assert_int_equal(sip_via_parse(value(SIP_FIELD_VIA, 0), &via), SIP_OK);
	check_span(via.transport, "UDP");
	check_span(via.sent_by, "192.0.2.2");
	check_span(via.branch, "390skdjuw");
	assert_false(sip_via_branch_is_rfc3261(via.branch));
	assert_int_equal(sip_via_parse(value(SIP_FIELD_VIA, 1), &via), SIP_OK);
	check_span(via.sent_by, "spindle.example.com");
	check_span(via.branch, "z9hG4bK9ikj8");
	assert_int_equal(sip_via_parse(value(SIP_FIELD_VIA, 2), &via), SIP_OK);
	check_span(via.sent_by, "192.168.255.111");
	check_span(via.branch, "z9hG4bK30239");
	assert_int_equal(sip_addr_parse(value(SIP_FIELD_CONTACT, 0), &a), SIP_OK);
	check_span(a.display, "\"Quoted string \\\"\\\"\"");
	assert_int_equal(sip_addr_q(&a), 330);
	assert_true(sip_param(a.params, SPAN("newparam"), &got));
	check_span(got, "newvalue");
	assert_int_equal(sip_addr_parse(value(SIP_FIELD_ROUTE, 0), &a), SIP_OK);
	assert_true(sip_uri_param(&a.uri, SPAN("lr"), &got));
}

static void
details_are_read_right(void **state)
{
	struct sip_addr a;
	struct sip_uri uri;
	struct sip_via via;
	struct span got;

	(void)state;
	if (!sip_data_present("rfc4475") || !sip_data_present("rfc5118"))
		skip();
	assert_int_equal(load("rfc4475", "dblreq.dat"), SIP_OK);
	assert_int_equal(msg.body.len, 0);
	assert_int_equal(msg.surplus, 750 - msg.len);
	assert_int_equal(load("rfc4475", "semiuri.dat"), SIP_OK);
	assert_int_equal(sip_uri_parse(sip_msg_span(&msg, msg.uri), &uri), SIP_OK);
	check_span(uri.user, "user;par=u%40example.net");
	assert_int_equal(load("rfc4475", "esc01.dat"), SIP_OK);
	assert_int_equal(sip_addr_parse(value(SIP_FIELD_CONTACT, 0), &a), SIP_OK);
	assert_true(sip_uri_param(&a.uri, SPAN("lr"), &got));
	assert_true(sip_uri_param(&a.uri, SPAN("name"), &got));
	assert_true(sip_unescape_equal(got, SPAN("value%2541"), false));
	assert_int_equal(load("rfc4475", "cparam01.dat"), SIP_OK);
	assert_int_equal(sip_addr_parse(value(SIP_FIELD_CONTACT, 0), &a), SIP_OK);
	check_span(a.params, "unknownparam");
	assert_int_equal(a.uri.params.len, 0);
	assert_int_equal(load("rfc4475", "cparam02.dat"), SIP_OK);
	assert_int_equal(sip_addr_parse(value(SIP_FIELD_CONTACT, 0), &a), SIP_OK);
	check_span(a.uri.params, "unknownparam");
	assert_int_equal(a.params.len, 0);
	assert_int_equal(load("rfc4475", "regbadct.dat"), SIP_OK);
	assert_int_equal(sip_addr_parse(value(SIP_FIELD_CONTACT, 0), &a), SIP_ERROR_URI);
	assert_int_equal(load("rfc4475", "regescrt.dat"), SIP_OK);
	assert_int_equal(sip_addr_parse(value(SIP_FIELD_CONTACT, 0), &a), SIP_OK);
	check_span(a.uri.headers, "Route=%3Csip:sip.example.com%3E");
	assert_int_equal(load("rfc4475", "novelsc.dat"), SIP_OK);
	assert_int_equal(sip_uri_parse(sip_msg_span(&msg, msg.uri), &uri), SIP_OK);
	assert_int_equal(uri.kind, SIP_SCHEME_OTHER);
	assert_int_equal(load("rfc5118", "port-unambiguous.dat"), SIP_OK);
	assert_int_equal(sip_uri_parse(sip_msg_span(&msg, msg.uri), &uri), SIP_OK);
	check_span(uri.host, "[2001:db8::10]");
	assert_int_equal(uri.port, 5070);
	assert_int_equal(load("rfc5118", "port-ambiguous.dat"), SIP_OK);
	assert_int_equal(sip_uri_parse(sip_msg_span(&msg, msg.uri), &uri), SIP_OK);
	assert_int_equal(uri.port, 0);
	assert_int_equal(load("rfc5118", "via-received-param-no-delim.dat"), SIP_OK);
	assert_int_equal(sip_via_parse(value(SIP_FIELD_VIA, 0), &via), SIP_OK);
	check_span(via.received, "2001:db8::9:255");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4475_gets_its_verdicts),
		cmocka_unit_test(rfc5118_gets_its_verdicts),
		cmocka_unit_test(messages_without_crlf_are_refused),
		cmocka_unit_test(tortuous_invite_is_read_right),
		cmocka_unit_test(details_are_read_right),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(file_bytes);
	return failed;
}
