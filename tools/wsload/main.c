/* SPDX-License-Identifier: Apache-2.0 */
/* wsload: arguments -> plan -> run -> report -> exit code. */
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/report.h"

static int
load(const struct plan *plan)
{
	struct result *result = malloc(sizeof(*result));
	const char *error = "out of memory";
	int code = result ? run(plan, result, &error) : -1;

	if (code < 0) {
		fprintf(stderr, "wsload: %s\n", error);
	} else {
		report_text(plan, result, plan->options.json ? stderr : stdout);
		if (plan->options.json)
			report_json(plan, result, stdout);
		code = run_is_good(result) ? 0 : -1;
	}
	free(result);
	return code < 0 ? 1 : 0;
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
		wrong = plan_init(plan, options);
		if (wrong) {
			fprintf(stderr, "wsload: %s\n", wrong);
			break;
		}
		code = load(plan);
		plan_fini(plan);
		break;
	}
	free(options);
	free(plan);
	return code;
}
