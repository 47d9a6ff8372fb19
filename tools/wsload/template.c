/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/template.h"

#include <endian.h>
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
static const struct place places[] = {
	PLACE(client),
	PLACE(peer),
	PLACE(op),
	PLACE(cseq),
	PLACE(token),
	PLACE(peer_token),
	{ "try", offsetof(struct template_digits, attempt), 1 },
};

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
		t->counts |= places[i].from == offsetof(struct template_digits, cseq);
		t->has_tokens |= places[i].len == TEMPLATE_TOKEN_LEN;
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
	t->counts |= rest.counts;
	t->has_tokens |= rest.has_tokens;
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

		if (m->len == 1) {
			out[m->off] = *from;
			continue;
		}
		/* Every other place has 8 to 16 digits: two pieces that may overlap. */
		memcpy(out + m->off, from, 8);
		memcpy(out + m->off + m->len - 8, from + m->len - 8, 8);
	}
}

/* Eight hex digits at once: each nibble into a byte of its own, then to its character. */
static uint64_t
hex_of(uint32_t n)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = n;

	x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
	x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x << 4 | x) & (ones * 0x0f);
	x += ones * '0' + (((x + ones * 6) >> 4) & ones) * ('a' - '0' - 10);
	return htobe64(x);
}

/* The reverse for what hex_of() makes; something for anything else. */
static uint32_t
number_of(uint64_t digits)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = be64toh(digits);

	x = (x & (ones * 0x0f)) + (x >> 6 & ones) * 9;
	x = (x | x >> 4) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
	return (uint32_t)(x | x >> 16);
}

void
template_digits_client(char out[8], uint32_t client)
{
	uint64_t digits = hex_of(client);

	memcpy(out, &digits, 8);
}

void
template_digits_op(char out[TEMPLATE_OP_LEN], uint16_t entry, uint32_t serial)
{
	uint64_t high = hex_of(entry), low = hex_of(serial);

	memcpy(out, (const char *)&high + 4, 4);
	memcpy(out + 4, &low, 8);
}

void
template_digits_cseq(char out[10], uint64_t n)
{
	for (int i = 9; i >= 0; i--) {
		out[i] = (char)('0' + n % 10);
		n /= 10;
	}
}

/* Each step can be undone, so that nothing falls together (the finalizer of MurmurHash3). */
void
template_digits_token(char out[TEMPLATE_TOKEN_LEN], uint64_t key, uint32_t client)
{
	uint64_t x = key + client, high, low;

	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	high = hex_of((uint32_t)(x >> 32));
	low = hex_of((uint32_t)x);
	memcpy(out, &high, 8);
	memcpy(out + 8, &low, 8);
}

bool
template_read_hex(const char digits[8], uint32_t *out)
{
	uint64_t text;

	memcpy(&text, digits, 8);
	*out = number_of(text);
	return hex_of(*out) == text;
}
