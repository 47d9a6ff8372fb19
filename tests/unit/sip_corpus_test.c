/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's messages, and each of their truncations, against the guard page:
 * accepted, or refused with an error; every view lies inside; the answer and the
 * edit of whatever was read stay inside too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/sip_edit.h"
#include "codec/sip_reply.h"
#include "tests/unit/sip_check.h"
#include "tests/unit/sip_data.h"

#define TRUNCATIONS_BELOW 10000 /* octets: of larger files only the whole */

static struct sip_msg msg;
static struct sip_edit edit;
static size_t accepted, refused;

static void
check_fields(struct span text)
{
	for (size_t i = 0; i < msg.fields_len; i++) {
		const struct sip_field *f = &msg.fields[i];

		assert_in_range(f->name_off, msg.fields_off, text.len);
		assert_true(f->name_off + f->name_len < f->value_off);
		assert_true(f->value_off + f->value_len + 2 <= f->end);
		assert_true(f->end <= text.len);
		assert_memory_equal(text.at + f->end - 2, "\r\n", 2);
	}
	for (int id = 1; id < SIP_FIELD_COUNT; id++) {
		struct sip_value_iter it = { 0 };

		while (sip_value_next(&msg, (enum sip_field_id)id, &it))
			assert_true(inside(it.value, sip_field_value(&msg, it.field)));
	}
}

static void
check_text(struct span text)
{
	static char out[65536];
	struct writer w = writer_over(out, sizeof(out));
	const struct sip_reply reply = {
		.status = 400, .to_tag = SPAN("t"), .via_params = SPAN(";received=::1;rport=7")
	};
	struct span pieces[SIP_PIECES_MAX];
	enum sip_error error = sip_msg_parse(&msg, text.at, text.len);
	size_t len;

	assert_in_range(error, SIP_OK, SIP_ERROR_COUNT - 1);
	check_fields(text);
	assert_int_equal(sip_reply_write(&w, &msg, &reply),
			 msg.request && msg.method != SIP_METHOD_ACK &&
				 msg.first[SIP_FIELD_VIA] != SIP_NONE);
	if (error) {
		refused++;
		return;
	}
	accepted++;
	assert_int_equal(msg.len + msg.surplus, text.len);
	assert_int_equal(msg.body.off + msg.body.len, msg.len);
	assert_in_range(sip_msg_check(&msg), SIP_OK, SIP_ERROR_COUNT - 1);
	sip_edit_init(&edit, &msg);
	assert_int_equal(sip_edit_gather(&edit, pieces, &len), 1);
	assert_int_equal(len, msg.len);
}

static void
check_file(void *arg, const char *path, struct span text)
{
	(void)arg;
	(void)path;
	check_text(guarded(text));
	for (size_t len = 0; text.len < TRUNCATIONS_BELOW && len < text.len; len++)
		check_text(guarded(span_of(text.at, len)));
}

static void
every_file_and_truncation_is_taken(void **state)
{
	static const char *const folders[] = { "captures", "rfc4475", "rfc5118", "sip-corpus" };
	size_t files = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (sip_data_present(folders[i]))
			files += sip_data_each(folders[i], check_file, NULL);
	if (!files)
		skip();
	print_message("%zu files, %zu texts accepted, %zu refused\n", files, accepted, refused);
	assert_true(accepted > 0 && refused > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_and_truncation_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
