/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_SIP_MSG_H
#define CODEC_SIP_MSG_H
/*
 * The index of one SIP message, RFC 3261 §7: where its start line parts, header
 * fields and body are. Everything is an offset from the message's first byte, so
 * an index stays right when the bytes move: set `base` anew. Nothing is copied,
 * nothing is unfolded; values keep their octets.
 *
 * The index holds no heap and no pointer but `base`. Any thread, one at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/scan_map.h"
#include "codec/span.h"

enum sip_method {
	SIP_METHOD_OTHER,
#define SIP_METHOD(symbol) SIP_METHOD_##symbol,
#include "codec/sip_method.def"
#undef SIP_METHOD
	SIP_METHOD_COUNT
};

enum sip_field_id {
	SIP_FIELD_OTHER,
#define SIP_FIELD(symbol, name, compact, list, single) SIP_FIELD_##symbol,
#include "codec/sip_field.def"
#undef SIP_FIELD
	SIP_FIELD_COUNT
};

enum sip_error {
	SIP_OK,
#define SIP_ERROR(symbol, status, words) SIP_ERROR_##symbol,
#include "codec/sip_error.def"
#undef SIP_ERROR
	SIP_ERROR_COUNT
};

#define SIP_FIELDS_MAX 128 /* header lines in one message; more is SIP_ERROR_FIELDS_TOO_MANY */
#define SIP_NONE 0xFF      /* no such field */

/* Offset and length from the message's first byte. */
struct sip_view {
	uint32_t off, len;
};

/* One header line (with its folded continuation lines). */
struct sip_field {
	uint32_t name_off;   /* the line begins here */
	uint16_t name_len;
	uint8_t id;          /* enum sip_field_id */
	uint8_t next;        /* next line of the same known id, or SIP_NONE */
	uint32_t value_off;  /* trimmed; folds inside are kept */
	uint32_t value_len;
	uint32_t end;        /* one past the line's CRLF */
};

struct sip_msg {
	const char *base;      /* first byte of the message */
	uint32_t len;          /* bytes of head and body, without the surplus */
	uint32_t surplus;      /* octets beyond Content-Length: discarded (T-10, RFC 3261 §18.3) */
	bool request;
	uint8_t method;        /* enum sip_method: of the request line, or of CSeq in a response */
	uint16_t status;       /* responses: 100..699; requests: 0 */
	struct sip_view method_name; /* requests */
	struct sip_view uri;   /* requests */
	struct sip_view reason;/* responses; may be empty */
	uint32_t fields_off;   /* first byte after the start line's CRLF */
	uint32_t fields_end;   /* offset of the empty line that ends the head */
	struct sip_view body;
	uint8_t fields_len;
	uint8_t first[SIP_FIELD_COUNT]; /* index in fields[] of the first line, or SIP_NONE */
	uint8_t last[SIP_FIELD_COUNT];  /* of the last line */
	bool mapped;                    /* map is that of the head: it is not a long one */
	struct scan_map map;            /* for sip_scan.h */
	struct sip_field fields[SIP_FIELDS_MAX];
};

/*
 * Index the message in bytes[0..len), the payload of one WebSocket message
 * (S-06: exactly one SIP message); len < 2^31. Returns SIP_OK or the first fault. After a
 * fault the index is still good (`request`, `method`, `fields_len`, `first[]`) for
 * every well-formed line that could be told apart, behind the fault too, so that a 400 can
 * be written from it: see sip_reply.h. `fields_end` and `body` are not.
 *
 * Checks the shape of the whole head (start line, every line has a name and a colon, T-12; no CR
 * or LF but in CRLF), of Content-Length (T-10; absent: the body is the rest, S-07), and that
 * fields which may occur once do. It does not look into the values of other fields: see
 * sip_msg_check(). Octets in values, NUL among them, are whatever they are.
 */
enum sip_error sip_msg_parse(struct sip_msg *m, const char *bytes, size_t len);

/*
 * The rest of RFC 3261 §16.3(1) and §8.1.1, for a message that sip_msg_parse() accepted: may a
 * proxy act on it? To, From, CSeq, Call-ID, Via (and Max-Forwards where present) are there and
 * well-formed, CSeq's method matches the request's, the Request-URI is a URI of any scheme and,
 * of sip: and sips:, without headers. Of Via the topmost value; the others are split only.
 * What it reads on the way is to be had from sip_essentials.h.
 */
enum sip_error sip_msg_check(const struct sip_msg *m);

int sip_error_status(enum sip_error error);
const char *sip_error_words(enum sip_error error);

/* Is this payload a keep-alive (RFC 5626 §3.5.1, O-01): CRLFCRLF, or a single CRLF? */
enum sip_keepalive {
	SIP_KEEPALIVE_NOT,
	SIP_KEEPALIVE_PING, /* CRLFCRLF: answer with one CRLF */
	SIP_KEEPALIVE_PONG, /* CRLF: swallow */
};
enum sip_keepalive sip_keepalive(const uint8_t *bytes, size_t len);

/* Name to id, compact forms and any case included; SIP_FIELD_OTHER if not known. */
enum sip_field_id sip_field_lookup(struct span name);
struct span sip_field_name(enum sip_field_id id); /* long form */
bool sip_field_is_list(enum sip_field_id id);

/* Methods are case-sensitive (RFC 3261 §7.1). */
enum sip_method sip_method_lookup(struct span name);
struct span sip_method_name(enum sip_method method);

static inline struct span
sip_msg_span(const struct sip_msg *m, struct sip_view v)
{
	return span_of(m->base + v.off, v.len);
}

static inline struct span
sip_field_value(const struct sip_msg *m, const struct sip_field *f)
{
	return span_of(m->base + f->value_off, f->value_len);
}

/* First line with this id, or NULL. */
static inline const struct sip_field *
sip_msg_field(const struct sip_msg *m, enum sip_field_id id)
{
	return m->first[id] == SIP_NONE ? NULL : &m->fields[m->first[id]];
}

static inline const struct sip_field *
sip_msg_next(const struct sip_msg *m, const struct sip_field *f)
{
	return f->next == SIP_NONE ? NULL : &m->fields[f->next];
}

/* Value of the first line with this id; {NULL, 0} when there is none. */
static inline struct span
sip_msg_value(const struct sip_msg *m, enum sip_field_id id)
{
	const struct sip_field *f = sip_msg_field(m, id);

	return f ? sip_field_value(m, f) : (struct span){ NULL, 0 };
}

/*
 * Walks the values of a list field over all its lines and commas (§7.3.1), in
 * order; commas inside quotes and angle brackets do not separate.
 *
 *     struct sip_value_iter it = { 0 };
 *     while (sip_value_next(m, SIP_FIELD_ROUTE, &it)) use(it.value);
 *
 * An empty element (",,") is skipped. `it.value` is trimmed; `it.field` is its line; `it.bad` is
 * set, and the walk ends, when a quote or an angle bracket never closes.
 */
struct sip_value_iter {
	struct span value;
	const struct sip_field *field;
	uint32_t pos; /* offset in the message where the search goes on */
	bool bad;
};
bool sip_value_next(const struct sip_msg *m, enum sip_field_id id, struct sip_value_iter *it);

/* Does a field of comma-separated tokens hold this one (option tags: Supported; any case)? */
bool sip_msg_has_token(const struct sip_msg *m, enum sip_field_id id, struct span token);

#endif
