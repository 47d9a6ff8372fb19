/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/memory_limit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* v1 writes what is no limit as a number: the largest that a whole page can end at. */
#define NO_LIMIT (UINT64_C(1) << 60)

/* The number in a file, or UINT64_MAX: there is no file, or "max". */
static uint64_t
limit_in(const char *directory, const char *name)
{
	char path[PATH_MAX + 64], line[32];
	uint64_t limit = UINT64_MAX;
	FILE *file;
	char *end;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return UINT64_MAX;
	if (fgets(line, sizeof(line), file)) {
		limit = strtoull(line, &end, 10);
		if (end == line || limit >= NO_LIMIT)
			limit = UINT64_MAX;
	}
	fclose(file);
	return limit;
}

/* Of the group at `path` below `mount`, and of those above it. */
static uint64_t
lowest(const char *mount, const char *path, const char *name)
{
	char directory[PATH_MAX];
	size_t top = strlen(mount);
	uint64_t least = UINT64_MAX, limit;
	char *slash;

	if (snprintf(directory, sizeof(directory), "%s%s", mount, path) >= (int)sizeof(directory))
		return UINT64_MAX;
	do {
		limit = limit_in(directory, name);
		if (limit < least)
			least = limit;
		slash = strrchr(directory, '/');
		if (slash)
			*slash = '\0';
	} while (slash && strlen(directory) >= top);
	return least;
}

/* A line: number, controllers, path, with colons between; v2 has no controllers. */
static uint64_t
of_line(char *line, const char *root)
{
	char mount[PATH_MAX], *controllers = strchr(line, ':'), *path;

	line[strcspn(line, "\n")] = '\0';
	path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path)
		return UINT64_MAX;
	*path++ = '\0';
	controllers++;
	if (!*controllers)
		return lowest(root, path, "memory.max");
	if (strcmp(controllers, "memory") != 0)
		return UINT64_MAX;
	snprintf(mount, sizeof(mount), "%s/memory", root);
	return lowest(mount, path, "memory.limit_in_bytes");
}

uint64_t
memory_limit(const char *cgroups, const char *root)
{
	char line[PATH_MAX + 256];
	uint64_t least = UINT64_MAX, limit;
	FILE *file = fopen(cgroups, "re");

	if (!file)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), file)) {
		limit = of_line(line, root);
		if (limit < least)
			least = limit;
	}
	fclose(file);
	return least;
}
