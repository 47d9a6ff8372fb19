/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WSLOAD_FILE_H
#define WSLOAD_FILE_H
/* A whole file in memory. */
#include <stdbool.h>
#include "codec/span.h"

/* False: errno says why, out->at is NULL. At most 256 MB. The bytes are for file_free(). */
bool file_read(const char *path, struct span *out);
void file_free(struct span bytes);

#endif
