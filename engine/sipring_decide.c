/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a message in mode embed: reply, forward, drop, keep. */
#include "engine/sipring.h"

#include <assert.h>
#include <stdlib.h>
#include "engine/answer.h"
#include "engine/embed.h"
#include "engine/embed_text.h"
#include "engine/order.h"

/* ---- taking it from the application ---- */

/* Not to be touched by it any more. A kept message's handle goes, its block is an order. */
static struct message *
take(struct sipring_message *h)
{
	struct message *m = h->m;

	assert(m && embed_is_here(h->embed));
	h->m = NULL;
	if (h->kept)
		free(h);
	return m;
}

/* Decided; of a kept message, which had its fate when it was kept, only an order is left. */
static void
hand_over(struct embed *e, struct message *m)
{
	if (order_is(m) && m->action == MESSAGE_DROP)
		order_free(m);
	else
		embed_emit(e, m);
}

void
sipring_drop(struct sipring_message *h)
{
	struct embed *e = h->embed;
	struct message *m;

	if (h->kept) { /* nobody else has to do with it: any thread */
		order_free(h->m);
		free(h);
		return;
	}
	m = take(h);
	answer_drop(m, FATE_absorbed);
	hand_over(e, m);
}

/* ---- reply ---- */

static struct inbound *
read_once(struct sipring_message *h)
{
	assert(h->m);
	if (!h->read) {
		h->fault = inbound_init(&h->in, h->embed->stage, h->m, h->embed->now_ns,
					h->m->sip_error);
		h->read = true;
	}
	return &h->in;
}

bool
sipring_reply(struct sipring_message *h, unsigned status, const char *reason, const char *fields,
	      const char *body)
{
	struct span words = embed_text(reason), lines = embed_text(fields);
	struct embed *e = h->embed;
	struct message *m = h->m;
	struct inbound *in = read_once(h);
	bool good;

	assert(status >= 100 && status <= 699);
	if (!m->sip.request || !embed_text_is_inline(words) || !embed_text_is_lines(lines))
		answer_drop(m, FATE_dropped_internal);
	else
		answer_send_body(in, (int)status, words, lines, embed_text(body));
	good = m->action == MESSAGE_REPLY;
	hand_over(e, take(h));
	return good;
}

const char *
sipring_message_fault(struct sipring_message *h)
{
	(void)read_once(h);
	return h->fault == SIP_OK ? NULL : sip_error_words(h->fault);
}

void
sipring_message_tag(struct sipring_message *h, char tag[SIPRING_TAG_SIZE])
{
	_Static_assert(SIPRING_TAG_SIZE == INBOUND_TAG_LEN + 1, "and a NUL");
	inbound_tag(read_once(h), tag);
	tag[INBOUND_TAG_LEN] = '\0';
}

/* ---- forward ---- */

static void
gather(struct message *m, bool edited)
{
	size_t len = m->len;
	int n = 1;

	if (edited)
		n = sip_edit_gather(&m->edit, m->pieces, &len);
	else
		m->pieces[0] = span_of(m->bytes, m->len);
	if (n < 0) {
		answer_drop(m, FATE_dropped_internal);
		return;
	}
	m->action = MESSAGE_FORWARD;
	m->pieces_len = (uint32_t)n;
	m->out_len = (uint32_t)len;
	m->out_opcode = m->opcode;
}

bool
sipring_forward(struct sipring_message *h, sipring_connection target)
{
	struct embed *e = h->embed;
	bool edited = h->edited, good;
	struct message *m = take(h);

	m->to = embed_flow(target);
	gather(m, edited);
	good = m->action == MESSAGE_FORWARD;
	hand_over(e, m);
	return good;
}

/* ---- keep ---- */

/* Of the index, the fields that there are; of the rest, nothing that is yet to be made. */
static struct message *
copy_of(const struct message *m)
{
	struct message *copy = order_new_whole(MESSAGE_SEND, FLOW_NONE, m->len);

	if (!copy)
		return NULL;
	memcpy(copy->bytes, m->bytes, m->len);
	memcpy(&copy->sip, &m->sip,
	       offsetof(struct sip_msg, fields) + m->sip.fields_len * sizeof(m->sip.fields[0]));
	copy->sip.base = (const char *)copy->bytes;
	copy->from = m->from;
	copy->dial = m->dial;
	copy->peer = m->peer;
	copy->opcode = m->opcode;
	copy->has_sip = m->has_sip;
	copy->sip_error = m->sip_error;
	return copy;
}

struct sipring_message *
sipring_keep(struct sipring_message *h)
{
	struct embed *e = h->embed;
	struct sipring_message *kept;
	struct message *m;

	assert(h->m && embed_is_here(e));
	if (h->kept)
		return h;
	kept = malloc(sizeof(*kept));
	m = kept ? copy_of(h->m) : NULL;
	if (!m) {
		free(kept);
		return NULL;
	}
	kept->embed = e;
	kept->m = m;
	kept->kept = true;
	kept->read = kept->edited = false;
	m = take(h);
	answer_drop(m, FATE_kept);
	hand_over(e, m);
	return kept;
}
