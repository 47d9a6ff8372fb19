/* SPDX-License-Identifier: Apache-2.0 */
/* wsload: arguments -> plan -> run -> report -> exit code; or `merge`, reports -> report. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "tools/wsload/bad.h"
#include "tools/wsload/merge.h"
#include "tools/wsload/report.h"

static int
load(const struct plan *plan)
{
	struct result *result = calloc(1, sizeof(*result));
	const char *error = "out of memory";
	bool good = false;

	if (!result || run(plan, result, &error) < 0) {
		fprintf(stderr, "wsload: %s\n", error);
	} else {
		good = report_all(plan, result);
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
	struct options *options;
	struct plan *plan;
	const char *wrong;
	int code = 1;

	if (argc > 1 && strcmp(argv[1], "merge") == 0)
		return merge_main(argc - 1, argv + 1);
	options = malloc(sizeof(*options));
	plan = malloc(sizeof(*plan));
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
	options_free(options);
	free(options);
	free(plan);
	return code;
}
