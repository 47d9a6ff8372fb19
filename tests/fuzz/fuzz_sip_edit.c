/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits decided by the input, then parsed again: what was written is what was meant.
 * Input: a count, two octets per edit (what; where), and the message. A model of three arrays
 * says which fields and values should be left; the result is held against it.
 */
#include <assert.h>
#include <stdint.h>
#include "codec/sip_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EDITS_MAX 12
#define TEXT_MAX 65536
#define VALUES_MAX 64 /* of one field id; later ones are left alone */

static struct sip_msg msg, again;
static struct sip_edit edit;

/* The model. */
static bool gone[SIP_FIELDS_MAX];         /* the line was removed */
static uint64_t taken[SIP_FIELD_COUNT];   /* values that were removed, by their number */
static unsigned before[SIP_FIELDS_MAX];   /* lines put in front of it */
static unsigned in_front, at_end;
static int hops;                          /* new Max-Forwards, or -1 */

static void
reset_model(void)
{
	memset(gone, 0, sizeof(gone));
	memset(taken, 0, sizeof(taken));
	memset(before, 0, sizeof(before));
	in_front = at_end = 0;
	hops = -1;
}

/* Nobody edits a list that cannot be read to its end. */
static bool
is_bad(enum sip_field_id id)
{
	struct sip_value_iter it = { 0 };

	while (sip_value_next(&msg, id, &it))
		;
	return it.bad;
}

/* A value of a list whose line is still there, and which is: remove it. */
static void
take_value(unsigned where)
{
	enum sip_field_id id = (enum sip_field_id)(1 + where % (SIP_FIELD_COUNT - 1));
	struct sip_value_iter it = { 0 }, chosen = { 0 };
	unsigned n = 0, pick = where / SIP_FIELD_COUNT, chosen_n = 0;

	if (!sip_field_is_list(id) || is_bad(id))
		return;
	for (; n < VALUES_MAX && sip_value_next(&msg, id, &it); n++) {
		if (gone[it.field - msg.fields] || taken[id] >> n & 1)
			continue;
		chosen = it;
		chosen_n = n;
		if (pick-- == 0)
			break;
	}
	if (!chosen.field)
		return;
	taken[id] |= (uint64_t)1 << chosen_n;
	sip_edit_remove_value(&edit, &chosen);
}

static void
apply(unsigned what, unsigned where)
{
	unsigned i = msg.fields_len ? where % msg.fields_len : 0;
	const struct sip_field *f = sip_msg_field(&msg, SIP_FIELD_MAX_FORWARDS);

	switch (what % 6 == 2 && i == 0 ? 0 : what % 6) {
	case 0: /* in front of the first field is the same place */
		sip_edit_insert_before(&edit, NULL, SPAN("Z-Front: 1\r\n"));
		in_front++;
		break;
	case 1:
		if (!msg.fields_len)
			break;
		sip_edit_append(&edit, SPAN("Z-End: 1\r\n"));
		at_end++;
		break;
	case 2:
		sip_edit_insert_before(&edit, &msg.fields[i], SPAN("Z-Before:\r\n 1\r\n"));
		before[i]++;
		break;
	case 3:
		if (!msg.fields_len || gone[i] || msg.fields[i].id == SIP_FIELD_MAX_FORWARDS ||
		    msg.fields[i].id == SIP_FIELD_CONTENT_LENGTH)
			break;
		sip_edit_remove_field(&edit, &msg.fields[i]);
		gone[i] = true;
		break;
	case 4:
		if (!f || hops >= 0)
			break;
		hops = (int)where;
		writer_put_decimal(&edit.text, where);
		sip_edit_splice(&edit, f->value_off, f->value_len,
				sip_edit_text_end(&edit, 0));
		break;
	default:
		take_value(where);
	}
}

/* How many values of this line are left, and have any been taken from it? */
static unsigned
left_in(const struct sip_field *f, bool *touched)
{
	struct sip_value_iter it = { 0 };
	unsigned left = 0;

	*touched = false;
	for (unsigned n = 0; sip_value_next(&msg, (enum sip_field_id)f->id, &it); n++) {
		bool is_taken = n < VALUES_MAX && taken[f->id] >> n & 1;

		if (it.field != f)
			continue;
		left += !is_taken;
		*touched |= is_taken;
	}
	return left;
}

static unsigned
expect_lines(unsigned k, unsigned n, const char *name)
{
	for (; n > 0; n--, k++) {
		assert(k < again.fields_len);
		assert(span_equal(span_of(again.base + again.fields[k].name_off,
					  again.fields[k].name_len),
				  span_of(name, strlen(name))));
		assert(span_equal(sip_field_value(&again, &again.fields[k]), SPAN("1")));
	}
	return k;
}

/* The line is there, and has its name, and its value unless that was edited. */
static void
expect_field(unsigned k, const struct sip_field *f, bool touched)
{
	const struct sip_field *g = &again.fields[k];
	char text[16];
	struct writer w = writer_over(text, sizeof(text));

	assert(k < again.fields_len && g->id == f->id);
	assert(span_equal(span_of(again.base + g->name_off, g->name_len),
			  span_of(msg.base + f->name_off, f->name_len)));
	if (f->id == SIP_FIELD_MAX_FORWARDS && hops >= 0) {
		writer_put_decimal(&w, (uint64_t)hops);
		assert(span_equal(sip_field_value(&again, g), writer_text(&w)));
	} else if (!touched) {
		assert(span_equal(sip_field_value(&again, g), sip_field_value(&msg, f)));
	}
}

static void
expect_fields(void)
{
	unsigned k = expect_lines(0, in_front, "Z-Front");

	for (unsigned i = 0; i < msg.fields_len; i++) {
		const struct sip_field *f = &msg.fields[i];
		bool touched = false;
		bool list = f->id != SIP_FIELD_OTHER && sip_field_is_list((enum sip_field_id)f->id);

		k = expect_lines(k, before[i], "Z-Before");
		if (gone[i] || (list && left_in(f, &touched) == 0 && touched))
			continue;
		expect_field(k++, f, touched);
	}
	k = expect_lines(k, at_end, "Z-End");
	assert(k == again.fields_len);
}

/* The values that are left, in order. */
static void
expect_values(enum sip_field_id id)
{
	struct sip_value_iter it = { 0 }, got = { 0 };

	for (unsigned n = 0; sip_value_next(&msg, id, &it); n++) {
		if (gone[it.field - msg.fields] || (n < VALUES_MAX && taken[id] >> n & 1))
			continue;
		assert(sip_value_next(&again, id, &got));
		assert(span_equal(it.value, got.value));
	}
	assert(!sip_value_next(&again, id, &got) || it.bad);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char out[2 * TEXT_MAX];
	struct span pieces[SIP_PIECES_MAX];
	unsigned edits = size ? data[0] % (EDITS_MAX + 1) : 0;
	size_t len, sum = 0, skip = 1 + 2 * edits;
	int n;

	if (size < skip || size > TEXT_MAX ||
	    sip_msg_parse(&msg, (const char *)data + skip, size - skip) != SIP_OK ||
	    msg.fields_len > SIP_FIELDS_MAX - EDITS_MAX)
		return 0;
	reset_model();
	sip_edit_init(&edit, &msg);
	for (unsigned i = 0; i < edits; i++)
		apply(data[1 + 2 * i], data[2 + 2 * i]);
	n = sip_edit_gather(&edit, pieces, &len);
	assert(n >= 0 && len <= sizeof(out));
	for (int i = 0; i < n; i++) {
		memcpy(out + sum, pieces[i].at, pieces[i].len);
		sum += pieces[i].len;
	}
	assert(sum == len && sip_msg_parse(&again, out, len) == SIP_OK);
	assert(span_equal(sip_msg_span(&msg, msg.body), sip_msg_span(&again, again.body)));
	assert(again.request == msg.request && !again.surplus);
	expect_fields();
	for (int id = 1; id < SIP_FIELD_COUNT; id++)
		if (sip_field_is_list((enum sip_field_id)id))
			expect_values((enum sip_field_id)id);
	return 0;
}
