/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
room(struct sipp_text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 64;
	char *at;

	if (t->failed || more > SIPP_TEXT_MAX - t->len) {
		t->failed = true;
		return false;
	}
	if (t->at && t->len + more < t->cap)
		return true;
	while (cap <= t->len + more)
		cap *= 2;
	at = realloc(t->at, cap);
	if (!at) {
		t->failed = true;
		return false;
	}
	t->at = at;
	t->cap = cap;
	return true;
}

void
sipp_text_put(struct sipp_text *t, struct span more)
{
	if (!room(t, more.len))
		return;
	if (more.len)
		memcpy(t->at + t->len, more.at, more.len);
	t->len += more.len;
	t->at[t->len] = '\0';
}

void
sipp_text_puts(struct sipp_text *t, const char *more)
{
	sipp_text_put(t, span_of(more, strlen(more)));
}

void
sipp_text_format(struct sipp_text *t, const char *format, ...)
{
	char text[512];
	va_list list;
	int len;

	va_start(list, format);
	len = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (len < 0 || (size_t)len >= sizeof(text))
		t->failed = true;
	else
		sipp_text_put(t, span_of(text, (size_t)len));
}

void
sipp_text_insert(struct sipp_text *t, size_t pos, struct span more)
{
	if (!room(t, more.len))
		return;
	memmove(t->at + pos + more.len, t->at + pos, t->len - pos);
	if (more.len)
		memcpy(t->at + pos, more.at, more.len);
	t->len += more.len;
	t->at[t->len] = '\0';
}

void
sipp_text_cut(struct sipp_text *t, size_t len)
{
	t->failed = false;
	t->len = len;
	if (t->at)
		t->at[len] = '\0';
}

void
sipp_text_free(struct sipp_text *t)
{
	free(t->at);
	*t = (struct sipp_text){ 0 };
}

char *
sipp_text_copy(struct span text)
{
	char *copy = malloc(text.len + 1);

	if (copy && text.len)
		memcpy(copy, text.at, text.len);
	if (copy)
		copy[text.len] = '\0';
	return copy;
}
