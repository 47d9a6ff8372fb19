/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/message.h"

bool
message_read(struct message *m, struct sip_shapes *shapes)
{
	const char *bytes = (const char *)m->bytes;

	m->has_sip = true;
	m->has_head = sip_shape_find(shapes, bytes, m->len, &m->sip, &m->head);
	if (m->has_head) {
		m->sip_error = SIP_OK;
		return true;
	}
	m->sip_error = (uint8_t)sip_msg_parse(&m->sip, bytes, m->len);
	if (m->sip_error == SIP_OK)
		sip_shape_missed(shapes, &m->sip);
	return false;
}
