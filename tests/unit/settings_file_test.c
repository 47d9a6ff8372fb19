/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: every way to write a setting, and every way to write it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "engine/settings_file.h"

static struct settings s;
static char error[SETTINGS_ERROR_MAX];

static int
set_up(void **state)
{
	(void)state;
	settings_init(&s);
	memset(error, 0x55, sizeof(error));
	return 0;
}

static bool
parse(const char *text)
{
	return settings_file_parse(&s, "x.yaml", text, strlen(text), error);
}

static void
take(const char *text)
{
	if (!parse(text))
		fail_msg("%s", error);
}

static void
takes_nothing(void **state)
{
	struct settings before = s;

	(void)state;
	take("");
	take("# a comment\n");
	take("---\n# a comment\n...\n");
	take("{}\n");
	assert_memory_equal(&s, &before, sizeof(s));
}

static void
takes_names_flat_and_nested(void **state)
{
	(void)state;
	take("ws_send_timeout: 250\n"
	     "routing.mode: echo\n"
	     "registrar:\n"
	     "  min_expires: 10\n"
	     "  max_expires: 20\n"
	     "pin_loops: no\n"
	     "ws_resource: \"/sip\"\n");
	assert_int_equal(s.ws_send_timeout_ms, 250);
	assert_int_equal(s.routing_mode, SETTINGS_MODE_ECHO);
	assert_int_equal(s.expires_min_s, 10);
	assert_int_equal(s.expires_max_s, 20);
	assert_false(s.pin_loops);
	assert_string_equal(s.ws_resource, "/sip");
	assert_true(s.given[SETTINGS_AT_ws_send_timeout_ms]);
	assert_false(s.given[SETTINGS_AT_expires_default_s]);
}

static void
takes_lists(void **state)
{
	(void)state;
	take("listen:\n"
	     "  - ws:127.0.0.1:8080\n"
	     "  - \"ws:[::1]:8081\"\n"
	     "upstream: \"sip:127.0.0.1:5080;transport=ws\"\n"
	     "routing:\n"
	     "  domains: [ a.example, b.example ]\n");
	assert_int_equal(s.listeners_len, 2);
	assert_int_equal(s.listeners[1].port, 8081);
	assert_int_equal(s.upstreams_len, 1);
	assert_string_equal(s.routing_domains, "a.example,b.example");
}

static void
takes_domains(void **state)
{
	(void)state;
	take("tls:\n"
	     "  certificate: [ ec.pem, rsa.pem ]\n"
	     "  private_key: [ ec.key, rsa.key ]\n"
	     "  server_domains:\n"
	     "    shop:\n"
	     "      match_sip_domain: shop.example\n"
	     "      certificate: shop.pem\n"
	     "  client_domains:\n"
	     "    client: { verify_cert: 0 }\n"
	     "    trunk: { ca_list: trunk.pem }\n");
	assert_int_equal(s.domains_len, 4);
	assert_string_equal(s.domains[0].certificate, "ec.pem,rsa.pem");
	assert_int_equal(s.domains[1].verify_cert, SETTINGS_VERIFY_0);
	assert_string_equal(s.domains[2].name, "shop");
	assert_false(s.domains[2].client);
	assert_string_equal(s.domains[2].match_sip_domain, "shop.example");
	assert_string_equal(s.domains[2].certificate, "shop.pem");
	assert_true(s.domains[3].client);
	assert_string_equal(s.domains[3].ca_list, "trunk.pem");
}

static void
takes_aliases(void **state)
{
	(void)state;
	take("tcp_connect_timeout: &patience 1234\nws_handshake_timeout: *patience\n");
	assert_int_equal(s.ws_handshake_timeout_ms, 1234);
}

/* What is printed may hold anything that a text may. */
static void
prints_what_it_reads(void **state)
{
	static const char odd[] = "tls.certificate=[shop]a \"b\" \\c \xc3\xa4\xc2\x85 "
				  "\xe2\x80\xa8\xef\xbb\xbf\xf0\x9f\x93\x9e # d: e";
	struct settings again;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	take("tls: { server_domains: { shop: { private_key: k } }, client_domains: { x: {} } }\n"
	     "routing: { mode: echo }\n"
	     "listen: ws:127.0.0.1\n"
	     "upstream: [ \"sips:[::1];transport=ws;name=a.example\" ]\n");
	assert_true(settings_set(&s, odd, error));
	settings_print(&s, out);
	assert_int_equal(fclose(out), 0);
	settings_init(&again);
	if (!settings_file_parse(&again, "printed", text, len, error))
		fail_msg("%s\n%s", error, text);
	memset(s.given, true, sizeof(s.given)); /* all are printed */
	assert_memory_equal(&again, &s, sizeof(s));
	free(text);
}

struct refusal {
	const char *text;
	const char *words[3]; /* all are in the error */
};

static void
refuses(void **state)
{
	static const struct refusal refusals[] = {
		{ "ws_prot: 80\n", { "x.yaml:1:", "'ws_prot'", "'ws_port'" } },
		{ "\n\nws_port: x\n", { "x.yaml:3:", "'ws_port'", "1 to 65535" } },
		{ "ws_port:\n", { "x.yaml:1:", "'ws_port'", "no value" } },
		{ "ws_port: \"\"\n", { "x.yaml:1:", "'ws_port'" } },
		{ "ws_port: [1, 2]\n", { "x.yaml:1:", "'ws_port'", "not a list" } },
		{ "ws_port: { a: 1 }\n", { "x.yaml:1:", "'ws_port'", "not a map" } },
		{ "ws_port: 1\nlog_rate: 5\nws_port: 2\n", { "x.yaml:3:", "'ws_port'", "twice" } },
		{ "routing: { mode: echo }\nrouting.mode: echo\n", { "x.yaml:2:", "twice" } },
		{ "routing:\n  mode: magic\n", { "x.yaml:2:", "'magic'", "registrar|echo" } },
		{ "routing:\n  modes: echo\n", { "x.yaml:2:", "'routing.modes'", "did you mean" } },
		{ "routing: echo\n", { "x.yaml:1:", "'routing'" } },
		{ "listen: [ ws:nowhere ]\n", { "x.yaml:1:", "'ws:nowhere'", "not an IP" } },
		{ "listen:\n- ws:127.0.0.1\n- [a]\n", { "x.yaml:3:", "'listen'", "one text" } },
		{ "listen: { a: b }\n", { "x.yaml:1:", "'listen'", "not a map" } },
		{ "routing.domains: [ \"a,b\" ]\n", { "x.yaml:1:", "comma" } },
		{ "routing.domains: \"a\\0b\"\n", { "x.yaml:1:", "control character" } },
		{ "ws_port: |\n  80\n", { "x.yaml:1:", "'ws_port'", "control character" } },
		{ "\"a=b\": c\n", { "x.yaml:1:", "'='" } },
		{ "? [a]\n: b\n", { "x.yaml:1:", "one text" } },
		{ "- a\n", { "x.yaml:1:", "map of settings" } },
		{ "just text\n", { "x.yaml:1:", "map of settings" } },
		{ "a: [\n", { "x.yaml:2:", "no YAML" } },
		{ "a: b: c\n", { "x.yaml:1:", "no YAML" } },
		{ "\ta: b\n", { "x.yaml:1:", "no YAML" } },
		{ "a: \xff\n", { "x.yaml: byte 3:", "no YAML" } },
		{ "ws_port: *none\n", { "x.yaml:1:", "no YAML", "alias" } },
		{ "ws_port: 1\n---\nws_port: 1\n", { "x.yaml:2:", "second" } },
		{ "tls: { server_domains: { a: 5 } }\n", { "'a'", "must be a map" } },
		{ "tls: { server_domains: { \"a b\": {} } }\n", { "'a b'", "its name" } },
		{ "tls: { server_domains: { client: {} } }\n", { "'client'", "there already" } },
		{ "tls:\n server_domains:\n  a: {}\n  a: {}\n", { "x.yaml:4:", "'a'", "twice" } },
		{ "tls: { server_domains: { a: { handshakes: 5 } } }\n",
		  { "'tls.handshakes'", "not one of a TLS domain" } },
		{ "tls: { server_domains: [ a ] }\n", { "'tls.server_domains'" } },
		{ "trace_on: yes\n", { "'trace_on'", "this version" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		settings_init(&s);
		if (parse(refusals[i].text))
			fail_msg("taken: %s", refusals[i].text);
		assert_null(strchr(error, '\n'));
		for (int k = 0; k < 3 && refusals[i].words[k]; k++)
			if (!strstr(error, refusals[i].words[k]))
				fail_msg("'%s' is not in: %s", refusals[i].words[k], error);
	}
}

static char large[SETTINGS_FILE_BYTES_MAX + 1];

/* Append to large[]. */
static void append(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
append(const char *format, ...)
{
	size_t len = strlen(large), cap = sizeof(large) - len;
	va_list args;

	va_start(args, format);
	assert_in_range(vsnprintf(large + len, cap, format, args), 0, cap - 1);
	va_end(args);
}

static void
begin(const char *text)
{
	large[0] = '\0';
	append("%s", text);
}

static void
check_refused(const char *word)
{
	assert_false(parse(large));
	if (!strstr(error, word))
		fail_msg("'%s' is not in: %s", word, error);
}

/* Aliases must not multiply the work, nor nesting the stack. */
static void
refuses_too_much(void **state)
{
	(void)state;
	begin("routing: &a0 { mode: echo }\n");
	for (int i = 1; i < 30; i++)
		append("a%d: &a%d { x: *a%d, y: *a%d }\n", i, i, i - 1, i - 1);
	check_refused("no setting is called");
	begin("");
	for (int i = 0; i < 12; i++)
		append("{ a: ");
	append("b");
	for (int i = 0; i < 12; i++)
		append("}");
	check_refused("nested deeper");
	begin("");
	for (int i = 0; i < 2000; i++)
		append("{ a: ");
	check_refused("no YAML");
	begin("log_level: &a info\nlisten: [ ");
	for (int i = 0; i < 5000; i++)
		append("*a,");
	append("]\n");
	check_refused("'info'");
	begin("routing.domains: [ ");
	for (int i = 0; i < 500; i++)
		append("abc, ");
	append("]\n");
	check_refused("longer than");
	begin("routing.domains: [ ");
	for (int i = 0; i < 5000; i++)
		append("\"\", ");
	append("]\n");
	check_refused("longer than");
	begin("routing.domains: ");
	for (int i = 0; i < 3000; i++)
		append("x");
	check_refused("longer than");
	begin("");
	for (int i = 0; i < 300; i++)
		append("x");
	append(": 1\n");
	check_refused("as long as");
}

static void
reads_files(void **state)
{
	char path[] = "/tmp/settings_file_test.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "ws_port: 81\n", 12), 12);
	assert_true(settings_file_read(&s, path, error));
	assert_int_equal(s.ws_port, 81);
	memset(large, '#', sizeof(large));
	assert_int_equal(pwrite(fd, large, sizeof(large), 0), sizeof(large));
	assert_false(settings_file_read(&s, path, error));
	assert_non_null(strstr(error, "larger than"));
	assert_int_equal(ftruncate(fd, SETTINGS_FILE_BYTES_MAX), 0);
	assert_true(settings_file_read(&s, path, error)); /* one comment */
	close(fd);
	unlink(path);
	assert_false(settings_file_read(&s, path, error));
	assert_non_null(strstr(error, "No such file"));
	assert_non_null(strstr(error, path));
	assert_false(settings_file_read(&s, "/tmp", error));
	assert_non_null(strstr(error, "directory"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(takes_nothing, set_up),
		cmocka_unit_test_setup(takes_names_flat_and_nested, set_up),
		cmocka_unit_test_setup(takes_lists, set_up),
		cmocka_unit_test_setup(takes_domains, set_up),
		cmocka_unit_test_setup(takes_aliases, set_up),
		cmocka_unit_test_setup(prints_what_it_reads, set_up),
		cmocka_unit_test_setup(refuses, set_up),
		cmocka_unit_test_setup(refuses_too_much, set_up),
		cmocka_unit_test_setup(reads_files, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
