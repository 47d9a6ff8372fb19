/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>
#include "codec/scan.h"
#include "codec/sip_msg.h"

/* The comma that ends the value, or the end of the line; NULL: a quote or bracket stays open. */
static const char *
value_end(const char *p, const char *end)
{
	for (;;) {
		p = scan_list_mark(p, end);
		if (p == end || *p == ',')
			return p;
		if (*p == '"') {
			p = scan_over_quoted(p, end);
		} else {
			p = memchr(p, '>', (size_t)(end - p));
			p = p ? p + 1 : NULL;
		}
		if (!p)
			return NULL;
	}
}

bool
sip_value_next(const struct sip_msg *m, enum sip_field_id id, struct sip_value_iter *it)
{
	const struct sip_field *f = it->field;
	const char *p = m->base + it->pos, *end, *stop;

	assert(id != SIP_FIELD_OTHER);
	if (it->bad)
		return false;
	if (!f) {
		f = sip_msg_field(m, id);
		p = f ? m->base + f->value_off : p;
	}
	while (f) {
		end = m->base + f->value_off + f->value_len;
		while (p < end && (*p == ',' || scan_is(*p, SCAN_LWS)))
			p++;
		it->field = f;
		it->pos = (uint32_t)(p - m->base);
		if (p < end)
			break;
		f = sip_msg_next(m, f);
		p = f ? m->base + f->value_off : p;
	}
	if (!f)
		return false;
	stop = value_end(p, end);
	it->bad = !stop;
	if (!stop)
		return false;
	it->pos = (uint32_t)(stop - m->base);
	while (scan_is(stop[-1], SCAN_LWS))
		stop--;
	it->value = span_of(p, (size_t)(stop - p));
	return true;
}
