/* SPDX-License-Identifier: Apache-2.0 */
/* An opensips.cfg: what is made of it is a file that our own reader takes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/opensips_import.h"
#include "engine/settings_file.h"

static void
check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings s;
	char error[SETTINGS_ERROR_MAX] = "";
	char *yaml = NULL, *report = NULL;
	size_t yaml_len, report_len;
	FILE *out = open_memstream(&yaml, &yaml_len);
	FILE *said = open_memstream(&report, &report_len);
	bool good;

	check(out && said);
	good = opensips_import("fuzzed", span_of(data, size), out, said, error);
	check(fclose(out) == 0 && fclose(said) == 0);
	if (good) {
		settings_init(&s);
		check(settings_file_parse(&s, "printed", yaml, yaml_len, error));
	} else {
		check(yaml_len == 0 && strncmp(error, "fuzzed:", 7) == 0);
	}
	free(yaml);
	free(report);
	return 0;
}
