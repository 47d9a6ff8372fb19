/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of a message on its way to sipring_forward(). */
#include "engine/sipring.h"

#include <assert.h>
#include "engine/embed.h"
#include "engine/embed_text.h"

/* `good`: what is to be put in may be. If not, this edit fails, and sipring_forward() after it. */
static struct sip_edit *
edit_of(struct sipring_message *h, bool good)
{
	struct message *m = h->m;

	assert(m && embed_is_here(h->embed));
	if (!h->edited)
		sip_edit_init(&m->edit, &m->sip);
	h->edited = true;
	/* of a faulty message the end of the head is unknown */
	if (!good || m->sip_error != SIP_OK)
		m->edit.failed = true;
	return m->edit.failed ? NULL : &m->edit;
}

static struct span
copied(struct sip_edit *e, struct span text)
{
	size_t begin = sip_edit_text_begin(e);

	writer_put(&e->text, text);
	return sip_edit_text_end(e, begin);
}

void
sipring_edit_insert(struct sipring_message *h, const char *lines)
{
	struct span text = embed_text(lines);
	struct sip_edit *e = edit_of(h, embed_text_is_lines(text));

	if (e)
		sip_edit_insert_before(e, NULL, copied(e, text));
}

bool
sipring_edit_remove(struct sipring_message *h, const char *name)
{
	struct sip_edit *e = edit_of(h, true);
	const struct sip_field *f = e ? embed_text_field(e->msg, embed_text(name), 0) : NULL;
	struct sip_value_iter it = { 0 };

	if (!f)
		return false;
	if (sip_field_is_list(f->id) && sip_value_next(e->msg, f->id, &it))
		sip_edit_remove_value(e, &it);
	else
		sip_edit_remove_field(e, f);
	return true;
}

static void
append(struct sip_edit *e, struct span name, struct span value)
{
	size_t begin = sip_edit_text_begin(e);

	writer_put(&e->text, name);
	writer_put(&e->text, SPAN(": "));
	writer_put(&e->text, value);
	writer_put(&e->text, SPAN("\r\n"));
	sip_edit_append(e, sip_edit_text_end(e, begin));
}

void
sipring_edit_set(struct sipring_message *h, const char *name, const char *value)
{
	struct span field = embed_text(name), text = embed_text(value);
	bool good =
		field.len && strcspn(name, ": \t\r\n") == field.len && embed_text_is_inline(text);
	struct sip_edit *e = edit_of(h, good);
	const struct sip_field *f = e ? embed_text_field(e->msg, field, 0) : NULL;

	if (f)
		sip_edit_splice(e, f->value_off, f->value_len, copied(e, text));
	else if (e)
		append(e, field, text);
}

void
sipring_edit_uri(struct sipring_message *h, const char *uri)
{
	struct span text = embed_text(uri);
	bool good = text.len && strcspn(uri, " \t\r\n") == text.len && h->m->sip.request;
	struct sip_edit *e = edit_of(h, good);

	if (e)
		sip_edit_splice(e, e->msg->uri.off, e->msg->uri.len, copied(e, text));
}
