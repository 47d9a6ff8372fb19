/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_INJECTION_H
#define WSLOAD_SIPP_INJECTION_H
/*
 * An injection file: a first line that says in which order its lines are taken, then one line per
 * call with fields between semicolons. Lines that begin with # and empty ones do not count. With
 * PRINTF=N the lines are patterns for N lines that exist only when they are asked for.
 */
#include <stdbool.h>
#include <stdint.h>
#include "engine/random.h"
#include "tools/wsload/sipp_error.h"
#include "tools/wsload/sipp_text.h"

enum sipp_order { SIPP_SEQUENTIAL, SIPP_RANDOM, SIPP_BY_USER };

struct sipp_row {
	char *text;    /* owned */
	unsigned line; /* of the file; 0: an action has made it */
};

struct sipp_injection {
	const char *name; /* the path that was given */
	enum sipp_order order;
	struct sipp_row *rows;
	uint32_t rows_len, rows_cap;
	uint32_t virtual_len; /* PRINTF; 0: the rows are what they are */
	uint32_t multiple, offset;
	uint32_t next; /* SEQUENTIAL */
};

/* `name` must stay. *error has the line; false as well when it cannot be read. */
bool sipp_injection_read(struct sipp_injection *in, const char *name, struct sipp_error *error);

/* The same from memory, for sipp_injection_read() and for tests. */
bool sipp_injection_parse(struct sipp_injection *in, const char *bytes, size_t len,
			  struct sipp_error *error);
void sipp_injection_free(struct sipp_injection *in);

/* Is it meant by file="..."? By the path that was given, or its last part. */
bool sipp_injection_is(const struct sipp_injection *in, struct span name);

uint32_t sipp_injection_lines(const struct sipp_injection *in);

/* The line of a new call. */
uint32_t sipp_injection_take(struct sipp_injection *in, uint32_t user, struct random *random);

/* Field n of a line; nothing when it has fewer, or there is no such line. */
void sipp_injection_field(const struct sipp_injection *in, uint32_t line, uint32_t n,
			  struct sipp_text *out);

/* The first line whose field n is `key`; -1: none. */
int64_t sipp_injection_find(const struct sipp_injection *in, uint32_t n, struct span key);

/* Another line at the end; or in the place of one that is there. False: no memory, no line. */
bool sipp_injection_insert(struct sipp_injection *in, struct span text);
bool sipp_injection_replace(struct sipp_injection *in, uint32_t line, struct span text);

#endif
