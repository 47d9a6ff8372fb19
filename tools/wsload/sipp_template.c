/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_template.h"

#include <stdlib.h>
#include <string.h>
#include "tools/wsload/sipp_keyword.h"

/* ---- pieces ---- */

static struct sipp_piece *
add_piece(struct sipp_template *t)
{
	uint32_t cap = t->cap ? 2 * t->cap : 8;
	struct sipp_piece *more;

	if (t->len == t->cap) {
		more = realloc(t->pieces, cap * sizeof(*more));
		if (!more)
			return NULL;
		t->pieces = more;
		t->cap = cap;
	}
	t->pieces[t->len] = (struct sipp_piece){ .index = SIPP_NONE };
	return &t->pieces[t->len++];
}

static int
hex_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, span_lower(c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* \x5b and the like: the way to write a bracket that begins no keyword. */
static size_t
unescape(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 3 < len && text[i + 1] == 'x' &&
		    hex_of(text[i + 2]) >= 0 && hex_of(text[i + 3]) >= 0) {
			text[n++] = (char)(hex_of(text[i + 2]) << 4 | hex_of(text[i + 3]));
			i += 3;
		} else {
			text[n++] = text[i];
		}
	}
	text[n] = '\0';
	return n;
}

static bool
add_text(struct sipp_template *t, struct span text)
{
	struct sipp_piece *piece = text.len ? add_piece(t) : NULL;

	if (!text.len)
		return true;
	if (!piece)
		return false;
	piece->text = sipp_text_copy(text);
	piece->text_len = piece->text ? unescape(piece->text, text.len) : 0;
	return piece->text != NULL;
}

#define NESTED_MAX 8

/* The bracket that closes the one at text[0]; keywords may hold others. NULL: none. */
static const char *
closing(const char *text)
{
	unsigned depth = 0;

	for (; *text; text++) {
		depth += *text == '[';
		if (depth > NESTED_MAX)
			return NULL;
		if (*text == ']' && --depth == 0)
			return text;
	}
	return NULL;
}

bool
sipp_template_text(struct sipp_template *t, const char *text, unsigned line,
		   const struct sipp_names *names)
{
	*t = (struct sipp_template){ 0 };
	for (;;) {
		size_t len = strcspn(text, "[");
		struct sipp_piece *piece;
		const char *end;

		if (!add_text(t, span_of(text, len)))
			return sipp_error(names->error, line, "out of memory");
		for (size_t i = 0; i < len; i++)
			line += text[i] == '\n';
		text += len;
		if (!*text)
			return true;
		end = closing(text);
		if (!end)
			return sipp_error(names->error, line,
					  "'%.32s': the bracket never closes, or holds too "
					  "many; for one that begins no keyword write \\x5b",
					  text);
		piece = add_piece(t);
		if (!piece)
			return sipp_error(names->error, line, "out of memory");
		if (!sipp_keyword_read(piece, span_of(text + 1, (size_t)(end - text) - 1), line,
				       names))
			return false;
		for (; text <= end; text++)
			line += *text == '\n';
	}
}

void
sipp_template_free(struct sipp_template *t)
{
	for (uint32_t i = 0; i < t->len; i++) {
		struct sipp_piece *piece = &t->pieces[i];

		free(piece->text);
		for (int k = 0; k < SIPP_PARAMETERS_MAX; k++) {
			if (piece->parameters[k])
				sipp_template_free(piece->parameters[k]);
			free(piece->parameters[k]);
		}
	}
	free(t->pieces);
	*t = (struct sipp_template){ 0 };
}

/* ---- messages ---- */

static struct span
trim_line(struct span line)
{
	while (line.len && memchr(" \t\r", line.at[line.len - 1], 3))
		line.len--;
	while (line.len && (line.at[0] == ' ' || line.at[0] == '\t')) {
		line.at++;
		line.len--;
	}
	return line;
}

/* From the first line that is not empty to the last one; *line follows. */
static void
put_lines(struct sipp_text *out, const char *text, unsigned *line)
{
	size_t empty = 0;
	bool begun = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		struct span row = trim_line(span_of(text, len));

		text += len + (text[len] != '\0');
		if (!row.len) {
			empty += begun;
			*line += !begun;
			continue;
		}
		for (; empty; empty--)
			sipp_text_puts(out, "\r\n");
		sipp_text_put(out, row);
		sipp_text_puts(out, "\r\n");
		begun = true;
	}
}

bool
sipp_template_message(struct sipp_template *t, const char *text, unsigned line,
		      const struct sipp_names *names)
{
	struct sipp_text lines = { 0 };
	bool ok;

	*t = (struct sipp_template){ 0 };
	put_lines(&lines, text, &line);
	if (!lines.len && !lines.failed)
		return sipp_error(names->error, line, "an empty message");
	if (lines.len && !memmem(lines.at, lines.len, "\r\n\r\n", 4))
		sipp_text_puts(&lines, "\r\n");
	ok = lines.failed ? sipp_error(names->error, line, "out of memory") :
			    sipp_template_text(t, lines.at, line, names);
	sipp_text_free(&lines);
	return ok;
}
