/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_ERROR_H
#define WSLOAD_SIPP_ERROR_H
/* What is wrong with a scenario or an injection file, and where. The first error stays. */
#include <stdbool.h>

struct sipp_error {
	bool set;
	unsigned line; /* from 1; 0: of no line */
	char text[256];
};

/* Always false, for `return sipp_error(...)`. */
bool sipp_error(struct sipp_error *e, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
