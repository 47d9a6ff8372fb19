/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_HEADER_H
#define WSLOAD_SIPP_HEADER_H
/*
 * Lines of a message by name, whatever else may be wrong with it. Names are compared in any case;
 * the compact form of a known field is the same name.
 */
#include <stdbool.h>
#include <stddef.h>
#include "codec/span.h"

struct sipp_header {
	size_t next;       /* where the search goes on; 0: at the beginning */
	struct span line;  /* with folded lines, without the line end */
	struct span value; /* trimmed */
};

/* The next line with this name, whose colon and spaces behind do not matter. */
bool sipp_header_next(struct span message, struct span name, struct sipp_header *h);

/* The value of the first one; empty at NULL: there is none. */
struct span sipp_header_value(struct span message, struct span name);

/* The next line of head or body that begins with this text; `value` is what follows it. */
bool sipp_header_line(struct span message, struct span begin, bool any_case, struct sipp_header *h);

/* Bytes up to the body: head and empty line; 0: it does not end. */
size_t sipp_header_end(struct span message);

/* The URI in a From, To or Contact; and the tag of it, without ";tag=", or empty. */
struct span sipp_header_uri(struct span value);
struct span sipp_header_tag(struct span value);

#endif
