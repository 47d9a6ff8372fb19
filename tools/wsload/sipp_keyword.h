/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_KEYWORD_H
#define WSLOAD_SIPP_KEYWORD_H
/* One keyword: what stands between two square brackets. */
#include "tools/wsload/sipp_template.h"

/*
 * Fill in the piece for the keyword text[0..len), on this line of the file. False: it is unknown,
 * not supported, or wrong. sipp_template_free() of its template frees what it holds either way.
 */
bool sipp_keyword_read(struct sipp_piece *piece, struct span text, unsigned line,
		       const struct sipp_names *names);

#endif
