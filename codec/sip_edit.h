/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_EDIT_H
#define CODEC_SIP_EDIT_H
/*
 * Edits of a message as a gather list over its original bytes: what is not
 * edited is never copied nor changed. Edits are noted in any order; the pieces
 * come out in the order of the bytes. New text is written into `scratch` (through
 * sip_edit_text()) or lives with the caller until the pieces were used.
 *
 * One thread at a time. No heap.
 */
#include "codec/sip_msg.h"
#include "codec/writer.h"

#define SIP_EDITS_MAX 24
#define SIP_EDIT_SCRATCH 2048
#define SIP_PIECES_MAX (2 * SIP_EDITS_MAX + 1)

struct sip_edit_op {
	uint32_t off;      /* where in the original */
	uint32_t remove;   /* bytes of the original that go */
	struct span insert;/* what comes in their place; may be empty */
	bool value;        /* made by sip_edit_remove_value() */
};

struct sip_edit {
	const struct sip_msg *msg;
	bool failed;         /* too many edits, or scratch too small */
	uint8_t ops_len;
	struct sip_edit_op ops[SIP_EDITS_MAX]; /* ascending off; same off: in the order noted */
	struct writer text;  /* over scratch */
	char scratch[SIP_EDIT_SCRATCH];
};

void sip_edit_init(struct sip_edit *e, const struct sip_msg *msg);

/*
 * Replace `remove` bytes at off by `insert`; the primitive below all others. Text put in inside
 * of removed bytes overlaps; at either end of them it does not.
 */
void sip_edit_splice(struct sip_edit *e, uint32_t off, uint32_t remove, struct span insert);

/* Put whole header line(s), each with its CRLF, in front of a field; NULL: of the first one. */
void sip_edit_insert_before(struct sip_edit *e, const struct sip_field *f, struct span lines);

/* Put whole header line(s) at the end of the head. */
void sip_edit_append(struct sip_edit *e, struct span lines);

/*
 * Remove one value of a list field (as sip_value_next() gave it) together with its comma; the
 * whole line when no value is left in it. Any number of values, in any order, each once.
 */
void sip_edit_remove_value(struct sip_edit *e, const struct sip_value_iter *value);

/* Remove a whole header line, with all values that were removed from it before. */
void sip_edit_remove_field(struct sip_edit *e, const struct sip_field *f);

/* Start text in the scratch and end it: what was written in between through e->text. */
static inline size_t
sip_edit_text_begin(const struct sip_edit *e)
{
	return e->text.len;
}
static inline struct span
sip_edit_text_end(const struct sip_edit *e, size_t begin)
{
	return span_of(e->text.at + begin, e->text.len - begin);
}

/*
 * The edited message as pieces[0..n); returns n, or -1 when an edit failed or two of them overlap.
 * Surplus octets after the body (T-10) are left out. *len is the sum.
 */
int sip_edit_gather(const struct sip_edit *e, struct span pieces[SIP_PIECES_MAX], size_t *len);

#endif
