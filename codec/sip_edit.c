/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_edit.h"

#include <assert.h>
#include <string.h>
#include "codec/scan.h"

void
sip_edit_init(struct sip_edit *e, const struct sip_msg *msg)
{
	e->msg = msg;
	e->failed = false;
	e->ops_len = 0;
	e->text = writer_over(e->scratch, sizeof(e->scratch));
}

static uint32_t
op_end(const struct sip_edit_op *op)
{
	return op->off + op->remove;
}

/* Where the next operation goes: behind all that are at off or before; NULL: no more. */
static inline struct sip_edit_op *
place(struct sip_edit *e, uint32_t off, uint32_t remove)
{
	struct sip_edit_op *op = &e->ops[e->ops_len];

	assert(remove <= e->msg->len && off <= e->msg->len - remove);
	if (e->ops_len == SIP_EDITS_MAX || e->text.full)
		e->failed = true;
	if (e->failed)
		return NULL;
	e->ops_len++;
	for (; op > e->ops && op[-1].off > off; op--)
		op[0] = op[-1];
	op->off = off;
	op->remove = remove;
	return op;
}

static void
forget(struct sip_edit *e, unsigned i)
{
	assert(i < e->ops_len);
	e->ops_len--;
	memmove(&e->ops[i], &e->ops[i + 1], (e->ops_len - i) * sizeof(e->ops[0]));
}

void
sip_edit_splice(struct sip_edit *e, uint32_t off, uint32_t remove, struct span insert)
{
	struct sip_edit_op *op = place(e, off, remove);

	if (!op)
		return;
	op->insert = insert;
	op->value = false;
}

void
sip_edit_insert_before(struct sip_edit *e, const struct sip_field *f, struct span lines)
{
	sip_edit_splice(e, f ? f->name_off : e->msg->fields_off, 0, lines);
}

void
sip_edit_append(struct sip_edit *e, struct span lines)
{
	sip_edit_splice(e, e->msg->fields_end, 0, lines);
}

void
sip_edit_remove_field(struct sip_edit *e, const struct sip_field *f)
{
	for (unsigned i = e->ops_len; i-- > 0;)
		if (e->ops[i].value && e->ops[i].off >= f->name_off && e->ops[i].off < f->end)
			forget(e, i);
	sip_edit_splice(e, f->name_off, f->end - f->name_off, SPAN(""));
}

/* What removing a value takes away, and what of its line it leaves. */
struct gap {
	uint32_t begin, end;
	bool first; /* no value is left in front of it */
	bool last;  /* nor behind it */
};

static bool
is_separator(char c)
{
	return c == ',' || scan_is(c, SCAN_LWS);
}

/* The value and the separators behind it; at the ends of the line those before it too. */
static struct gap
value_gap(const struct sip_msg *m, const struct sip_value_iter *value)
{
	const struct sip_field *f = value->field;
	const char *line = m->base + f->value_off, *end = line + f->value_len, *p = value->value.at;
	struct gap gap = { .begin = (uint32_t)(value->value.at - m->base) };

	while (p > line && is_separator(p[-1]))
		p--;
	gap.first = p == line;
	if (gap.first)
		gap.begin = f->value_off;
	p = value->value.at + value->value.len;
	while (p < end && is_separator(*p))
		p++;
	gap.last = p == end;
	gap.end = (uint32_t)(p - m->base);
	return gap;
}

/*
 * Join the gap with those next to it that were made before: one in front ends where this
 * value begins, one behind begins where the next value begins or, at the end of the line,
 * where this one ends.
 */
static void
join_gaps(struct sip_edit *e, const struct sip_value_iter *value, struct gap *gap)
{
	uint32_t begin = (uint32_t)(value->value.at - e->msg->base);
	uint32_t end = begin + (uint32_t)value->value.len;
	uint32_t line_end = value->field->value_off + value->field->value_len;

	for (unsigned i = e->ops_len; i-- > 0;) {
		const struct sip_edit_op *op = &e->ops[i];

		if (!op->value)
			continue;
		if (op_end(op) == begin) {
			gap->begin = op->off;
			gap->first = op->off == value->field->value_off;
		} else if (op->off == gap->end || op->off == end) {
			gap->end = op_end(op);
			gap->last = op_end(op) == line_end;
		} else {
			continue;
		}
		forget(e, i);
	}
}

void
sip_edit_remove_value(struct sip_edit *e, const struct sip_value_iter *value)
{
	const struct sip_field *f = value->field;
	struct gap gap = value_gap(e->msg, value);
	struct sip_edit_op *op;

	assert(f && !value->bad);
	join_gaps(e, value, &gap);
	if (gap.first && gap.last) {
		gap.begin = f->name_off;
		gap.end = f->end;
	} else if (gap.last) {
		while (is_separator(e->msg->base[gap.begin - 1]))
			gap.begin--;
	}
	op = place(e, gap.begin, gap.end - gap.begin);
	if (!op)
		return;
	op->insert = (struct span){ NULL, 0 };
	op->value = true;
}

static inline struct span *
put_piece(struct span *to, const char *at, size_t len)
{
	*to = span_of(at, len);
	return to + (len > 0);
}

int
sip_edit_gather(const struct sip_edit *e, struct span pieces[SIP_PIECES_MAX], size_t *len)
{
	const struct sip_msg *m = e->msg;
	const char *const base = m->base;
	uint32_t done = 0, cut = 0; /* bytes cut..done of the original were removed last */
	size_t sum = m->len;
	struct span *to = pieces;

	assert(e->ops_len <= SIP_EDITS_MAX);
	if (e->failed || e->text.full)
		return -1;
	for (const struct sip_edit_op *op = e->ops; op < e->ops + e->ops_len; op++) {
		if (op->off < done && (op->remove || op->off > cut))
			return -1; /* they overlap */
		if (op->off > done)
			to = put_piece(to, base + done, op->off - done);
		to = put_piece(to, op->insert.at, op->insert.len);
		if (op->off >= done) {
			cut = op->off;
			done = op_end(op);
		}
		sum += op->insert.len - op->remove;
	}
	assert(done <= m->len);
	to = put_piece(to, base + done, m->len - done);
	*len = sum;
	return (int)(to - pieces);
}
