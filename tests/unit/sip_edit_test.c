/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits of a message: what may not overlap, what order they come out in, and, as a
 * property over many seeds, that the edited message parses to what was meant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "codec/sip_edit.h"
#include "tests/unit/sip_check.h"

#define START "OPTIONS sip:b@c SIP/2.0\r\n"

static struct sip_msg msg;
static struct sip_edit edit;
static char out[65536];

static void
begin(const char *fields)
{
	static char text[16384];
	struct span guard;

	snprintf(text, sizeof(text), START "%s\r\nbody", fields);
	guard = guarded(text_of_string(text));
	assert_int_equal(sip_msg_parse(&msg, guard.at, guard.len), SIP_OK);
	memset(&edit, 0xA5, sizeof(edit));
	sip_edit_init(&edit, &msg);
}

/* The edited message, which has to parse; or an empty text when the edit failed. */
static struct span
finish(struct sip_msg *again)
{
	struct span pieces[SIP_PIECES_MAX];
	size_t len = 0, sum = 0;
	int n = sip_edit_gather(&edit, pieces, &len);

	if (n < 0)
		return span_of(out, 0);
	assert_in_range(n, 0, SIP_PIECES_MAX);
	for (int i = 0; i < n; i++) {
		assert_true(pieces[i].len > 0);
		memcpy(out + sum, pieces[i].at, pieces[i].len);
		sum += pieces[i].len;
	}
	assert_int_equal(sum, len);
	assert_int_equal(sip_msg_parse(again, out, sum), SIP_OK);
	check_span(sip_msg_span(again, again->body), "body");
	return span_of(out, sum);
}

static void
check_fields(const char *want)
{
	static struct sip_msg again;
	struct span text = finish(&again);

	assert_true(text.len > 0);
	check_span(span_of(text.at + again.fields_off, again.fields_end - again.fields_off), want);
}

static void
overlapping_edits_fail(void **state)
{
	static const struct {
		uint32_t a, a_len, b, b_len;
		bool fails;
	} rows[] = {
		{ 30, 5, 30, 5, true },  { 30, 5, 34, 5, true }, { 30, 5, 26, 5, true },
		{ 30, 9, 32, 1, true },  { 30, 5, 31, 0, true }, { 30, 5, 34, 0, true },
		{ 30, 5, 35, 5, false }, { 30, 5, 25, 5, false }, { 30, 5, 30, 0, false },
		{ 30, 5, 35, 0, false }, { 30, 0, 30, 0, false },
	};
	struct span pieces[SIP_PIECES_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int swap = 0; swap < 2; swap++) {
			begin("A: 01234567890123456789\r\n");
			if (!swap)
				sip_edit_splice(&edit, rows[i].a, rows[i].a_len, SPAN("x"));
			sip_edit_splice(&edit, rows[i].b, rows[i].b_len, SPAN("y"));
			if (swap)
				sip_edit_splice(&edit, rows[i].a, rows[i].a_len, SPAN("x"));
			assert_int_equal(sip_edit_gather(&edit, pieces, &len) < 0, rows[i].fails);
		}
	}
}

static void
too_many_edits_fail(void **state)
{
	struct span pieces[SIP_PIECES_MAX];
	size_t len;

	(void)state;
	begin("A: b\r\n");
	for (int i = 0; i < SIP_EDITS_MAX; i++)
		sip_edit_splice(&edit, (uint32_t)(SIP_EDITS_MAX - i), 0, SPAN("x"));
	assert_int_equal(sip_edit_gather(&edit, pieces, &len), SIP_PIECES_MAX);
	assert_int_equal(len, msg.len + SIP_EDITS_MAX);
	sip_edit_append(&edit, SPAN("Z: d\r\n"));
	assert_true(edit.failed);
	assert_int_equal(sip_edit_gather(&edit, pieces, &len), -1);
}

static void
full_scratch_fails(void **state)
{
	struct span pieces[SIP_PIECES_MAX];
	size_t len;

	(void)state;
	begin("A: b\r\n");
	for (int i = 0; i <= SIP_EDIT_SCRATCH; i++)
		writer_put_byte(&edit.text, 'x');
	assert_int_equal(sip_edit_gather(&edit, pieces, &len), -1);
	sip_edit_append(&edit, SPAN("Z: d\r\n"));
	assert_true(edit.failed);
}

static void
nothing_to_edit_is_one_piece(void **state)
{
	struct span pieces[SIP_PIECES_MAX];
	size_t len;

	(void)state;
	begin("A: b\r\n");
	assert_int_equal(sip_edit_gather(&edit, pieces, &len), 1);
	assert_ptr_equal(pieces[0].at, msg.base);
	assert_int_equal(len, msg.len);
}

static void
surplus_is_left_out(void **state)
{
	struct span text = guarded(SPAN(START "l: 2\r\n\r\nabcde")), pieces[SIP_PIECES_MAX];
	size_t len;

	(void)state;
	assert_int_equal(sip_msg_parse(&msg, text.at, text.len), SIP_OK);
	sip_edit_init(&edit, &msg);
	assert_int_equal(sip_edit_gather(&edit, pieces, &len), 1);
	assert_int_equal(len, text.len - 3);
}

static void
splices_keep_the_order_they_were_noted_in(void **state)
{
	(void)state;
	begin("A: b\r\nZ: d\r\n");
	sip_edit_append(&edit, SPAN("W: 1\r\n"));
	sip_edit_insert_before(&edit, NULL, SPAN("Y: 1\r\n"));
	sip_edit_append(&edit, SPAN("W: 2\r\n"));
	sip_edit_insert_before(&edit, &msg.fields[0], SPAN("Y: 2\r\n"));
	sip_edit_insert_before(&edit, &msg.fields[1], SPAN("Y: 3\r\n"));
	sip_edit_splice(&edit, msg.fields[1].value_off, 1, SPAN("D"));
	sip_edit_remove_field(&edit, &msg.fields[0]);
	sip_edit_insert_before(&edit, &msg.fields[0], SPAN("Y: 2b\r\n"));
	check_fields("Y: 1\r\nY: 2\r\nY: 2b\r\nY: 3\r\nZ: D\r\nW: 1\r\nW: 2\r\n");
}

static void
text_lives_in_the_scratch(void **state)
{
	size_t at;

	(void)state;
	begin("Max-Forwards: 70\r\n");
	at = sip_edit_text_begin(&edit);
	writer_put(&edit.text, SPAN("Via: SIP/2.0/WS edge;branch="));
	writer_put_decimal(&edit.text, 18446744073709551615u);
	writer_put(&edit.text, SPAN("\r\n"));
	sip_edit_insert_before(&edit, NULL, sip_edit_text_end(&edit, at));
	at = sip_edit_text_begin(&edit);
	writer_put_decimal(&edit.text, 0);
	sip_edit_splice(&edit, msg.fields[0].value_off, msg.fields[0].value_len,
			sip_edit_text_end(&edit, at));
	check_fields("Via: SIP/2.0/WS edge;branch=18446744073709551615\r\nMax-Forwards: 0\r\n");
}

/* Remove the values of Route whose number is in the set, in the order given. */
static void
remove_values(const char *order)
{
	for (; *order; order++) {
		struct sip_value_iter it = { 0 };

		for (int i = 0; i <= *order - '0'; i++)
			assert_true(sip_value_next(&msg, SIP_FIELD_ROUTE, &it));
		sip_edit_remove_value(&edit, &it);
	}
}

static void
values_go_with_their_commas(void **state)
{
	static const struct {
		const char *fields, *order, *want;
	} rows[] = {
		{ "A: b\r\nRoute: <a>\r\nZ: d\r\n", "0", "A: b\r\nZ: d\r\n" },
		{ "Route: <a>, <b>\r\n", "0", "Route: <b>\r\n" },
		{ "Route: <a>, <b>\r\n", "1", "Route: <a>\r\n" },
		{ "Route: <a>,<b> , <c>\r\n", "1", "Route: <a>,<c>\r\n" },
		{ "Route: <a>,<b> , <c>\r\n", "2", "Route: <a>,<b>\r\n" },
		{ "Route: <a>,<b>,<c>\r\n", "01", "Route: <c>\r\n" },
		{ "Route: <a>,<b>,<c>\r\n", "10", "Route: <c>\r\n" },
		{ "Route: <a>,<b>,<c>\r\n", "12", "Route: <a>\r\n" },
		{ "Route: <a>,<b>,<c>\r\n", "21", "Route: <a>\r\n" },
		{ "Route: <a>,<b>,<c>\r\n", "02", "Route: <b>\r\n" },
		{ "Route: <a>,<b>,<c>\r\n", "20", "Route: <b>\r\n" },
		{ "Route: <a>,<b>,<c>\r\n", "012", "" },
		{ "Route: <a>,<b>,<c>\r\n", "210", "" },
		{ "Route: <a>,<b>,<c>\r\n", "021", "" },
		{ "Route: <a>,<b>,<c>\r\n", "102", "" },
		{ "Route: <a>,<b>\r\nroute: <c>,<d>\r\n", "12", "Route: <a>\r\nroute: <d>\r\n" },
		{ "Route: <a>,<b>\r\nroute: <c>,<d>\r\n", "012", "route: <d>\r\n" },
		{ "Route:\r\n <a>\r\n ,\r\n\t<b> \r\n", "0", "Route:\r\n <b> \r\n" },
		{ "Route:\r\n <a>\r\n ,\r\n\t<b> \r\n", "1", "Route:\r\n <a> \r\n" },
		{ "Route: ,<a>,,<b>,\r\n", "0", "Route: <b>,\r\n" },
		{ "Route: ,<a>,,<b>,\r\n", "1", "Route: ,<a>\r\n" },
		{ "Route: ,<a>,,<b>,\r\n", "10", "" },
		{ "Route: \"a,\" <a>;x=\"b,\",<c,d>\r\n", "0", "Route: <c,d>\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(rows[i].fields);
		remove_values(rows[i].order);
		check_fields(rows[i].want);
	}
}

static void
other_edits_of_the_line_stay(void **state)
{
	(void)state;
	begin("Route: <a>, <b>\r\nZ: d\r\n");
	sip_edit_insert_before(&edit, sip_msg_field(&msg, SIP_FIELD_ROUTE), SPAN("Y: 1\r\n"));
	sip_edit_splice(&edit, sip_msg_field(&msg, SIP_FIELD_ROUTE)->value_off +
				       sip_msg_field(&msg, SIP_FIELD_ROUTE)->value_len,
			0, SPAN(";y"));
	remove_values("0");
	check_fields("Y: 1\r\nRoute: <b>;y\r\nZ: d\r\n");
	begin("Route: <a>, <b>\r\nZ: d\r\n");
	remove_values("0");
	sip_edit_insert_before(&edit, sip_msg_field(&msg, SIP_FIELD_ROUTE), SPAN("Y: 1\r\n"));
	remove_values("1");
	check_fields("Y: 1\r\nZ: d\r\n");
	begin("Route: <a>, <b>, <c>\r\nZ: d\r\n");
	remove_values("02");
	sip_edit_remove_field(&edit, sip_msg_field(&msg, SIP_FIELD_ROUTE));
	check_fields("Z: d\r\n");
}

/* Any number of values goes in one pass of its own: the ops of neighbours become one. */
static void
many_values_in_a_line_can_go(void **state)
{
	static char fields[8192];
	struct sip_value_iter it = { 0 };
	size_t len = (size_t)snprintf(fields, sizeof(fields), "Route: <0>");

	(void)state;
	for (int i = 1; i < 1000; i++)
		len += (size_t)snprintf(fields + len, sizeof(fields) - len, ",<%d>", i);
	snprintf(fields + len, sizeof(fields) - len, "\r\nZ: d\r\n");
	begin(fields);
	for (int i = 0; i < 999 && sip_value_next(&msg, SIP_FIELD_ROUTE, &it); i++)
		sip_edit_remove_value(&edit, &it);
	assert_int_equal(edit.ops_len, 1);
	check_fields("Route: <999>\r\nZ: d\r\n");
	assert_true(sip_value_next(&msg, SIP_FIELD_ROUTE, &it));
	sip_edit_remove_value(&edit, &it);
	check_fields("Z: d\r\n");
}

/* The property: a list over several lines, a random set of its values removed in random order. */
#define VALUES_MAX 12

static uint32_t
random_below(uint32_t n)
{
	static uint64_t state = 0x2545F4914F6CDD1D;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static unsigned
write_list(char *fields, size_t size)
{
	static const char *const separators[] = { ",", ", ", " ,", " ,\r\n ", ",,", "\r\n\t, ," };
	size_t len = (size_t)snprintf(fields, size, "A: b\r\n");
	unsigned n = 0, lines = 1 + random_below(3);

	for (unsigned line = 0; line < lines; line++) {
		unsigned values = 1 + random_below(VALUES_MAX / 3);

		len += (size_t)snprintf(fields + len, size - len, "%s:%s",
					random_below(2) ? "Route" : "ROUTE",
					random_below(2) ? " " : "\r\n ,");
		for (unsigned i = 0; i < values; i++, n++)
			len += (size_t)snprintf(fields + len, size - len, "%s<%c,>;x=\",\"",
						i ? separators[random_below(6)] : "", 'a' + n);
		len += (size_t)snprintf(fields + len, size - len, "%s\r\nZ: d\r\n",
					random_below(4) ? "" : " ,");
	}
	return n;
}

static void
any_set_of_values_can_go(void **state)
{
	static struct sip_msg again;
	char fields[1024];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		unsigned n = write_list(fields, sizeof(fields)), gone = 0, left = 0;
		struct sip_value_iter it = { 0 };

		begin(fields);
		for (unsigned times = random_below(2 * n); times > 0; times--) {
			unsigned i = random_below(n);
			char order[2] = { (char)('0' + i), 0 };

			if (gone & 1u << i)
				continue;
			gone |= 1u << i;
			remove_values(order);
		}
		assert_true(finish(&again).len > 0);
		while (sip_value_next(&again, SIP_FIELD_ROUTE, &it))
			left |= 1u << (it.value.at[1] - 'a');
		assert_false(it.bad);
		assert_int_equal(left, ((1u << n) - 1) & ~gone);
		for (size_t i = 0; i < again.fields_len; i++)
			assert_int_not_equal(again.fields[i].value_len, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlapping_edits_fail),
		cmocka_unit_test(too_many_edits_fail),
		cmocka_unit_test(full_scratch_fails),
		cmocka_unit_test(nothing_to_edit_is_one_piece),
		cmocka_unit_test(surplus_is_left_out),
		cmocka_unit_test(splices_keep_the_order_they_were_noted_in),
		cmocka_unit_test(text_lives_in_the_scratch),
		cmocka_unit_test(values_go_with_their_commas),
		cmocka_unit_test(other_edits_of_the_line_stay),
		cmocka_unit_test(many_values_in_a_line_can_go),
		cmocka_unit_test(any_set_of_values_can_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
