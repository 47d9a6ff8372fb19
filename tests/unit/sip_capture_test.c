/* SPDX-License-Identifier: Apache-2.0 */
/* What browsers really send: each capture parses to what captures/index.json says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>
#include "codec/sip_addr.h"
#include "codec/sip_cseq.h"
#include "codec/sip_via.h"
#include "tests/unit/sip_check.h"
#include "tests/unit/sip_data.h"

static struct sip_msg msg;

static bool
ends_with(struct span s, const char *tail)
{
	size_t len = strlen(tail);

	return s.len >= len && memcmp(s.at + s.len - len, tail, len) == 0;
}

/* S-08, S-18: WS in Via, an RFC 3261 branch; in requests one name under .invalid. */
static void
check_vias(bool request)
{
	struct sip_value_iter it = { 0 };
	struct sip_via via;
	size_t n = 0;

	for (; sip_value_next(&msg, SIP_FIELD_VIA, &it); n++) {
		assert_int_equal(sip_via_parse(it.value, &via), SIP_OK);
		check_span(via.protocol, "SIP");
		check_span(via.version, "2.0");
		check_span(via.transport, "WS");
		assert_true(sip_via_branch_is_rfc3261(via.branch));
		if (request)
			assert_true(ends_with(via.host, ".invalid"));
	}
	assert_false(it.bad);
	assert_true(request ? n == 1 : n >= 1);
}

static void
check_contacts(void)
{
	struct sip_value_iter it = { 0 };
	struct sip_addr a;
	struct span transport;

	while (sip_value_next(&msg, SIP_FIELD_CONTACT, &it)) {
		assert_int_equal(sip_addr_parse(it.value, &a), SIP_OK);
		if (a.star)
			continue;
		assert_true(a.bracketed);
		assert_true(ends_with(a.uri.host, ".invalid"));
		assert_true(sip_uri_param(&a.uri, SPAN("transport"), &transport));
		assert_true(span_equal_nocase(transport, SPAN("ws")));
		assert_int_equal(sip_addr_q(&a), 1000);
	}
	assert_false(it.bad);
}

static void
check_common(void)
{
	struct sip_addr a;
	struct sip_cseq cseq;
	uint32_t n;

	assert_int_equal(sip_addr_parse(sip_msg_value(&msg, SIP_FIELD_FROM), &a), SIP_OK);
	assert_true(sip_addr_tag(&a).len > 0);
	assert_int_equal(a.uri.kind, SIP_SCHEME_SIP);
	check_span(a.uri.host, "example.org");
	assert_int_equal(sip_cseq_parse(sip_msg_value(&msg, SIP_FIELD_CSEQ), &cseq), SIP_OK);
	assert_int_equal(sip_method_lookup(cseq.method), msg.method);
	assert_true(sip_delta_seconds(sip_msg_value(&msg, SIP_FIELD_CONTENT_LENGTH), &n));
	assert_int_equal(n, msg.body.len);
	assert_int_equal(msg.surplus, 0);
}

static void
check_request(const char *method)
{
	struct sip_uri uri;
	uint32_t hops;

	assert_true(msg.request);
	check_span(sip_msg_span(&msg, msg.method_name), method);
	check_span(sip_method_name(msg.method), method);
	assert_int_equal(sip_uri_parse(sip_msg_span(&msg, msg.uri), &uri), SIP_OK);
	assert_int_equal(uri.kind, SIP_SCHEME_SIP);
	assert_true(sip_delta_seconds(sip_msg_value(&msg, SIP_FIELD_MAX_FORWARDS), &hops));
	assert_in_range(hops, 69, 70);
}

static void
check_message(json_t *entry)
{
	const char *method = json_string_value(json_object_get(entry, "method"));
	bool request = strcmp(json_string_value(json_object_get(entry, "kind")), "request") == 0;
	bool sdp = json_is_true(json_object_get(entry, "sdp"));
	struct span type = sip_msg_value(&msg, SIP_FIELD_CONTENT_TYPE);

	assert_int_equal(sip_msg_check(&msg), SIP_OK);
	if (request) {
		check_request(method);
	} else {
		assert_false(msg.request);
		assert_int_equal(msg.status, json_integer_value(json_object_get(entry, "status")));
		check_span(sip_method_name(msg.method), method);
	}
	/* OPTIONS and its answers only name the type (Accept), which index.json counts. */
	if (msg.method == SIP_METHOD_OPTIONS) {
		assert_int_equal(msg.body.len, 0);
	} else {
		assert_int_equal(span_equal_nocase(type, SPAN("application/sdp")), sdp);
		assert_int_equal(msg.body.len > 5 &&
				 memcmp(msg.base + msg.body.off, "v=0\r\n", 5) == 0, sdp);
	}
	check_vias(request);
	check_contacts();
	check_common();
}

static void
check_capture(json_t *entry)
{
	const char *file = json_string_value(json_object_get(entry, "file"));
	const char *kind = json_string_value(json_object_get(entry, "kind"));
	struct span text = sip_data_read(sip_data_path("captures", file));
	struct span guard;

	assert_non_null(text.at);
	guard = guarded(text);
	free((void *)(uintptr_t)text.at);
	assert_int_equal(guard.len, json_integer_value(json_object_get(entry, "bytes")));
	if (strcmp(kind, "request") != 0 && strcmp(kind, "response") != 0) {
		assert_int_equal(sip_keepalive((const uint8_t *)guard.at, guard.len),
				 SIP_KEEPALIVE_PING);
		return;
	}
	assert_int_equal(sip_keepalive((const uint8_t *)guard.at, guard.len), SIP_KEEPALIVE_NOT);
	if (sip_msg_parse(&msg, guard.at, guard.len) != SIP_OK)
		print_error("%s\n", file);
	assert_int_equal(sip_msg_parse(&msg, guard.at, guard.len), SIP_OK);
	assert_int_equal(msg.len, guard.len);
	check_message(entry);
}

static void
captures_parse_to_what_their_index_says(void **state)
{
	json_t *index, *files, *entry;
	json_error_t why;
	size_t i;

	(void)state;
	if (!sip_data_present("captures"))
		skip();
	index = json_load_file(sip_data_path("captures", "index.json"), 0, &why);
	assert_non_null(index);
	files = json_object_get(index, "files");
	assert_true(json_array_size(files) > 0);
	json_array_foreach(files, i, entry)
		check_capture(entry);
	json_decref(index);
}

static struct span
header(const char *file, enum sip_field_id id)
{
	static char *bytes;
	struct span text = sip_data_read(sip_data_path("captures", file));

	assert_non_null(text.at);
	free(bytes);
	bytes = (char *)(uintptr_t)text.at;
	assert_int_equal(sip_msg_parse(&msg, text.at, text.len), SIP_OK);
	return sip_msg_value(&msg, id);
}

static void
some_headers_are_what_the_readme_tells(void **state)
{
	struct sip_addr a;
	struct span value;

	(void)state;
	if (!sip_data_present("captures"))
		skip();
	check_span(header("sipjs-0.21.2-plain-01-alice-REGISTER.sip", SIP_FIELD_CSEQ),
		   "2 REGISTER");
	value = header("jssip-3.13.8-plain-01-alice-REGISTER.sip", SIP_FIELD_CONTACT);
	assert_int_equal(sip_addr_parse(value, &a), SIP_OK);
	assert_true(sip_param(a.params, SPAN("reg-id"), &value));
	check_span(value, "1");
	assert_true(sip_param(a.params, SPAN("+sip.ice"), &value));
	assert_true(sip_param(a.params, SPAN("+sip.instance"), &value));
	assert_memory_equal(value.at, "\"<urn:uuid:", 11);
	assert_true(sip_msg_has_token(&msg, SIP_FIELD_SUPPORTED, SPAN("path")));
	assert_true(sip_msg_has_token(&msg, SIP_FIELD_SUPPORTED, SPAN("outbound")));
	value = header("jssip-3.13.8-plain-47-bob-REGISTER.sip", SIP_FIELD_CONTACT);
	assert_int_equal(sip_addr_parse(value, &a), SIP_OK);
	assert_true(a.star);
	check_span(sip_msg_value(&msg, SIP_FIELD_EXPIRES), "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures_parse_to_what_their_index_says),
		cmocka_unit_test(some_headers_are_what_the_readme_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
