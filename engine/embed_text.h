/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_EMBED_TEXT_H
#define ENGINE_EMBED_TEXT_H
/* Texts of the application, which may hold what somebody else said: may they go into a message? */
#include "codec/sip_msg.h"

/* NULL is empty. */
static inline struct span
embed_text(const char *text)
{
	return text ? span_of(text, strlen(text)) : SPAN("");
}

/* Any number of whole header lines, each "name: value" and CRLF, not folded. */
bool embed_text_is_lines(struct span text);

/* Does it stay in the line that it is put into? */
bool embed_text_is_inline(struct span text);

/* The first line of this name among fields[from...]; NULL: there is none. */
const struct sip_field *embed_text_field(const struct sip_msg *sip, struct span name,
					 unsigned from);

#endif
