/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over the files of a directory, for builds without libFuzzer.
 * An empty or absent corpus is a failure: nothing would have been tested.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REPLAY_MAX (1u << 24) /* bytes of one input */

/* Exact-size copy, so that the sanitizer sees a read past the end. */
static int
replay_file(const char *path, uint8_t *buffer)
{
	FILE *file = fopen(path, "rb");
	size_t len;
	uint8_t *copy;

	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	len = fread(buffer, 1, REPLAY_MAX, file);
	fclose(file);
	copy = malloc(len ? len : 1);
	if (!copy)
		return -1;
	memcpy(copy, buffer, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

int
main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	uint8_t *buffer = malloc(REPLAY_MAX);
	struct dirent *entry;
	char path[4096];
	unsigned done = 0, failed = 0;

	if (!dir || !buffer) {
		fprintf(stderr, "usage: %s DIRECTORY: %s\n", argv[0], strerror(errno));
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (replay_file(path, buffer) < 0)
			failed++;
		else
			done++;
	}
	closedir(dir);
	free(buffer);
	printf("%u inputs replayed\n", done);
	return failed || !done;
}
