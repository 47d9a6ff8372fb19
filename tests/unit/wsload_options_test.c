/* SPDX-License-Identifier: Apache-2.0 */
/* wsload's command line: what is understood, and that wrong usage says what to type instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/wsload/options_value.h"
#include "tools/wsload/plan.h"

static struct options o;
static char said[8192];

/* Words separated by single spaces; what is said goes to said[]. */
static enum options_result
read_line(const char *line)
{
	char copy[512], *argv[64], *rest = copy, *word;
	enum options_result result;
	FILE *out = fmemopen(said, sizeof(said), "w");
	int argc = 0;

	assert_non_null(out);
	snprintf(copy, sizeof(copy), "wsload %s", line);
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	argv[argc] = NULL;
	memset(said, 0, sizeof(said));
	result = options_read(&o, argc, argv, out, out);
	fclose(out);
	return result;
}

static void
defaults_follow_from_what_is_given(void **state)
{
	(void)state;
	assert_int_equal(read_line("ws://127.0.0.1:8080/sip"), OPTIONS_RUN);
	assert_string_equal(o.scenario->name, "options");
	assert_string_equal(o.host, "127.0.0.1");
	assert_string_equal(o.path, "/sip");
	assert_string_equal(o.domain, "127.0.0.1");
	assert_string_equal(o.protocol, "sip");
	assert_int_equal(o.port, 8080);
	assert_int_equal(o.depth, 1);
	assert_int_equal(o.connections, 1);
	assert_int_equal(read_line("wss://127.0.0.1/sip"), OPTIONS_RUN);
	assert_true(o.secure);
	assert_int_equal(o.port, 443);
	assert_int_equal(read_line("--rate 100 ws://127.0.0.1"), OPTIONS_RUN);
	assert_false(o.secure);
	assert_int_equal(o.depth, 64);
	assert_int_equal(o.port, 80);
	assert_string_equal(o.path, "/");
	assert_int_equal(read_line("ws://[::1]:99 --scenario echo --domain a.b"), OPTIONS_RUN);
	assert_string_equal(o.protocol, "");
	assert_string_equal(o.host, "[::1]");
	assert_string_equal(o.domain, "a.b");
	assert_int_equal(o.server.ss_family, AF_INET6);
}

static void
stages_make_the_duration(void **state)
{
	(void)state;
	assert_int_equal(read_line("ws://127.0.0.1 --stages 10s:500,1m:500,0s:2000,5s:2000"),
			 OPTIONS_RUN);
	assert_int_equal(o.stages_len, 3);
	assert_true(o.duration_ns == UINT64_C(75000000000));
	assert_int_equal(o.warmup_ns, 0);
	assert_int_equal((int)o.stages[0].from, 0);
	assert_int_equal((int)o.stages[1].to, 500);
	assert_int_equal((int)o.stages[2].from, 2000);
	assert_int_equal((int)o.rate, 2000);
	assert_int_equal(o.depth, 64);
}

static void
wrong_usage_says_what_to_type(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{ "", "wsload ws://HOST:PORT" },
		{ "http://127.0.0.1", "begins with ws:// or wss://" },
		{ "ws://", "ws://127.0.0.1:8080/" },
		{ "ws://127.0.0.1:0", "from 1 to 65535" },
		{ "ws://127.0.0.1:x", "from 1 to 65535" },
		{ "ws://[::1", "port" },
		{ "ws://127.0.0.1 ws://127.0.0.1", "more than one URL" },
		{ "ws://127.0.0.1 --scenario optoins", "there are options register" },
		{ "ws://127.0.0.1 --connections 0", "give a number from 1" },
		{ "ws://127.0.0.1 --connections 5x", "give a number from 1" },
		{ "ws://127.0.0.1 --connections -1", "give a number from 1" },
		{ "ws://127.0.0.1 --rate fast", "as in 5000" },
		{ "ws://127.0.0.1 --duration 3d", "as in 30s" },
		{ "ws://127.0.0.1 --sources 127.0.0.9-127.0.0.1", "127.0.0.2-127.0.0.9" },
		{ "ws://127.0.0.1 --scenario register --depth 2", "leave out --depth" },
		{ "ws://127.0.0.1 --scenario message", "two --connections" },
		{ "ws://127.0.0.1 --scenario idle --rate 5", "leave out --rate" },
		{ "ws://127.0.0.1 --threads 2", "more --connections" },
		{ "ws://127.0.0.1 --stages 10s", "10s:100,30s:1000" },
		{ "ws://127.0.0.1 --stages 10s:x", "10s:100,30s:1000" },
		{ "ws://127.0.0.1 --stages 0s:5", "10s:100,30s:1000" },
		{ "ws://127.0.0.1 --slo p99<20", "as in 20ms" },
		{ "ws://127.0.0.1 --slo loss==0,speed>3", "begin with p99(TIME)" },
		{ "ws://127.0.0.1 --rate 5 --stages 9s:5", "type --stages 60s:5000" },
		{ "ws://127.0.0.1 --stages 9s:5 --rate 5", "or --rate 5000 --duration" },
		{ "ws://127.0.0.1 --stages 9s:5 --duration 5s", "leave out --duration" },
		{ "ws://127.0.0.1 --mix options=1", "--scenario mixed: add it" },
		{ "ws://127.0.0.1 --mix options", "options=2,message=6" },
		{ "ws://127.0.0.1 --mix echo=1", "options=2,message=6" },
		{ "ws://127.0.0.1 --mix options=0,call=0", "options=2,message=6" },
		{ "ws://127.0.0.1 --backoff fixed", "--scenario storm: add it" },
		{ "ws://127.0.0.1 --scenario storm --backoff slow", "exponential:1s:30s" },
		{ "ws://127.0.0.1 --scenario storm --rate 5", "leave out --rate" },
		{ "ws://127.0.0.1 --size 99", "leave it out" },
		{ "ws://127.0.0.1 --user alice", "--password: add it" },
		{ "ws://127.0.0.1 --insecure", "wss:// URLs" },
		{ "ws://127.0.0.1 --ca x", "wss:// URLs" },
		{ "wss://127.0.0.1 --ca x --insecure", "leave one out" },
		{ "wss://127.0.0.1 --no-resume", "churn or storm" },
		{ "ws://127.0.0.1 --keep-alive 1s --scenario churn", "leave it out with churn" },
		{ "ws://127.0.0.1 --keep-alive 1s:x", "30s:crlf" },
		{ "ws://127.0.0.1 --keep-alive 0", "30s:crlf" },
		{ "ws://127.0.0.1 --keep-alive 1s:crlf --scenario echo", "type --keep-alive 30s" },
		{ "ws://[::1] --sources 127.0.0.2", "leave them out" },
		{ "wss://127.0.0.1 --bad all", "type ws://" },
		{ "ws://127.0.0.1 --bad all --rate 5", "leave out --scenario" },
		{ "ws://127.0.0.1 --bad worse", "give all, or names" },
		{ "ws://127.0.0.1 --first 3", "an even number" },
		{ "ws://127.0.0.1 --cpu 1000", "give a lower --cpu" },
		{ "ws://127.0.0.1 --server-pid 4194303", "of no process here" },
		{ "ws://127.0.0.1 --nonsense", "wsload --help" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(read_line(cases[i].line), OPTIONS_WRONG);
		if (!strstr(said, cases[i].says))
			fail_msg("'%s' says '%s'", cases[i].line, said);
	}
}

static void
help_fits_two_screens(void **state)
{
	unsigned lines = 0, examples = 0;

	(void)state;
	assert_int_equal(read_line("--help"), OPTIONS_DONE);
	for (const char *at = said; (at = strchr(at, '\n')); at++) {
		lines++;
		examples += strncmp(at + 1, "  wsload ", 9) == 0;
	}
	assert_true(lines <= 2 * 48);
	assert_true(examples >= 3);
}

static void
mixes_and_laws(void **state)
{
	(void)state;
	assert_int_equal(read_line("ws://127.0.0.1 --scenario mixed --connections 2"), OPTIONS_RUN);
	assert_int_equal(o.mix[SCENARIO_MESSAGE], 6);
	assert_int_equal(
		read_line("ws://127.0.0.1 --scenario mixed --connections 2 --mix call=3,options=1"),
		OPTIONS_RUN);
	assert_int_equal(o.mix[SCENARIO_MESSAGE], 0);
	assert_int_equal(o.mix[SCENARIO_CALL], 3);
	assert_int_equal(o.mix[SCENARIO_OPTIONS], 1);
	assert_int_equal(read_line("ws://127.0.0.1 --scenario storm --backoff linear:2s"),
			 OPTIONS_RUN);
	assert_int_equal(o.backoff.law, BACKOFF_LINEAR);
	assert_true(o.backoff.base_ns == UINT64_C(2000000000));
	assert_true(o.backoff.max_ns == UINT64_C(30000000000));
	assert_int_equal(o.warmup_ns, 0);
	assert_int_equal(read_line("ws://127.0.0.1 --keep-alive 5s:crlf"), OPTIONS_RUN);
	assert_true(o.keepalive_crlf && o.keepalive_ns == UINT64_C(5000000000));
}

static void
durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "30s", UINT64_C(30000000000) }, { "500ms", 500000000 }, { "20us", 20000 },
		{ "2m", UINT64_C(120000000000) }, { "1.5", 1500000000 },  { "0", 0 },
	};
	static const char *const bad[] = { "", "s", "-1s", "1d", "1 s", "nan", "inf", "1e30h" };
	uint64_t ns;

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(options_duration(good[i].text, &ns));
		assert_true(ns == good[i].ns);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(options_duration(bad[i], &ns));
}

static void
source_addresses(void **state)
{
	(void)state;
	o.sources_len = 0;
	assert_true(options_sources(&o, "127.0.0.2-127.0.0.9,127.0.1.1"));
	assert_int_equal(o.sources_len, 9);
	assert_int_equal(ntohl(o.sources[0].s_addr), 0x7f000002);
	assert_int_equal(ntohl(o.sources[7].s_addr), 0x7f000009);
	assert_int_equal(ntohl(o.sources[8].s_addr), 0x7f000101);
	assert_false(options_sources(&o, "127.0.0.2-"));
	assert_false(options_sources(&o, "localhost"));
	assert_false(options_sources(&o, "127.0.0.1-127.1.0.1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_follow_from_what_is_given),
		cmocka_unit_test(stages_make_the_duration),
		cmocka_unit_test(wrong_usage_says_what_to_type),
		cmocka_unit_test(help_fits_two_screens),
		cmocka_unit_test(mixes_and_laws),
		cmocka_unit_test(durations),
		cmocka_unit_test(source_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
