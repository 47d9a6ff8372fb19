/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stage.h"

#include <assert.h>
#include "engine/inbound.h"

static struct span
text_add(struct stage *s, const char *before, struct span host, const char *after)
{
	struct writer w = writer_over(s->text + s->text_len, sizeof(s->text) - s->text_len);

	writer_put(&w, span_of(before, strlen(before)));
	writer_put(&w, host);
	writer_put(&w, span_of(after, strlen(after)));
	assert(!w.full);
	s->text_len += w.len;
	return writer_text(&w);
}

/*
 * Texts that every forwarded message gets, and what they leave of an edit's scratch for a target.
 */
void
stage_texts_init(struct stage *s, const char *host)
{
	struct span name = span_of(host, strlen(host));
	size_t lines;

	s->host = text_add(s, "", name, "");
	s->via_head[false] = text_add(s, "Via: SIP/2.0/WS ", name, ";branch=z9hG4bK");
	s->via_head[true] = text_add(s, "Via: SIP/2.0/WSS ", name, ";branch=z9hG4bK");
	s->route_tail = text_add(s, "@", name, ";transport=ws;lr>");
	lines = s->via_head[true].len + INBOUND_TAG_LEN + TOKEN_LEN +
		2 * (s->route_tail.len + TOKEN_LEN + 22) +
		sizeof(";flow=\r\nRoute: \r\nMax-Forwards: 255\r\n255") +
		sizeof(";received=;rport=65535") + sizeof(((struct message_peer *)0)->address);
	assert(lines < SIP_EDIT_SCRATCH);
	s->target_max = (uint32_t)(SIP_EDIT_SCRATCH - lines);
}

void
stage_core_init(struct stage *s, const struct group *group)
{
	struct span host = span_of(group->host, strlen(group->host));

	s->group = group;
	s->core_host = host;
	s->core_via[FLOW_WS] = text_add(s, "Via: SIP/2.0/WS ", host, ";branch=z9hG4bK");
	s->core_via[FLOW_UDP] = text_add(s, "Via: SIP/2.0/UDP ", host, ";branch=z9hG4bK");
	s->core_via[FLOW_TCP] = text_add(s, "Via: SIP/2.0/TCP ", host, ";branch=z9hG4bK");
	s->core_tail[FLOW_WS] = text_add(s, "@", host, ";transport=ws;lr");
	s->core_tail[FLOW_UDP] = text_add(s, "@", host, ";transport=udp;lr");
	s->core_tail[FLOW_TCP] = text_add(s, "@", host, ";transport=tcp;lr");
	names_add_self(&s->names, host);
}
