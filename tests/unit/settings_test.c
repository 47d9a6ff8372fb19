/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: what is refused, in which words; what is derived; what is printed is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "engine/log.h"
#include "engine/settings.h"
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

/* `words` are all in the error, which is one line. */
static void
check_error(const char *const words[3])
{
	assert_true(memchr(error, '\0', sizeof(error)) != NULL);
	assert_null(strchr(error, '\n'));
	for (int i = 0; i < 3 && words[i]; i++)
		if (!strstr(error, words[i]))
			fail_msg("'%s' is not in: %s", words[i], error);
}

struct refusal {
	const char *input;
	const char *words[3];
};

static void
refuses_assignments(void **state)
{
	static const struct refusal refusals[] = {
		{ "", { "NAME=VALUE" } },
		{ "ws_port", { "'ws_port'", "NAME=VALUE" } },
		{ "=5", { "name is missing" } },
		{ "  = 5", { "name is missing" } },
		{ "ws_port=", { "'ws_port'", "1 to 65535" } },
		{ "ws_port=80x", { "'ws_port'", "'80x'", "1 to 65535" } },
		{ "ws_port=-1", { "'ws_port'", "'-1'", "1 to 65535" } },
		{ "ws_port=+1", { "'ws_port'", "'+1'", "1 to 65535" } },
		{ "ws_port=8 0", { "'ws_port'", "'8 0'" } },
		{ "ws_port=0x50", { "'ws_port'", "'0x50'" } },
		{ "ws_port=0", { "'ws_port'", "0 is out of range", "1 to 65535" } },
		{ "ws_port=65536", { "'ws_port'", "65536 is out of range", "1 to 65535" } },
		{ "ws_port=4294967297", { "4294967297 is out of range" } },
		{ "ws_port=18446744073709551617", { "is out of range" } },
		{ "ws_port=99999999999999999999999999999999999", { "is out of range" } },
		{ "ws_send_timeout=0", { "'ws_send_timeout'", "1 to 600000 (ms)" } },
		{ "send_guard=never", { "'send_guard'", "'never'", "try|always" } },
		{ "send_guard=", { "'send_guard'", "try|always" } },
		{ "send_guard=tr", { "'tr'", "try|always" } },
		{ "send_guard=try|always", { "'send_guard'" } },
		{ "routing.mode=edgy", { "'routing.mode'", "'edgy'", "registrar|echo" } },
		{ "routing.received=maybe",
		  { "'routing.received'", "'maybe'", "yes (1, on, true)" } },
		{ "routing.domains=a\x01", { "'routing.domains'", "control character" } },
		{ "routing.domains=\xff", { "'routing.domains'", "UTF-8" } },
		{ "ws_send_timout=5", { "'ws_send_timout'", "did you mean 'ws_send_timeout'" } },
		{ "WS_PORT=5", { "'WS_PORT'" } },
		{ "max_expires=5", { "did you mean 'registrar.max_expires'" } },
		{ "routing.min_expires=5", { "did you mean 'registrar.min_expires'" } },
		{ "zebra=5", { "no setting is called 'zebra'", "--print-config" } },
		{ "trace_destination=x", { "'trace_destination'", "this version" } },
		{ "trace_on=1", { "'trace_on'", "this version" } },
		{ "trace_filter_route=x", { "'trace_filter_route'", "this version" } },
		{ "wss_port=0", { "'wss_port'", "1 to 65535" } },
		{ "tls.dh_params=x", { "'tls.dh_params'", "this version" } },
		{ "tls.certificate=[nobody]x", { "'tls.certificate'", "'nobody'" } },
		{ "tls.verify_cert=[client]maybe", { "'tls.verify_cert'", "0|1|auto" } },
		{ "tls.server_domain=", { "its name must be" } },
		{ "tls.server_domain=a b", { "'a b'", "its name must be" } },
		{ "tls.server_domain=client", { "'client'", "there already" } },
		{ "listen=ws:nowhere", { "'ws:nowhere'", "not an IP address" } },
	};
	struct settings before = s;

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (settings_set(&s, refusals[i].input, error))
			fail_msg("taken: '%s'", refusals[i].input);
		check_error(refusals[i].words);
		assert_memory_equal(&s, &before, sizeof(s));
	}
}

static void
refuses_what_is_too_long(void **state)
{
	size_t len = 70000;
	char *text = malloc(len + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', len);
	text[len] = '\0';
	assert_false(settings_set(&s, text, error));
	check_error((const char *const[3]){ "NAME=VALUE" });
	text[len - 1] = '=';
	assert_false(settings_set(&s, text, error));
	check_error((const char *const[3]){ "no setting has a name as long" });
	memcpy(text, "routing.domains=", 16);
	assert_false(settings_set(&s, text, error));
	check_error((const char *const[3]){ "'routing.domains'", "longer than 1023" });
	memcpy(text, "routing.host=", 13);
	text[13 + 256] = '\0';
	assert_false(settings_set(&s, text, error));
	check_error((const char *const[3]){ "'routing.host'", "256", "255" });
	text[13 + 255] = '\0';
	assert_true(settings_set(&s, text, error));
	free(text);
}

static void
refuses_listeners(void **state)
{
	static const struct refusal refusals[] = {
		{ "", { "ws:IP[:PORT]" } },
		{ "8080", { "ws:IP[:PORT]" } },
		{ "127.0.0.1:8080", { "ws:IP[:PORT]" } },
		{ "tcp:127.0.0.1:8080", { "ws:IP[:PORT]" } },
		{ "wss:", { "not an IP address" } },
		{ "wss:2001:db8::1", { "in brackets" } },
		{ "ws:", { "not an IP address" } },
		{ "ws::80", { "not an IP address" } },
		{ "ws://127.0.0.1", { "not an IP address" } },
		{ "ws:localhost:80",
		  { "'localhost' is not an IP address", "names are not looked up" } },
		{ "ws:1.2.3", { "'1.2.3' is not" } },
		{ "ws:1.2.3.4.5", { "'1.2.3.4.5' is not" } },
		{ "ws:1.2.3.256:80", { "'1.2.3.256' is not" } },
		{ "ws:[1.2.3.4]:80", { "'1.2.3.4' is not" } },
		{ "ws:::1", { "in brackets", "[::1]" } },
		{ "ws:[::1", { "ws:[IPv6][:PORT]" } },
		{ "ws:[::1]8080", { "ws:[IPv6][:PORT]" } },
		{ "ws:[]:80", { "'' is not" } },
		{ "ws:[fe80::1%eth0]:80", { "is not an IP address" } },
		{ "ws:[11111111111111111111111111111111111111111111111111111111111111111111]",
		  { "is not" } },
		{ "ws:1.2.3.4:", { "port ''", "0 (any free one) to 65535" } },
		{ "ws:1.2.3.4:65536", { "port '65536'", "65535" } },
		{ "ws:1.2.3.4:99999999999999999999", { "port '9999" } },
		{ "ws:1.2.3.4:80:80", { "port '80:80'" } },
		{ "ws:1.2.3.4:http", { "port 'http'" } },
		{ "ws:1.2.3.4:-1", { "port '-1'" } },
		{ "ws:1.2.3.4: 80", { "port ' 80'" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (settings_listen(&s, refusals[i].input, error))
			fail_msg("taken: '%s'", refusals[i].input);
		check_error(refusals[i].words);
		assert_int_equal(s.listeners_len, 0);
	}
}

static void
refuses_one_listener_too_many(void **state)
{
	(void)state;
	for (int i = 0; i < SETTINGS_LISTENERS_MAX; i++)
		assert_true(settings_listen(&s, "ws:127.0.0.1:0", error));
	assert_false(settings_listen(&s, "ws:127.0.0.1:0", error));
	check_error((const char *const[3]){ "16 listeners already" });
	assert_true(settings_finish(&s, error)); /* port 0 is no port: none is named twice */
}

static void
refuses_what_does_not_fit_together(void **state)
{
	static const struct {
		const char *sets[3];
		const char *words[3];
	} cases[] = {
		{ { "registrar.min_expires=3601" },
		  { "registrar.min_expires (3601", "default_expires (3600" } },
		{ { "registrar.default_expires=7201" },
		  { "default_expires (7201", "max_expires (7200" } },
		{ { "registrar.max_expires=60" }, { "default_expires (3600", "max_expires (60" } },
		{ { "handshake_bytes=2047" },
		  { "handshake_target_bytes (2048)", "handshake_bytes (2047)" } },
		{ { "upstream=sip:127.0.0.1;transport=ws" }, { "upstream", "echo" } },
		{ { "ws_reconnect_first=60001" }, { "ws_reconnect_first", "ws_reconnect_max" } },
		{ { "registrar.max_bindings=15" }, { "max_contacts (16)", "max_bindings (15)" } },
		{ { "routing.host=a b" }, { "'routing.host'", "'a b'" } },
		{ { "routing.host=a;b" }, { "'routing.host'" } },
		{ { "routing.domains=a,,b" }, { "'routing.domains'", "empty name" } },
		{ { "routing.domains=," }, { "empty name" } },
		{ { "routing.domains=a," }, { "empty name" } },
		{ { "routing.domains=a b" }, { "'a b' is no domain" } },
		{ { "routing.domains=a,sip:b@c" }, { "'sip:b@c' is no domain" } },
		{ { "listen=ws:1.2.3.4:5", "listen=ws:1.2.3.4:5" },
		  { "1.2.3.4 port 5 is named twice" } },
		{ { "listen=ws:[::1]:5", "listen=ws:[0:0::1]:5" },
		  { "::1 port 5 is named twice" } },
		{ { "listen=ws:1.2.3.4", "listen=ws:1.2.3.4:80" },
		  { "1.2.3.4 port 80 is named twice" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		settings_init(&s);
		for (int k = 0; k < 3 && cases[i].sets[k]; k++)
			assert_true(settings_set(&s, cases[i].sets[k], error));
		if (settings_finish(&s, error))
			fail_msg("taken: '%s'", cases[i].sets[0]);
		check_error(cases[i].words);
	}
}

static void
has_the_defaults_of_opensips_and_of_the_design(void **state)
{
	(void)state;
	assert_int_equal(s.ws_port, 80);
	assert_int_equal(s.ws_send_timeout_ms, 100);
	assert_int_equal(s.wss_port, 443);
	assert_int_equal(s.wss_send_timeout_ms, 100);
	assert_int_equal(s.wss_handshake_timeout_ms, 100);
	assert_int_equal(s.wss_tls_handshake_timeout_ms, 100);
	assert_string_equal(s.wss_resource, "/");
	assert_int_equal(s.require_origin, SETTINGS_ORIGIN_AUTO);
	assert_int_equal(s.ws_max_message, 65536);
	assert_int_equal(s.log_level, LOG_INFO);
	assert_true(s.routing_received);
	assert_string_equal(s.routing_domains, "");
	assert_true(settings_finish(&s, error));
	assert_int_equal(s.listeners_len, 1);
	assert_string_equal(s.listeners[0].address, "127.0.0.1");
	assert_int_equal(s.listeners[0].port, 8080);
	assert_int_equal(s.mode, SETTINGS_MODE_REGISTRAR);
	assert_int_equal(s.guard, SETTINGS_GUARD_TRY);
	assert_true(s.origin_required); /* W-S: OpenSIPS's default is 1 */
}

static void
every_default_is_in_its_range(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct settings again;

	(void)state;
	assert_non_null(out);
	settings_print(&s, out);
	assert_int_equal(fclose(out), 0);
	settings_init(&again);
	if (!settings_file_parse(&again, "printed", text, len, error))
		fail_msg("%s", error);
	memset(s.given, true, sizeof(s.given));
	assert_memory_equal(&again, &s, sizeof(s));
	free(text);
}

static void
takes_good_values(void **state)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "0", false },   { "1", true },  { "no", false },    { "yes", true },
		      { "off", false }, { "on", true }, { "false", false }, { "true", true } };
	char assignment[64];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(assignment, sizeof(assignment), "routing.received=%s", words[i].word);
		s.routing_received = !words[i].value;
		assert_true(settings_set(&s, assignment, error));
		assert_int_equal(s.routing_received, words[i].value);
	}
	assert_true(settings_set(&s, "ws_port=1", error));
	assert_int_equal(s.ws_port, 1);
	assert_true(settings_set(&s, " ws_port\t=  65535 ", error));
	assert_int_equal(s.ws_port, 65535);
	assert_true(settings_set(&s, "ws_port=0081", error));
	assert_int_equal(s.ws_port, 81);
	assert_true(settings_set(&s, "routing.domains=a.example, b.example,[2001:db8::1]", error));
	assert_string_equal(s.routing_domains, "a.example, b.example,[2001:db8::1]");
	assert_true(settings_set(&s, "routing.host=sip-1.example.org:443", error));
	assert_true(settings_finish(&s, error));
	assert_true(settings_set(&s, "routing.domains=", error));
	assert_string_equal(s.routing_domains, "");
}

static void
choices_are_their_enums(void **state)
{
	static const struct {
		const char *set;
		uint32_t value;
		size_t offset;
	} choices[] = {
#define CHOICE(set_, field_, value_) { set_, value_, offsetof(struct settings, field_) }
		CHOICE("log_level=error", log_level, LOG_ERROR),
		CHOICE("log_level=warn", log_level, LOG_WARN),
		CHOICE("log_level=info", log_level, LOG_INFO),
		CHOICE("log_level=debug", log_level, LOG_DEBUG),
		CHOICE("routing.mode=registrar", routing_mode, SETTINGS_MODE_REGISTRAR),
		CHOICE("routing.mode=echo", routing_mode, SETTINGS_MODE_ECHO),
		CHOICE("send_guard=try", send_guard, SETTINGS_GUARD_TRY),
		CHOICE("send_guard=always", send_guard, SETTINGS_GUARD_ALWAYS),
		CHOICE("require_origin=0", require_origin, SETTINGS_ORIGIN_0),
		CHOICE("require_origin=1", require_origin, SETTINGS_ORIGIN_1),
		CHOICE("require_origin=auto", require_origin, SETTINGS_ORIGIN_AUTO),
	};
	uint32_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		assert_true(settings_set(&s, choices[i].set, error));
		memcpy(&value, (char *)&s + choices[i].offset, sizeof(value));
		if (value != choices[i].value)
			fail_msg("%s: %u", choices[i].set, value);
	}
}

static void
derives_the_origin_rule(void **state)
{
	static const struct {
		const char *mode, *origin;
		bool required;
	} cases[] = {
		{ "routing.mode=registrar", "require_origin=auto", true },
		{ "routing.mode=echo", "require_origin=auto", false },
		{ "routing.mode=echo", "require_origin=1", true },
		{ "routing.mode=registrar", "require_origin=0", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		settings_init(&s);
		assert_true(settings_set(&s, cases[i].mode, error));
		assert_true(settings_set(&s, cases[i].origin, error));
		assert_true(settings_finish(&s, error));
		assert_int_equal(s.origin_required, cases[i].required);
	}
}

static void
rounds_up_to_powers_of_two(void **state)
{
	(void)state;
	assert_true(settings_set(&s, "receive_buffers=1025", error));
	assert_true(settings_set(&s, "queue_messages=65536", error));
	assert_true(settings_finish(&s, error));
	assert_int_equal(s.receive_buffers, 2048);
	assert_int_equal(s.queue_messages, 65536);
}

static void
takes_listeners(void **state)
{
	(void)state;
	assert_true(settings_listen(&s, "ws:127.0.0.1:0", error));
	assert_true(settings_listen(&s, "ws:0.0.0.0", error));
	assert_true(settings_listen(&s, "ws:[2001:DB8:0::1]:65535", error));
	assert_true(settings_set(&s, "listen=ws:[::]", error));
	assert_true(settings_set(&s, "ws_port=8088", error)); /* after the listeners that use it */
	assert_true(settings_finish(&s, error));
	assert_int_equal(s.listeners_len, 4);
	assert_string_equal(s.listeners[0].address, "127.0.0.1");
	assert_int_equal(s.listeners[0].port, 0);
	assert_string_equal(s.listeners[1].address, "0.0.0.0");
	assert_int_equal(s.listeners[1].port, 8088);
	assert_string_equal(s.listeners[2].address, "2001:db8::1");
	assert_int_equal(s.listeners[2].port, 65535);
	assert_string_equal(s.listeners[3].address, "::");
	assert_int_equal(s.listeners[3].port, 8088);
}

/* Longer waits than those of OpenSIPS, but only where nobody said otherwise. */
static void
mode_echo_is_patient(void **state)
{
	(void)state;
	assert_true(settings_set(&s, "routing.mode=echo", error));
	assert_true(settings_finish(&s, error));
	assert_int_equal(s.ws_send_timeout_ms, 20000);
	assert_int_equal(s.wss_send_timeout_ms, 20000);
	assert_int_equal(s.wss_handshake_timeout_ms, 20000);
	assert_int_equal(s.wss_tls_handshake_timeout_ms, 20000);
	assert_int_equal(s.ws_handshake_timeout_ms, 20000);
	assert_int_equal(s.tcp_connect_timeout_ms, 20000);

	settings_init(&s);
	assert_true(settings_set(&s, "ws_send_timeout=100", error)); /* the default, but said */
	assert_false(settings_set(&s, "ws_handshake_timeout=0", error)); /* said in vain */
	assert_true(settings_set(&s, "routing.mode=echo", error));
	assert_true(settings_set(&s, "tcp_connect_timeout=7", error));
	assert_true(settings_finish(&s, error));
	assert_int_equal(s.ws_send_timeout_ms, 100);
	assert_int_equal(s.ws_handshake_timeout_ms, 20000);
	assert_int_equal(s.tcp_connect_timeout_ms, 7);
}

/* The values in force, each of which is then set. */
static void
prints_what_it_reads(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct settings again;

	(void)state;
	assert_non_null(out);
	assert_true(settings_set(&s, "routing.mode=echo", error));
	assert_true(settings_set(&s, "ws_send_timeout=250", error));
	assert_true(settings_set(&s, "routing.received=off", error));
	assert_true(settings_set(&s, "routing.domains=a.example", error));
	assert_true(settings_listen(&s, "ws:[::1]:5", error));
	assert_true(settings_listen(&s, "ws:127.0.0.1", error));
	assert_true(settings_finish(&s, error));
	settings_print(&s, out);
	assert_int_equal(fclose(out), 0);
	settings_init(&again);
	assert_true(settings_file_parse(&again, "printed", text, len, error));
	assert_true(settings_finish(&again, error));
	memset(s.given, true, sizeof(s.given));
	assert_memory_equal(&again, &s, sizeof(s));
	free(text);
}

static void
prints_a_table(void **state)
{
	char *text = NULL, *line, *rest;
	size_t len, lines = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	settings_print_markdown(out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "| `ws_send_timeout` | 100 | ms | 1-600000 |"));
	assert_non_null(strstr(text, "| `send_guard` | try | try\\|always |"));
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest), lines++) {
		size_t bars = 0;

		for (size_t i = 0; line[i]; i++)
			bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
		assert_int_equal(bars, 6);
	}
	assert_true(lines > 30);
	free(text);
}

/* What depends on ws_max_message follows it, unless it was set. */
static void
derives_limits(void **state)
{
	(void)state;
	settings_init(&s);
	assert_true(settings_finish(&s, error));
	assert_int_equal(s.ws_max_fragments, 1024);
	assert_int_equal(s.ws_send_queue, 262144);
	settings_init(&s);
	assert_true(settings_set(&s, "ws_max_message=16777216", error));
	assert_true(settings_finish(&s, error));
	assert_int_equal(s.ws_max_fragments, 262144);
	assert_int_equal(s.ws_send_queue, 16777216 + 4096);
	settings_init(&s);
	assert_true(settings_set(&s, "ws_max_message=16777216", error));
	assert_true(settings_set(&s, "ws_max_fragments=7", error));
	assert_true(settings_finish(&s, error));
	assert_int_equal(s.ws_max_fragments, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_limits),
		cmocka_unit_test_setup(refuses_assignments, set_up),
		cmocka_unit_test_setup(refuses_what_is_too_long, set_up),
		cmocka_unit_test_setup(refuses_listeners, set_up),
		cmocka_unit_test_setup(refuses_one_listener_too_many, set_up),
		cmocka_unit_test_setup(refuses_what_does_not_fit_together, set_up),
		cmocka_unit_test_setup(has_the_defaults_of_opensips_and_of_the_design, set_up),
		cmocka_unit_test_setup(every_default_is_in_its_range, set_up),
		cmocka_unit_test_setup(takes_good_values, set_up),
		cmocka_unit_test_setup(choices_are_their_enums, set_up),
		cmocka_unit_test_setup(derives_the_origin_rule, set_up),
		cmocka_unit_test_setup(rounds_up_to_powers_of_two, set_up),
		cmocka_unit_test_setup(takes_listeners, set_up),
		cmocka_unit_test_setup(mode_echo_is_patient, set_up),
		cmocka_unit_test_setup(prints_what_it_reads, set_up),
		cmocka_unit_test_setup(prints_a_table, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
