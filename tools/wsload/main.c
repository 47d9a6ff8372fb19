/* SPDX-License-Identifier: Apache-2.0 */
/* wsload: arguments -> plan -> run -> report -> exit code. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "tools/wsload/bad.h"
#include "tools/wsload/report.h"

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

static int
load(const struct plan *plan)
{
	struct result *result = calloc(1, sizeof(*result));
	const char *error = "out of memory";
	bool good = false;

	if (!result || run(plan, result, &error) < 0) {
		fprintf(stderr, "wsload: %s\n", error);
	} else {
		report_text(plan, result, plan->options.json ? stderr : stdout);
		if (plan->options.json)
			report_json(plan, result, stdout);
		good = write_files(plan, result) && run_is_good(plan, result);
	}
	if (result)
		run_free(result);
	free(result);
	return good ? 0 : 1;
}

/* A connection needs a descriptor of its own while it comes about, if not for longer. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int
main(int argc, char **argv)
{
	struct options *options = malloc(sizeof(*options));
	struct plan *plan = malloc(sizeof(*plan));
	const char *wrong;
	int code = 1;

	if (!options || !plan) {
		fputs("wsload: out of memory\n", stderr);
		return 1;
	}
	switch (options_read(options, argc, argv, stdout, stderr)) {
	case OPTIONS_DONE:
		code = 0;
		break;
	case OPTIONS_WRONG:
		code = 2;
		break;
	case OPTIONS_RUN:
		raise_descriptors();
		wrong = plan_init(plan, options);
		if (wrong) {
			fprintf(stderr, "wsload: %s\n", wrong);
			break;
		}
		code = options->bad ? !bad_run(plan, stdout) : load(plan);
		plan_fini(plan);
		break;
	}
	free(options);
	free(plan);
	return code;
}
