/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_xml.h"

#include <libxml/parser.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/sipp_text.h"

struct builder {
	xmlParserCtxtPtr parser;
	struct sipp_element *root, *open;
	unsigned last_line; /* where the last event ended: there the next tag begins */
	struct sipp_error *error;
};

static unsigned
line_now(const struct builder *b)
{
	int line = b->parser->input ? b->parser->input->line : 0;

	return line > 0 ? (unsigned)line : 0;
}

static void
stop(struct builder *b, unsigned line, const char *text)
{
	sipp_error(b->error, line, "%s", text);
	xmlStopParser(b->parser);
}

/* ---- elements ---- */

static char *
copy(const xmlChar *from)
{
	return sipp_text_copy(span_of(from, from ? strlen((const char *)from) : 0));
}

static bool
add_attribute(struct sipp_attribute ***end, const xmlChar *name, const xmlChar *value)
{
	struct sipp_attribute *a = calloc(1, sizeof(*a));

	if (!a)
		return false;
	**end = a;
	*end = &a->next;
	a->name = copy(name);
	a->value = copy(value);
	return a->name && a->value;
}

static void
put_in(struct builder *b, struct sipp_element *e)
{
	e->parent = b->open;
	if (!b->open)
		b->root = e;
	else if (b->open->last)
		b->open->last->next = e;
	else
		b->open->first = e;
	if (b->open)
		b->open->last = e;
	b->open = e;
}

static void
on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	struct builder *b = arg;
	struct sipp_element *e = calloc(1, sizeof(*e));
	struct sipp_attribute **end;
	bool ok = e != NULL;

	if (ok) {
		put_in(b, e);
		e->line = b->last_line ? b->last_line : line_now(b);
		e->name = copy(name);
		ok = e->name != NULL;
		end = &e->attributes;
		for (; ok && attributes && attributes[0]; attributes += 2)
			ok = add_attribute(&end, attributes[0], attributes[1]);
	}
	if (!ok)
		stop(b, line_now(b), "out of memory");
	b->last_line = line_now(b);
}

static void
on_end(void *arg, const xmlChar *name)
{
	struct builder *b = arg;

	(void)name;
	b->open = b->open->parent;
	b->last_line = line_now(b);
}

/* ---- text ---- */

static bool
is_blank(struct span s)
{
	return span_trim(s).len == 0;
}

static bool
append(struct sipp_element *e, struct span more)
{
	size_t len = e->text ? strlen(e->text) : 0;
	char *text = len + more.len < SIPP_TEXT_MAX ? realloc(e->text, len + more.len + 1) : NULL;

	if (!text)
		return false;
	memcpy(text + len, more.at, more.len);
	text[len + more.len] = '\0';
	e->text = text;
	return true;
}

static void
on_text(void *arg, const xmlChar *bytes, int len)
{
	struct builder *b = arg;
	struct span text = span_of(bytes, (size_t)len);
	unsigned newlines = 0;

	for (size_t i = 0; i < text.len; i++)
		newlines += text.at[i] == '\n';
	if (b->open && (b->open->text || !is_blank(text))) {
		if (!b->open->text)
			b->open->text_line = line_now(b) - newlines;
		if (!append(b->open, text))
			stop(b, line_now(b), "out of memory");
	}
	b->last_line = line_now(b);
}

static void
on_comment(void *arg, const xmlChar *text)
{
	struct builder *b = arg;

	(void)text;
	b->last_line = line_now(b);
}

static void
on_instruction(void *arg, const xmlChar *target, const xmlChar *text)
{
	struct builder *b = arg;

	(void)target;
	(void)text;
	b->last_line = line_now(b);
}

/* ---- the whole ---- */

static void
take_error(struct builder *b)
{
	const xmlError *error = xmlCtxtGetLastError(b->parser);
	unsigned line = error && error->line > 0 ? (unsigned)error->line : 0;
	size_t len = error && error->message ? strcspn(error->message, "\n") : 0;

	sipp_error(b->error, line, "not XML: %.*s", (int)len, len ? error->message : "");
}

static void
parse(struct builder *b, const char *bytes, size_t len)
{
	xmlSAXHandler *sax = b->parser->sax;

	memset(sax, 0, sizeof(*sax));
	sax->initialized = 1; /* without name spaces: SIPp knows none */
	sax->startElement = on_start;
	sax->endElement = on_end;
	sax->characters = on_text;
	sax->ignorableWhitespace = on_text;
	sax->cdataBlock = on_text;
	sax->comment = on_comment;
	sax->processingInstruction = on_instruction;
	b->parser->userData = b;
	xmlCtxtReadMemory(b->parser, bytes, (int)len, NULL, NULL,
			  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!b->parser->wellFormed || !b->root)
		take_error(b);
}

struct sipp_element *
sipp_xml_read(const char *bytes, size_t len, struct sipp_error *error)
{
	struct builder b = { .error = error, .parser = xmlNewParserCtxt() };

	if (!b.parser || len > INT_MAX) {
		sipp_error(error, 0, b.parser ? "too long" : "out of memory");
	} else {
		parse(&b, bytes, len);
	}
	xmlFreeParserCtxt(b.parser);
	if (!error->set)
		return b.root;
	sipp_xml_free(b.root);
	return NULL;
}

void
sipp_xml_free(struct sipp_element *e)
{
	struct sipp_element *child = e ? e->first : NULL, *next;
	struct sipp_attribute *a = e ? e->attributes : NULL, *after;

	for (; child; child = next) {
		next = child->next;
		sipp_xml_free(child);
	}
	for (; a; a = after) {
		after = a->next;
		free(a->name);
		free(a->value);
		free(a);
	}
	if (e) {
		free(e->name);
		free(e->text);
	}
	free(e);
}

const char *
sipp_xml_get(struct sipp_element *e, const char *name)
{
	for (struct sipp_attribute *a = e->attributes; a; a = a->next)
		if (strcmp(a->name, name) == 0) {
			a->used = true;
			return a->value;
		}
	return NULL;
}

const struct sipp_attribute *
sipp_xml_unused(const struct sipp_element *e)
{
	const struct sipp_attribute *a = e->attributes;

	while (a && a->used)
		a = a->next;
	return a;
}
