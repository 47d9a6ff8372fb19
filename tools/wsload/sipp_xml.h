/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_XML_H
#define WSLOAD_SIPP_XML_H
/*
 * XML as a tree of elements that know their lines. libxml2 reads it; nothing outside the file is
 * ever fetched: no DTD, no entities but those of XML itself.
 */
#include <stdbool.h>
#include <stddef.h>
#include "tools/wsload/sipp_error.h"

struct sipp_attribute {
	struct sipp_attribute *next;
	char *name, *value;
	bool used; /* somebody asked for it */
};

struct sipp_element {
	struct sipp_element *parent, *first, *last, *next;
	struct sipp_attribute *attributes; /* in the order of the file */
	char *name;
	char *text; /* what is neither white space nor an element in it, in one piece; or NULL */
	unsigned line, text_line; /* where its tag begins; where the text does */
};

/* NULL: *error says why. */
struct sipp_element *sipp_xml_read(const char *bytes, size_t len, struct sipp_error *error);
void sipp_xml_free(struct sipp_element *root);

/* The value of an attribute, which counts as used from now on; NULL: it has none of that name. */
const char *sipp_xml_get(struct sipp_element *e, const char *name);

/* The first attribute that nobody asked for, or NULL. */
const struct sipp_attribute *sipp_xml_unused(const struct sipp_element *e);

#endif
