/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (1u << 28)

static char *
read_all(FILE *in, size_t *len)
{
	size_t cap = 65536, n;
	char *bytes = malloc(cap), *more;

	*len = 0;
	while (bytes && (n = fread(bytes + *len, 1, cap - *len, in)) > 0) {
		*len += n;
		if (*len < cap)
			continue;
		cap *= 2;
		more = cap <= FILE_MAX ? realloc(bytes, cap) : NULL;
		if (!more) {
			free(bytes);
			errno = EFBIG;
		}
		bytes = more;
	}
	if (bytes && ferror(in)) {
		free(bytes);
		bytes = NULL;
	}
	return bytes;
}

bool
file_read(const char *path, struct span *out)
{
	FILE *in = fopen(path, "re");
	int error;

	*out = span_of(NULL, 0);
	if (!in)
		return false;
	out->at = read_all(in, &out->len);
	error = errno;
	fclose(in);
	errno = error;
	return out->at != NULL;
}

void
file_free(struct span bytes)
{
	free((void *)(uintptr_t)bytes.at);
}
