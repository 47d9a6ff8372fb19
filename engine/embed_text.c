/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/embed_text.h"

static bool
is_line(struct span line)
{
	const char *colon = line.len ? memchr(line.at, ':', line.len) : NULL;

	return colon && colon != line.at && line.at[0] != ' ' && line.at[0] != '\t' &&
	       embed_text_is_inline(line);
}

bool
embed_text_is_lines(struct span text)
{
	while (text.len) {
		const char *lf = memchr(text.at, '\n', text.len);
		size_t n = lf ? (size_t)(lf - text.at) : 0;

		if (n == 0 || text.at[n - 1] != '\r' || !is_line(span_of(text.at, n - 1)))
			return false;
		text = span_of(lf + 1, text.len - n - 1);
	}
	return true;
}

bool
embed_text_is_inline(struct span text)
{
	return !text.len || (!memchr(text.at, '\r', text.len) && !memchr(text.at, '\n', text.len));
}

const struct sip_field *
embed_text_field(const struct sip_msg *sip, struct span name, unsigned from)
{
	enum sip_field_id id = sip_field_lookup(name);

	for (unsigned i = from; i < sip->fields_len; i++) {
		const struct sip_field *f = &sip->fields[i];
		struct span known = span_of(sip->base + f->name_off, f->name_len);

		if (id == SIP_FIELD_OTHER ? span_equal_nocase(known, name) : f->id == id)
			return f;
	}
	return NULL;
}
