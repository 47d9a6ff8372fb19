/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What wsload reads of SIPp: by the first octet a scenario, an injection file, a message with
 * keywords, or the headers of a message that came. Each is taken or refused; an error has a text.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "tools/wsload/sipp_header.h"
#include "tools/wsload/sipp_scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* [file name=...] opens what is named. */
static bool
names_a_file(const char *text)
{
	return strstr(text, "[file ") != NULL;
}

static void
read_scenario(const char *text, size_t len)
{
	struct sipp_options options;
	struct sipp_error error = { 0 };
	const char *file;
	struct sipp_scenario *s;

	sipp_options_init(&options);
	s = sipp_scenario_new(text, len, &options, &error, &file);
	assert((s == NULL) == error.set);
	assert(!error.set || error.text[0]);
	for (uint32_t i = 0; s && i < s->main.len; i++)
		assert(s->main.steps[i].next == SIPP_NONE || s->main.steps[i].next <= s->main.len);
	sipp_scenario_free(s);
}

static void
read_injection(const char *text, size_t len)
{
	struct sipp_injection in = { .name = "a/b.csv" };
	struct sipp_error error = { 0 };
	struct sipp_text out = { 0 };

	if (sipp_injection_parse(&in, text, len, &error)) {
		assert(sipp_injection_lines(&in) > 0);
		for (uint32_t i = 0; i < 4; i++)
			sipp_injection_field(&in, i, i, &out);
		assert(sipp_injection_is(&in, SPAN("b.csv")));
	}
	sipp_text_free(&out);
	sipp_injection_free(&in);
}

static void
read_message(const char *text)
{
	struct sipp_options options;
	struct sipp_error error = { 0 };
	struct sipp_variables variables = { 0 };
	struct sipp_template t;
	const struct sipp_names names = { .variables = &variables,
					  .options = &options,
					  .error = &error };

	sipp_options_init(&options);
	assert(sipp_template_message(&t, text, 1, &names) != error.set);
	sipp_template_free(&t);
	sipp_variables_free(&variables);
}

static void
read_headers(const char *text, size_t len)
{
	struct span message = span_of(text, len);
	struct sipp_header h = { 0 };
	size_t lines = 0;

	while (sipp_header_next(message, SPAN("Via:"), &h)) {
		assert(h.line.at >= text && h.line.at + h.line.len <= text + len);
		sipp_header_tag(h.value);
		sipp_header_uri(h.value);
		lines++;
	}
	assert(lines <= len);
	h = (struct sipp_header){ 0 };
	while (sipp_header_line(message, SPAN("m="), true, &h))
		assert(h.next <= len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = size ? malloc(size) : NULL;

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 4 == 1)
		read_injection(text, size - 1);
	else if (data[0] % 4 == 3)
		read_headers(text, size - 1);
	else if (names_a_file(text))
		; /* see above */
	else if (data[0] % 4 == 2)
		read_message(text);
	else
		read_scenario(text, size - 1);
	free(text);
	return 0;
}
