/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/sipp_error.h"

#include <stdarg.h>
#include <stdio.h>

bool
sipp_error(struct sipp_error *e, unsigned line, const char *format, ...)
{
	va_list list;

	if (e->set)
		return false;
	e->set = true;
	e->line = line;
	va_start(list, format);
	vsnprintf(e->text, sizeof(e->text), format, list);
	va_end(list);
	return false;
}
