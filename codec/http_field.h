/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_HTTP_FIELD_H
#define CODEC_HTTP_FIELD_H
/*
 * Header fields of an HTTP/1.1 message head, RFC 9112 §5 and RFC 9110 §5, and the comma lists in
 * their values. Strict: no folding, no bare CR or LF, no white space around the name. Views into
 * the input; no state; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/span.h"

struct http_field {
	struct span name, value; /* value without the white space around it */
};

enum http_line {
	HTTP_LINE_FIELD,     /* a field; `rest` is moved over it */
	HTTP_LINE_END,       /* the empty line that ends a head; `rest` is moved over it */
	HTTP_LINE_PARTIAL,   /* not whole yet, nothing wrong in what there is */
	HTTP_LINE_MALFORMED, /* no further byte can mend it */
};

/* Read one line of the field section from the front of `rest`. */
enum http_line http_field_read(struct span *rest, struct http_field *out);

/*
 * Read the rest of a line of any text that a field value may hold (a value, a reason phrase), and
 * its CRLF. HTTP_LINE_FIELD: whole; `text` is it, `rest` is moved over it. Never HTTP_LINE_END.
 */
enum http_line http_field_read_text(struct span *rest, struct span *text);

/*
 * Could the bytes after in[0..seen) change the verdict "incomplete" on a head? Looks at the new
 * bytes only. A reader that starts over only when this says yes is linear: it says yes for the
 * end of a line, for bytes no head may hold, and throughout the first HTTP_FIELD_EAGER bytes.
 */
#define HTTP_FIELD_EAGER 64
bool http_field_news(const char *in, size_t len, size_t seen);

/* token, RFC 9110 §5.6.2; never empty. */
bool http_field_is_token(struct span text);
bool http_field_is_token_char(char c);

/*
 * The next member of a comma list, without the white space around it; empty ones are passed over
 * (RFC 9110 §5.6.1.2). A comma in a quoted string does not part. False at the end of the list.
 */
bool http_field_list_next(struct span *rest, struct span *member);

/*
 * Is `word` (lower or upper case alike) a member of a list of tokens? With `versions`, a member
 * may be token/token, as Upgrade has them; word/version is not word. False: `value` is no such
 * list; true: *found is set if it is a member, else left alone.
 */
bool http_field_list_has(struct span value, struct span word, bool versions, bool *found);

/* Without leading and trailing SP and HTAB: OWS, RFC 9110 §5.6.3. */
struct span http_field_trim(struct span text);

#endif
