/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct place {
	const char *name;
	uint8_t from, len;
};

#define PLACE(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct template_digits, name),                                     \
			sizeof(((struct template_digits *)NULL)->name)                             \
	}
static const struct place places[] = { PLACE(client), PLACE(peer), PLACE(op), PLACE(cseq) };

/* The text between two braces. */
static bool
same_name(struct span name, const char *text)
{
	return span_equal(name, span_of(text, strlen(text)));
}

static bool
put(struct template *t, size_t *cap, struct span text)
{
	if (text.len > *cap - t->len) {
		size_t more = (*cap + text.len) * 2;
		char *bytes = more < UINT32_MAX ? realloc(t->bytes, more) : NULL;

		if (!bytes) {
			errno = ENOMEM;
			return false;
		}
		t->bytes = bytes;
		*cap = more;
	}
	if (text.len)
		memcpy(t->bytes + t->len, text.at, text.len);
	t->len += (uint32_t)text.len;
	return true;
}

static bool
put_place(struct template *t, size_t *cap, struct span name, const struct template_word *words)
{
	static const char zeros[] = "00000000000000000000";

	for (; words->name; words++)
		if (same_name(name, words->name))
			return put(t, cap, span_of(words->value, strlen(words->value)));
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!same_name(name, places[i].name) || t->marks_len == TEMPLATE_MARKS_MAX)
			continue;
		t->marks[t->marks_len++] =
			(struct template_mark){ t->len, places[i].from, places[i].len };
		return put(t, cap, span_of(zeros, places[i].len));
	}
	errno = EINVAL;
	return false;
}

static bool
put_text(struct template *t, size_t *cap, const char *text, const struct template_word *words)
{
	while (*text) {
		const char *open = strchr(text, '{'), *close;

		if (!open)
			return put(t, cap, span_of(text, strlen(text)));
		close = strchr(open, '}');
		if (!close) {
			errno = EINVAL;
			return false;
		}
		if (!put(t, cap, span_of(text, (size_t)(open - text))) ||
		    !put_place(t, cap, span_of(open + 1, (size_t)(close - open - 1)), words))
			return false;
		text = close + 1;
	}
	return true;
}

/* The body comes after the head, and its length is in the head: so the body is made first. */
bool
template_compile(struct template *t, const char *head, const char *body,
		 const struct template_word *words)
{
	struct template_word all[16] = { { "length", NULL } };
	struct template rest = { 0 };
	size_t cap = 0, rest_cap = 0, n = 0;
	char length[16], *end = length + sizeof(length) - 1;
	bool ok;

	*t = (struct template){ 0 };
	ok = put_text(&rest, &rest_cap, body, words);
	*end = '\0';
	for (uint32_t left = rest.len; end == length + sizeof(length) - 1 || left; left /= 10)
		*--end = (char)('0' + left % 10);
	all[0].value = end;
	while (words[n].name && n + 2 < sizeof(all) / sizeof(*all)) {
		all[n + 1] = words[n];
		n++;
	}
	ok = ok && put_text(t, &cap, head, all);
	for (uint32_t i = 0; ok && i < rest.marks_len; i++) {
		ok = t->marks_len < TEMPLATE_MARKS_MAX;
		if (!ok) {
			errno = EINVAL;
			break;
		}
		t->marks[t->marks_len] = rest.marks[i];
		t->marks[t->marks_len++].off += t->len;
	}
	ok = ok && put(t, &cap, span_of(rest.bytes, rest.len));
	template_free(&rest);
	if (!ok)
		template_free(t);
	return ok;
}

void
template_free(struct template *t)
{
	free(t->bytes);
	*t = (struct template){ 0 };
}

void
template_write(const struct template *t, const struct template_digits *digits, char *out)
{
	memcpy(out, t->bytes, t->len);
	for (uint32_t i = 0; i < t->marks_len; i++) {
		const struct template_mark *m = &t->marks[i];
		const char *from = (const char *)digits + m->from;

		memcpy(out + m->off, from, 8); /* every place has 8 digits or more */
		if (m->len > 8)
			memcpy(out + m->off + 8, from + 8, m->len - 8u);
	}
}

static void
put_hex(char *out, uint64_t n, unsigned len)
{
	static const char hex[] = "0123456789abcdef";

	while (len--) {
		out[len] = hex[n & 15];
		n >>= 4;
	}
}

void
template_digits_client(char out[8], uint32_t client)
{
	put_hex(out, client, 8);
}

void
template_digits_op(char out[TEMPLATE_OP_LEN], uint16_t entry, uint32_t serial)
{
	put_hex(out, (uint64_t)entry << 32 | serial, TEMPLATE_OP_LEN);
}

void
template_digits_cseq(char out[10], uint64_t n)
{
	for (int i = 9; i >= 0; i--) {
		out[i] = (char)('0' + n % 10);
		n /= 10;
	}
}

bool
template_read_hex(const char *digits, unsigned len, uint64_t *out)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < len; i++) {
		char c = digits[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = n;
	return true;
}
