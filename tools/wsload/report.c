/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wsload/report.h"

#include <errno.h>
#include <string.h>

typedef void (*report_fn)(const struct plan *plan, const struct result *result, FILE *out);

static bool
write_file(const char *path, report_fn report, const struct plan *plan, const struct result *result)
{
	FILE *out = fopen(path, "we");
	bool ok = out != NULL;

	if (ok) {
		report(plan, result, out);
		ok = !ferror(out);
		ok = fclose(out) == 0 && ok;
	}
	if (!ok)
		fprintf(stderr, "wsload: %s: %s\n", path, strerror(errno));
	return ok;
}

static bool
write_files(const struct plan *plan, const struct result *result)
{
	static const report_fn reports[] = {
#define REPORT(name, option) report_##name,
		OPTIONS_FILES(REPORT)
#undef REPORT
	};
	bool ok = true;

	for (int i = 0; i < OPTIONS_FILES_COUNT; i++)
		if (plan->options.files[i])
			ok = write_file(plan->options.files[i], reports[i], plan, result) && ok;
	return ok;
}

bool
report_all(const struct plan *plan, const struct result *result)
{
	report_text(plan, result, plan->options.json ? stderr : stdout);
	if (plan->options.json)
		report_json(plan, result, stdout);
	return write_files(plan, result) && run_is_good(plan, result);
}
