/* SPDX-License-Identifier: Apache-2.0 */
/* What a message says, for the application in mode embed. */
#include "engine/sipring.h"

#include <assert.h>
#include "codec/ws_frame.h"
#include "engine/embed.h"
#include "engine/embed_text.h"

_Static_assert((int)SIPRING_OTHER == (int)SIP_METHOD_OTHER, "the same methods");
#define SIP_METHOD(symbol)                                                                         \
	_Static_assert((int)SIPRING_##symbol == (int)SIP_METHOD_##symbol, "the same methods");
#include "codec/sip_method.def"
#undef SIP_METHOD

/* A decided message is nobody's to look at. */
static const struct message *
undecided(const struct sipring_message *h)
{
	assert(h->m);
	return h->m;
}

static struct sipring_text
text_of(struct span s)
{
	return (struct sipring_text){ .at = s.at, .len = s.len };
}

struct sipring_text
sipring_message_bytes(const struct sipring_message *h)
{
	const struct message *m = undecided(h);

	return text_of(span_of(m->bytes, m->len));
}

sipring_connection
sipring_message_connection(const struct sipring_message *h)
{
	return embed_from(undecided(h));
}

bool
sipring_message_is_text(const struct sipring_message *h)
{
	return undecided(h)->opcode == WS_OP_TEXT;
}

bool
sipring_message_is_request(const struct sipring_message *h)
{
	return undecided(h)->sip.request;
}

enum sipring_method
sipring_message_method(const struct sipring_message *h)
{
	return (enum sipring_method)undecided(h)->sip.method;
}

struct sipring_text
sipring_message_method_name(const struct sipring_message *h)
{
	const struct sip_msg *sip = &undecided(h)->sip;

	if (sip->request)
		return text_of(sip_msg_span(sip, sip->method_name));
	return text_of(sip->method == SIP_METHOD_OTHER ? (struct span){ NULL, 0 } :
							 sip_method_name(sip->method));
}

unsigned
sipring_message_status(const struct sipring_message *h)
{
	return undecided(h)->sip.status;
}

struct sipring_text
sipring_message_uri(const struct sipring_message *h)
{
	const struct sip_msg *sip = &undecided(h)->sip;

	return text_of(sip->request ? sip_msg_span(sip, sip->uri) : (struct span){ NULL, 0 });
}

struct sipring_text
sipring_message_body(const struct sipring_message *h)
{
	const struct message *m = undecided(h);

	return text_of(m->sip_error == SIP_OK ? sip_msg_span(&m->sip, m->sip.body) :
						(struct span){ NULL, 0 });
}

bool
sipring_message_field(const struct sipring_message *h, const char *name,
		      struct sipring_field *field)
{
	const struct sip_msg *sip = &undecided(h)->sip;
	const struct sip_field *f;

	if (name)
		f = embed_text_field(sip, embed_text(name), field->next);
	else
		f = field->next < sip->fields_len ? &sip->fields[field->next] : NULL;
	if (!f)
		return false;
	field->name = text_of(span_of(sip->base + f->name_off, f->name_len));
	field->value = text_of(sip_field_value(sip, f));
	field->next = (unsigned)(f - sip->fields) + 1;
	return true;
}

bool
sipring_address(struct sipring_text value, struct sipring_address *address)
{
	struct sip_addr addr;

	if (!value.at || sip_addr_parse(span_of(value.at, value.len), &addr) != SIP_OK || addr.star)
		return false;
	address->display = text_of(addr.display);
	address->uri = text_of(addr.uri_text);
	address->tag = text_of(sip_addr_tag(&addr));
	return true;
}

struct sipring_text
sipring_message_value(const struct sipring_message *h, const char *name)
{
	struct sipring_field field = { 0 };

	(void)sipring_message_field(h, name, &field);
	return field.value;
}
