/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sip_data.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_LEN 4096

const char *
sip_data_path(const char *folder, const char *file)
{
	static char path[PATH_LEN];
	const char *root = getenv("SIPRING_SHARED_DATA");

	snprintf(path, sizeof(path), "%s/%s/%s",
		 root && *root ? root : SIPRING_SOURCE_DIR "/../shared/data", folder, file);
	return path;
}

bool
sip_data_present(const char *folder)
{
	struct stat st;

	if (stat(sip_data_path(folder, ""), &st) == 0)
		return true;
	printf("SKIP: no %s (set SIPRING_SHARED_DATA)\n", sip_data_path(folder, ""));
	return false;
}

struct span
sip_data_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct span text = { NULL, 0 };
	struct stat st;
	char *bytes;

	if (!file)
		return text;
	if (fstat(fileno(file), &st) == 0 && (bytes = malloc((size_t)st.st_size + 1)) != NULL)
		text = span_of(bytes, fread(bytes, 1, (size_t)st.st_size, file));
	fclose(file);
	return text;
}

static size_t
walk(const char *path, void (*each)(void *arg, const char *path, struct span text), void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct span text;
	size_t n = 0;

	if (dir) {
		while ((entry = readdir(dir)) != NULL) {
			char name[PATH_LEN];

			if (entry->d_name[0] == '.')
				continue;
			snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
			n += walk(name, each, arg);
		}
		closedir(dir);
		return n;
	}
	if (strstr(path, "/README.md") || strstr(path, "/index.json"))
		return 0;
	text = sip_data_read(path);
	if (!text.at)
		return 0;
	each(arg, path, text);
	free((void *)(uintptr_t)text.at);
	return 1;
}

size_t
sip_data_each(const char *folder, void (*each)(void *arg, const char *path, struct span text),
	      void *arg)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s", sip_data_path(folder, ""));
	return walk(path, each, arg);
}
