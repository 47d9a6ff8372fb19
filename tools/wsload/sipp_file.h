/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_SIPP_FILE_H
#define WSLOAD_SIPP_FILE_H
/* A whole file in memory. */
#include <stdbool.h>
#include "codec/span.h"

/* False: errno says why. At most 256 MB. The bytes are for sipp_file_free(). */
bool sipp_file_read(const char *path, struct span *out);
void sipp_file_free(struct span bytes);

#endif
