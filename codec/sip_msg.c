/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_msg.h"

#include <assert.h>
#include <string.h>
#include "codec/scan.h"
#include "codec/sip_cseq.h"
#include "codec/sip_field.h"
#include "codec/sip_start.h"

#define NO_LINE UINT32_MAX

static const bool singles[SIP_FIELD_COUNT] = {
#define SIP_FIELD(symbol, name, compact, list, single) [SIP_FIELD_##symbol] = (single),
#include "codec/sip_field.def"
#undef SIP_FIELD
};

/* All but fields[], which fields_len guards: an index is cheap where the message is short. */
static void
reset(struct sip_msg *m, const char *bytes, uint32_t len)
{
	memset(m, 0, offsetof(struct sip_msg, first));
	memset(m->first, SIP_NONE, sizeof(m->first));
	memset(m->last, SIP_NONE, sizeof(m->last));
	m->mapped = false;
	m->base = bytes;
	m->len = len;
}

/* Walks the line ends of a message in order, as many octets at a time as a map has. */
struct lines {
	const uint32_t *next, *last; /* in ends.lf */
	uint32_t text_len;
	bool first; /* the map is that of the message's first octets */
	struct scan_ends ends;
};

static inline void
lines_fill(struct sip_msg *m, struct lines *l, uint32_t off)
{
	scan_map_fill(&m->map, &l->ends, m->base, off, l->text_len);
	l->first = off == 0;
	l->next = l->ends.lf;
	l->last = l->next + l->ends.len;
}

/* Go on to octets with line ends. False: none are left, or a CR or LF stands alone. */
static bool
lines_more(struct sip_msg *m, struct lines *l)
{
	while (l->next == l->last) {
		if (l->ends.stray || l->ends.next >= l->text_len)
			return false;
		lines_fill(m, l, l->ends.next);
	}
	return true;
}

/*
 * The next CRLF. NO_LINE when the message ends first, or a CR or LF stands alone. Neither may be
 * in a head (§7, §25): some parsers take them for line ends, so what is one field here would be
 * two fields there.
 */
static inline uint32_t
next_crlf(struct sip_msg *m, struct lines *l)
{
	if (l->next == l->last && !lines_more(m, l))
		return NO_LINE;
	return *l->next++ - 1;
}

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Is the line at off a continuation of the one before it (§7.3.1)? */
static inline bool
is_folded(const struct sip_msg *m, const struct lines *l, uint32_t off)
{
	return off < l->text_len && is_space(m->base[off]);
}

static inline enum sip_error
link_field(struct sip_msg *m, unsigned id, unsigned index)
{
	if (m->first[id] == SIP_NONE) {
		m->first[id] = m->last[id] = (uint8_t)index;
		return SIP_OK;
	}
	m->fields[m->last[id]].next = (uint8_t)index;
	m->last[id] = (uint8_t)index;
	return singles[id] ? SIP_ERROR_FIELD_REPEATED : SIP_OK;
}

/* Why the head ends in the line at p: a cut, or a CR or LF that stands alone? */
static enum sip_error
end_fault(const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p != '\r' && *p != '\n')
			continue;
		if (end - p < 2)
			break;
		if (*p != '\r' || p[1] != '\n')
			return SIP_ERROR_FIELD_SYNTAX;
		p++;
	}
	return SIP_ERROR_HEAD_UNTERMINATED;
}

/* Up to the colon; NULL: none, or what stands there is no name. White space may follow it. */
static const char *
name_end(const char *p, const char *colon)
{
	const char *end = colon;

	if (!colon)
		return NULL;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return end - p <= UINT16_MAX && scan_all(span_of(p, (size_t)(end - p)), SCAN_TOKEN) ? end :
											      NULL;
}

/* From p to the CRLF at stop, without white space around it. */
static struct span
trimmed(const char *p, const char *stop)
{
	p = scan_over_lws(p, stop);
	while (stop > p && scan_is(stop[-1], SCAN_LWS))
		stop--;
	return span_of(p, (size_t)(stop - p));
}

/* token *( SP / HTAB ) ":" value, from off to the CRLF at stop. */
static enum sip_error
add_field(struct sip_msg *m, uint32_t off, uint32_t stop)
{
	const char *p = m->base + off, *colon = memchr(p, ':', stop - off);
	const char *end = name_end(p, colon);
	struct sip_field *f = &m->fields[m->fields_len];
	struct span value;

	if (!end)
		return SIP_ERROR_FIELD_SYNTAX;
	if (m->fields_len == SIP_FIELDS_MAX)
		return SIP_ERROR_FIELDS_TOO_MANY;
	value = trimmed(colon + 1, m->base + stop);
	f->name_off = off;
	f->name_len = (uint16_t)(end - p);
	f->value_off = (uint32_t)(value.at - m->base);
	f->value_len = (uint32_t)value.len;
	f->end = stop + 2;
	f->id = (uint8_t)sip_field_lookup(span_of(p, f->name_len));
	f->next = SIP_NONE;
	m->fields_len++;
	return f->id == SIP_FIELD_OTHER ? SIP_OK : link_field(m, f->id, m->fields_len - 1);
}

/*
 * As many lines as are plain, from m->base + off on: a name without odd characters, a colon, one
 * space, a value without white space around it, no fold. Leaves the line that is not to
 * add_field(); what is done for a plain one is the same. Returns where that line begins.
 */
static uint32_t
add_plain_fields(struct sip_msg *m, struct lines *l, uint32_t off, enum sip_error *fault)
{
	const char *const base = m->base;
	const uint32_t *next = l->next, *const last = l->last;
	struct sip_field *f = m->fields + m->fields_len, *const full = m->fields + SIP_FIELDS_MAX;
	/* up to here names may be read by 16 octets, and there is an octet behind the line */
	const uint32_t name_max = l->text_len - SIP_FIELD_ROOM, stop_max = l->text_len - 3;

	if (l->text_len < SIP_FIELD_ROOM)
		return off;
	for (; next < last && f < full; next++, f++) {
		uint32_t stop = *next - 1, colon;
		unsigned id;

		if (off > name_max || stop > stop_max || is_space(base[stop + 2]))
			break;
		colon = (uint32_t)scan_map_stop(&m->map, off);
		if (memcmp(base + colon, ": ", 2) != 0 || colon - off < 2 ||
		    (unsigned char)base[colon + 2] <= ' ' || (unsigned char)base[stop - 1] <= ' ')
			break;
		id = sip_field_at(base + off, colon - off);
		f->name_off = off;
		f->name_len = (uint16_t)(colon - off);
		f->id = (uint8_t)id;
		f->next = SIP_NONE;
		f->value_off = colon + 2;
		f->value_len = stop - (colon + 2);
		f->end = off = stop + 2;
		if (id != SIP_FIELD_OTHER && link_field(m, id, (unsigned)(f - m->fields)))
			*fault = *fault ? *fault : SIP_ERROR_FIELD_REPEATED;
	}
	m->fields_len = (uint8_t)(f - m->fields);
	l->next = next;
	return off;
}

/*
 * All lines of the head. A faulty line is left out and told at the end, so that the
 * others are there for an answer; only where line ends are in doubt it ends at once.
 */
static enum sip_error
index_fields(struct sip_msg *m, struct lines *l)
{
	enum sip_error fault = SIP_OK, error;
	uint32_t off = m->fields_off, stop;

	for (;; off = stop + 2) {
		if (l->first)
			off = add_plain_fields(m, l, off, &fault);
		stop = next_crlf(m, l);
		if (stop == off) {
			m->fields_end = off;
			m->mapped = l->first;
			return fault;
		}
		while (stop != NO_LINE && is_folded(m, l, stop + 2))
			stop = next_crlf(m, l);
		if (stop == NO_LINE)
			break;
		error = add_field(m, off, stop);
		fault = fault ? fault : error;
		if (error == SIP_ERROR_FIELDS_TOO_MANY)
			return fault;
	}
	return fault ? fault : end_fault(m->base + off, m->base + l->text_len);
}

/* T-10, S-07: RFC 3261 §18.3 as for a datagram; the WebSocket message has an end of its own. */
static enum sip_error
index_body(struct sip_msg *m)
{
	struct span length = sip_msg_value(m, SIP_FIELD_CONTENT_LENGTH);
	uint32_t there;
	uint64_t n = 0;

	m->body.off = m->fields_end + 2;
	m->body.len = there = m->len - m->body.off;
	if (m->first[SIP_FIELD_CONTENT_LENGTH] == SIP_NONE)
		return SIP_OK;
	if (!scan_all(length, SCAN_DIGIT))
		return SIP_ERROR_CONTENT_LENGTH;
	for (size_t i = 0; i < length.len && n <= there; i++)
		n = n * 10 + (uint64_t)(length.at[i] - '0');
	if (n > there)
		return SIP_ERROR_BODY_TOO_SHORT;
	m->body.len = (uint32_t)n;
	m->surplus = there - m->body.len;
	m->len -= m->surplus;
	return SIP_OK;
}

/* A response is of the method that its CSeq names (§8.1.3.3, §17.1.3). */
static void
note_response_method(struct sip_msg *m)
{
	struct sip_cseq cseq;

	if (sip_cseq_read(m, sip_msg_value(m, SIP_FIELD_CSEQ), &cseq) == SIP_OK)
		m->method = (uint8_t)sip_method_lookup(cseq.method);
}

/* Where the start line ends that no CRLF ends: at a CR or LF that stands alone, or not at all. */
static uint32_t
broken_end(const char *text, uint32_t len)
{
	uint32_t i = 0;

	while (i < len && text[i] != '\r' && text[i] != '\n')
		i++;
	return i;
}

enum sip_error
sip_msg_parse(struct sip_msg *m, const char *bytes, size_t len)
{
	struct lines lines;
	enum sip_error start, fields;
	uint32_t line_end;

	assert(len <= INT32_MAX);
	reset(m, bytes, (uint32_t)len);
	if (!len)
		return SIP_ERROR_NOT_SIP;
	lines.text_len = (uint32_t)len;
	lines_fill(m, &lines, 0);
	line_end = next_crlf(m, &lines);
	/*
	 * No CRLF in front of the start line either: §7.5 wants that on streams, and
	 * here the message has its own frame; a keep-alive is not a message.
	 */
	if (line_end == NO_LINE) {
		start = sip_start_parse(m, broken_end(bytes, (uint32_t)len));
		return start ? start : SIP_ERROR_START_LINE;
	}
	start = sip_start_parse(m, line_end);
	if (start && !m->request)
		return start;
	m->fields_off = m->fields_end = line_end + 2;
	fields = index_fields(m, &lines);
	if (!m->request)
		note_response_method(m);
	if (start || fields)
		return start ? start : fields;
	return index_body(m);
}

bool
sip_msg_has_token(const struct sip_msg *m, enum sip_field_id id, struct span token)
{
	struct sip_value_iter it = { 0 };

	while (sip_value_next(m, id, &it))
		if (span_equal_nocase(it.value, token))
			return true;
	return false;
}
