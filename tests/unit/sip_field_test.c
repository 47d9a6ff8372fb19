/* SPDX-License-Identifier: Apache-2.0 */
/* Names of header fields and methods to their ids (T-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "tests/unit/sip_check.h"

static const struct {
	enum sip_field_id id;
	const char *name;
	char compact;
	bool list;
} fields[] = {
#define SIP_FIELD(symbol, name, compact, list, single) \
	{ SIP_FIELD_##symbol, name, compact, list },
#include "codec/sip_field.def"
#undef SIP_FIELD
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static enum sip_field_id
lookup(const char *name, size_t len)
{
	return sip_field_lookup(guarded(span_of(name, len)));
}

/* One octet of a name changed to each other value: only the other case is the same name. */
static void
near_misses_are_not_found(void **state)
{
	char name[32];

	(void)state;
	for (size_t i = 0; i < FIELDS; i++) {
		size_t len = strlen(fields[i].name);

		for (size_t at = 0; at < len; at++) {
			memcpy(name, fields[i].name, len);
			for (int c = 0; c < 256; c++) {
				bool same = span_lower((char)c) == span_lower(fields[i].name[at]);

				name[at] = (char)c;
				assert_int_equal(lookup(name, len) == fields[i].id, same);
			}
		}
		memcpy(name, fields[i].name, len);
		name[len] = 's';
		assert_int_not_equal(lookup(name, len + 1), fields[i].id);
		if (len > 2) /* "T" is To */
			assert_int_not_equal(lookup(name, len - 1), fields[i].id);
	}
}

static void
unknown_names_are_other(void **state)
{
	static const char *const names[] = {
		"", "z", "q", "Vi", "Vias", "Max_Forwards", "C%6Fntact", "Call ID", "Call-IX",
		"P-Asserted-Identity", "Content-Disposition", "User-Agent", "Warning", "\x76\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(lookup(names[i], strlen(names[i])), SIP_FIELD_OTHER);
}

static void
every_name_is_found_in_any_case(void **state)
{
	char name[32];

	(void)state;
	for (size_t i = 0; i < FIELDS; i++) {
		size_t len = strlen(fields[i].name);

		assert_true(len < sizeof(name));
		check_span(sip_field_name(fields[i].id), fields[i].name);
		assert_int_equal(sip_field_is_list(fields[i].id), fields[i].list);
		for (unsigned pattern = 0; pattern < 4; pattern++) {
			for (size_t at = 0; at < len; at++) {
				char c = span_lower(fields[i].name[at]);
				bool upper = pattern == 1 || (pattern == 2 && at % 2) ||
					     (pattern == 3 && at % 2 == 0);

				name[at] = upper && c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c;
			}
			assert_int_equal(lookup(name, len), fields[i].id);
		}
	}
}

static void
every_letter_is_a_compact_form_or_unknown(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		enum sip_field_id want = SIP_FIELD_OTHER;
		char letter = (char)c;

		for (size_t i = 0; i < FIELDS; i++)
			if (fields[i].compact && span_lower(letter) == fields[i].compact)
				want = fields[i].id;
		assert_int_equal(lookup(&letter, 1), want);
	}
}

static void
methods_are_found_in_upper_case_only(void **state)
{
	static const struct {
		enum sip_method method;
		const char *name;
	} methods[] = {
#define SIP_METHOD(symbol) { SIP_METHOD_##symbol, #symbol },
#include "codec/sip_method.def"
#undef SIP_METHOD
	};
	static const char *const others[] = {
		"", "invite", "INVITES", "INVIT", "Ack", "RE%47IST%45R", "IN",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(sip_method_lookup(guarded(text_of_string(others[i]))),
				 SIP_METHOD_OTHER);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		assert_int_equal(sip_method_lookup(guarded(text_of_string(methods[i].name))),
				 methods[i].method);
		check_span(sip_method_name(methods[i].method), methods[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_misses_are_not_found),
		cmocka_unit_test(unknown_names_are_other),
		cmocka_unit_test(every_name_is_found_in_any_case),
		cmocka_unit_test(every_letter_is_a_compact_form_or_unknown),
		cmocka_unit_test(methods_are_found_in_upper_case_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
