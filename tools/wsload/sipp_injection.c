/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_injection.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/file.h"

/* ---- the first line ---- */

static bool
read_count(struct span value, uint32_t *out)
{
	char text[16], *end;
	unsigned long n;

	if (value.len == 0 || value.len >= sizeof(text))
		return false;
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	n = strtoul(text, &end, 10);
	*out = (uint32_t)n;
	return text[0] >= '0' && text[0] <= '9' && !*end && n <= INT_MAX;
}

static bool
take_word(struct sipp_injection *in, struct span word, struct sipp_error *error)
{
	static const struct {
		const char *name;
		enum sipp_order order;
	} orders[] = { { "SEQUENTIAL", SIPP_SEQUENTIAL },
		       { "RANDOM", SIPP_RANDOM },
		       { "USER", SIPP_BY_USER },
		       { "USERS", SIPP_BY_USER } };
	const char *equal = word.len ? memchr(word.at, '=', word.len) : NULL;
	struct span name = span_of(word.at, equal ? (size_t)(equal - word.at) : word.len);
	struct span value =
		span_of(equal ? equal + 1 : NULL, equal ? (size_t)(span_end(word) - equal) - 1 : 0);

	for (size_t i = 0; !equal && i < sizeof(orders) / sizeof(*orders); i++)
		if (span_equal(name, span_of(orders[i].name, strlen(orders[i].name)))) {
			in->order = orders[i].order;
			return true;
		}
	if ((span_equal(name, SPAN("PRINTF")) && read_count(value, &in->virtual_len) &&
	     in->virtual_len > 0) ||
	    (span_equal(name, SPAN("PRINTFMULTIPLE")) && read_count(value, &in->multiple)) ||
	    (span_equal(name, SPAN("PRINTFOFFSET")) && read_count(value, &in->offset)))
		return true;
	return sipp_error(error, 1,
			  "'%.*s': the first line is SEQUENTIAL, RANDOM or USER, and PRINTF=N,"
			  " PRINTFMULTIPLE=N, PRINTFOFFSET=N behind a comma",
			  (int)(word.len < 64 ? word.len : 64), word.at ? word.at : "");
}

static bool
read_first(struct sipp_injection *in, struct span line, struct sipp_error *error)
{
	bool ok = true;

	do {
		const char *comma = line.len ? memchr(line.at, ',', line.len) : NULL;
		size_t len = comma ? (size_t)(comma - line.at) : line.len;

		ok = take_word(in, span_trim(span_of(line.at, len)), error);
		len += comma != NULL;
		line = span_of(line.at + len, line.len - len);
	} while (ok && line.len);
	return ok;
}

/* ---- patterns ---- */

/* The pattern of one number at text[0] == '%': its length; 0: none of decimal numbers. */
static size_t
pattern_len(const char *text)
{
	size_t len = 1 + strspn(text + 1, "0-+ ");

	len += strspn(text + len, "123456789") ? 1 : 0;
	len += strspn(text + len, "0123456789") ? 1 : 0;
	if (text[len] == '%')
		return len == 1 ? 2 : 0;
	return text[len] == 'd' || text[len] == 'i' || text[len] == 'u' ? len + 1 : 0;
}

static bool
check_patterns(const struct sipp_row *row, struct sipp_error *error)
{
	for (const char *at = strchr(row->text, '%'); at; at = strchr(at, '%')) {
		size_t len = pattern_len(at);

		if (!len)
			return sipp_error(error, row->line,
					  "'%.16s': only %%d, with a width such as %%03d, and %%%%",
					  at);
		at += len;
	}
	return true;
}

static void
put_number(const char *pattern, size_t len, uint32_t number, struct sipp_text *out)
{
	bool zeros = memchr(pattern, '0', len - 1) == pattern + 1;
	bool left = memchr(pattern, '-', len) != NULL;
	int width = (int)strtol(pattern + 1 + strspn(pattern + 1, "0-+ "), NULL, 10);

	if (pattern[len - 1] == '%')
		sipp_text_puts(out, "%");
	else if (zeros)
		sipp_text_format(out, "%0*u", width, number);
	else
		sipp_text_format(out, left ? "%-*u" : "%*u", width, number);
}

static void
put_pattern(struct span text, uint32_t number, struct sipp_text *out)
{
	while (text.len) {
		const char *at = memchr(text.at, '%', text.len);
		size_t before = at ? (size_t)(at - text.at) : text.len;
		size_t len = at ? pattern_len(at) : 0;

		sipp_text_put(out, span_of(text.at, before));
		if (len)
			put_number(at, len, number, out);
		before += len;
		text = span_of(text.at + before, text.len - before);
	}
}

/* ---- reading ---- */

static bool
add_row(struct sipp_injection *in, struct span text, unsigned line)
{
	uint32_t cap = in->rows_cap ? 2 * in->rows_cap : 64;
	struct sipp_row *more;

	if (in->rows_len == in->rows_cap) {
		more = cap < INT_MAX ? realloc(in->rows, cap * sizeof(*more)) : NULL;
		if (!more)
			return false;
		in->rows = more;
		in->rows_cap = cap;
	}
	in->rows[in->rows_len] = (struct sipp_row){ sipp_text_copy(text), line };
	return in->rows[in->rows_len].text && ++in->rows_len;
}

static bool
take_line(struct sipp_injection *in, struct span line, unsigned number, struct sipp_error *error)
{
	if (number == 1)
		return read_first(in, line, error);
	if (line.len == 0 || line.at[0] == '#')
		return true;
	if (memchr(line.at, '\0', line.len))
		return sipp_error(error, number, "a NUL");
	if (!add_row(in, line, number))
		return sipp_error(error, number, "out of memory");
	return !in->virtual_len || check_patterns(&in->rows[in->rows_len - 1], error);
}

bool
sipp_injection_parse(struct sipp_injection *in, const char *bytes, size_t len,
		     struct sipp_error *error)
{
	struct span rest = span_of(bytes, len);
	bool ok = true;

	in->multiple = 1;
	for (unsigned number = 1; ok && (number == 1 || rest.len); number++) {
		const char *end = rest.len ? memchr(rest.at, '\n', rest.len) : NULL;
		size_t n = end ? (size_t)(end - rest.at) : rest.len;
		struct span line = span_of(rest.at, n);

		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		ok = take_line(in, line, number, error);
		n += end != NULL;
		rest = span_of(rest.at + n, rest.len - n);
	}
	if (ok && !in->rows_len)
		ok = sipp_error(error, 1, "no line with fields");
	return ok;
}

bool
sipp_injection_read(struct sipp_injection *in, const char *name, struct sipp_error *error)
{
	struct span bytes;
	bool ok = false;

	*in = (struct sipp_injection){ .name = name };
	if (!file_read(name, &bytes))
		return sipp_error(error, 0, "%s", strerror(errno));
	ok = sipp_injection_parse(in, bytes.at, bytes.len, error);
	file_free(bytes);
	return ok;
}

void
sipp_injection_free(struct sipp_injection *in)
{
	for (uint32_t i = 0; i < in->rows_len; i++)
		free(in->rows[i].text);
	free(in->rows);
	*in = (struct sipp_injection){ 0 };
}

/* ---- using ---- */

bool
sipp_injection_is(const struct sipp_injection *in, struct span name)
{
	const char *slash = strrchr(in->name, '/'), *last = slash ? slash + 1 : in->name;

	return span_equal(name, span_of(in->name, strlen(in->name))) ||
	       span_equal(name, span_of(last, strlen(last)));
}

uint32_t
sipp_injection_lines(const struct sipp_injection *in)
{
	return in->virtual_len ? in->virtual_len : in->rows_len;
}

uint32_t
sipp_injection_take(struct sipp_injection *in, uint32_t user, struct random *random)
{
	uint32_t lines = sipp_injection_lines(in);

	switch (in->order) {
	case SIPP_RANDOM:
		return (uint32_t)random_below(random, lines);
	case SIPP_BY_USER:
		return user % lines;
	case SIPP_SEQUENTIAL:
		break;
	}
	return in->next++ % lines;
}

void
sipp_injection_field(const struct sipp_injection *in, uint32_t line, uint32_t n,
		     struct sipp_text *out)
{
	struct span text;

	if (line >= sipp_injection_lines(in))
		return;
	text.at = in->rows[line % in->rows_len].text;
	text.len = strcspn(text.at, ";");
	for (; n; n--) {
		if (!text.at[text.len])
			return;
		text.at += text.len + 1;
		text.len = strcspn(text.at, ";");
	}
	if (in->virtual_len)
		put_pattern(text, line * in->multiple + in->offset, out);
	else
		sipp_text_put(out, text);
}

int64_t
sipp_injection_find(const struct sipp_injection *in, uint32_t n, struct span key)
{
	struct sipp_text field = { 0 };
	int64_t found = -1;

	for (uint32_t i = 0; found < 0 && i < sipp_injection_lines(in); i++) {
		sipp_text_cut(&field, 0);
		sipp_injection_field(in, i, n, &field);
		if (!field.failed && span_equal(sipp_text_span(&field), key))
			found = i;
	}
	sipp_text_free(&field);
	return found;
}

bool
sipp_injection_insert(struct sipp_injection *in, struct span text)
{
	return !in->virtual_len && add_row(in, text, 0);
}

bool
sipp_injection_replace(struct sipp_injection *in, uint32_t line, struct span text)
{
	char *copy = !in->virtual_len && line < in->rows_len ? sipp_text_copy(text) : NULL;

	if (!copy)
		return false;
	free(in->rows[line].text);
	in->rows[line].text = copy;
	return true;
}
