/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file: what is taken is printed as a file that says the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/settings_file.h"

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static char *
print(const struct settings *s, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	check(out != NULL);
	settings_print(s, out);
	check(fclose(out) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings first, second;
	char error[SETTINGS_ERROR_MAX] = "";
	size_t len, again_len;
	char *text, *again;

	settings_init(&first);
	if (!settings_file_parse(&first, "fuzzed", (const char *)data, size, error)) {
		check(strncmp(error, "fuzzed:", 7) == 0 && !strchr(error, '\n'));
		return 0;
	}
	if (!settings_finish(&first, error))
		return 0;
	text = print(&first, &len);
	settings_init(&second);
	check(settings_file_parse(&second, "printed", text, len, error));
	check(settings_finish(&second, error));
	again = print(&second, &again_len);
	check(len == again_len && memcmp(text, again, len) == 0);
	free(again);
	free(text);
	return 0;
}
