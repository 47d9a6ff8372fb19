/* SPDX-License-Identifier: Apache-2.0 */
/* SIPp's files as wsload reads them: steps, keywords, injection files, distributions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "tools/wsload/sipp_scenario.h"

static struct sipp_error error;

static struct sipp_scenario *
read_text(const char *text)
{
	struct sipp_options options;
	const char *file;

	sipp_options_init(&options);
	error = (struct sipp_error){ 0 };
	return sipp_scenario_new(text, strlen(text), &options, &error, &file);
}

static void
labels_are_steps(void **state)
{
	struct sipp_scenario *s = read_text(
		"<scenario><nop next=\"b\"/><label id=\"a\"/><pause milliseconds=\"5\"/>"
		"<label id=\"b\"/><send><![CDATA[A]]></send><nop next=\"a\"/></scenario>");

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->main.len, 4);
	assert_int_equal(s->main.steps[0].next, 2);
	assert_int_equal(s->main.steps[3].next, 1);
	assert_int_equal(s->main.steps[1].next, SIPP_NONE);
	assert_false(s->answers);
	sipp_scenario_free(s);
}

static void
who_receives_first_answers(void **state)
{
	struct sipp_scenario *s =
		read_text("<scenario><nop/><recv request=\"INVITE\"/><send>A</send></scenario>");

	(void)state;
	assert_non_null(s);
	assert_true(s->answers);
	sipp_scenario_free(s);
}

static void
messages_lose_white_space_and_get_crlf(void **state)
{
	struct sipp_scenario *s = read_text(
		"<scenario><send><![CDATA[\n\n   A b  \n\tC: \\x5bd\n\n  body \n\n ]]></send>"
		"<send>\n  A\n  B\n</send></scenario>");

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->main.steps[0].message.len, 1);
	assert_string_equal(s->main.steps[0].message.pieces[0].text,
			    "A b\r\nC: [d\r\n\r\nbody\r\n");
	assert_string_equal(s->main.steps[1].message.pieces[0].text, "A\r\nB\r\n\r\n");
	sipp_scenario_free(s);
}

static void
errors_have_the_line(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *words;
	} rows[] = {
		{ "<scenario>\n<!-- \n -->\n<foo/></scenario>", 4, "<foo>" },
		{ "<scenario>\n<nop\n\n a=\"b\"/></scenario>", 2, "a is not" },
		{ "<scenario><send>\n<![CDATA[\nA\nB [c\nd]\n]]></send></scenario>", 4, "[c" },
		{ "<scenario><send>\nA\n [never\n</send></scenario>", 3, "never closes" },
		{ "<scenario>\n\n<recv/></scenario>", 3, "request or response" },
		{ "<scenario>\n<pause milliseconds=\"x\"/></scenario>", 2, "\"x\"" },
		{ "<scenario>\n<nop next=\"x\"/></scenario>", 2, "no such label" },
		{ "<scenario>\n<label id=\"x\"/>\n<label id=\"x\"/><nop/></scenario>", 3, "twice" },
		{ "<scenario>\n<nop>\n<action><assign assign_to=\"a\"/></action></nop></scenario>",
		  3, "value or variable" },
		{ "<scenario>\n<send>[field0]</send></scenario>", 2, "-inf" },
		{ "<scenario>\n<nop test=\"x\"/></scenario>", 2, "for next" },
		{ "<scenario>&other;</scenario>", 1, "not XML" },
		{ "<scenario/>", 1, "no command" },
		{ "", 0, "not XML" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sipp_scenario *s = read_text(rows[i].text);

		assert_null(s);
		assert_true(error.set);
		if (rows[i].line)
			assert_int_equal(error.line, rows[i].line);
		if (!strstr(error.text, rows[i].words))
			assert_string_equal(error.text, rows[i].words);
	}
}

static void
append(char text[4096], const char *more)
{
	size_t len = strlen(text);

	assert_true(len + strlen(more) < 4096);
	memcpy(text + len, more, strlen(more) + 1);
}

static void
keywords_nest_not_without_end(void **state)
{
	char text[4096] = "<scenario><send>";

	(void)state;
	for (int i = 0; i < 50; i++)
		append(text, "[field0 line=");
	for (int i = 0; i < 50; i++)
		append(text, "]");
	append(text, "</send></scenario>");
	assert_null(read_text(text));
	assert_non_null(strstr(error.text, "too"));
}

static void
patterns_of_lines(void **state)
{
	static const char text[] = "USERS,PRINTF=4,PRINTFMULTIPLE=2,PRINTFOFFSET=5\r\n"
				   "u%03d;x\r\n\n#no\r\n%-3d|;%d%%";
	static const char *const fields[][2] = {
		{ "u005", "x" }, { "7  |", "7%" }, { "u009", "x" }, { "11 |", "11%" }
	};
	struct sipp_injection in = { .name = "f" };
	struct sipp_text out = { 0 };

	(void)state;
	error = (struct sipp_error){ 0 };
	assert_true(sipp_injection_parse(&in, text, sizeof(text) - 1, &error));
	assert_int_equal(sipp_injection_lines(&in), 4);
	for (uint32_t line = 0; line < 4; line++)
		for (uint32_t n = 0; n < 2; n++) {
			sipp_text_cut(&out, 0);
			sipp_injection_field(&in, line, n, &out);
			assert_string_equal(out.at, fields[line][n]);
		}
	assert_int_equal(sipp_injection_find(&in, 0, SPAN("u009")), 2);
	assert_int_equal(sipp_injection_find(&in, 0, SPAN("u010")), -1);
	sipp_text_free(&out);
	sipp_injection_free(&in);
}

static void
wrong_injection_files(void **state)
{
	static const char *const texts[] = { "",
					     "SOMEHOW\na",
					     "SEQUENTIAL\n#only\n",
					     "SEQUENTIAL,PRINTF=0\na",
					     "RANDOM,PRINTF=3\n%s\n",
					     "RANDOM,PRINTF=3\n%100000d\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct sipp_injection in = { .name = "f" };

		error = (struct sipp_error){ 0 };
		assert_false(sipp_injection_parse(&in, texts[i], strlen(texts[i]), &error));
		assert_true(error.set && error.line > 0);
		sipp_injection_free(&in);
	}
}

/* The mean of many is that of the distribution. */
static void
distributions_have_their_means(void **state)
{
	static const struct {
		struct sipp_distribution d;
		double mean, within;
	} rows[] = {
		{ { SIPP_FIXED, 7, 0 }, 7, 1e-9 },      { { SIPP_UNIFORM, 10, 30 }, 20, 0.3 },
		{ { SIPP_NORMAL, 100, 10 }, 100, 0.5 }, { { SIPP_LOGNORMAL, 1, 0.5 }, 3.0802, 0.1 },
		{ { SIPP_EXPONENTIAL, 50, 0 }, 50, 2 }, { { SIPP_WEIBULL, 3, 4 }, 2.7192, 0.05 },
		{ { SIPP_PARETO, 5, 2 }, 2.5, 0.05 },   { { SIPP_GAMMA, 3, 2 }, 6, 0.2 },
		{ { SIPP_GAMMA, 0.5, 2 }, 1, 0.1 },     { { SIPP_NEGBIN, 0.1, 2 }, 18, 0.8 },
	};
	static struct random random;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		double sum = 0;

		for (int n = 0; n < 40000; n++)
			sum += sipp_distribution_take(&rows[i].d, &random);
		assert_true(fabs(sum / 40000 - rows[i].mean) <= rows[i].within);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_steps),
		cmocka_unit_test(who_receives_first_answers),
		cmocka_unit_test(messages_lose_white_space_and_get_crlf),
		cmocka_unit_test(errors_have_the_line),
		cmocka_unit_test(keywords_nest_not_without_end),
		cmocka_unit_test(patterns_of_lines),
		cmocka_unit_test(wrong_injection_files),
		cmocka_unit_test(distributions_have_their_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
