/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/sip_msg.h"

#include <assert.h>
#include <string.h>
#include "codec/scan.h"
#include "codec/sip_cseq.h"
#include "codec/sip_field.h"
#include "codec/sip_start.h"

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
	m->base = bytes;
	m->len = len;
}

/*
 * NULL when the message ends first, or a CR or LF stands alone. Neither may be in a head
 * (§7, §25): some parsers take them for line ends, so what is one field here would be two
 * fields there.
 */
static inline const char *
next_crlf(struct scan_lines *lines)
{
	const char *at = scan_lines_next(lines);

	return scan_is_crlf(at, lines->end) ? at : NULL;
}

/* Is the line behind this CRLF a continuation of the one before it (§7.3.1)? */
static inline bool
is_folded(const char *crlf, const char *end)
{
	return crlf + 2 < end && (crlf[2] == ' ' || crlf[2] == '\t');
}

static enum sip_error
link_field(struct sip_msg *m, unsigned id, uint8_t index)
{
	if (m->first[id] == SIP_NONE) {
		m->first[id] = m->last[id] = index;
		return SIP_OK;
	}
	m->fields[m->last[id]].next = index;
	m->last[id] = index;
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

/* A name that is not known as it stands in front of its colon: compact, white space, any. */
static enum sip_field_id
other_name(const char *p, const char *stop, const char **name_end, const char **colon)
{
	const char *end = *colon = memchr(p, ':', (size_t)(stop - p));

	*name_end = NULL;
	if (!end)
		return SIP_FIELD_OTHER;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end - p <= UINT16_MAX && scan_all(span_of(p, (size_t)(end - p)), SCAN_TOKEN))
		*name_end = end;
	return sip_field_lookup(span_of(p, (size_t)(end - p)));
}

/* The value from behind the colon to the CRLF at stop, without white space around it. */
static inline struct span
trimmed(const char *p, const char *stop)
{
	p += *p == ' ';
	if (scan_is(*p, SCAN_LWS))
		p = scan_over_lws(p, stop);
	if (scan_is(stop[-1], SCAN_LWS))
		while (stop > p && scan_is(stop[-1], SCAN_LWS))
			stop--;
	return span_of(p, (size_t)(stop - p));
}

/* token *( SP / HTAB ) ":" value, from p to the CRLF at stop; `end` is that of the message. */
static inline enum sip_error
add_field(struct sip_msg *m, const char *p, const char *stop, const char *end)
{
	unsigned index = m->fields_len, colons = p + 16 <= end ? scan_equal16(p, ':') : 0;
	uint32_t off = (uint32_t)(p - m->base), name_len = 0;
	const char *colon = p, *name_end;
	enum sip_field_id id = SIP_FIELD_OTHER;
	struct sip_field *f = &m->fields[index];
	struct span value;

	if (colons && !(colons & 3)) { /* 3: a name of one letter, or none */
		name_len = (uint32_t)__builtin_ctz(colons);
		colon = p + name_len;
		id = sip_field_at(p, name_len);
	}
	if (id == SIP_FIELD_OTHER) {
		id = other_name(p, stop, &name_end, &colon);
		if (!name_end)
			return SIP_ERROR_FIELD_SYNTAX;
		name_len = (uint32_t)(name_end - p);
	}
	if (index == SIP_FIELDS_MAX)
		return SIP_ERROR_FIELDS_TOO_MANY;
	value = trimmed(colon + 1, stop);
	*f = (struct sip_field){
		.name_off = off,
		.name_len = (uint16_t)name_len,
		.id = (uint8_t)id,
		.next = SIP_NONE,
		.value_off = off + (uint32_t)(value.at - p),
		.value_len = (uint32_t)value.len,
		.end = off + (uint32_t)(stop - p) + 2,
	};
	m->fields_len = (uint8_t)(index + 1);
	return id == SIP_FIELD_OTHER ? SIP_OK : link_field(m, id, (uint8_t)index);
}

/*
 * All lines of the head. A faulty line is left out and told at the end, so that the
 * others are there for an answer; only where line ends are in doubt it ends at once.
 */
static enum sip_error
index_fields(struct sip_msg *m, struct scan_lines lines)
{
	const char *p = m->base + m->fields_off, *stop;
	enum sip_error fault = SIP_OK;

	while ((stop = next_crlf(&lines)) != NULL) {
		enum sip_error error;

		if (stop == p) {
			m->fields_end = (uint32_t)(p - m->base);
			return fault;
		}
		while (stop && is_folded(stop, lines.end))
			stop = next_crlf(&lines);
		if (!stop)
			break;
		error = add_field(m, p, stop, lines.end);
		if (error) {
			fault = fault ? fault : error;
			if (error == SIP_ERROR_FIELDS_TOO_MANY)
				return fault;
		}
		p = stop + 2;
	}
	if (fault)
		return fault;
	return end_fault(p, lines.end);
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

	if (sip_cseq_parse(sip_msg_value(m, SIP_FIELD_CSEQ), &cseq) == SIP_OK)
		m->method = (uint8_t)sip_method_lookup(cseq.method);
}

enum sip_error
sip_msg_parse(struct sip_msg *m, const char *bytes, size_t len)
{
	struct scan_lines lines;
	enum sip_error start, fields;
	const char *line_end;
	bool whole;

	assert(len <= INT32_MAX);
	reset(m, bytes, (uint32_t)len);
	if (!len)
		return SIP_ERROR_NOT_SIP;
	lines = scan_lines_of(bytes, bytes + len);
	line_end = scan_lines_next(&lines);
	whole = scan_is_crlf(line_end, lines.end);
	start = sip_start_parse(m, (uint32_t)(line_end - bytes));
	/*
	 * No CRLF in front of the start line either: §7.5 wants that on streams, and
	 * here the message has its own frame; a keep-alive is not a message.
	 */
	if (!whole)
		return start ? start : SIP_ERROR_START_LINE;
	if (start && !m->request)
		return start;
	m->fields_off = m->fields_end = (uint32_t)(line_end + 2 - bytes);
	fields = index_fields(m, lines);
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
