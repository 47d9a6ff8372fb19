/* SPDX-License-Identifier: Apache-2.0 */
/* A whole run of wsload with several threads, against an engine in the same process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "engine/sipring.h"
#include "tools/wsload/report.h"

static struct sipring *server;

static int
start_server(void **state)
{
	(void)state;
	server = sipring_new();
	assert_non_null(server);
	assert_int_equal(sipring_listen(server, "ws:127.0.0.1:0"), SIPRING_OK);
	assert_int_equal(sipring_start(server), SIPRING_OK);
	return 0;
}

static int
stop_server(void **state)
{
	(void)state;
	sipring_drain(server);
	sipring_wait(server);
	sipring_free(server);
	return 0;
}

static uint64_t
operations_of(char *scenario, char *more, char *value)
{
	static struct options options;
	static struct plan plan;
	static struct result result;
	char url[128];
	char *argv[] = { (char[]){ "wsload" },
			 url,
			 (char[]){ "--scenario" },
			 scenario,
			 (char[]){ "--threads" },
			 (char[]){ "3" },
			 (char[]){ "--connections" },
			 (char[]){ "12" },
			 (char[]){ "--duration" },
			 (char[]){ "300ms" },
			 (char[]){ "--warm-up" },
			 (char[]){ "50ms" },
			 (char[]){ "--quiet" },
			 (char[]){ "--max-lag" },
			 (char[]){ "10s" },
			 more,
			 value,
			 NULL };
	const char *error;
	uint64_t operations;

	snprintf(url, sizeof(url), "%s", sipring_url(server, 0));
	assert_int_equal(
		options_read(&options, sizeof(argv) / sizeof(*argv) - 1, argv, stdout, stderr),
		OPTIONS_RUN);
	assert_null(plan_init(&plan, &options));
	assert_int_equal(run(&plan, &result, &error), 0);
	if (!run_is_good(&plan, &result))
		report_text(&plan, &result, stderr);
	assert_true(run_is_good(&plan, &result));
	operations = tally_read(&result.tally, TALLY_operations);
	assert_int_equal(result.tally.times[TALLY_TIME_operation].total, operations);
	run_free(&result);
	plan_fini(&plan);
	return operations;
}

static void
threads_share_the_clients(void **state)
{
	(void)state;
	assert_true(operations_of((char[]){ "message" }, (char[]){ "--depth" }, (char[]){ "3" }) >
		    10);
	assert_true(operations_of((char[]){ "call" }, (char[]){ "--depth" }, (char[]){ "2" }) > 10);
	assert_true(operations_of((char[]){ "mixed" }, (char[]){ "--depth" }, (char[]){ "3" }) >
		    10);
	assert_int_equal(operations_of((char[]){ "storm" }, (char[]){ "--backoff" },
				       (char[]){ "exponential:50ms" }),
			 12);
	assert_true(operations_of((char[]){ "churn" }, (char[]){ "--opening" }, (char[]){ "9" }) >
		    10);
}

static void
threads_share_the_time_line(void **state)
{
	uint64_t operations;

	(void)state;
	operations = operations_of((char[]){ "options" }, (char[]){ "--rate" }, (char[]){ "1000" });
	assert_in_range(operations, 299, 301);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_share_the_clients, start_server,
						stop_server),
		cmocka_unit_test_setup_teardown(threads_share_the_time_line, start_server,
						stop_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
